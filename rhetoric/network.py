"""A small convolutional network over the words of a sentence, for the sentences that a linear model cannot rule out.

A sum over short runs of words can not see what a sentence's words mean to each other. This network can, a little: every
item of the sentence (a word, a mask for an actor's name, a mark) is a vector, its word's and its word class's; a
convolution over its neighbours gives each item a view of its surroundings; the largest value and the mean of every
channel over the sentence give one logit for each stance (Collobert et al. 2011, Kim 2014). What the kernel makes of a
word is made once and then looked up.

It looks only at the sentences whose linear logit is above a floor, a lower one for long sentences, and at the longest
(a cascade, Viola and Jones 2001): in most prose nine in ten bear no stance, and the linear part says so by itself.

All arithmetic is on whole numbers, held exactly: vectors and kernel in int8, their products as floats below 2**24, what
is made of a word in int8, values in 0..254. So the same sentence has the same logits to the last bit in any company, on
any machine, whatever order a matrix product adds in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import ModelError
from rhetoric.features import Items, lexicon_classes
from rhetoric.tokens import MIX, HashIndex, indices, ranges

__all__ = ["LONGEST", "Network", "Read", "word_keys"]

Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]
Small: TypeAlias = NDArray[np.int8]
Values: TypeAlias = NDArray[np.uint8]
Ints: TypeAlias = NDArray[np.int64]
Hashes: TypeAlias = NDArray[np.uint64]

LONGEST: Final = 80
"""Items that the network sees at once; a longer sentence is read in windows and bears what any of them bears."""

_STEP: Final = 60
_THINNED: Final = 0.8  # a margin: of 99 findings in 514 long sentences of UN speeches none is lost, 2 without it
_HALF: Final = 127  # of what a value can be: what every other neighbour adds to it at most
_EXACT: Final = 1 << 24  # a float of single precision holds whole numbers up to here
_LARGEST: Final = 1e12  # of what is not in arrays: no logit becomes infinite
_MANY: Final = 512
_FEW_WORDS: Final = 100  # whose product is too small to be spread: to ask for one thread takes longer than to make it
_ROWS: Final = 1 << 11  # items read at once: what they take stays in the cache
_ARRAYS: Final = ("keys", "words", "classes", "kernel", "limits", "scales", "biases", "outputs")
PREFIX: Final = "network."


def word_keys(hashes: Hashes) -> NDArray[np.uint32]:
    """The half of a word's hash that the vocabulary knows it by."""
    keys: NDArray[np.uint32] = ((hashes * MIX) >> np.uint64(32)).astype(np.uint32)
    return keys


@cache
def _threadpools() -> Any:
    """What limits the threads of libraries; None where threadpoolctl, which comes with scikit-learn, is missing."""
    try:
        from threadpoolctl import ThreadpoolController  # 8 ms of a start: not wanted for one sentence
    except ImportError:
        return None
    return ThreadpoolController()


def _one_thread() -> AbstractContextManager[Any]:
    """Holds matrix products on one thread: they are small, and a library that spreads them over two cores took twice
    the time of one (``experiments/speed``). Processes are the parallelism. To be entered by one thread at a time; where
    threadpoolctl is missing, products are as the library has them."""
    pools = _threadpools()
    return nullcontext() if pools is None else pools.limit(limits=1, user_api="blas")


