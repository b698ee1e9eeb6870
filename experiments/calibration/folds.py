"""ECE of `fast` on the real labelled sentences, each read by a model that did not learn from its fold. Run it after
../fast/parts.py, which leaves those readings in the cache.

    python experiments/calibration/folds.py

Weighted so that each stance is as frequent as it is calibrated for, and as the labels have it. (Slope and intercept, two
numbers a stance, were fitted to the same readings.) Writes the table into the README.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import PREVALENCE, arguments, indicator, into_readme, labelled

import rhetoric
from rhetoric.evaluate import calibration_error
from rhetoric.fitting import at_prevalence
from rhetoric.model import sigmoid


def main() -> None:
    args = arguments(__doc__).parse_args()
    records = labelled(args.shared, args.cache)
    held = np.load(args.cache / "fast-held-out.npz")
    assert held["texts"].tolist() == [r["text"] for r in records]
    real = np.array([r["register"] != "composed" for r in records])
    truth, logits = indicator(records)[real], held["logits"][real]
    model = rhetoric.load("fast")
    lines = ["| stance | calibrated for | ECE there | share of the labels | ECE there |", "|---|---|---|---|---|"]
    for k, stance in enumerate(model.stance_names):
        y, p = truth[:, k], sigmoid(logits[:, k] * model.slope_[k] + model.intercept_[k])
        own = calibration_error(y, p, weights=at_prevalence(y, np.ones(len(y)), PREVALENCE[stance]))
        lines.append(
            f"| {stance} | {PREVALENCE[stance]} | {own:.3f} | {y.mean():.3f} | {calibration_error(y, p):.3f} |"
        )
    into_readme(__file__, "folds", "\n".join(lines))


if __name__ == "__main__":
    main()
