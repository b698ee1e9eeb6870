"""Sentences -> bucket ids, a whole batch at once. Pure: the same sentences and settings give the same ids.

Names of actors collapse to one mask first, so that no feature can tell who speaks. Streams of items follow:

- **words**: every token that is no punctuation; runs of 1 to ``word_order`` neighbours, pairs with up to
  ``word_gap`` - 1 words between;
- **classes**: the tokens that belong to a small semantic class (``data/classes.txt``: accuse, deny, talks, negation
  ...), far words left out; single ones, ordered pairs of hits up to ``class_gap`` hits apart, near or far, and runs of
  up to ``class_order``;
- **stems**: the first ``stem_letters`` letters of every word, alone and in pairs;
- **mixed**: words with the class in place of a word that has one; runs of 2 to ``mixed_order``, so that a class meets
  the words round it.

Every feature is a few neighbours of one stream, hashed to one of ``2 ** bits`` buckets by multiply and shift. Bucket 0
is reserved: whatever would cross the bounds of a sentence falls there, and no model gives it weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.actors import DATA, STAND_INS, Masked, MatchKind, mask_tokens
from rhetoric.tokens import (
    CAPITALISED,
    DIGIT,
    INITIAL,
    MIX,
    PUNCTUATION,
    HashIndex,
    Tokens,
    hash_word,
    hash_words,
    indices,
    tokenize,
)

__all__ = [
    "FeatureSettings",
    "Featured",
    "Items",
    "Stream",
    "extract",
    "items_of",
    "lexicon_classes",
    "most_kinds",
    "streams_of",
]

Buckets: TypeAlias = NDArray[np.intp]
Ints: TypeAlias = NDArray[np.int64]
Hashes: TypeAlias = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """What becomes a feature. Kept in the model's config: a retrained model brings its own.

    Attributes:
        bits: 2 ** bits buckets, 10 to 24.
        word_order: longest run of words, 1 to 5.
        class_gap: pairs of class hits up to this many hits apart, 0 to 8.
        class_order: longest run of class hits, 1 to 4; runs of two are the pairs of gap 1.
        near: two hits at most this many words apart are near each other.
        mask_actors: collapse names of actors to one mask.
        word_gap: pairs of words up to this many words apart, 0 to 4; 0 and 1 give none beside the runs.
        stem_letters: letters of a stem, 3 to 12; 0 for no stems.
        mixed_order: longest run of the mixed stream, 2 to 4; 0 for no such stream.
        mask_names: other capitalised words without a class, if not at the head of the sentence, become one item.
    """

    bits: int = 18
    word_order: int = 2
    class_gap: int = 3
    class_order: int = 3
    near: int = 3
    mask_actors: bool = True
    word_gap: int = 0
    stem_letters: int = 0
    mixed_order: int = 0
    mask_names: bool = False

    def __post_init__(self) -> None:
        bounds = {
            "bits": (10, 24),
            "word_order": (1, 5),
            "class_gap": (0, 8),
            "class_order": (1, 4),
            "near": (0, 1000),
            "word_gap": (0, 4),
            "stem_letters": (0, 12),
            "mixed_order": (0, 4),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} is {value!r}, expected a whole number from {low} to {high}")
        for name in ("mask_actors", "mask_names"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}, expected true or false")
        if self.stem_letters in (1, 2) or self.mixed_order == 1:
            raise ValueError(
                f"stem_letters is {self.stem_letters} and mixed_order {self.mixed_order}, expected 0 for none, or at "
                f"least 3 letters and 2 items"
            )

    @property
    def buckets(self) -> int:
        return 1 << self.bits

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FeatureSettings:
        """Raises ValueError for names it does not know or values out of range."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError(f"unknown feature settings {unknown}, expected some of {sorted(known)}")
        return cls(**data)


@dataclass(frozen=True, eq=False, slots=True)
class Stream:
    """The features of one stream.

    Attributes:
        ids: (n_kinds, n_items) buckets. The feature ``ids[k, i]`` ends at item ``i`` and is made of the items
            ``i - o`` for ``o`` in ``offsets[k]``.
        offsets: for each kind how far back its members stand.
        item: (n_items,) which of the batch's ``Items`` it is.
        indptr: (n_sentences + 1,); the items of sentence ``s`` are ``indptr[s]:indptr[s + 1]``.
    """

    ids: Buckets
    offsets: tuple[tuple[int, ...], ...]
    item: Ints
    indptr: Ints


