"""Who to whom: the speaker and the target of every stance that a sentence takes.

A role is one run of words, or none. A linear model gives every item of the sentence (a word, or the whole name of an
actor) three scores for each role and stance: that the role starts there, ends there, or runs over it; and the sentence
one score for leaving the role out. The best run of up to ``MAX_ITEMS`` items wins. Names are masked as for the
stances, so that who speaks does not decide who is taken for the speaker. ``experiments/roles`` trains and measures it.

What one sentence can not tell comes from the text around it: a pronoun, a bare office ("the ministry said") and a
quotation that goes on over several sentences take their actor from the sentences before, or after, by rules
(:class:`_Context`). Such mentions are marked as ``resolved``.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.actors import DATA, Masked, Matches, MatchKind, codes_all, codes_of_actors, find, mask_tokens
from rhetoric.features import read_classes
from rhetoric.records import Mention
from rhetoric.tokens import (
    CAPITALISED,
    DIGIT,
    HYPHENATED,
    INITIAL,
    PUNCTUATION,
    HashIndex,
    Tokens,
    hash_word,
    hash_words,
    indices,
    ranges,
    tokenize,
)

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Hashes: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.floating]

ROLES: Final = ("speaker", "target")
MAX_ITEMS: Final = 12
OUTPUTS: Final = ("start", "end", "inside", "none")
BITS: Final = 16

_PAD: Final = 3
_LANE: Final = 128
_EVEN_BYTES: Final = np.uint64(0x00FF00FF00FF00FF)
_FLOOR: Final = 0.02  # less likely runs are no candidates
_LEAST: Final = 0.25  # rather none than a role with less overlap to be expected
_MOST_ITEMS: Final = 200  # roles are sought in the beginning of a longer sentence
_ITEMS_AT_ONCE: Final = 2048
_HASHED_AT_ONCE: Final = 512  # items whose features stay in the cache
_FUNCTION_WORDS: Final = """
the a an this that these those he she it they we you i him her them us me his its their our my your who whom whose
which what and or but nor as if when while after before since because although though than so such both all some any
each other another of to in for on at from by with about over under into against between among toward towards during
through without within across along off up out down near behind around be is are was were been being am has have had
having do does did not no never 's 't 'd 'll 're 've will would shall should can could may might must also too very
more most there here where why how only even just still already yet again then now mr mrs ms
"""
_PREPOSITIONS: Final = "of to in for on at from by with about against between among toward towards that"


def _code(name: str) -> np.uint64:
    return np.uint64(hash_word("\x03" + name))


@dataclass(frozen=True, eq=False, slots=True)
class _Lexicon:
    """Word hash -> tag; which tags are cues and which say that someone speaks."""

    words: Hashes  # sorted
    index: HashIndex
    tags: Hashes
    cue: NDArray[np.uint8]  # 0: no cue, 1: cue, 2: a word of saying as well
    preposition: Bools
    prepositions: frozenset[int]


# of the classes in data/role_classes.txt
_NO_CUES: Final = """
never not we they you if but that by only of for to with be have against as speaker body we_state must will can want
held parties report
"""
_SAYING: Final = "say accuse condemn protest warn deny reject refuse claim admit call propose accept"


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    text = (DATA / "role_classes.txt").read_text(encoding="utf-8")
    tags: dict[int, tuple[int, int, bool]] = {}
    function = set(_FUNCTION_WORDS.split())
    prepositions = set(_PREPOSITIONS.split())
    no_cues, saying = set(_NO_CUES.split()), set(_SAYING.split())
    for word in sorted(function):
        tags[hash_word(word)] = (hash_word(word), 0, word in prepositions)
    for name, words in read_classes(text).items():
        cue = 0 if name in no_cues else 2 if name in saying else 1
        tag = int(_code(name)), cue, False
        for word in hash_words(words).tolist():
            tags.setdefault(word, tag)
    order = sorted(tags)
    listed = np.array(order, dtype=np.uint64)
    return _Lexicon(
        listed,
        HashIndex(listed),
        np.array([tags[word][0] for word in order], dtype=np.uint64),
        np.array([tags[word][1] for word in order], dtype=np.uint8),
        np.array([tags[word][2] for word in order], dtype=bool),
        frozenset(word for word in order if tags[word][2]),
    )


def vocabulary_hash() -> str:
    """SHA-256 of the words and tags that features are made with: the weights are good for no others."""
    lexicon = _lexicon()
    import hashlib  # costs a start 2 ms, and no reading needs it

    total = hashlib.sha256()
    for array in (lexicon.words, lexicon.tags, lexicon.cue, lexicon.preposition):
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


_NUMBER: Final = _code("number")
_KINDS: Final = np.array([_code(f"kind {kind}") for kind in range(max(MatchKind) + 1)], dtype=np.uint64)
_QUOTE: Final = np.uint64(hash_word('"'))
_F: Final[Hashes] = np.array(
    [0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB],
    dtype=np.uint64,
)
_NEAR: Final = np.array([0, 0, 1, 2, 3, 3, 4, 4, 4] + [5] * 8 + [6] * 24, dtype=np.uint64) * _F[4]

# What features of an item are made of. w: words, t: tags, 0 the item itself, 1 the next one; those of the nearest cue
# (c), word of saying (s) and preposition (p) on its left (l) or right (r), "near" where the distance counts too.
_COLUMNS: Final = """
one w-2 w-1 w0 w1 w2 t-3 t-2 t-1 t0 t1 t2 t3 cl_near cr_near sl_near sr_near p_near tcl tcr tsl tsr wcl wcr wp ranks
quoting from_start from_end
"""
_FEATURES: Final = """
one, w-2, w-1, w0, w1, w2, t-3, t-2, t-1, t0, t1, t2, t3,
w-2 w-1, w-1 w0, w0 w1, w1 w2, t-2 t-1, t-1 t0, t0 t1, t1 t2, t-1 t1, t-2 t-1 t0, t-1 t0 t1, t0 t1 t2, w-1 t0, t0 w1,
cl_near, cr_near, cl_near t0, cr_near t0, tcl tcr t0, wcl t-1, wcr t1, sl_near ranks, sr_near ranks, sl_near sr_near,
p_near t0, wp cl_near, from_start t0, from_end t0, from_start cr_near, ranks t0, quoting t0, quoting tsl, quoting tsr,
quoting ranks, t0 t1 cr_near, t-1 t0 cl_near
"""


class _Recipe:
    """How features are made of columns: those of most parts first, so that the second parts, and the third, belong to
    the first rows. A feature's seed is its place in the list."""

    def __init__(self) -> None:
        features = [feature.split() for feature in _FEATURES.split(",")]
        order = sorted(range(len(features)), key=lambda k: -len(features[k]))
        self.columns = _COLUMNS.split()
        self.n_features = len(features)
        self.seeds = (np.array(order, dtype=np.uint64)[:, None] + np.uint64(1)) << np.uint64(40)
        self.parts = [
            np.array([self.columns.index(features[k][place]) for k in order if len(features[k]) > place])
            for place in range(len(features[order[0]]))
        ]

    def hash(self, columns: Hashes) -> Hashes:
        """(n_features, n_items) hashes from the columns (n_columns, n_items)."""
        total: Hashes = (columns * _F[0]).take(self.parts[0], axis=0)
        total += self.seeds
        for place, rows in enumerate(self.parts[1:], 1):
            total[: len(rows)] += (columns * _F[place]).take(rows, axis=0)
        total ^= total >> np.uint64(29)
        total *= _F[3]
        return total