class _Products:
    """What the kernel makes of every word that was read so far, before it is added to what it makes of the word's
    neighbours.

    Args:
        kernel: (reach, width, h).
        limits: (reach, h) int8.
        scale, bias: (h,) float32.
        n: how many words there may be, by number.

    Attributes:
        table: ((n + 1) * reach, h) int8, of word ``i`` the rows from ``i * reach`` on, every second of them negated as
            ``Network._values`` wants it; those of words not made yet are not set, and take no memory.
        classes: (n + 1,) of each word that was made its class, an index into the lexicon's.
        nothing: the number of what stands where no word does; its rows are zeros.
    """

    def __init__(self, kernel: Singles, limits: Small, scale: Singles, bias: Singles, n: int) -> None:
        self._reach, width, h = kernel.shape
        self._kernel = np.ascontiguousarray(kernel.transpose(1, 0, 2).reshape(width, self._reach * h))
        self._limits, self._scale, self._bias = limits.astype(np.float32), scale, bias
        self.table: Small = np.empty(((n + 1) * self._reach, h), dtype=np.int8)
        self.classes = np.zeros(n + 1, dtype=np.uint8)
        self._there = np.zeros(n + 1, dtype=bool)
        self.nothing = n
        self.table[n * self._reach :] = 0

    def of(self, vectors: NDArray[np.int16]) -> Small:
        """The rows of words with these vectors, (n_words * reach, h)."""
        made = (vectors.astype(np.float32) @ self._kernel).reshape(len(vectors), self._reach, -1)
        made[:, self._reach // 2] += self._bias  # of the word in the middle, so that it counts once
        made *= self._scale
        np.clip(np.rint(made, out=made), -self._limits, self._limits, out=made)
        np.negative(made[:, 1::2], out=made[:, 1::2])
        return made.astype(np.int8).reshape(-1, made.shape[2])

    def make(self, ids: Ints, classes: NDArray[np.uint8], vectors: Callable[[Ints], NDArray[np.int16]]) -> None:
        """Make those of these words that are not there; ``vectors`` gives the vectors of the words at places in
        ``ids``."""
        missing = indices(~self._there[ids])
        if not len(missing):
            return
        with _making:  # of another thread's words all is there before it is said to be
            new, first = np.unique(ids[missing], return_index=True)
            at = missing[first]
            with _one_thread() if len(new) > _FEW_WORDS else nullcontext():
                made = self.of(vectors(at))
            self.table.reshape(self.nothing + 1, -1)[new] = made.reshape(len(new), -1)
            self.classes[new] = classes[at]
            self._there[new] = True


_making: Final = threading.Lock()


@dataclass(frozen=True, eq=False, slots=True)
class _Trace:
    """What a few windows gave.

    Attributes:
        sizes: (n_windows,) number of items.
        logits: (n_windows, n_stances).
        values: (longest, n_windows, channels) of their first items, of their second ones ...; zeros beyond their ends.
    """

    sizes: Ints
    logits: Floats
    values: Values


@dataclass(frozen=True, eq=False, slots=True)
class Read:
    """A batch of sentences as a network read it.

    Attributes:
        logits: (n_sentences, n_stances).
        owner, begin: (n_windows,) the sentence of each window that was looked at, and its first item.
        place: (n_windows,) its place in the order of length, in which they were read.
        traces: of groups of windows in that order; empty where nobody will ask for shares.
    """

    logits: Floats
    owner: Ints
    begin: Ints
    place: Ints
    traces: tuple[_Trace, ...]


class Network:
    """A trained network. Never changed after it is made: threads may share it.

    Args:
        stances: what it has a logit for.
        floors: (n_stances,) a sentence is looked at if one of its linear logits is above its stance's floor, or 0.8
            below it if it has more than ``LONGEST`` items; in any case if it has more than twice as many.
        rest: (n_stances,) the logits of the sentences that it does not look at.
        unit, bias: (n_stances,) logit = ``unit`` x whole number + ``bias``.
        class_names: the word classes in the order of ``arrays["classes"]``.
        arrays: ``keys`` (n_words,) int32, the vocabulary's ``word_keys`` in rising order as unsigned numbers; ``words``
            (1 + n_words, d) int8, the first for all others; ``classes`` (n_classes, d) int8; ``kernel`` (reach, d, h)
            int8; ``scales`` and ``biases`` (h,) float32 and ``limits`` (reach, h) int8: what a neighbour adds to an
            item's value is (vector x kernel) x scale, of the item itself (vector x kernel + bias) x scale, rounded, at
            most the limit in size; limits of every second neighbour add up to at most 127; a value is at least 0;
            ``outputs`` (2 h, n_stances) int32, for the largest values and for the means.

    Raises:
        ValueError: arrays do not fit each other, or sums could leave the range in which they are exact.
    """

    def __init__(
        self,
        stances: Sequence[str],
        *,
        floors: Floats,
        rest: Floats,
        unit: Floats,
        bias: Floats,
        class_names: Sequence[str],
        arrays: Mapping[str, NDArray[Any]],
    ) -> None:
        self.stances = tuple(stances)
        self.floors, self.rest, self.unit, self.bias = (
            np.asarray(values, dtype=np.float64) for values in (floors, rest, unit, bias)
        )
        self.class_names = tuple(class_names)
        self.arrays = {name: np.ascontiguousarray(arrays[name]) for name in _ARRAYS}
        _check(self)
        self._keys = self.arrays["keys"].view(np.uint32)
        self._index: HashIndex | None = None
        self._words = self.arrays["words"]
        # rows of the lexicon's classes, by name: the list of classes may have grown since
        row = {name: i for i, name in enumerate(self.class_names)}
        width = self._words.shape[1]
        known = np.vstack([self.arrays["classes"], np.zeros((1, width), dtype=np.int8)])
        self._classes = known[[row.get(name, -1) for name in lexicon_classes()]]
        self._outputs = self.arrays["outputs"].astype(np.float64)
        self._products = self._no_products()

    def _no_products(self) -> _Products:
        kernel, limits, scale, bias = (self.arrays[name] for name in ("kernel", "limits", "scales", "biases"))
        return _Products(kernel.astype(np.float32), limits, scale, bias, len(self._words) + len(self._classes))

    def __getstate__(self) -> dict[str, Any]:  # what is soon made again is not pickled: it grows to 17 MB
        return vars(self) | {"_index": None, "_products": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._products = self._no_products()

    # ------------------------------------------------------------------ forward

    def read(self, items: Items, linear: Floats, *, keep: bool = False) -> Read:
        """What it adds to the ``linear`` logits (n_sentences, n_stances) of its stances; with ``keep`` also what
        :meth:`shares` needs."""
        sizes = np.diff(items.indptr)
        rows = np.flatnonzero(self._admitted(linear, sizes) & (sizes > 0))
        out = np.tile(self.rest, (len(linear), 1))
        out[rows] = -np.inf
        owner, begin, end = _windows(items, rows)
        owner = rows[owner]
        order = (end - begin).argsort(kind="stable")  # windows alike in length leave little of a grid empty
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        at, bounds = ranges(begin[order], end[order])
        first, table = self._looked_up(items.hash[at], items.classes[at])
        traces = []
        for low, high in _parts(np.diff(bounds)):
            trace = self._forward(table, first[bounds[low] : bounds[high]], np.diff(bounds[low : high + 1]))
            np.maximum.at(out, owner[order[low:high]], trace.logits)
            if keep:
                traces.append(trace)
        return Read(out, owner, begin, place, tuple(traces))

    def screened(self, linear: Floats, logits: Floats, sizes: Ints) -> Floats:
        """``read`` where the logits of all sentences are known, and their numbers of items, ``sizes``."""
        return np.where(self._admitted(linear, sizes)[:, None], logits, self.rest)

    def _admitted(self, linear: Floats, sizes: Ints) -> NDArray[np.bool_]:
        # what a long sentence bears in one place is thinned out in a linear logit
        floors = self.floors - _THINNED * (sizes > LONGEST)[:, None]
        return np.asarray((linear > floors).any(axis=1) | (sizes > 2 * LONGEST))

    def logits(self, items: Items) -> Floats:
        """(n_sentences, n_stances) logits of all sentences, whether it would look at them or not."""
        return self.read(items, np.full((len(items.indptr) - 1, len(self.stances)), np.inf)).logits

    def _rows_of(self, hashes: Hashes) -> Ints:
        """Of each word the row of its vector; 0 for those without one."""
        if self._index is None and len(hashes) < _MANY:  # of one text: to build the index would take longer
            keys = word_keys(hashes)
            found = np.searchsorted(self._keys, keys)
            found[found == len(self._keys)] = 0
            return np.where(self._keys[found] == keys, found + 1, 0)
        if self._index is None:  # several threads may each build one: they are alike
            self._index = HashIndex(self._keys.astype(np.uint64) << np.uint64(32), mixed=True)
        return self._index.places(word_keys(hashes).astype(np.uint64) << np.uint64(32))  # the keys rise as the rows do

    def _looked_up(self, hashes: Hashes, classes: NDArray[np.uint8]) -> tuple[Ints, Small]:
        """Of each word its first row in a table of products, made if it was not there; and that table. Its last rows
        are those of no word."""
        rows = self._rows_of(hashes)
        products, reach = self._products, len(self.arrays["kernel"])
        ids = np.where(rows > 0, rows, len(self._words) + classes.astype(np.intp))

        def vectors(at: Ints) -> NDArray[np.int16]:
            found: NDArray[np.int16] = self._words[rows[at]] + self._classes[classes[at]].astype(np.int16)
            return found

        products.make(ids, classes, vectors)
        others = indices(products.classes[ids] != classes)  # words that share a key may differ in their class
        if not len(others):
            return ids * reach, products.table
        last = products.nothing * reach
        ids[others] = products.nothing + np.arange(len(others))
        return ids * reach, np.concatenate([products.table[:last], products.of(vectors(others)), products.table[last:]])

    def _forward(self, table: Small, rows: Ints, sizes: Ints) -> _Trace:
        """``rows``: (n_items,) of each item the first row in ``table``, window after window; ``sizes``: of those."""
        reach, n = len(self.arrays["kernel"]), len(sizes)
        length = int(sizes.max())
        there = np.arange(length) < sizes[:, None]
        # first items of all windows, second ones ...: so numpy adds up long rows; and as many empty places as the
        # kernel reaches beyond either end
        padded = np.full((length + reach - 1, n), len(table) - reach)
        padded[reach // 2 : reach // 2 + length].T[there] = rows
        values = self._values(table, padded.ravel(), n)
        if sizes[0] < length:
            values[~there.T.ravel()] = 0
        by_place = values.reshape(length, -1)
        largest = by_place.max(axis=0).reshape(n, -1).astype(np.float64)
        sums = np.add.reduce(by_place, axis=0, dtype=np.uint16).reshape(n, -1).astype(np.float64)
        channels = largest.shape[1]
        whole = largest @ self._outputs[:channels] + (sums @ self._outputs[channels:]) / sizes[:, None]
        return _Trace(sizes, whole * self.unit + self.bias, values.reshape(length, n, channels))

    def _values(self, table: Small, padded: Ints, stride: int) -> Values:
        """(n, h) what the kernel makes of every place and its neighbours, which are ``stride`` rows away.

        Sums of what every second neighbour adds stay within int8, as the limits see to. Those of the others are
        negated in the table, so that where they are larger the value is 0, and else it is the difference: one byte
        holds it without its sign.
        """
        reach = len(self.arrays["kernel"])
        n = len(padded) - (reach - 1) * stride
        sums: list[Small] = []
        one = np.empty((n, table.shape[1]), dtype=np.int8)
        for first in (0, 1):
            total = table.take(padded[first * stride :][:n] + first, axis=0, mode="clip")
            for k in range(first + 2, reach, 2):
                total += table.take(padded[k * stride :][:n] + k, axis=0, out=one, mode="clip")
            sums.append(total)
        added, taken = sums
        np.maximum(added, taken, out=added)
        added -= taken  # beyond 127 it turns over, and its bits are right without a sign
        return added.view(np.uint8)

    # ------------------------------------------------------------------ explaining

    def shares(self, items: Items, read: Read, rows: Ints) -> tuple[Floats, Floats]:
        """What the network sees at each item of these sentences, as parts of their logits.

        A logit is a sum over channels, of each its largest value and its mean. The largest belongs to the item where
        it stands, the mean to each item by its value there (class activation mapping, Zhou et al. 2016). An item is
        seen with a few neighbours on either side, so a share tells the place more than the word. Of a sentence of
        several windows, those of the one that the logit came from.

        Args:
            read: of these items, with ``keep``. Sentences that were not looked at have no shares.

        Returns:
            (n_items, n_stances) shares of the sentences' items one after the other, and (len(rows), n_stances) what of
            the logits belongs to no item.
        """
        bounds = np.concatenate([[0], np.cumsum(items.indptr[rows + 1] - items.indptr[rows])])
        out = np.zeros((int(bounds[-1]), len(self.stances)))
        of_trace = np.cumsum([0, *(len(trace.sizes) for trace in read.traces)])
        firsts, lasts = np.searchsorted(read.owner, rows), np.searchsorted(read.owner, rows, side="right")
        for place, (row, first, last) in enumerate(zip(rows.tolist(), firsts.tolist(), lasts.tolist(), strict=True)):
            decided = np.zeros(len(self.stances), dtype=bool)
            for window in range(first, last):
                number = int(np.searchsorted(of_trace, read.place[window], side="right")) - 1
                trace, at = read.traces[number], int(read.place[window] - of_trace[number])
                deciding = (trace.logits[at] == read.logits[row]) & ~decided
                decided |= deciding
                size = int(trace.sizes[at])
                begin = int(bounds[place]) + int(read.begin[window] - items.indptr[row])
                out[begin : begin + size, deciding] = self._seen(trace.values[:size, at])[:, deciding]
        return out, np.where((lasts > firsts)[:, None], self.bias, read.logits[rows])

    def _seen(self, values: Values) -> Floats:
        """(n_items, n_stances) the shares of one window: whole numbers as long as can be, for the same bits always."""
        channels = values.shape[1]
        whole = values.astype(np.float64)
        at = values.argmax(axis=0)
        shares = (whole @ self._outputs[channels:]) / len(values)
        np.add.at(shares, at, whole[at, np.arange(channels)][:, None] * self._outputs[:channels])
        return shares * self.unit

    # ------------------------------------------------------------------ parts of it

    def scaled(self, factor: float) -> Network:
        """A network whose logits are ``factor`` times as large."""
        return self._with(range(len(self.stances)), factor)

    def everywhere(self) -> Network:
        """A network that looks at every sentence."""
        return self._with(range(len(self.stances)), 1.0, floors=np.full(len(self.stances), -_LARGEST))

    def of(self, names: Sequence[str]) -> Network | None:
        """Its part for those of its stances that are among ``names``; None where there are none."""
        columns = [k for k, stance in enumerate(self.stances) if stance in names]
        return self._with(columns, 1.0) if columns else None

    def _with(self, columns: Sequence[int], factor: float, floors: Floats | None = None) -> Network:
        own = list(columns)
        return Network(
            [self.stances[k] for k in own],
            floors=self.floors[own] if floors is None else floors,
            rest=self.rest[own] * factor,
            unit=self.unit[own] * factor,
            bias=self.bias[own] * factor,
            class_names=self.class_names,
            arrays={**self.arrays, "outputs": self.arrays["outputs"][:, own]},
        )

    # ------------------------------------------------------------------ storage

    def stored(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Its part of ``config.json``, and its arrays."""
        config = {
            "stances": {
                name: {"floor": floor, "rest": rest, "unit": unit, "bias": bias}
                for name, floor, rest, unit, bias in zip(
                    self.stances,
                    self.floors.tolist(),
                    self.rest.tolist(),
                    self.unit.tolist(),
                    self.bias.tolist(),
                    strict=True,
                )
            },
            "classes": list(self.class_names),
        }
        return config, {PREFIX + name: array for name, array in self.arrays.items()}

    @classmethod
    def restored(cls, where: Path, config: Any, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """A network from its part of a model folder; ModelError, which names ``where``, where that is at fault."""
        try:
            stances = config["stances"]
            values = {
                key: np.array([float(stances[name][key]) for name in stances])
                for key in ("floor", "rest", "unit", "bias")
            }
            names = config["classes"]
            own = {name: np.array(arrays[PREFIX + name]) for name in _ARRAYS}
            if not all(isinstance(name, str) for name in names):
                raise ValueError("classes holds something else than names")
            return cls(
                tuple(stances),
                floors=values["floor"],
                rest=values["rest"],
                unit=values["unit"],
                bias=values["bias"],
                class_names=names,
                arrays=own,
            )
        except KeyError as error:
            raise ModelError(f"{where}: the network lacks {error}") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{where}: the network is at fault: {error}") from error


def _check(network: Network) -> None:
    """Raise ValueError for what could not be evaluated exactly."""
    own = network.arrays
    types = {"keys": "i4", "scales": "f4", "biases": "f4", "outputs": "i4"}
    for name, array in own.items():
        if array.dtype != np.dtype(types.get(name, "i1")):
            raise ValueError(f"{name} is {array.dtype}, expected {np.dtype(types.get(name, 'i1'))}")
    n, k = len(own["keys"]), len(network.stances)
    axes = {"keys": 1, "words": 2, "classes": 2, "kernel": 3, "limits": 2, "scales": 1, "biases": 1, "outputs": 2}
    if any(own[name].ndim != count for name, count in axes.items()) or not k or not n:
        raise ValueError(f"arrays have the shapes { {name: array.shape for name, array in own.items()} }")
    reach, d, h = own["kernel"].shape
    shapes = {
        "words": (n + 1, d),
        "classes": (len(network.class_names), d),
        "limits": (reach, h),
        "scales": (h,),
        "biases": (h,),
        "outputs": (2 * h, k),
    }
    for name, shape in shapes.items():
        if own[name].shape != shape:
            raise ValueError(f"{name} has the shape {own[name].shape}, expected {shape}")
    if reach % 2 == 0 or reach < 3 or min(d, h) < 1:
        raise ValueError(f"the kernel has the shape {own['kernel'].shape}, expected an odd reach of at least 3")
    limits = own["limits"].astype(int)
    if limits.min() < 0 or max(limits[0::2].sum(axis=0).max(), limits[1::2].sum(axis=0).max()) > _HALF:
        raise ValueError(f"limits are below 0, or those of every second neighbour add up to more than {_HALF}")
    if (np.diff(own["keys"].view(np.uint32).astype(np.int64)) <= 0).any():
        raise ValueError("keys do not rise")
    numbers = (network.floors, network.rest, network.unit, network.bias)
    if any(values.shape != (k,) or not (np.abs(values) <= _LARGEST).all() for values in numbers):
        raise ValueError(f"floors, rest, unit and bias: expected {k} finite numbers each, at most {_LARGEST:g} in size")
    if not (np.isfinite(own["scales"]).all() and np.isfinite(own["biases"]).all()):
        raise ValueError("scales or biases are not finite")
    if (own["biases"] != np.rint(own["biases"])).any():
        raise ValueError("biases are no whole numbers")
    inputs = max(int(own["words"].max(initial=1)), -int(own["words"].min(initial=0))) + 127
    sums = inputs * np.abs(own["kernel"].astype(float)).sum(axis=1)
    if float((sums + np.abs(own["biases"])).max()) >= _EXACT:
        raise ValueError("sums could grow beyond the range in which they are exact")


def _windows(items: Items, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Windows over these sentences: number of the sentence among ``rows``, first item, last item + 1."""
    low, high = items.indptr[rows], items.indptr[rows + 1]
    sizes = high - low
    count = np.where(sizes > LONGEST, 1 + -(-(sizes - LONGEST) // _STEP), np.minimum(sizes, 1))
    owner = np.repeat(np.arange(len(rows)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    begin = low[owner] + _STEP * number
    return owner, begin, np.minimum(begin + LONGEST, high[owner])


def _parts(sizes: Ints) -> list[tuple[int, int]]:
    """Windows in groups of bounded size: (first, last + 1)."""
    if not len(sizes):
        return []
    group = np.cumsum(sizes) // _ROWS
    return list(pairwise([0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(sizes)]))
