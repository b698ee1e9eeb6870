"""A network with weights drawn by chance, for tests that need one beside a linear model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhetoric.features import lexicon_classes
from rhetoric.network import Network, word_keys
from rhetoric.stances import STANCES
from rhetoric.tokens import hash_words

WORDS = [
    *("accused", "denied", "rejected", "claims", "urged", "talks", "of", "the", "shelling", "troops"),
    *("moved", "and", "opened", "bridge", "harvest", "not", "said", "w", "x"),
]


def parts(*, width: int = 8, channels: int = 12, seed: int = 0) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    keys = np.unique(word_keys(np.asarray(hash_words(WORDS))))

    def drawn(most: int, *shape: int) -> NDArray[np.int8]:
        return rng.integers(-most, most + 1, shape).astype(np.int8)

    return {
        "keys": keys.view(np.int32),
        "words": drawn(100, len(keys) + 1, width),
        "classes": drawn(60, len(lexicon_classes()), width),
        "kernel": drawn(60, 5, width, channels),
        "limits": np.array([42, 63, 43, 64, 42], dtype=np.int8)[:, None].repeat(channels, axis=1),
        "scales": np.full(channels, 0.004, dtype=np.float32),
        "biases": rng.integers(-2000, 2000, channels).astype(np.float32),
        "outputs": rng.integers(-30_000, 30_000, (2 * channels, len(STANCES))).astype(np.int32),
    }


def small_network(
    *, floor: float = -1e9, stances: Sequence[str] = STANCES, arrays: dict[str, NDArray[Any]] | None = None, **size: int
) -> Network:
    """By default it looks at every sentence."""
    k = len(stances)
    own = parts(**size) if arrays is None else arrays
    return Network(
        stances,
        floors=np.full(k, floor),
        rest=np.linspace(-2, -1, k),
        unit=np.full(k, 4e-7),
        bias=np.linspace(-0.5, 0.5, k),
        class_names=lexicon_classes(),
        arrays={**own, "outputs": own["outputs"][:, :k]},
    )