_RECIPE: Final = _Recipe()


@dataclass(frozen=True, eq=False, slots=True)
class Items:
    """The items of a batch of sentences, punctuation included, and their features.

    Attributes:
        first, last: (n_items,) first and last token of each item, inclusive.
        indptr: (n_sentences + 1,); the items of sentence ``s`` are ``indptr[s]:indptr[s + 1]``.
        ids: (n_items, n_features) buckets.
        barred: (n_items,) that no role begins at: a participle that opens its sentence, as in "Echoing the claim, ...".
    """

    first: Ints
    last: Ints
    indptr: Ints
    ids: NDArray[np.int32]
    barred: Bools


def items_of(
    tokens: Tokens, matches: Matches, bits: int = BITS, masked: Masked | None = None, rows: Any = None
) -> Items:
    """Items and features of a batch of sentences.

    Args:
        masked: what ``mask_tokens(tokens, matches)`` gave, if it is at hand.
        rows: indices of the sentences that are wanted, in the order of the result; all if left out.
    """
    masked = mask_tokens(tokens, matches) if masked is None else masked
    if rows is None:
        first, last, indptr, hashes = masked.first, masked.last, masked.indptr, masked.hash
    else:
        rows = np.asarray(rows, dtype=np.int64)
        chosen, indptr = ranges(masked.indptr[rows], masked.indptr[rows + 1])
        (first, last), hashes = masked.covered(chosen), masked.hash[chosen]
    n = len(first)
    lexicon = _lexicon()

    # what kind of name, title or office each item belongs to
    bounds = np.zeros(len(tokens) + 1, dtype=np.int64)
    kinds = matches.kind.astype(np.int64)
    np.add.at(bounds, matches.first_token, kinds)
    np.subtract.at(bounds, matches.end_token, kinds)
    kind = bounds.cumsum()[last]
    flags, first_flags = tokens.flags[last], tokens.flags[first]
    number = (flags & DIGIT) != 0
    words = np.where(number, _NUMBER, hashes)
    known, row = lexicon.index.find(hashes)
    free = kind[known] == 0
    known, row = known[free], row[free]

    # a tag for each item: its kind of name, its class, itself if a function word or mark, else its ending and capital
    small = ((tokens.flags & (CAPITALISED | DIGIT | PUNCTUATION)) == 0) & (tokens.end - tokens.start > 2)
    loud = np.bincount(tokens.sentence[small], minlength=tokens.n_sentences) > 0
    capital = ((first_flags & CAPITALISED) != 0) & loud[tokens.sentence[last]]
    raw = tokens._raw
    stop = tokens.end[last]
    long = stop - tokens.start[last] > 4
    ending = (raw[stop - 1] | 0x20).astype(np.uint64) << np.uint64(8)
    ending |= raw[stop - 2] | 0x20
    initial = (first_flags & INITIAL) != 0
    barred = initial & (kind == 0) & long & (ending == _NG) & ((raw[stop - 3] | 0x20) == ord("i"))
    shape = capital * np.uint8(1) + ((flags & HYPHENATED) != 0) * np.uint8(2)
    shape += (initial & capital) * np.uint8(4)
    tags = (np.where(long, ending, 1) + _SHAPES[shape]) * _F[4]
    tags = np.where((flags & PUNCTUATION) != 0, hashes, tags)
    tags = np.where(number, _NUMBER, tags)
    tags[known] = lexicon.tags[row]
    tags = np.where(kind > 0, _KINDS[kind], tags)

    columns = np.empty((len(_RECIPE.columns), n), dtype=np.uint64)
    column = dict(zip(_RECIPE.columns, columns, strict=True))
    column["one"][:] = 1
    here = np.arange(n)
    sizes = indptr[1:] - indptr[:-1]
    low, high = indptr[:-1].repeat(sizes), indptr[1:].repeat(sizes)

    # the neighbours: 0 beyond the sentence
    place = here + np.arange(1, len(indptr)).repeat(sizes) * _PAD
    for name, values, most in (("w", words, 2), ("t", tags, 3)):
        padded = np.zeros(n + len(indptr) * _PAD, dtype=np.uint64)
        padded[place] = values
        for offset in range(-most, most + 1):
            padded.take(place + offset, out=column[f"{name}{offset}"], mode="clip")  # within; clip spares a copy

    # the nearest cue, word of saying and preposition on either side, in the sentence
    marked = np.zeros((3, n), dtype=bool)
    cue = lexicon.cue[row]
    marked[:, known] = cue > 0, cue == 2, lexicon.preposition[row]
    before = _last_before(marked, here, low)
    after = _first_after(marked[:2], here, high)
    nearest = np.concatenate([before, after])[[0, 3, 1, 4, 2]]  # left and right cue, left and right saying, preposition
    distance = np.minimum(np.abs(here - nearest), len(_NEAR) - 1)
    distance[nearest < 0] = 0
    tags_at, words_at = (np.append(values, np.uint64(0))[nearest] for values in (tags, words))
    near = _NEAR[distance]
    for k, name in enumerate(("cl", "cr", "sl", "sr")):
        column[f"t{name}"][:] = tags_at[k]
        np.add(tags_at[k], near[k], out=column[f"{name}_near"])
    np.add(words_at[4], near[4], out=column["p_near"])
    for k, name in ((0, "wcl"), (1, "wcr"), (4, "wp")):
        column[name][:] = words_at[k]

    # how many names and quotation marks stand before and behind
    named = (kind > 0) & (kind <= MatchKind.PERSON)
    counts = np.zeros((2, n + 1), dtype=np.int64)
    np.cumsum([named, hashes == _QUOTE], axis=1, out=counts[:, 1:])
    behind = counts[:, high] - counts[:, 1:]
    counts = counts[:, :-1] - counts[:, low]
    name_ranks, quotes = np.minimum(counts[0], 3) + 4 * np.minimum(behind[0], 3), counts[1]
    column["ranks"][:] = 1 + name_ranks + 16 * named
    column["quoting"][:] = 1 + (quotes & 1) + 2 * np.minimum(quotes, 2) + 6 * np.minimum(behind[1], 2)
    column["from_start"][:] = np.minimum(here - low, 6) + 1
    column["from_end"][:] = np.minimum(high - 1 - here, 4) + 1

    ids = np.empty((_RECIPE.n_features, n), dtype=np.int32)
    for begin in range(0, n, _HASHED_AT_ONCE):
        those = slice(begin, begin + _HASHED_AT_ONCE)
        np.right_shift(_RECIPE.hash(columns[:, those]), np.uint64(64 - bits), out=ids[:, those], casting="unsafe")
    return Items(first, last, indptr, ids.T, barred)


