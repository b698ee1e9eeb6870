"""What the features of a sentence add up to, for a whole batch at once.

Weights are whole multiples of a small power of two, one for each stance, so every sum is exact: a sentence has the same
logits to the last bit in any company. In a large batch three stances share one 64-bit number, 21 bits for each: one
look in memory brings the weights of all three, which is what summing costs, and one sum adds them. A field holds what a
piece of ``_PIECE`` items can add up to at most; longer sentences are summed piece by piece.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.features import FeatureSettings, Stream, most_kinds
from rhetoric.tokens import indices

__all__ = ["LinearSum", "length_scale", "on_grid"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Weights: TypeAlias = NDArray[np.float32]

_FIELD: Final = 21  # bits
_TOGETHER: Final = 3  # fields in 64 bits
_PIECE_BITS: Final = 5
_PIECE: Final = 1 << _PIECE_BITS
_FEW_ITEMS: Final = 2048  # all at once: the same sums in fewer calls
_FULL_LENGTH: Final = 64


def _steps(weights: Weights, settings: FeatureSettings) -> Weights:
    """(n_stances, 1) the power of two that a stance's weights are multiples of: as small as the fields allow."""
    most = ((1 << (_FIELD - 1)) - 1) // (_PIECE * most_kinds(settings))
    largest = np.maximum(weights.max(axis=1, keepdims=True), -weights.min(axis=1, keepdims=True))
    exponents = np.ceil(np.log2(np.where(largest > 0, largest, most) / np.float32(most)))
    return np.ldexp(np.float32(1), exponents.astype(np.int64))


def on_grid(weights: Weights, settings: FeatureSettings) -> Weights:
    """The weights (n_stances, buckets), each rounded to the next multiple of its stance's step. Rounding again changes
    nothing; what half precision holds exactly it still does."""
    steps = _steps(weights, settings)
    rounded: Weights = weights / steps
    np.rint(rounded, out=rounded)
    rounded *= steps
    return rounded


class LinearSum:
    """Sums of weights. Never changed after it is made: threads may share it.

    Args:
        weights: (n_stances, buckets), as from :func:`on_grid`.
    """

    def __init__(self, weights: Weights, settings: FeatureSettings) -> None:
        self.weights = weights
        self._settings = settings
        self._packed: tuple[NDArray[np.int64], Weights] | None = None

    def __getstate__(self) -> dict[str, Any]:  # what is soon made again is not pickled
        return vars(self) | {"_packed": None}

    def __call__(self, streams: tuple[Stream, ...], n: int) -> Floats:
        """(n, n_stances) logits without the bias."""
        out = np.zeros((n, len(self.weights)))
        for stream in streams:
            filled = indices(np.diff(stream.indptr))
            if len(filled):
                add = self._few if stream.ids.shape[1] <= _FEW_ITEMS else self._many
                out[filled] += add(stream.ids, stream.indptr[filled])
        out *= length_scale(streams)[:, None]
        return out

    def _few(self, buckets: NDArray[np.intp], begin: Ints) -> Floats:
        # buckets are in range by construction: clip spares the check
        carried = self.weights.take(buckets, axis=1, mode="clip").sum(axis=1, dtype=np.float64)
        found: Floats = np.add.reduceat(carried, begin, axis=1).T
        return found

    def _many(self, buckets: NDArray[np.intp], begin: Ints) -> Floats:
        n = len(begin)
        pieces = (np.diff(begin, append=buckets.shape[1]) + (_PIECE - 1)) >> _PIECE_BITS
        whole = int(pieces.max()) == 1
        if not whole:
            first = pieces.cumsum() - pieces
            begin = (begin - _PIECE * first).repeat(pieces) + _PIECE * np.arange(pieces.sum())
        out, spare = np.empty((n, len(self.weights))), 64 - _FIELD
        tables, steps = self._tables()
        for group, table in enumerate(tables):
            carried = table.take(buckets[0], mode="clip")
            for ids in buckets[1:]:
                carried += table.take(ids, mode="clip")
            sums = np.add.reduceat(carried, begin)
            for k in range(group * _TOGETHER, min((group + 1) * _TOGETHER, len(self.weights))):
                field = (sums.view(np.uint64) << spare).view(np.int64) >> spare  # the lowest, with its sign
                out[:, k] = field if whole else np.add.reduceat(field, first)
                sums = (sums - field) >> _FIELD
        out *= steps[:, 0]
        return out

    def _tables(self) -> tuple[NDArray[np.int64], Weights]:
        """(n_groups, buckets) the weights of three stances in each number, in steps, and the steps; made when first
        wanted, 2 MB for each."""
        made = self._packed
        if made is None:  # several threads may each make one: they are alike
            steps = _steps(self.weights, self._settings)
            whole = np.rint(self.weights / steps).astype(np.int64)
            groups = -(-len(whole) // _TOGETHER)
            packed = np.zeros((groups, whole.shape[1]), dtype=np.int64)
            for k, own in enumerate(whole):
                packed[k // _TOGETHER] += own * (1 << (_FIELD * (k % _TOGETHER)))
            self._packed = made = packed, steps
        return made


def length_scale(streams: tuple[Stream, ...]) -> Floats:
    """(n_sentences,) what the sums are multiplied by: 1 up to 64 words, then 64 / words: a longer sentence counts as 64
    words of its kind, so that small weights do not add up to certainty over a page without a full stop. Nor over one
    without a word: of a row of quotation marks, each a hit of a class, the hits are counted."""
    lengths = np.ones(len(streams[0].indptr) - 1)
    for stream in streams:
        np.maximum(lengths, np.diff(stream.indptr), out=lengths)
    return np.minimum(1.0, _FULL_LENGTH / lengths)
