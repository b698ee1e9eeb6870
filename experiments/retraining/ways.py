"""Which way to train on top of the shipped model: its sentences replayed as feature ids, or its weights as a pull?

    python experiments/retraining/ways.py [--pool N]

A user's domain is played by one corpus (the MUC-4 radio and press reports): the base never sees it, 20 to 2,000 of its
sentences are the new labels, the rest of it the test; what may be lost is measured on held-out sentences of the other
corpora and on the development set. A user's new stance is played by `denial`: the base never sees its labels.
Deterministic. Writes the tables into the README.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "experiments"), str(ROOT / "experiments/fast")]

from common import arguments, gold, indicator, into_readme
from train import lesson, training_records

from rhetoric.features import FeatureSettings
from rhetoric.labels import group_near_duplicates
from rhetoric.model import StanceClassifier, _Prior, feature_matrix, sigmoid
from rhetoric.stances import STANCES

SIZES = (20, 100, 500, 2000)
NEW_STANCE_SIZES = (50, 200, 1000)
NEGATIVES = (0.0, 0.1)
DOMAIN = "muc4"


def f1(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Macro-F1 at 0.5."""
    found = probabilities >= 0.5
    return float(np.mean(2 * (truth * found).sum(0) / np.maximum(truth.sum(0) + found.sum(0), 1)))


def fitted(names, matrix, targets, weights, base=None, start=None, C=0.1):
    """A model of raw logits; ``base`` is pulled to, ``start`` only where the search begins."""
    model = StanceClassifier(names, C=C)
    settings = FeatureSettings()
    at = None
    if start is not None:
        prior = _Prior.of(start, names, settings)
        at = prior.weights, prior.bias
    model.weights_, model.bias_ = model._solve(matrix, targets, weights, _Prior.of(base, names, settings), at)
    model.classes_ = np.array(names, dtype=object)
    n = len(names)
    model.settings_, model.slope_, model.intercept_ = settings, np.ones(n), np.zeros(n)
    model.thresholds_, model.unsure_ = np.full(n, 0.5), np.tile([0.4, 0.6], (n, 1))
    return model


def probabilities(model, matrix):
    return sigmoid(matrix @ model.weights_.T.astype(np.float64) + model.bias_)


