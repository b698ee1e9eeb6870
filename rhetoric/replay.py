"""The sentences that a model learned from, as what it saw of them: feature ids, targets, weights. No text.

Kept in the model folder, so that a plain install can train on with the old sentences beside new ones. The words are
there as hashes alone, many words to one, names masked before; the order of the whole is not, nor any feature that only
one sentence has. It hides no secret, all the same: who guesses a sentence can test whether it may be among them.
"""

from __future__ import annotations

import lzma
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import ModelError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["FILE", "Replay"]

FILE: Final = "replay.safetensors.xz"
_UNKNOWN: Final = 255  # targets and weights are stored in steps of 1/200
_STEPS: Final = 200
_MOST_BYTES: Final = 1 << 30  # unpacked

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Replay:
    """Sentences as features.

    Attributes:
        matrix: (n, buckets) counts, scaled as at inference.
        targets: (n, n_stances) in 0..1, NaN where not known; in the order of the model's stances.
        weights: (n,) what each counted.
        beside: (n, n_stances) what the model's network adds to the linear logits; 0 where it has none.
    """

    matrix: csr_matrix
    targets: Floats
    weights: Floats
    beside: Floats

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def taken(self, rows: slice | NDArray[np.int64]) -> Replay:
        """Some of these sentences."""
        return Replay(self.matrix[rows], self.targets[rows], self.weights[rows], self.beside[rows])

    def widened(self, n_stances: int) -> Replay:
        """The same for a model that knows further stances, of which nothing is known here."""
        n, more = len(self), n_stances - self.targets.shape[1]
        targets = np.hstack([self.targets, np.full((n, more), np.nan)])
        return Replay(self.matrix, targets, self.weights, np.hstack([self.beside, np.zeros((n, more))]))

    def and_then(self, other: Replay | None) -> Replay:
        """These sentences, then those of ``other``."""
        from scipy.sparse import vstack

        if other is None:
            return self
        return Replay(
            vstack([self.matrix, other.matrix], format="csr"),
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.weights, other.weights]),
            np.concatenate([self.beside, other.beside]),
        )

    def thinned(self, n: int, seed: int = 0) -> Replay:
        """About ``n`` sentences: all that bear a stance, and of the rest a share drawn by chance that weighs as much as
        all of it did. All of them where they are not more than ``n``."""
        bearing = (np.nan_to_num(self.targets) >= 0.5).any(axis=1)
        rest = np.flatnonzero(~bearing)
        room = max(n - int(bearing.sum()), 0)
        if len(self) <= n or room == 0:
            return self
        drawn = np.random.default_rng(seed).choice(rest, room, replace=False)
        weights = self.weights.copy()
        weights[drawn] *= self.weights[rest].sum() / max(float(self.weights[drawn].sum()), 1e-12)
        kept = np.sort(np.concatenate([np.flatnonzero(bearing), drawn]))
        return replace(self, weights=weights).taken(kept)

    def to_bytes(self) -> bytes:
        """Compressed: the sorted ids of each sentence as differences, features of one sentence alone left out; the
        same bytes for the same sentences."""
        from safetensors.numpy import save

        matrix = self.matrix.tocsr().sorted_indices()
        spread = np.bincount(matrix.indices, minlength=matrix.shape[1])
        # the commoner a bucket, the smaller its number, so that differences are small
        order = np.argsort(-spread, kind="stable")
        order = order[: int((spread > 1).sum())]
        number = np.full(matrix.shape[1], -1, dtype=np.int64)
        number[order] = np.arange(len(order))
        scale = _row_minima(matrix)
        rows = np.repeat(np.arange(len(self)), np.diff(matrix.indptr))
        counts = np.rint(matrix.data / scale[rows]).astype(np.int64)
        kept = number[matrix.indices] >= 0
        rows, ids = np.repeat(rows[kept], counts[kept]), np.repeat(number[matrix.indices[kept]], counts[kept])
        by_row = np.lexsort((ids, rows))
        rows, ids = rows[by_row], ids[by_row]
        first = np.ones(len(rows), dtype=bool)
        first[1:] = rows[1:] != rows[:-1]
        steps = np.where(first, ids, np.diff(ids, prepend=0))
        arrays = {
            "buckets": order.astype(np.int32),
            "steps": _pack(steps),
            "lengths": np.bincount(rows, minlength=len(self)).astype(np.int32),
            "scale": scale.astype(np.float32),
            "targets": _quantised(self.targets),
            "weights": self.weights.astype(np.float32),
            "beside": self.beside.astype(np.float16),
            "size": np.array([matrix.shape[1]], dtype=np.int64),
        }
        return lzma.compress(save(arrays), preset=6)

    @classmethod
    def from_bytes(cls, data: bytes, where: Path, buckets: int, n_stances: int) -> Replay:
        """Raises ModelError, which names ``where``, for anything that ``to_bytes`` would not write for such a model."""
        from safetensors import SafetensorError
        from safetensors.numpy import load
        from scipy.sparse import csr_matrix

        try:
            unpacker = lzma.LZMADecompressor()
            arrays = load(unpacker.decompress(data, max_length=_MOST_BYTES))
            if not unpacker.eof:
                raise ValueError("truncated, or larger than anything that was written")
            lengths, scale = arrays["lengths"].astype(np.int64), arrays["scale"].astype(np.float32)
            n = len(lengths)
            steps = _unpack(arrays["steps"])
            targets = arrays["targets"].astype(np.float64)
            targets[targets == _UNKNOWN] = np.nan
            # a folder of format 1 has none
            beside = arrays.get("beside", np.zeros((n, n_stances))).astype(np.float64)
            shapes = [lengths.ndim, *(a.shape for a in (scale, arrays["weights"], targets, beside))]
            if (
                shapes != [1, (n,), (n,), *[(n, n_stances)] * 2]
                or lengths.min(initial=0) < 0
                or int(lengths.sum()) != len(steps)
            ):
                raise ValueError(f"arrays of shapes {shapes} do not fit each other and {n_stances} stances")
            if int(arrays["size"][0]) != buckets:
                raise ValueError(f"it counts {int(arrays['size'][0])} buckets, the model {buckets}")
            total = np.cumsum(steps)
            ends = np.cumsum(lengths)
            before = np.concatenate([[0], total])[ends - lengths]
            ids = total - np.repeat(before, lengths)
            known = arrays["buckets"]
            if len(ids) and not (ids.min() >= 0 and ids.max() < len(known)):
                raise ValueError("ids out of range")
            if len(known) and not (known.min() >= 0 and known.max() < buckets):
                raise ValueError("buckets out of range")
            weights = arrays["weights"].astype(np.float64)
            finite = all(np.isfinite(values).all() for values in (weights, scale, beside))
            if not (finite and (weights >= 0).all()):
                raise ValueError("numbers that are not finite, or weights that are negative")
        except (lzma.LZMAError, SafetensorError, KeyError, IndexError, ValueError) as error:
            raise ModelError(f"{where} is damaged: {error}; delete it to train on the weights alone") from error
        rows = np.repeat(np.arange(n), lengths)
        matrix = csr_matrix((scale[rows], (rows, known[ids])), shape=(n, buckets))
        return cls(matrix, targets / _STEPS, weights, beside)

    @classmethod
    def of_folder(cls, folder: str | os.PathLike[str], buckets: int, n_stances: int) -> Replay | None:
        """The replay of a model folder; None where it has none.

        Raises:
            ModelError: it is damaged or can not be read.
        """
        path = Path(folder) / FILE
        try:
            return cls.from_bytes(path.read_bytes(), path, buckets, n_stances) if path.is_file() else None
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def _row_minima(matrix: csr_matrix) -> NDArray[np.float32]:
    """(n,) the smallest value of each row: that of a feature which occurs once, as in all real prose; 1 for an
    empty row."""
    minima = np.ones(matrix.shape[0], dtype=np.float32)
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        minima[filled] = np.minimum.reduceat(matrix.data, matrix.indptr[filled])
    return minima


