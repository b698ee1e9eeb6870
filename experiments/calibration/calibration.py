"""How far the probabilities of the shipped models can be taken at their word: ECE and a reliability plot.

    python experiments/calibration/calibration.py

Prints a table, writes it into the README beside this script, and one PNG for each model (needs matplotlib).
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, gold, indicator, into_readme, shipped
from numpy.typing import NDArray

from rhetoric.evaluate import brier_score, calibration_error, reliability
from rhetoric.stances import STANCES

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).resolve().parent
TARGET = 0.05


def expected_of_perfect(chances: NDArray[np.float64], draws: int = 500) -> float:
    """Mean ECE, 0..1, that these probabilities would show if each were exactly right: what the size of the set adds."""
    random = np.random.default_rng(0)
    return float(np.mean([calibration_error(random.random(len(chances)) < chances, chances) for _ in range(draws)]))


def plot(name: str, truth: NDArray[np.float64], chances: NDArray[np.float64]) -> None:
    figure, axes = plt.subplots(1, len(STANCES), figsize=(9, 3.2), sharey=True, layout="constrained")
    for k, (stance, axis) in enumerate(zip(STANCES, axes, strict=True)):
        rows = reliability(truth[:, k], chances[:, k])
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axis.plot([r[0] for r in rows], [r[1] for r in rows], color="#1b5e8c", linewidth=1)
        axis.scatter([r[0] for r in rows], [r[1] for r in rows], s=[8 + 2 * r[2] for r in rows], color="#1b5e8c")
        for chance, share, n in rows:
            axis.annotate(str(n), (chance, share), textcoords="offset points", xytext=(4, -10), fontsize=7)
        axis.set(title=stance, xlabel="mean probability", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    axes[0].set_ylabel("share that has the stance")
    figure.suptitle(f"{name}: development gold set, {len(truth)} sentences, ten bins with their counts", fontsize=10)
    figure.savefig(HERE / f"{name}.png", dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    args = arguments(__doc__).parse_args()
    records = gold(args.shared)
    texts, truth = [r["text"] for r in records], indicator(records)
    lines = [
        "| model | stance | ECE | of a perfect model | Brier | mean probability | share |",
        "|---|---|---|---|---|---|---|",
    ]
    worst: dict[str, float] = {}
    for name, model in shipped():
        chances = model.predict_proba(texts)
        plot(name, truth, chances)
        for k, stance in enumerate(STANCES):
            t, p = truth[:, k], chances[:, k]
            ece = calibration_error(t, p)
            worst[name] = max(worst.get(name, 0.0), ece)
            lines.append(
                f"| `{name}` | {stance} | {ece:.3f} | {expected_of_perfect(p):.3f} | {brier_score(t, p):.3f} "
                f"| {p.mean():.3f} | {t.mean():.3f} |"
            )
    lines.append("")
    for name, ece in worst.items():
        lines.append(f"`{name}`: worst ECE {ece:.3f}, target {TARGET}: {'met' if ece <= TARGET else 'missed'}.")
    lines += ["", *(f"![reliability of {name}]({name}.png)" for name in worst)]
    into_readme(__file__, "table", "\n".join(lines))


if __name__ == "__main__":
    main()
