"""How far below the floors a long sentence is still looked at, and what that finds: a table of the README.

    python experiments/fast/long.py

UN speeches. What the model would find in sentences of more than 80 items if its network looked at all of them, and how
much of it is lost where it looks from a lower floor on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("speed", "")]
from common import into_readme
from speed import documents

from rhetoric import network as own_module
from rhetoric.features import extract
from rhetoric.model import StanceClassifier, chunks, sigmoid
from rhetoric.network import LONGEST

LOWER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def main() -> None:
    model = StanceClassifier.load("fast")
    network = model.network_
    assert network is not None
    texts = [" ".join(s.text.split()) for reading in model.read_many(documents(700)) for s in reading]
    linear, added, sizes = [], [], []
    for part in chunks(texts):
        batch = extract(texts[part], model.settings_)
        counts = np.diff(batch.items.indptr)
        linear.append(model._sum(batch.streams, len(counts)))
        added.append(network.read(batch.items, np.where(counts[:, None] > LONGEST, np.inf, -np.inf) + linear[-1]).logits)
        sizes.append(counts)
    z, net, size = np.vstack(linear), np.vstack(added), np.concatenate(sizes)
    long = size > LONGEST

    def found(logits: np.ndarray) -> np.ndarray:
        return sigmoid(logits * model.slope_ + model.intercept_) >= model.thresholds_

    everything = found(z + net) & long[:, None]
    lines = ["| lower by | words looked at | findings in long sentences lost |", "|---|---|---|"]
    shipped = own_module._THINNED
    for lower in LOWER:
        own_module._THINNED = lower  # type: ignore[misc]
        looked = network._admitted(z, size)
        lost = everything & ~found(np.where(looked[:, None], z + net, z + network.rest))
        lines.append(f"| {lower:g} | {np.average(looked, weights=size):.1%} | {lost.sum()} of {everything.sum()} |")
    own_module._THINNED = shipped  # type: ignore[misc]
    into_readme(__file__, "long", f"{long.sum():,} of {len(texts):,} sentences are long.\n\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
