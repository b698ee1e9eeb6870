"""How the linear part reads a source that it has never seen: no label, no sentence of the pool, nothing made of either.

    python experiments/fast/sources.py [--jobs 1]

Leaves out one source of real sentences after the other and reads its labels; beside it, what models say that know the
source but not the sentence (parts.py leaves that in the cache). The table in the README has average precision, F1 at the
threshold that is best where sources are known, and what threshold would be best where they are not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, into_readme, precision
from variants import Course, best, f1_at

import rhetoric
from rhetoric.model import StanceClassifier, Taught

FEWEST = 20  # sentences that bear a stance, for a row of it


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    course = Course(args)
    texts, truth, source, taught = course.texts, course.truth, course.source, course.taught

    def unseen(name: str) -> np.ndarray:
        """Logits of this source's labelled sentences."""
        inside, outside = np.flatnonzero(source != name), np.flatnonzero(source == name)
        kept = np.flatnonzero(course.taught_source != name)
        told = np.asarray(taught.probabilities(inside))[kept]
        elsewhere = Taught([taught.sentences[i] for i in kept], told, course.weight[kept])
        model = StanceClassifier(folds=0, min_count=4)
        model.fit([texts[i] for i in inside], truth[inside], taught=elsewhere)
        print(name, len(outside), len(kept), flush=True)
        return model.decision_function([texts[i] for i in outside])

    names = sorted({*source.tolist()} - {"composed", "articles"})
    logits = np.full_like(truth, np.nan)
    for name, own in zip(names, Parallel(n_jobs=args.jobs)(delayed(unseen)(name) for name in names)):
        logits[source == name] = own
    held = np.load(args.cache / "fast-held-out.npz")
    assert held["texts"].tolist() == texts
    known = held["linear"]
    np.savez(args.cache / "sources.npz", logits=logits, known=known, source=source)
    every = np.isin(source, names)
    stances = range(truth.shape[1])
    cut = np.array([best(known[every, k], truth[every, k])[1] for k in stances])
    other = np.array([best(logits[every, k], truth[every, k])[1] for k in stances])
    lines = [
        "| source left out | stance | borne by | AP: known, left out | F1 at the known ones' threshold | best F1, left out |",
        "|---|---|---|---|---|---|",
    ]

    def row(title: str, rows: np.ndarray, k: int) -> str:
        y = truth[rows, k]
        ap = [precision(truth[rows], values[rows])[k] for values in (known, logits)]
        f1 = [f1_at(cut[k], values[rows, k], y) for values in (known, logits)]
        return (
            f"| {title} | {rhetoric.STANCES[k]} | {int(y.sum())} | {ap[0]:.3f}, {ap[1]:.3f} | {f1[0]:.3f}, {f1[1]:.3f} | "
            f"{best(logits[rows, k], y)[0]:.3f} |"
        )

    for name in names:
        lines += [row(name, source == name, k) for k in stances if truth[source == name, k].sum() >= FEWEST]
    lines += [row("each in turn, together", every, k) for k in stances]
    lines += ["", "| stance | best threshold of a logit: known | left out | mean logit of what bears it: known | left out |", "|---" * 5 + "|"]
    for k in stances:
        bearing = every & (truth[:, k] > 0)
        lines.append(
            f"| {rhetoric.STANCES[k]} | {cut[k]:.2f} | {other[k]:.2f} | {known[bearing, k].mean():.2f} | {logits[bearing, k].mean():.2f} |"
        )
    into_readme(__file__, "sources", "\n".join(lines))


if __name__ == "__main__":
    main()
