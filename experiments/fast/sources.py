"""How the linear part reads a source that it has never seen: no label, no sentence of the pool, nothing made of either.

    python experiments/fast/sources.py

Leaves out one source of real sentences after the other and reads its labels; beside it, what models say that know the
source but not the sentence (parts.py leaves that in the cache). The table in the README has average precision, F1 at the
threshold that is best where sources are known, and what threshold would be best where they are not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, into_readme, precision
from variants import Course, Variant, best, f1_at

import rhetoric

FEWEST = 20  # sentences that bear a stance, for a row of it


def main() -> None:
    args = arguments(__doc__).parse_args()
    course = Course(args)
    truth, source = course.truth, course.source
    matrices = course.matrices(Variant())

    def unseen(name: str) -> np.ndarray:
        """Logits of this source's labelled sentences."""
        inside = np.flatnonzero(source != name)
        told = np.asarray(course.taught.probabilities(inside))
        taught = np.flatnonzero((course.taught_source != name) & ~np.isnan(told).any(axis=1))
        print(name, len(inside), len(taught), flush=True)
        return course.read(Variant(), matrices, inside, taught, told, np.flatnonzero(source == name))

    names = sorted({*source.tolist()} - {"composed", "articles"})
    logits = np.full_like(truth, np.nan)
    for name in names:
        logits[source == name] = unseen(name)
    held = np.load(args.cache / "fast-held-out.npz")
    assert held["texts"].tolist() == course.texts
    known = held["linear"]
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