def _quantised(targets: Floats) -> NDArray[np.uint8]:
    return np.where(np.isnan(targets), _UNKNOWN, np.rint(np.nan_to_num(targets) * _STEPS)).astype(np.uint8)


def _pack(values: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Whole numbers from 0 as bytes of seven bits, the lowest first, the eighth bit set where more follow."""
    parts = [(values >> shift) & 127 for shift in (0, 7, 14, 21)]
    more = [values >> shift > 0 for shift in (7, 14, 21)]
    table = np.column_stack(parts)
    for k in range(3):
        table[:, k] |= np.where(more[k], 128, 0)
    kept = np.column_stack([np.ones(len(values), dtype=bool), *more])
    packed: NDArray[np.uint8] = table[kept].astype(np.uint8)
    return packed


def _unpack(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    last = np.flatnonzero(data < 128)
    if len(data) and (not len(last) or last[-1] != len(data) - 1):
        raise ValueError("the ids end in the middle of a number")
    starts = np.concatenate([[0], last[:-1] + 1]) if len(last) else last
    length = last - starts + 1
    if length.max(initial=0) > 4:
        raise ValueError("an id is too long")
    place = np.arange(len(data)) - np.repeat(starts, length)
    parts = (data & 127).astype(np.int64) << (7 * place)
    return np.add.reduceat(parts, starts) if len(starts) else parts