_NG: Final = np.uint64(ord("g") << 8 | ord("n"))  # as an ending is written
_SHAPES: Final = (np.arange(8, dtype=np.uint64) << np.uint64(16)) + np.uint64(1)


def _last_before(marked: Bools, here: Ints, low: Ints) -> Ints:
    """The nearest marked item before each one in its sentence, -1 for none; of several rows of marks."""
    found = np.full(marked.shape, -1)
    np.maximum.accumulate(np.where(marked, here, -1)[:, :-1], axis=1, out=found[:, 1:])
    found[found < low] = -1
    return found


def _first_after(marked: Bools, here: Ints, high: Ints) -> Ints:
    """The nearest marked item after each one in its sentence, -1 for none; of several rows of marks."""
    n = len(here)
    found = np.full(marked.shape, n)
    np.minimum.accumulate(np.where(marked, here, n)[:, :0:-1], axis=1, out=found[:, -2::-1])
    found[found >= high] = -1
    return found


def run_scores(scores: Floats, indptr: Ints, longest: int = MAX_ITEMS) -> Floats:
    """Scores of all runs of one role: (n_items, longest), ``[i, l]`` is the run of items ``i`` to ``i + l``; -inf where
    it leaves the sentence.

    Args:
        scores: (n_items, 3) or more columns; scores of start, end, inside.
        indptr: (n_sentences + 1,) bounds of the sentences.
    """
    n = len(scores)
    total = np.zeros(n + longest)
    scores[:, 2].cumsum(out=total[1 : n + 1])
    ends = np.zeros(n + longest, dtype=scores.dtype)
    ends[:n] = scores[:, 1]
    values = _windows(total[1:], n, longest) - total[:n, None]
    values += scores[:, :1] + _windows(ends, n, longest)
    room = indptr[1:].repeat(indptr[1:] - indptr[:-1]) - np.arange(n)
    values[room[:, None] <= np.arange(longest)] = -np.inf
    return values.astype(np.float32)


def _windows(values: Floats, n: int, width: int) -> Floats:
    """(n, width): row ``i`` is ``values[i : i + width]``; a view, in a hundredth of the time of sliding_window_view."""
    return np.ndarray((n, width), values.dtype, values, 0, values.strides * 2)


@dataclass(frozen=True, eq=False, slots=True)
class Candidates:
    """The likely runs of one role, (n, k) each: first and last item in the sentence, probability (0, and both items -1,
    where there are fewer runs). ``left_out``: (n,) probability that the role is left out. ``value``: (n, k) expected
    overlap F1 with the right answer.
    """

    first: Ints
    last: Ints
    probability: Floats
    left_out: Floats
    value: Floats

    def parted(self, n: int) -> tuple[Candidates, Candidates]:
        """The first ``n`` sentences, and the others."""
        return self._some(slice(n)), self._some(slice(n, None))

    def _some(self, part: slice) -> Candidates:
        return Candidates(
            self.first[part], self.last[part], self.probability[part], self.left_out[part], self.value[part]
        )

    def and_nobody(self, n: int) -> Candidates:
        """With ``n`` sentences more that are sure to leave the role out."""
        if not n:
            return self
        k = self.first.shape[1]
        nowhere, nothing = np.full((n, k), -1), np.zeros((n, k), dtype=np.float32)
        return Candidates(
            np.concatenate([self.first, nowhere]),
            np.concatenate([self.last, nowhere]),
            np.concatenate([self.probability, nothing]),
            np.concatenate([self.left_out, np.ones(n, dtype=np.float32)]),
            np.concatenate([self.value, nothing]),
        )