@dataclass(frozen=True, eq=False, slots=True)
class Items:
    """What features are made of: the tokens of a batch, the names of actors and numbers each collapsed to one. All
    arrays but ``indptr`` have one entry per item.

    Attributes:
        hash: the token's hash, or that of what stands in for it.
        classes: its word class, an index into ``lexicon_classes()``; 0 for none.
        masked: the tokens they cover.
    """

    hash: Hashes
    classes: NDArray[np.uint8]
    masked: Masked

    @property
    def flags(self) -> NDArray[np.uint8]:
        return self.masked.flags

    @property
    def indptr(self) -> Ints:
        """(n_sentences + 1,); the items of sentence ``i`` are ``indptr[i]:indptr[i + 1]``."""
        return self.masked.indptr


@dataclass(frozen=True, eq=False, slots=True)
class Featured:
    """A batch of sentences on its way to a model: its tokens, the items they collapse to, the features of these."""

    tokens: Tokens
    items: Items
    streams: tuple[Stream, ...]


_NARROW_FACTORS: Final[NDArray[np.uint32]] = np.array(
    [0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1, 0x2C1B3C6D], dtype=np.uint32
)
_NUMBER: Final = np.uint64(hash_word("\x01number"))  # no word holds a control character
_NAME: Final = np.uint64(hash_word("\x01name"))


@dataclass(frozen=True, eq=False, slots=True)
class _Lexicon:
    """Word hash -> class."""

    names: tuple[str, ...]
    index: HashIndex
    classes: NDArray[np.uint8]  # by place in the index; 0 is no class
    codes: Hashes  # of each class

    def classify(self, hashes: Hashes) -> NDArray[np.uint8]:
        return self.classes.take(self.index.places(hashes))


def read_classes(text: str) -> dict[str, tuple[str, ...]]:
    """Parse ``classes.txt``: ``name: words``, continued on indented lines, ``#`` comments."""
    classes: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            name, _, line = line.partition(":")
        classes[name] = (*classes.get(name, ()), *line.split())
    return classes


@cache
def _lexicon() -> _Lexicon:
    classes = read_classes((DATA / "classes.txt").read_text(encoding="utf-8"))
    names = ("", *classes, "ACTOR", "PERSON", "NUMBER", "QUOTE", "QUESTION")
    number = {name: i for i, name in enumerate(names)}
    own = {int(_NUMBER): "NUMBER", hash_word('"'): "QUOTE", hash_word("?"): "QUESTION"}
    for kind, word in STAND_INS.items():
        if kind != MatchKind.PLACE:
            own[hash_word(word)] = "PERSON" if kind in (MatchKind.LEADER, MatchKind.PERSON) else "ACTOR"
    listed = hash_words(word for words in classes.values() for word in words)
    hashes = np.concatenate([np.array(list(own), dtype=np.uint64), listed])
    sizes = [1] * len(own) + [len(words) for words in classes.values()]
    of_class = np.repeat([number[name] for name in (*own.values(), *classes)], sizes).astype(np.uint8)
    hashes, first = np.unique(hashes, return_index=True)  # the first that lists a word has it
    index = HashIndex(hashes)
    of_place = np.append(np.uint8(0), of_class[first][index.rows])
    return _Lexicon(names, index, of_place, hash_words("\x02" + name for name in names))


def lexicon_classes() -> tuple[str, ...]:
    """Names of the word classes by number; the first is that of words without one."""
    return _lexicon().names


def extract(texts: Sequence[str], settings: FeatureSettings) -> Featured:
    """The features of a batch of sentences, and what they were made of.

    Raises:
        TypeError: ``texts`` is a bare str, or holds something else than str.
    """
    tokens = tokenize(texts)
    if settings.mask_actors:
        masked = mask_tokens(tokens)
    else:
        everyone = np.arange(len(tokens))
        masked = Masked(tokens.hash, tokens.flags, tokens.indptr, everyone, everyone, everyone)
    items = items_of(tokens, masked, settings)
    return Featured(tokens, items, streams_of(tokens, items, settings))


def items_of(tokens: Tokens, masked: Masked, settings: FeatureSettings) -> Items:
    """The items of sentences whose names are found already, or of the first of them."""
    number = (masked.flags & DIGIT) != 0
    hashes = np.where(number, _NUMBER, masked.hash)
    classes = _lexicon().classify(hashes)
    if settings.mask_names:
        plain = hashes == tokens.hash[masked.last]
        hashes[((masked.flags & (CAPITALISED | INITIAL)) == CAPITALISED) & plain & (classes == 0)] = _NAME
    return Items(hashes, classes, masked)


