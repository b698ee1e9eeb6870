"""How common the stances are: in the labels, in sentences of the pool drawn by chance, and half way between.

    python experiments/calibration/prevalence.py

What the shipped models are calibrated for (`PREVALENCE` in common.py) is the third row as it was one round of labels
earlier (0.094, 0.028, 0.050), rounded.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, indicator, into_readme, labelled

import rhetoric


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--scores", default="scores-v2.npy", help="a teacher's probabilities of the pool, in the cache")
    args = parser.parse_args()
    real = [r for r in labelled(args.shared, args.cache) if r["register"] != "composed"]
    chosen = indicator(real).mean(axis=0)
    scores = np.load(args.cache / args.scores)
    # the order by chance in which teacher/score_pool.py draws two fifths of what it reads
    drawn = np.random.default_rng(7).permutation(len(scores))
    unread = np.isnan(scores[drawn]).any(axis=1)
    drawn = drawn[: int(np.argmax(unread)) if unread.any() else len(drawn)]
    nature = scores[drawn].mean(axis=0)
    half_way = 1 / (1 + np.sqrt((1 - chosen) / chosen * (1 - nature) / nature))
    lines = ["| share of | " + " | ".join(rhetoric.STANCES) + " |", "|---" * 4 + "|"]
    for name, row in (
        (f"{len(real):,} real labelled sentences", chosen),
        (f"{len(drawn):,} sentences of the pool drawn by chance, as a teacher reads them", nature),
        ("half way, in log odds", half_way),
    ):
        lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in row) + " |")
    table = "\n".join(lines)
    print(table)
    into_readme(__file__, "prevalence", table)


if __name__ == "__main__":
    main()
