"""What rewritten sentences are worth, measured on the first third of the labels: a table of the README.

    python experiments/fast/rewritten.py

Run it after `network.py --variants`, which leaves the networks of both rows in the cache. The linear part is fitted here
with and without what augment.py made of sentences that are not measured on, and once, as a warning, with all of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import FAST, arguments, indicator, into_readme, labelled, load_network, precision
from network import kept, said
from parts import best
from train import lesson

from rhetoric.model import StanceClassifier, feature_matrix


def main() -> None:
    args = arguments(__doc__).parse_args()
    records = labelled(args.shared, args.cache)
    texts, truth = [r["text"] for r in records], indicator(records)
    real = np.array([r["register"] != "composed" for r in records])
    fold = np.load(args.cache / "network-held-out.npz")["fold"]
    inside = np.flatnonzero(fold != 0)
    hidden = [texts[i] for i in np.flatnonzero(fold == 0)]
    rows = np.flatnonzero((fold == 0) & real)
    measured, y = [texts[i] for i in rows], truth[rows]
    own = [texts[i] for i in inside]
    scores = [args.cache / "scores-accurate.npy"]
    lines = [
        "| first fold, real sentences: mean AP (best macro-F1) | linear part | network | both |",
        "|---|---|---|---|",
    ]

    def cell(logits: np.ndarray) -> str:
        return f"{precision(y, logits).mean():.3f} ({best(logits, y):.3f})"

    for title, name, taught in (
        ("without rewritten sentences", "nothing rewritten", lesson(args.cache, scores, own, hidden, with_rewritten=False)),
        ("with them", "as shipped", lesson(args.cache, scores, own, hidden)),
        ("with those made of the measured sentences, too", "", lesson(args.cache, scores, own)),
    ):
        model = StanceClassifier(folds=0, **FAST).fit(own, truth[inside], taught=taught)
        linear = feature_matrix(measured, model.settings_) @ model.weights_.T + model.bias_
        cells = [cell(linear), "", ""]
        if name:
            network = said(load_network(kept(args.cache / "networks", name)), measured)
            cells[1:] = cell(network), cell(linear + network)
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    into_readme(__file__, "rewritten", "\n".join(lines))


if __name__ == "__main__":
    main()