def streams_of(tokens: Tokens, items: Items, settings: FeatureSettings) -> tuple[Stream, ...]:
    """The features of items; of stems, ``tokens`` has the letters."""
    hashes, classes = items.hash, items.classes
    indptr = items.indptr
    lexicon = _lexicon()
    word = indices((items.flags & PUNCTUATION) == 0)
    bounds = word.searchsorted(indptr)
    streams = [_stream(hashes[word], _word_offsets(settings), word, bounds, settings.bits, seed=1)]
    hit = indices(classes)
    streams.append(
        _stream(
            lexicon.codes[classes[hit]],
            _class_offsets(settings),
            hit,
            hit.searchsorted(indptr),
            settings.bits,
            seed=2,
            near=settings.near,
        )
    )
    if settings.stem_letters:
        last = items.masked.last
        plain = hashes == tokens.hash[last]  # of a stand-in the letters beneath must not show
        stems = np.where(plain, tokens.prefix_hashes(settings.stem_letters)[last], hashes)[word]
        streams.append(_stream(stems, _runs(2), word, bounds, settings.bits, seed=3))
    if settings.mixed_order:
        mixed = np.where(classes > 0, lexicon.codes[classes], hashes)[word]
        streams.append(_stream(mixed, _runs(settings.mixed_order)[1:], word, bounds, settings.bits, seed=4))
    return tuple(streams)


def most_kinds(settings: FeatureSettings) -> int:
    """How many features end at one item of a stream, at most."""
    return max(len(_word_offsets(settings)), len(_class_offsets(settings)), 2, settings.mixed_order - 1)


def _word_offsets(settings: FeatureSettings) -> tuple[tuple[int, ...], ...]:
    return _runs(settings.word_order) + _gaps(settings.word_gap)


def _class_offsets(settings: FeatureSettings) -> tuple[tuple[int, ...], ...]:
    return _runs(settings.class_order) + _gaps(settings.class_gap)


def _gaps(most: int) -> tuple[tuple[int, ...], ...]:
    return tuple((0, gap) for gap in range(2, most + 1))


def _runs(order: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(range(n)) for n in range(1, order + 1))


def _stream(
    hashes: Hashes,
    offsets: tuple[tuple[int, ...], ...],
    item: Ints,
    indptr: Ints,
    bits: int,
    *,
    seed: int,
    near: int | None = None,
) -> Stream:
    """Hash every kind of feature of one stream.

    Args:
        item: where the stream's items stand among all.
        near: pairs tell near from far, so many items and more, instead of how many of the stream lie between.

    Half the width of the words' hashes is enough here and twice as fast: features that share all 32 bits are far fewer
    than those that share a bucket.
    """
    n = len(hashes)
    depth = max(members[-1] for members in offsets)
    codes = np.zeros(depth + n, dtype=np.uint32)  # items before the first, so that every kind has n features
    codes[depth:] = ((hashes + np.uint64(seed << 40)) * MIX) >> np.uint64(32)
    ranks = max(len(members) for members in offsets)
    scaled = [codes * factor for factor in _NARROW_FACTORS[:ranks]]
    found = np.empty((len(offsets), n), dtype=np.uint32)
    starts = indptr[:-1][indptr[1:] > indptr[:-1]]
    openings = [starts]  # of each sentence the first item, the first two ...: what reaches back beyond it
    for back in range(1, depth):
        further = starts + back
        openings.append(np.concatenate([openings[-1], further[further < n]]))
    for total, members in zip(found, offsets, strict=True):
        total[:] = scaled[0][depth:]
        for rank, back in enumerate(members[1:], 1):
            total += scaled[rank][depth - back : depth - back + n]
        if len(members) == 2:
            back = members[1]
            if near is None:
                total += _NARROW_FACTORS[4:5] * np.uint32(back)
            else:
                total[back:] += (item[back:] - item[: max(n - back, 0)] > near) * _NARROW_FACTORS[4]
    found *= _NARROW_FACTORS[5]
    ids = np.empty(found.shape, dtype=np.intp)  # as weights are looked up by
    np.right_shift(found, np.uint32(32 - bits), out=ids)
    for kind, members in enumerate(offsets):
        if members[-1]:
            ids[kind, openings[members[-1] - 1]] = 0
    return Stream(ids, offsets, item, indptr)
