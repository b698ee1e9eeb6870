"""Does it pay to let the model pick the sentences to label? A rare stance in real prose.

    python experiments/retraining/picking.py

`denial` is learned anew from the labelled real sentences, about one in twelve of which has it. 50 random labels to begin
with, then rounds of 50, picked by `rhetoric.suggest.select` or at random, from 8,000 sentences; measured on 2,000 others;
five seeds. Deterministic. Writes the table into the README.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "experiments"), str(ROOT / "experiments/fast")]

from common import arguments, indicator, into_readme
from threat import best_f1
from train import training_records
from ways import fitted, probabilities, table

from rhetoric.model import StanceClassifier, feature_matrix
from rhetoric.suggest import select

SIZES = (50, 100, 150, 200, 300, 400)
SEEDS = range(5)


def main() -> None:
    args = arguments(__doc__).parse_args()
    records = [r for r in training_records(args.shared, args.cache) if r["register"] != "composed"]
    texts = [r["text"] for r in records]
    X = feature_matrix(texts, StanceClassifier.load("fast").settings_)
    y = indicator(records)[:, 1:2]
    results: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(records))
        test, pool = order[:2000], order[2000:10000]
        chosen = {"random": pool[:400].tolist(), "picked": pool[:50].tolist()}
        for n in SIZES:
            picked = chosen["picked"]
            while len(picked) < n:
                model = fitted(("denial",), X[picked], y[picked], np.ones(len(picked)))
                rest = np.setdiff1d(pool, picked)
                found = select(model, [texts[i] for i in rest], probabilities(model, X[rest]), 50, seed=seed)
                picked += rest[[i for i, _ in found]].tolist()
            for way, rows in chosen.items():
                own = rows[:n]
                model = fitted(("denial",), X[own], y[own], np.ones(n))
                p = probabilities(model, X[test])[:, 0]
                results.setdefault((way, n), []).append((best_f1(y[test, 0], p), float(y[own].sum())))
        print(seed, {k: np.round(v[-1], 2).tolist() for k, v in results.items()}, flush=True)
    rows = []
    for way in ("random", "picked"):
        values = [np.array(results[way, n]) for n in SIZES]
        rows.append([f"{way}: F1", *(f"{v[:, 0].mean():.2f} ({v[:, 0].min():.2f}-{v[:, 0].max():.2f})" for v in values)])
        rows.append([f"{way}: denials among the labels", *(f"{v[:, 1].mean():.0f}" for v in values)])
    into_readme(__file__, "picking", table(["labels", *map(str, SIZES)], rows))


if __name__ == "__main__":
    main()