def stack(*parts):
    from scipy.sparse import vstack

    return vstack(parts, format="csr")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument(
        "--pool", type=int, default=15000, help="sentences of the teacher's pool that the base learns from"
    )
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    settings = FeatureSettings()
    records = training_records(args.shared, args.cache)
    texts = [r["text"] for r in records]
    X = feature_matrix(texts, settings)
    Y = indicator(records)
    register = np.array([r["register"] for r in records])
    groups = group_near_duplicates(texts)
    held = np.random.default_rng(0).random(groups.max() + 1)[groups]
    own, other = register == DOMAIN, register != DOMAIN
    in_domain = set(groups[own].tolist())
    clean = np.array([g not in in_domain for g in groups])
    test_own, pool_own = own & (held < 0.3), np.flatnonzero(own & (held >= 0.3))
    test_old = other & (register != "composed") & (held < 0.15)
    train = np.flatnonzero(other & clean & (held >= 0.15))
    dev = gold(args.shared)
    dev_X, dev_Y = feature_matrix([r["text"] for r in dev], settings), indicator(dev)
    print(f"base {len(train)}, new {len(pool_own)}, test {test_own.sum()} new, {test_old.sum()} old", flush=True)

    taught_X, taught_Y = X[:0], Y[:0]
    if args.pool:
        taught = lesson(args.cache, [args.cache / "scores-v2.npy"], texts)
        assert callable(taught.probabilities)
        said = np.asarray(taught.probabilities(train))  # what was made of sentences to measure on is not known
        rows = np.random.default_rng(1).choice(np.flatnonzero(~np.isnan(said).any(axis=1)), args.pool, replace=False)
        sentences = [taught.sentences[i] for i in rows]
        kept = np.array([s.upper() != s for s in sentences])  # MUC-4 is in capitals
        taught_X = feature_matrix([s for s, k in zip(sentences, kept) if k], settings)
        taught_Y = said[rows][kept]
    print("pool", taught_X.shape[0], flush=True)

    base_X, base_Y = stack(X[train], taught_X), np.concatenate([Y[train], taught_Y])
    base = fitted(STANCES, base_X, base_Y, np.ones(len(base_Y)))
    print("base fitted", flush=True)
    tests = [(X[test_own], Y[test_own]), (X[test_old], Y[test_old]), (dev_X, dev_Y)]

    def measured(model):
        return [f1(y, probabilities(model, x)) for x, y in tests]

    print("base", measured(base), flush=True)
    results = {("base", 0): [measured(base)]}

    def note(way, n, model):
        results.setdefault((way, n), []).append(measured(model))

    for n in SIZES:
        for seed in range(args.seeds):
            rows = np.random.default_rng(seed).permutation(pool_own)[:n]
            x, y, one = X[rows], Y[rows], np.ones(n)
            note("alone", n, fitted(STANCES, x, y, one))
            for C in (0.01, 0.03, 0.1):
                note(f"pull, C {C}", n, fitted(STANCES, x, y, one, base=base, C=C))
            both_x, both_y = stack(x, X[train]), np.concatenate([y, Y[train]])
            for weight in (1,):
                w = np.concatenate([np.full(n, float(weight)), np.ones(len(train))])
                note(f"replay, new x{weight}", n, fitted(STANCES, both_x, both_y, w, start=base))
                note(f"replay and pull, new x{weight}", n, fitted(STANCES, both_x, both_y, w, base=base))
        for way in dict.fromkeys(k[0] for k in results):
            if (way, n) in results:
                print(n, way, np.round(np.mean(results[way, n], axis=0), 3), flush=True)
    ways = [w for w in dict.fromkeys(k[0] for k in results) if w != "base"]
    parts = []
    for t, title in enumerate(("the new domain", "the other corpora", "the development set")):
        rows = [["base as it is", *[f"{results['base', 0][0][t]:.3f}"] * len(SIZES)]]
        rows += [[w, *(f"{np.mean([r[t] for r in results[w, n]]):.3f}" for n in SIZES)] for w in ways]
        parts.append(f"Macro-F1 on {title}:\n\n" + table(["new labels", *map(str, SIZES)], rows))
    (args.cache / "retraining-ways.json").write_text(json.dumps([[*k, v] for k, v in results.items()]))
    text = "\n\n".join(parts)
    print(text)
    if (Path(__file__).parent / "README.md").exists():
        into_readme(__file__, "ways", text)

    # a new stance: `denial`, of which the base knows nothing
    results = {}
    pool = np.flatnonzero((held >= 0.15) & (register != "composed"))
    real_test = (register != "composed") & (held < 0.15)
    for n in NEW_STANCE_SIZES:
        for seed in range(args.seeds):
            rng = np.random.default_rng(seed)
            half = [rng.permutation(pool[Y[pool, 1] == flag])[: n // 2] for flag in (1, 0)]
            rows = np.concatenate(half)
            x, y = X[rows], Y[rows]
            for weight in NEGATIVES:
                # what is old has no label for the new stance: unknown, or taken as a weak negative
                rest = np.setdiff1d(train, rows)
                targets = np.concatenate([y[:, 1:2], np.zeros((len(rest), 1))])
                w = np.concatenate([np.ones(len(rows)), np.full(len(rest), weight)])
                use = np.flatnonzero(w)
                model = fitted(("denial",), stack(x, X[rest])[use], targets[use], w[use])
                scores = []
                for xx, yy in ((X[real_test], Y[real_test]), (dev_X, dev_Y)):
                    p = probabilities(model, xx)[:, 0]
                    t = yy[:, 1] > 0
                    from sklearn.metrics import average_precision_score

                    scores += [f1(t[:, None], p[:, None]), float(average_precision_score(t, p))]
                results.setdefault((weight, n), []).append(scores)
        print(n, {w: np.round(np.mean(results[w, n], axis=0), 2).tolist() for w in NEGATIVES}, flush=True)
    parts = []
    for t, title in enumerate(
        (
            "F1 at 0.5, other real sentences",
            "average precision, other real sentences",
            "F1 at 0.5, development set",
            "average precision, development set",
        )
    ):
        rows = [
            [w or "unknown", *(f"{np.mean([r[t] for r in results[w, n]]):.2f}" for n in NEW_STANCE_SIZES)]
            for w in NEGATIVES
        ]
        parts.append(f"{title}:\n\n" + table(["weight of old sentences", *map(str, NEW_STANCE_SIZES)], rows))
    text = "\n\n".join(parts)
    print(text)
    if (Path(__file__).parent / "README.md").exists():
        into_readme(__file__, "new-stance", text)


if __name__ == "__main__":
    main()
