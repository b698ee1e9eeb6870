"""A new stance, `threat`: how good from how many labels, and does it pay to let the model pick them?

    python experiments/retraining/threat.py

Learns from `threat.jsonl` (composed; half negatives, many of them hard: threats that are denied, condemned or made by the
weather). A quarter is held out, five times; from the rest labels are drawn at random, or picked by doubt in rounds of
twenty at most. With no label the shipped model does not know the stance: it finds none, and at best one calls every
sentence a threat. False alarms are counted on the real sentences of the development set, hardly any of which is a threat.
Deterministic. Writes the tables into the README.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "experiments"), str(ROOT / "experiments/fast")]

from common import arguments, gold, into_readme, read
from ways import f1, fitted, probabilities, stack, table

from rhetoric.model import StanceClassifier, feature_matrix
from rhetoric.replay import Replay
from rhetoric.storage import shipped_models
from rhetoric.suggest import select

SIZES = (20, 50, 100, 200, 400)
SEEDS = range(5)


def main() -> None:
    args = arguments(__doc__).parse_args()
    settings = StanceClassifier.load("fast").settings_
    records = read(Path(__file__).with_name("threat.jsonl"))
    texts = [r["text"] for r in records]
    X = feature_matrix(texts, settings)
    y = np.array([[float(bool(r["stances"]))] for r in records])
    real = feature_matrix([r["text"] for r in gold(args.shared)], settings)
    replay = Replay.of_folder(shipped_models()["fast"], settings.buckets, 3)
    negatives = replay.matrix[::10]
    rows: dict[str, list[list[float]]] = {}
    nothing: list[list[float]] = []

    def model_of(chosen, with_negatives):
        x, t, w = X[chosen], y[chosen], np.ones(len(chosen))
        if with_negatives:
            x = stack(x, negatives)
            t, w = np.concatenate([t, np.zeros((negatives.shape[0], 1))]), np.ones(x.shape[0])
        return fitted(("threat",), x, t, w)

    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(records))
        test, pool = order[: len(order) // 4], order[len(order) // 4 :]
        all_of_them = float(2 * y[test].mean() / (1 + y[test].mean()))
        nothing.append([0.0, all_of_them, 0.0])
        picked = list(pool[:20])
        for n in SIZES:
            while len(picked) < n:
                model = model_of(np.array(picked), True)
                rest = np.array([i for i in pool if i not in set(picked)])
                p = probabilities(model, X[rest])
                picked += [rest[i] for i, _ in select(model, [texts[i] for i in rest], p, min(20, n - len(picked)), seed=seed)]
            for name, chosen, with_negatives in (
                ("random, no negatives of the base", pool[:n], False),
                ("random", pool[:n], True),
                ("picked", np.array(picked[:n]), True),
            ):
                model = model_of(chosen, with_negatives)
                p = probabilities(model, X[test])
                alarms = float((probabilities(model, real) >= 0.5).mean())
                rows.setdefault(f"{name}|{n}", []).append([f1(y[test], p), best_f1(y[test][:, 0], p[:, 0]), alarms])
        print(seed, {k: np.round(v[-1], 2).tolist() for k, v in rows.items()}, flush=True)
    names = list(dict.fromkeys(k.split("|")[0] for k in rows))
    parts = []
    for t, title in enumerate(("F1 at 0.5, mean of five", "F1 at the best threshold, mean (lowest to highest)", "Share of real sentences found, at 0.5")):
        body = []
        for name in names:
            values = [np.array(nothing)[:, t], *(np.array(rows[f"{name}|{n}"])[:, t] for n in SIZES)]
            spread = [f" ({v.min():.2f}-{v.max():.2f})" if t == 1 else "" for v in values]
            body.append([name, *(f"{v.mean():.3f}{s}" if t == 2 else f"{v.mean():.2f}{s}" for v, s in zip(values, spread))])
        parts.append(f"{title}:\n\n" + table(["labels", "0", *map(str, SIZES)], body))
    into_readme(__file__, "threat", "\n\n".join(parts))


def best_f1(truth, p) -> float:
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(truth[order])
    return float(np.max(2 * hits / (np.arange(1, len(p) + 1) + truth.sum())))


if __name__ == "__main__":
    main()