def candidates(scores: Floats, indptr: Ints) -> Candidates:
    """Candidates of one role for every sentence of at least one item.

    Args:
        scores: (n_items, 4) in the order of ``OUTPUTS``.
    """
    low, sizes = indptr[:-1], indptr[1:] - indptr[:-1]
    n = len(sizes)
    owner = np.arange(n).repeat(sizes)
    none = np.add.reduceat(scores[:, 3], low) / np.sqrt(sizes)
    runs = run_scores(scores, indptr)
    best = np.maximum(np.maximum.reduceat(runs.ravel(), low * MAX_ITEMS), none)
    p = np.exp(runs - best[owner, None])
    p_none = np.exp(none - best)
    total = np.add.reduceat(p.sum(axis=1), low) + p_none
    # the best run, or none, has 1 of the total, so only what is over the floor already can stay over it
    likely = indices((p > _FLOOR).ravel())
    share = p.ravel()[likely] / total[owner[likely // MAX_ITEMS]]
    kept = share > _FLOOR
    share, item, length = share[kept], likely[kept] // MAX_ITEMS, likely[kept] % MAX_ITEMS
    sentence = owner[item]
    counts = np.bincount(sentence, minlength=n)
    rank = np.arange(len(item)) - (counts.cumsum() - counts).repeat(counts)
    shape = n, max(int(counts.max(initial=0)), 1)
    first, last = np.full(shape, -1), np.full(shape, -1)
    probability = np.zeros(shape, dtype=np.float32)
    first[sentence, rank] = item - low[sentence]
    last[sentence, rank] = first[sentence, rank] + length
    probability[sentence, rank] = share
    overlap = np.minimum(last[:, :, None], last[:, None]) - np.maximum(first[:, :, None], first[:, None]) + 1
    lengths = last - first + 1
    f1 = 2 * np.maximum(overlap, 0) / (lengths[:, :, None] + lengths[:, None])
    return Candidates(first, last, probability, p_none / total, (f1 * probability[:, None]).sum(axis=2))


def choose(speaker: Candidates, target: Candidates, favour: Sequence[float] = (1.0, 1.0)) -> Ints:
    """The runs with the highest expected overlap: (n, 3, 2), first and last item of the speaker, of the target and of
    the next best target; -1 for none.

    Where both would be the same words, the less certain role takes its next best.

    Args:
        favour: what the probability of leaving out the speaker, and the target, is multiplied by.
    """
    n = len(speaker.first)
    chosen = np.full((n, 3, 2), -1, dtype=np.int64)
    values = np.zeros((n, 3))
    for r, role in enumerate((speaker, target)):
        if n:
            _pick(role, role.value, favour[r], np.arange(n), chosen[:, r], values[:, r])
    clash = (chosen[:, :2, 0] >= 0).all(axis=1)
    clash &= (chosen[:, 0, 0] <= chosen[:, 1, 1]) & (chosen[:, 1, 0] <= chosen[:, 0, 1])
    for r, role in enumerate((speaker, target)):
        rows = indices(clash & ((values[:, 1] >= values[:, 0]) == (r == 0)))
        if len(rows):
            free = _apart(role, rows, chosen[rows, 1 - r])
            _pick(role, np.where(free, role.value[rows], 0), favour[r], rows, chosen[:, r], values[:, r])
    rows = indices(chosen[:, 1, 0] >= 0)
    if len(rows):
        free = _apart(target, rows, chosen[rows, 0]) & _apart(target, rows, chosen[rows, 1])
        _pick(target, np.where(free, target.value[rows], 0), 0.0, rows, chosen[:, 2], values[:, 2])
    return chosen


def _apart(role: Candidates, rows: Ints, run: Ints) -> Bools:
    """Which candidates of these rows share no item with the run of their row, (n_rows, 2)."""
    free: Bools = (role.first[rows] > run[:, 1:]) | (role.last[rows] < run[:, :1])
    return free


def _pick(role: Candidates, value: Floats, favour: float, rows: Ints, chosen: Ints, values: Floats) -> None:
    at = value.argmax(axis=1)
    best = value[np.arange(len(at)), at]
    there = best > np.maximum(role.left_out[rows] * favour, _LEAST)
    chosen[rows, 0] = np.where(there, role.first[rows, at], -1)
    chosen[rows, 1] = np.where(there, role.last[rows, at], -1)
    values[rows] = np.where(there, best, role.left_out[rows])


@dataclass(frozen=True, eq=False)
class RoleModel:
    """Weights of the shipped role model.

    Attributes:
        stances: the stances it was taught; for any other it takes the mean of their weights.
        weights: (n_stances, buckets, 8) bytes with sign: ``OUTPUTS`` of the speaker, then of the target.
        scale: (8,) what a byte is worth in each output.
        favour: what the probability of leaving a role out is multiplied by, for each of ``ROLES``.
        packed: (n_stances * buckets,) the same weights, the eight of a bucket in one number, each 128 more than it is:
            every other byte of it is four lanes of 16 bits, and a sum of such numbers is four sums, as long as there
            are at most 256.
    """

    stances: tuple[str, ...]
    weights: NDArray[np.int8]
    scale: Floats
    favour: tuple[float, float]
    packed: Hashes

    @classmethod
    def of(cls, stances: Sequence[str], weights: Floats, favour: Sequence[float]) -> RoleModel:
        """From weights (n_stances, buckets, 8) of any size: the largest of each output becomes 127."""
        scale = np.maximum(np.abs(weights).max(axis=(0, 1)), 1e-9) / 127
        stored = np.round(weights / scale).astype(np.int8)
        return cls.from_bytes(stances, stored, scale, favour)

    @classmethod
    def from_bytes(
        cls, stances: Sequence[str], weights: NDArray[np.int8], scale: Floats, favour: Sequence[float]
    ) -> RoleModel:
        own = float(favour[0]), float(favour[1])
        return cls(tuple(stances), weights, scale.astype(np.float32), own, _packed(weights))

    @cached_property
    def _for_any(self) -> Hashes:
        """``packed``, and at its end for any other stance the mean of all weights."""
        mean = np.round(self.weights.mean(axis=0)).astype(np.int8)
        return np.concatenate([self.packed, _packed(mean)])

    def stance_index(self, stance: str) -> int:
        return self.stances.index(stance) if stance in self.stances else len(self.stances)

    def runs(self, items: Items, sentence: Ints, stance: Ints, targets: int | None = None) -> Ints:
        """The roles of claims: (n_claims, 3, 2) as ``choose`` gives them.

        Args:
            sentence: (n_claims,) the sentence of each claim, of at least one item.
            stance: (n_claims,) index of its weights.
            targets: of how many claims, from the first on, targets are sought, all if left out; none is found for the
                others.
        """
        sought = len(sentence) if targets is None else targets
        packed = self._for_any if (stance == len(self.stances)).any() else self.packed
        chosen = np.empty((len(sentence), 3, 2), dtype=np.int64)
        low = items.indptr[sentence]
        high = np.minimum(items.indptr[sentence + 1], low + _MOST_ITEMS)
        _, bounds = ranges(low, high)
        begin = 0
        while begin < len(sentence):  # parts of bounded size
            stop = max(int(bounds.searchsorted(bounds[begin] + _ITEMS_AT_ONCE, side="right")) - 1, begin + 1)
            part = slice(begin, stop)
            rows, indptr = ranges(low[part], high[part])
            buckets = items.ids.T.take(rows, axis=1).astype(np.intp)
            buckets += (stance[part] * self.weights.shape[1]).repeat(indptr[1:] - indptr[:-1])
            those = max(min(sought, stop) - begin, 0)
            scores = self._scores(packed.take(buckets, mode="clip"))  # in range by construction
            scores[:, ::4][items.barred[rows]] = _NEVER  # of both roles' starts
            roles = scores[:, :4], scores[: indptr[those], 4:]
            both = candidates(np.concatenate(roles), np.concatenate([indptr, indptr[1 : those + 1] + indptr[-1]]))
            speaker, target = both.parted(stop - begin)
            chosen[part] = choose(speaker, target.and_nobody(stop - begin - those), self.favour)
            begin = stop
        return chosen

    def _scores(self, carried: Hashes) -> Floats:
        """(n_items, 8) scores from the packed weights (n_features, n_items); they are used up."""
        counts = np.empty((carried.shape[1], 4, 2), dtype=np.int32)
        counts[:, :, 0] = _lanes_of(carried & _EVEN_BYTES)
        carried >>= np.uint64(8)
        carried &= _EVEN_BYTES
        counts[:, :, 1] = _lanes_of(carried)
        counts -= _LANE * len(carried)
        scores: Floats = counts.reshape(-1, 8) * self.scale
        return scores


_NEVER: Final = -1e3  # a start's score that no run makes up for


def _packed(weights: NDArray[np.int8]) -> Hashes:
    """Bytes with sign (..., 8) as numbers of eight bytes, each 128 more than it was."""
    return np.ascontiguousarray(weights).view("<u8").ravel() ^ np.uint64(0x8080808080808080)


def _lanes_of(numbers: Hashes) -> NDArray[np.uint16]:
    """(n_items, 4) sums of four lanes of 16 bits over (n_features, n_items), the lowest first."""
    lanes: NDArray[np.uint16] = numbers.sum(axis=0).astype("<u8").view("<u2")
    return lanes.reshape(-1, 4)


@lru_cache(maxsize=1)
def role_model() -> RoleModel:
    """The shipped role model, loaded once."""
    config = json.loads((DATA / "roles.json").read_text(encoding="utf-8"))
    with open(DATA / "roles.npy", "rb") as file:
        stored = np.lib.format.read_array(file, allow_pickle=False)
    return RoleModel.from_bytes(config["stances"], stored, np.array(config["scale"]), config["favour"])


# ---------------------------------------------------------------------------------------------- whole documents

Range: TypeAlias = tuple[int, int]
Roles: TypeAlias = tuple[Mention | None, Mention | None]

_Name: TypeAlias = tuple[int, int, int, tuple[str, ...]]  # start, end, kind, codes

_CLAIMS_AT_ONCE: Final = 2048
_FEW: Final = 24  # sentences with a stance
_LOOK_BACK: Final = 4
_FIRST_PERSON: Final = frozenset(("we", "i", "us", "me", "our", "my", "ours", "mine", "ourselves"))
_PERSONS: Final = frozenset(("he", "she", "him", "her", "his", "hers", "himself", "herself"))
_THINGS: Final = frozenset(("it", "its", "itself"))
_MANY: Final = frozenset(("they", "them", "their", "theirs", "themselves"))
_NAMES_OF_PERSONS: Final = (MatchKind.LEADER, MatchKind.PERSON)
_OFFICE: Final = re.compile(
    r"\b(spokes\w+|minist\w+|government|president|presidency|premier|chancellor|cabinet|parliament|army|military|forces|"
    r"official|officials|ambassador|envoy|embassy|diplomats?|authorities|administration|regime|delegate|delegation|"
    r"representative|statement|communique|communiqué|leader|leadership|secretary|king|side|country|nation|state|department)\b",
    re.IGNORECASE,
)
_APPOSITION: Final = re.compile(r"\s*,\s*((?:the|a|an)?\s*[^,.;:\"“”]{3,120})")
_NAME: Final = re.compile(r"[^\W\d_][\w'’-]+")
_NAME_BEFORE: Final = re.compile(r"((?:[A-Z][\w'’-]+\s+){0,3}[A-Z][\w'’-]+),\s*\Z")  # Lin Bo, a spokesperson
_NOT_NAMES: Final = frozenset(word.capitalize() for word in _FUNCTION_WORDS.split())
_WORD: Final = re.compile(r"\w")
_MARKS: Final = "\"“”«»„"
_BLANK_LINES: Final = re.compile(r"\n\s*\n")


@dataclass(frozen=True, eq=False, slots=True)
class Named:
    """Stretches of documents as tokens, and the names in them.

    ``places``: (number of the document, start, end) -> sentence of the tokens.
    """

    tokens: Tokens
    matches: Matches
    masked: Masked
    places: Mapping[tuple[int, int, int], int]

    @classmethod
    def of(cls, texts: Sequence[str], pieces: Sequence[tuple[int, int, int]]) -> Named:
        tokens = tokenize([texts[i][start:end] for i, start, end in pieces])
        matches = find(tokens)
        return cls(tokens, matches, mask_tokens(tokens, matches), {piece: row for row, piece in enumerate(pieces)})

    def names(self, place: tuple[int, int, int]) -> list[_Name]:
        """The names of actors in one of the stretches, in order."""
        tokens, matches = self.tokens, self.matches
        row = self.places[place]
        low, high = matches.first_token.searchsorted(tokens.indptr[row : row + 2]).tolist()
        starts, ends = tokens.char_spans(matches.first_token[low:high], matches.end_token[low:high] - 1)
        begin, table = place[1], codes_of_actors()
        return [
            (start + begin, end + begin, kind, table[actor] if actor >= 0 else ())
            for start, end, kind, actor in zip(
                starts.tolist(),
                ends.tolist(),
                matches.kind[low:high].tolist(),
                matches.actor[low:high].tolist(),
                strict=True,
            )
            if kind <= MatchKind.PERSON
        ]


def quoted_pieces(text: str, spans: Sequence[Range]) -> list[Range]:
    """The parts of sentences that may name who is quoted in a document: what ``find_roles`` reads besides sentences."""
    if not _has_quotes(text):
        return []
    document = _Document(0, text, spans, [()] * len(spans))
    # only quotations that a sentence begins in, or many in one long sentence would each ask for the rest of it
    begun = dict.fromkeys(quotation for span in spans if (quotation := document._quotation_at(span)) is not None)
    pieces = dict.fromkeys(piece for quotation in begun for piece in document._attributions(quotation))
    whole = set(spans)
    return [piece for piece in pieces if piece not in whole]


def find_roles(
    texts: Sequence[str],
    spans: Sequence[Sequence[Range]],
    stances: Sequence[Sequence[Sequence[str]]],
    named: Named | None = None,
) -> list[list[tuple[Roles, ...]]]:
    """Speaker and target of every stance of every sentence of every document.

    Args:
        texts: n documents.
        spans: of each document the sentences, as offsets in its text, in order.
        stances: of each sentence the stances that it takes; any names.
        named: all sentences of the documents, if they are at hand, and of few documents the ``quoted_pieces`` too.

    Returns:
        For each sentence a ``(speaker, target)`` for each of its stances, in order. Offsets count in the document; a
        speaker that is named in another sentence of the same quotation has its offsets there and is ``resolved``.

    Work and memory are linear in the sentences with a stance and their neighbours; the others cost nothing.
    """
    found: list[list[tuple[Roles, ...]]] = []
    begin = count = 0
    for i, document in enumerate(stances):
        count += sum(map(len, document))
        if count >= _CLAIMS_AT_ONCE or i + 1 == len(stances):
            documents = [_Document(k, texts[k], spans[k], stances[k]) for k in range(begin, i + 1)]
            found += _find_roles(texts, documents, named)
            begin, count = i + 1, 0
    return found


class Tagged(NamedTuple):
    """What was tagged for one stance in one stretch of text, as offsets in the document."""

    speaker: Range | None
    target: Range | None
    other: Range | None
    """The next best target."""


def _moved(span: Range, offset: int) -> Range:
    return span[0] + offset, span[1] + offset


def _find_roles(
    texts: Sequence[str], documents: Sequence[_Document], named: Named | None
) -> list[list[tuple[Roles, ...]]]:
    bearing = [d for d in documents if d.index]
    if bearing:
        model = role_model()
        codes: dict[str, tuple[str, ...]] = {}
        pieces = [(d, piece) for d in bearing for piece in d.index]
        taken = [[model.stance_index(name) for name in d.stances_of[piece]] for d, piece in pieces]
        # a call costs more than a few sentences: of a small text, those that may be wanted are read at once
        spare = [(d, piece) for d in bearing for piece in d.neighbours()] if len(pieces) <= _FEW else []
        _tag(model, texts, named, pieces + spare, taken + [[len(model.stances)]] * len(spare), len(pieces), len(pieces))
        _add_codes(bearing, codes)
        wanted = [(d, piece) for d in bearing for piece in d.around()]
        if wanted:
            _tag(model, texts, named, wanted, [[len(model.stances)]] * len(wanted), 0, len(wanted))
            _add_codes(bearing, codes)
    return [d.roles() for d in documents]


def _tag(
    model: RoleModel,
    texts: Sequence[str],
    named: Named | None,
    pieces: Sequence[tuple[_Document, Range]],
    stances: Sequence[Sequence[int]],
    n_targets: int,
    n_wanted: int,
) -> None:
    """Fill ``tagged`` and ``named`` of the documents for the first ``n_wanted`` of these stretches of text, ``spare``
    for the others; targets are sought in the first ``n_targets`` alone."""
    places = [(document.number, *piece) for document, piece in pieces]
    if named is None:
        named = Named.of(texts, places)
    elif missing := [i for i, place in enumerate(places) if place not in named.places]:
        here = [i for i, place in enumerate(places) if place in named.places]
        for which, given in ((here, named), (missing, None)):
            if which:
                _tag(
                    model,
                    texts,
                    given,
                    [pieces[i] for i in which],
                    [stances[i] for i in which],
                    bisect_left(which, n_targets),
                    bisect_left(which, n_wanted),
                )
        return
    tokens, matches = named.tokens, named.matches
    rows = np.array([named.places[place] for place in places], dtype=np.int64)
    items = items_of(tokens, matches, masked=named.masked, rows=rows)
    filled = (items.indptr[1:] > items.indptr[:-1]).tolist()
    owners = [i for i, own in enumerate(stances) for _ in own if filled[i]]
    weights = [index for i, own in enumerate(stances) for index in own if filled[i]]
    owner = np.array(owners, dtype=np.int64)
    runs = model.runs(items, owner, np.array(weights, dtype=np.int64), int(owner.searchsorted(n_targets)))
    at = runs + items.indptr[owner][:, None, None]
    there = runs[:, :, 0] >= 0
    begin, stop = at[there].T
    # an unsure run may draw in what stands before the noun phrase: with President X
    prepositions = _lexicon().prepositions
    led = np.array([word in prepositions for word in tokens.hash[items.first[begin]].tolist()], dtype=bool)
    begin = begin + (led & (begin < stop))
    starts, ends = tokens.char_spans(items.first[begin], items.last[stop])
    found = iter(zip(starts.tolist(), ends.tolist(), strict=True))
    for i, both in zip(owners, there.tolist(), strict=True):
        document, piece = pieces[i]
        offset = piece[0]
        speaker, target, other = [_moved(next(found), offset) if one else None for one in both]
        into = document.tagged.setdefault(piece, []) if i < n_wanted else document.spare[piece]
        into.append(Tagged(speaker, target, other))
    for i, (document, piece) in enumerate(pieces):
        (document.named if i < n_wanted else document.named_in_spare)[piece] = named


def _add_codes(documents: Sequence[_Document], codes: dict[str, tuple[str, ...]]) -> None:
    """Fill ``codes``: of the words of every tagged role, and of the apposition behind them."""
    phrases: dict[str, None] = {}
    for document in documents:
        document.codes = codes
        for pairs in (*document.tagged.values(), *document.spare.values()):
            for span in (span for pair in pairs for span in pair if span is not None):
                phrases[document.text[span[0] : span[1]]] = None
                if apposition := document.apposition(span):
                    phrases[apposition] = None
    new = [phrase for phrase in phrases if phrase not in codes]
    if new:
        codes.update(zip(new, codes_all(new), strict=True))


class _Document:
    """One document: what was tagged in it, and the rules that find in its other sentences what a sentence leaves open.

    ``tagged``: stretch of text -> speaker and target for each stance. ``named``: stretch -> what knows its names.
    ``codes``: words -> codes. ``spare``, ``named_in_spare``: the same of stretches that may not be wanted.
    """

    def __init__(self, number: int, text: str, spans: Sequence[Range], stances: Sequence[Sequence[str]]) -> None:
        self.number = number
        self.text = text
        self.spans = spans
        self.stances = stances
        self.index = {spans[i]: i for i, names in enumerate(stances) if names}
        self.stances_of = {span: stances[i] for span, i in self.index.items()}
        self.tagged: dict[Range, list[Tagged]] = {}
        self.named: dict[Range, Named] = {}
        self.codes: dict[str, tuple[str, ...]] = {}
        self.spare: dict[Range, list[Tagged]] = {}
        self.named_in_spare: dict[Range, Named] = {}
        self.quotations: list[_Quotation] | None = None
        self.quoted_from: list[int] = []  # where these start
        self.persons: dict[str, tuple[str, ...]] = {}
        self.appositions: dict[Range, str] = {}
        self.speakers: dict[int, Mention | None] = {}
        self.open: set[int] = set()

    @cached_property
    def starts(self) -> list[int]:
        return [start for start, _ in self.spans]

    def neighbours(self) -> list[Range]:
        """All stretches of text that ``around`` may ask for; their places in ``spare`` are made."""
        wanted = dict.fromkeys(piece for span, i in self.index.items() for piece in self._neighbours(span, i))
        self.spare = {piece: [] for piece in wanted if piece not in self.index}
        return list(self.spare)

    def _neighbours(self, span: Range, i: int) -> list[Range]:
        quotation = self._quotation_at(span)
        before = list(self.spans[max(i - _LOOK_BACK, 0) : i])
        return before if quotation is None else before + self._attributions(quotation)

    def around(self) -> list[Range]:
        """The stretches of text to read besides the sentences with a stance, so that all roles can be resolved. What is
        in ``spare`` is taken from there."""
        wanted: dict[Range, None] = {}
        for span, i in self.index.items():
            if not all(self._is_settled(pair) for pair in self.tagged.get(span, ())):
                wanted.update(dict.fromkeys(self._neighbours(span, i)))
        missing = []
        for piece in wanted:
            if piece in self.spare:
                self.named[piece] = self.named_in_spare[piece]
                if tagged := self.spare.pop(piece):
                    self.tagged[piece] = tagged
            elif piece not in self.tagged:
                missing.append(piece)
        self.spare.clear()
        return missing

    def _is_settled(self, tagged: Tagged) -> bool:
        speaker, target, _ = tagged
        plain = speaker is not None and bool(self.codes[self._words(speaker)])
        return plain and (target is None or self._words(target).casefold() not in _PERSONS | _THINGS | _MANY)

    def roles(self) -> list[tuple[Roles, ...]]:
        """The roles of every sentence."""
        if not self.index:
            return [()] * len(self.spans)
        known: list[tuple[Roles, ...]] = [()] * len(self.spans)
        read = {bisect_right(self.starts, start) - 1 for start, _ in self.tagged}
        for i in sorted(read.union(self.index.values())):
            span = self.spans[i]
            pairs = self.tagged.get(span)
            if span not in self.index:
                if pairs:
                    self._speaker(i)
                continue
            own: list[Roles] = []
            for tagged in pairs or [Tagged(None, None, None)] * len(self.stances_of[span]):
                speaker = self._resolve(i, tagged.speaker)
                target = self._target(i, tagged.target, speaker)
                if speaker is not None and target is not None and target.codes and target.codes == speaker.codes:
                    # few blame themselves: "Wang said China urged the US to stop"
                    other = self._target(i, tagged.other, speaker)
                    target = other if other is not None and other.codes not in ((), speaker.codes) else target
                own.append((speaker, target))
            self.speakers[i] = next((s for s, _ in own if s is not None), None)
            known[i] = tuple(own)
        return known

    # ------------------------------------------------------------------ speakers

    def _words(self, span: Range) -> str:
        return self.text[span[0] : span[1]]

    def apposition(self, span: Range) -> str:
        """The words after a name that say who that is: "Wang Wenbin, a spokesperson for the ministry"."""
        if span not in self.appositions:
            found = _APPOSITION.match(self.text, span[1], span[1] + 160)
            self.appositions[span] = found[1] if found and _OFFICE.search(found[1]) else ""
        return self.appositions[span]

    def _mention(self, span: Range, codes: tuple[str, ...], resolved: bool) -> Mention:
        return Mention(self._words(span), span[0], span[1], codes, resolved)

    def _speaker(self, i: int) -> Mention | None:
        """Who speaks in sentence ``i``, as far as it was read."""
        if i not in self.speakers:
            if i in self.open:  # a quotation that leads back to itself
                return None
            self.open.add(i)
            pairs = self.tagged.get(self.spans[i], ())
            self.speakers[i] = self._resolve(i, next((s for s, _, _ in pairs if s is not None), None))
            self.open.discard(i)
        return self.speakers[i]

    def _resolve(self, i: int, span: Range | None) -> Mention | None:
        """The speaker that was tagged in sentence ``i``, with codes from elsewhere where the words alone have none."""
        if span is None:
            return self._quoted_speaker(i, None)
        words = self._words(span)
        folded = words.casefold()
        own = self.codes.get(words, ())
        if own:
            before = self.text[max(span[0] - 60, 0) : span[0]]
            name = _NAME_BEFORE.search(before) if before.rstrip().endswith(",") else None
            self._remember(f"{name[1] if name else ''} {words} {self.apposition(span)}", own)
            return self._mention(span, own, False)
        if folded.split()[0] in _FIRST_PERSON:
            said = self._quoted_speaker(i, span)
            return self._mention(span, () if said is None else said.codes, said is not None and bool(said.codes))
        if folded in _PERSONS or folded in _THINGS or folded in _MANY:
            found = self._antecedent(i, span, folded, ())
            return self._mention(span, found, bool(found))
        apposed = self.apposition(span)
        found = self.codes.get(apposed, ()) or self._person(words)
        if not found and (office := _office(words) or _office(apposed)):
            found = self.persons.get(office, ()) or self._last_codes(i)
        if found:
            self._remember(f"{words} {apposed}", found)
        return self._mention(span, found, bool(found))

    def _remember(self, words: str, codes: tuple[str, ...]) -> None:
        """A name goes by any of its parts later on (Tan Kefei, Tan), a spokesperson for X by the office."""
        for name in _NAME.findall(words):
            if name[0].isupper() and name not in _NOT_NAMES:
                self.persons[name] = codes
        if office := _office(words):
            self.persons[office] = codes

    def _person(self, words: str) -> tuple[str, ...]:
        names = [name for name in _NAME.findall(words) if name[0].isupper()]
        if len(names) != len(words.split()):
            return ()
        return next((self.persons[name] for name in reversed(names) if name in self.persons), ())

    def _last_codes(self, i: int) -> tuple[str, ...]:
        """The codes of the last speaker before sentence ``i``."""
        for j in range(i - 1, max(i - 1 - _LOOK_BACK, -1), -1):
            speaker = self._speaker(j) if self.spans[j] in self.tagged else None
            if speaker is not None and speaker.codes:
                return speaker.codes
        return ()

    def _antecedent(self, i: int, span: Range, pronoun: str, besides: tuple[str, ...]) -> tuple[str, ...]:
        """Whom a pronoun stands for, where that is plain: the one fitting name before it in its sentence, else who
        spoke last, else the one name of the sentence before."""
        persons, things = pronoun in _PERSONS, pronoun in _THINGS
        fitting = {
            own
            for _, end, kind, own in self._names(i)
            if end <= span[0] and own and own != besides and (kind in _NAMES_OF_PERSONS) == persons
        }
        if len(fitting) == 1 and (persons or things):
            return fitting.pop()
        if not besides and (last := self._last_codes(i)):
            return last
        names = self._names(i - 1) if i else []
        one = {
            own for _, _, kind, own in names if own and own != besides and (persons or kind not in _NAMES_OF_PERSONS)
        }
        return one.pop() if len(one) == 1 else ()

    def _names(self, i: int) -> list[_Name]:
        """The names in sentence ``i``, if it was read."""
        span = self.spans[i]
        return self.named[span].names((self.number, *span)) if span in self.named else []

    def _target(self, i: int, span: Range | None, speaker: Mention | None) -> Mention | None:
        if span is None:
            return None
        words = self._words(span)
        own = self.codes.get(words, ())
        folded = words.casefold()
        if own or not (folded in _PERSONS or folded in _THINGS or folded in _MANY):
            return self._mention(span, own, False)
        found = self._antecedent(i, span, folded, speaker.codes if speaker is not None else ("",))
        return self._mention(span, found, bool(found))

    # ------------------------------------------------------------------ quotations

    def _quotation_at(self, sentence: Range) -> _Quotation | None:
        """The quotation that the first word of a sentence stands in."""
        if self.quotations is None:
            self.quotations = quotations(self.text) if _has_quotes(self.text) else []
            self.quoted_from = [quotation.start for quotation in self.quotations]
        last = bisect_right(self.quoted_from, sentence[1]) - 1
        if last < 0 or self.quotations[last].end <= sentence[0]:
            return None  # no quotation reaches into the sentence
        word = _WORD.search(self.text, *sentence)
        if word is None:
            return None
        at = bisect_right(self.quoted_from, word.start()) - 1
        return self.quotations[at] if at >= 0 and word.start() < self.quotations[at].end else None

    def _attributions(self, quotation: _Quotation) -> list[Range]:
        """The stretches of text that may name who is quoted, the likeliest first: what follows the quotation in its
        last sentence, what comes before it in its first, the sentence before."""
        wanted = []
        last = bisect_right(self.starts, quotation.last_end - 1) - 1
        if last >= 0 and _WORD.search(self.text, quotation.last_end, self.spans[last][1]):
            wanted.append((quotation.last_end, self.spans[last][1]))
        first = bisect_right(self.starts, quotation.first_start) - 1
        if first >= 0 and _WORD.search(self.text, self.spans[first][0], quotation.first_start):
            wanted.append((self.spans[first][0], quotation.first_start))
        elif first > 0:
            wanted.append(self.spans[first - 1])
        return wanted

    def _quoted_speaker(self, i: int, span: Range | None) -> Mention | None:
        """Who is quoted where sentence ``i`` begins inside a quotation, or where ``span`` stands."""
        quotation = self._quotation_at(self.spans[i] if span is None else span)
        if quotation is None:
            return None
        for piece in self._attributions(quotation):
            pairs = self.tagged.get(piece)
            if not pairs:
                continue
            j = bisect_right(self.starts, piece[0]) - 1
            if piece == self.spans[j]:
                speaker = self._speaker(j) if j < i else None
            else:
                named = next((s for s, _, _ in pairs if s is not None), None)
                first_person = named is not None and self._words(named).casefold() in _FIRST_PERSON
                speaker = None if named is None or first_person else self._resolve(j, named)
            if speaker is not None:
                return replace(speaker, resolved=True)
        return None


@dataclass(frozen=True, slots=True)
class _Quotation:
    """A quoted stretch of one paragraph, marks left out. ``first_start`` and ``last_end`` bound the whole quotation,
    marks included, where it runs over several paragraphs."""

    start: int
    end: int
    first_start: int
    last_end: int


def _office(words: str) -> str:
    """The office that a phrase names, as a key: spokes for spokesman, spokesperson; empty for none."""
    found = _OFFICE.search(words)
    if found is None:
        return ""
    office = found[1].casefold()
    return next((stem for stem in ("spokes", "minist", "president", "official") if office.startswith(stem)), office)


def _has_quotes(text: str) -> bool:
    return any(mark in text for mark in _MARKS)


def quotations(text: str) -> list[_Quotation]:
    """The quotations of a text, in order, outermost ones only. A quotation that is not closed ends with its paragraph,
    and goes on if the next one opens with a mark again."""
    found: list[list[tuple[int, int]]] = []
    depth = begin = previous = 0
    unclosed = -1
    marks = sorted(mark.start() for sign in _MARKS if sign in text for mark in re.finditer(sign, text))
    for at in [*marks, len(text)]:
        if depth and (blank := _BLANK_LINES.search(text, previous, at)):
            _append(found, begin, blank.start(), unclosed)
            depth, unclosed = 0, blank.end()
        if at == len(text):
            break
        previous = at + 1
        sign = text[at]
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        opens = sign in "“«„"
        if sign == '"':
            opens = after != "" and not after.isspace() and not before.isalnum() and before not in (*".,!?;:…",)
        if opens:
            if not depth:
                begin = at
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                _append(found, begin, at, unclosed)
    if depth:
        _append(found, begin, len(text), unclosed)
    return [
        _Quotation(start + 1, end, group[0][0], min(group[-1][1] + 1, len(text)))
        for group in found
        for start, end in group
    ]


def _append(found: list[list[tuple[int, int]]], begin: int, end: int, unclosed: int) -> None:
    if found and begin == unclosed:
        found[-1].append((begin, end))
    else:
        found.append([(begin, end)])
