"""Does it pay to let `accurate` teach: a new stance, `threat`, and the old ones?

    python experiments/retraining/teaching.py [--tuned] [--pool 1500]

`threat`: the sentences of `threat.jsonl`, a quarter held out, three times; the rest is drawn at random. The teacher reads
real sentences of news and UN speeches (`experiments/labels/pool.py`) that nobody labelled for it. False alarms are counted
on the real sentences of the development set, hardly any of which is a threat. Old stances: the development set, which is
of the pool's kind. `--tuned` (torch) measures the tuned teacher alone, on one drawing of 200. Deterministic. Writes the
tables into the README.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "experiments"), str(ROOT / "experiments/fast"), str(ROOT / "experiments/teacher")]

import common
from common import arguments, gold, indicator, into_readme, read
from data import held_out
from threat import best_f1
from ways import f1, table

import rhetoric
from rhetoric.model import StanceClassifier, Taught
from rhetoric.replay import Replay
from rhetoric.storage import shipped_models
from rhetoric.training import _negatives

SIZES = (50, 100, 200, 400)
SEEDS = range(3)


class Remembering:
    """Encodes every sentence once, whoever asks."""

    def __init__(self, teacher, texts):
        self.teacher, self.encode, self.texts = teacher, teacher._encode, texts
        self.all = self.encode(texts)
        self.place = {text: i for i, text in enumerate(texts)}
        teacher._encode = self.recalled

    def recalled(self, sentences, plain=0):
        from rhetoric.teacher import _Encoded

        wanted = [self.place[text] for text in sentences]
        low, high = self.all.first, np.append(self.all.first[1:], len(self.all.rows))
        at = np.concatenate([np.arange(low[i], high[i]) for i in wanted])
        rows = np.repeat(np.arange(len(wanted)), [high[i] - low[i] for i in wanted])
        states = [self.all.states[i] for i in at] if self.all.states else []
        return _Encoded(len(wanted), plain, rows, self.all.vectors[at], self.all.logits[at], states)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--pool", type=int, default=1500)
    parser.add_argument("--tuned", action="store_true")
    args = parser.parse_args()
    from rhetoric.teacher import Teacher, TunedTeacher

    records = read(Path(__file__).with_name("threat.jsonl"))
    texts = [r["text"] for r in records]
    y = np.array([[float(bool(r["stances"]))] for r in records])
    dev = gold(args.shared)
    real, truth = [r["text"] for r in dev], indicator(dev)
    rows = common.pool(args.cache)
    drawn = np.random.default_rng(0).permutation(len(rows))[: 2 * args.pool]
    pool = list(dict.fromkeys(rows[i]["text"] for i in drawn if not held_out(rows[i])))[: args.pool]
    if args.tuned:
        order = np.random.default_rng(0).permutation(len(texts))
        test, chosen = order[: len(order) // 4], order[len(order) // 4 :][:200]
        body = []
        for name, kind in (("head", Teacher), ("last two layers tuned", TunedTeacher)):
            began = time.process_time()
            said = kind().lesson(
                [texts[i] for i in chosen], y[chosen], np.ones(200), ("threat",), pool[:200], [texts[i] for i in test]
            )(np.arange(200))[200:, 0]
            seconds = time.process_time() - began
            body.append([name, f"{best_f1(y[test][:, 0], said):.3f}", f"{precision(y[test][:, 0], said):.3f}", round(seconds)])
            print(body[-1], flush=True)
        head = ["teacher, 200 labels", "F1 at the best threshold", "average precision", "seconds of a core"]
        into_readme(__file__, "tuned", table(head, body))
        return
    teacher = Teacher()
    Remembering(teacher, list(dict.fromkeys([*texts, *real, *pool])))
    shipped = StanceClassifier.load("fast")
    replay = Replay.of_folder(shipped_models()["fast"], shipped.settings_.buckets, 3)
    stances = (*rhetoric.STANCES, "threat")
    found: dict[tuple[str, int], list[list[float]]] = {}

    def fitted(chosen, taught=None):
        model = StanceClassifier(**shipped.get_params() | {"stances": stances, "folds": 0})
        target = np.column_stack([np.full((len(chosen), 3), np.nan), y[chosen]])
        return model.fit_from(
            shipped, [texts[i] for i in chosen], target, replay=_negatives(replay, 4), taught=taught
        )

    def note(name, n, p, alarms):
        found.setdefault((name, n), []).append([best_f1(y[test][:, 0], p), float((alarms >= least(y[test][:, 0], p)).mean())])
        print(n, name, np.round(found[name, n][-1], 3), flush=True)

    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(texts))
        test, rest = order[: len(order) // 4], order[len(order) // 4 :]
        held = [texts[i] for i in test]
        for n in SIZES:
            chosen = rest[:n]
            model = fitted(chosen)
            note("without", n, model.decision_function(held)[:, 3], model.decision_function(real)[:, 3])
            own, one = [texts[i] for i in chosen], np.ones(n)
            said = teacher.lesson(own, y[chosen], one, ("threat",), pool, [*held, *real])(np.arange(n))[:, 0]
            note("the teacher itself", n, said[len(pool) : -len(real)], said[-len(real) :])
            told = np.column_stack([np.full((len(pool), 3), np.nan), said[: len(pool)]])
            model = fitted(chosen, Taught(pool, told))
            note("taught", n, model.decision_function(held)[:, 3], model.decision_function(real)[:, 3])
            if n == 200:
                soft = y.copy()
                for part in range(5):
                    inside = np.arange(n) % 5 != part
                    asked = [texts[i] for i in chosen[~inside]]
                    taught = teacher.lesson([texts[i] for i in chosen], y[chosen], np.ones(n), ("threat",), pool, asked)
                    soft[chosen[~inside], 0] = taught(np.flatnonzero(inside))[len(pool) :, 0]
                model = StanceClassifier(**shipped.get_params() | {"stances": stances, "folds": 0})
                half = np.column_stack([np.full((n, 3), np.nan), (soft[chosen] + y[chosen]) / 2])
                model.fit_from(shipped, [texts[i] for i in chosen], half, replay=_negatives(replay, 4))
                note("half label, half teacher out of fold", n, model.decision_function(held)[:, 3], model.decision_function(real)[:, 3])
    names = list(dict.fromkeys(name for name, _ in found))
    parts = []
    for t, title in enumerate(("F1 at the best threshold, mean (lowest to highest)", "Share of real sentences found there")):
        body = []
        for name in names:
            cells = []
            for n in SIZES:
                v = np.array(found.get((name, n), np.zeros((0, 2))))[:, t]
                cells.append("-" if not len(v) else f"{v.mean():.2f}" + (f" ({v.min():.2f}-{v.max():.2f})" if t == 0 and len(v) > 1 else ""))
            body.append([name, *cells])
        parts.append(f"{title}:\n\n" + table(["labels", *map(str, SIZES)], body))
    into_readme(__file__, "teaching", "\n\n".join(parts))

    said = teacher.lesson(real[:1], np.full((1, 3), np.nan), np.ones(1), rhetoric.STANCES, pool)(np.arange(1))
    body = [["fast", *scores(truth, shipped.predict_proba(real), shipped)]]
    for size in (len(pool) // 3, len(pool)):
        model = StanceClassifier(**shipped.get_params() | {"folds": 0})
        none = np.full((1, 3), np.nan)
        model.fit_from(shipped, ["It rained."], none, taught=Taught(pool[:size], said[:size]))
        for name in ("slope_", "intercept_", "thresholds_"):
            setattr(model, name, getattr(shipped, name))
        body.append([f"fast, taught on {size:,} sentences", *scores(truth, model.predict_proba(real), model)])
    accurate = rhetoric.load("accurate")
    body.append(["accurate, the teacher", *scores(truth, accurate.predict_proba(real), accurate)])
    into_readme(__file__, "old-stances", table(["model", *rhetoric.STANCES, "mean"], body))


def scores(truth, p, model):
    each = [f1(truth[:, [k]], (p[:, [k]] >= model.thresholds_[k]).astype(float)) for k in range(truth.shape[1])]
    return [f"{value:.3f}" for value in (*each, float(np.mean(each)))]


def precision(truth, p) -> float:
    """Average precision."""
    hits = truth[np.argsort(-p, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits > 0].mean())


def least(truth, p) -> float:
    """The threshold of the best F1."""
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(truth[order])
    return float(p[order[int(np.argmax(2 * hits / (np.arange(1, len(p) + 1) + truth.sum())))]])


if __name__ == "__main__":
    main()
