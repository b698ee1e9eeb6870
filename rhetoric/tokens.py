"""Sentences -> words, a whole batch at once, in numpy: no Python runs per word.

The batch becomes one byte array. A 256-entry table says what each byte is; words start and end where neighbours
differ. A word is hashed eight bytes at a time, each eight read from memory as one number: most words are one number.

What a token is
- a run of letters and digits. Every character beyond ASCII that is not punctuation, a symbol or a blank is a letter.
- an apostrophe between a letter and a letter starts a token: ``Ruritania's`` is ``Ruritania`` + ``'s``, ``don't`` is
  ``don`` + ``'t``.
- a hyphen between two words is no token but splits them: ``so-called`` is ``so`` + ``called``, the second one flagged
  ``HYPHENATED``.
- single letters joined by full stops are one token: ``U.S.`` spans four characters, hashes as ``u.s`` (the last stop
  belongs to the token but not to its hash, so ``U.S`` is the same word) and is flagged ``ABBREVIATION``.
- any other ASCII punctuation mark is a token of its own, flagged ``PUNCTUATION``. Curly quotes and guillemets count as
  straight ones, dashes and the minus sign as hyphens, the ellipsis as a full stop.
- blanks, control characters and other symbols are no tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ABBREVIATION",
    "ALL_CAPS",
    "CAPITALISED",
    "DIGIT",
    "HYPHENATED",
    "INITIAL",
    "MIX",
    "PUNCTUATION",
    "HashIndex",
    "Tokens",
    "hash_word",
    "hash_words",
    "indices",
    "ranges",
    "tokenize",
]

CAPITALISED: Final = 1
"""The token's first letter is a capital."""
ALL_CAPS: Final = 2
"""At least two letters and no small one."""
DIGIT: Final = 4
"""The token starts with a digit."""
PUNCTUATION: Final = 8
"""A single punctuation mark."""
INITIAL: Final = 16
"""The first token of its sentence that is not punctuation."""
HYPHENATED: Final = 32
"""Joined to the token before it by a hyphen."""
ABBREVIATION: Final = 64
"""Single letters joined by full stops: U.S., p.m."""

Bools: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.uint8]
Ints: TypeAlias = NDArray[np.int64]
Hashes: TypeAlias = NDArray[np.uint64]

_BLANK, _WORD, _MARK = 0, 1, 2
_APOSTROPHE, _HYPHEN, _STOP = 0x27, 0x2D, 0x2E

# One to one, so that character offsets stay.
_LOOKALIKES: Final = tuple(
    [(c, "'") for c in "‘’‚‛′"] + [(c, '"') for c in "“”„‟«»"] + [(c, "-") for c in "‐‑‒–—―−"] + [("…", ".")]
)

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SQUARED: Final = np.uint64(0x9E3779B97F4A7C15**2 % 2**64)
_BLOCK: Final = 8  # bytes of a word that are read at once
_FIRST_BYTES: Final = np.array([(1 << 8 * n) - 1 for n in range(_BLOCK + 1)], dtype=np.uint64)  # of a block, to keep
MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
"""An odd number that spreads a hash's bits when it multiplies it."""
_SPARE_BITS: Final = 3  # of an index: one place in sixteen is taken, or one in eight


def _kind_of(byte: int) -> int:
    if byte >= 0x80 or chr(byte).isalnum():
        return _WORD
    return _MARK if 0x20 < byte < 0x7F else _BLANK


_KINDS: Final = bytes(_kind_of(b) for b in range(256))
_LOWER: Final = bytes(range(256)).lower()
_NOWHERE: Final[Ints] = np.zeros(0, dtype=np.int64)
_IS_LETTER: Final = np.array([b >= 0x80 or chr(b).isalpha() for b in range(256)])
_FLAGS_OF_FIRST: Final = np.array(
    [CAPITALISED * (0x41 <= b <= 0x5A) + DIGIT * (0x30 <= b <= 0x39) for b in range(256)], dtype=np.uint8
)
_IS_CAPITAL: Final = (_FLAGS_OF_FIRST & CAPITALISED) != 0


def _lower_two_byte() -> NDArray[np.uint16]:
    table = np.arange(0x800, dtype=np.uint16)
    for point in range(0xC0, 0x800):
        lower = chr(point).lower()
        if len(lower) == 1 and 0x80 <= ord(lower) < 0x800:
            table[point] = ord(lower)
    return table


_LOWER_TWO_BYTE: Final = _lower_two_byte()  # Latin, Greek, Cyrillic, Armenian: what UTF-8 writes in two bytes


def _lower(raw: bytes, continued: Ints | None) -> tuple[Bytes, Ints]:
    """Lower-cased bytes, of the same length, and where capitals beyond ASCII stood; ``continued`` as from
    ``_continued``."""
    if continued is None:
        return np.frombuffer(raw.translate(_LOWER), dtype=np.uint8), _NOWHERE
    data = np.frombuffer(bytearray(raw.translate(_LOWER)), dtype=np.uint8)
    at = continued - 1  # what starts in two bytes, and the middle of longer ones
    at = at[(data[at] >= 0xC3) & (data[at] <= 0xDF)]
    point = ((data[at] & 0x1F).astype(np.uint16) << 6) | (data[at + 1] & 0x3F)
    lower = _LOWER_TWO_BYTE[point]
    data[at] = 0xC0 | (lower >> 6)
    data[at + 1] = 0x80 | (lower & 0x3F)
    return data, at[lower != point]


def _plain(text: str) -> str:
    if not text.isascii():
        for character, ascii_one in _LOOKALIKES:
            text = text.replace(character, ascii_one)
    return text


def _in_bytes(texts: Sequence[str]) -> Sequence[str]:
    """The texts with lookalikes replaced, a character for each byte of UTF-8: so one foreign letter does not widen all
    characters of the batch. Those that may hold some are taken together: each replacement is a call."""
    foreign = indices(~np.fromiter(map(str.isascii, texts), dtype=bool, count=len(texts))).tolist()
    if not foreign:
        return texts
    plain, begin, out = _plain("".join([texts[i] for i in foreign])), 0, list(texts)
    for i in foreign:
        end = begin + len(texts[i])
        out[i] = plain[begin:end].encode("utf-8", "surrogatepass").decode("latin-1")
        begin = end
    return out


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of a batch of sentences, in order. All arrays but ``indptr`` have one entry per token.

    Attributes:
        hash: 64-bit hash of the lower-cased token. Its high bits are well mixed only after a multiplication by an odd
            number; compare whole hashes, or multiply and shift.
        start, end: byte offsets in the batch, end exclusive. ``char_spans`` gives character offsets in the sentence.
        sentence: index of the sentence.
        flags: the bits ``CAPITALISED``, ``ALL_CAPS``, ``DIGIT``, ``PUNCTUATION``, ``INITIAL``, ``HYPHENATED``,
            ``ABBREVIATION``.
        indptr: (n_sentences + 1,); the tokens of sentence ``i`` are ``indptr[i]:indptr[i + 1]``.
    """

    hash: Hashes
    start: Ints
    end: Ints
    sentence: NDArray[np.int32]
    flags: NDArray[np.uint8]
    indptr: Ints
    _raw: Bytes
    _bases: Ints
    _continued: Ints | None  # the bytes that start no character; None where all is ASCII
    _lower: Bytes

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.hash)

    @property
    def n_sentences(self) -> int:
        return len(self.indptr) - 1

    def char_spans(self, first: Any = None, last: Any = None) -> tuple[Ints, Ints]:
        """Character offsets, each in its own sentence, of runs of tokens.

        Args:
            first: indices of first tokens; all tokens if left out.
            last: indices of last tokens, inclusive, each in the sentence of its ``first``; ``first`` if left out.

        Returns:
            Starts and ends (exclusive), as arrays: ``sentences[s][start:end]`` is the run as it was written.
        """
        first = np.arange(len(self)) if first is None else np.asarray(first, dtype=np.int64)
        last = first if last is None else np.asarray(last, dtype=np.int64)
        start, end, base = self.start[first], self.end[last], self._bases[self.sentence[first]]
        if self._continued is not None:
            # a token never ends inside a character, so its end less what continues characters before is its end
            start, end, base = (at - self._continued.searchsorted(at) for at in (start, end, base))
        return start - base, end - base

    def prefix_hashes(self, length: int) -> Hashes:
        """The hash of the first ``length`` bytes of every token, as if they were a token of their own."""
        return _hash_spans(self._lower, self.start, np.minimum(self.end, self.start + length))

    def char_span(self, token: int) -> tuple[int, int]:
        """Character offsets of one token in its sentence, end exclusive."""
        start, end = self.char_spans([token])
        return int(start[0]), int(end[0])


def tokenize(texts: Sequence[str]) -> Tokens:
    """Tokenize a batch of sentences.

    Args:
        texts: any Unicode strings, empty ones and lone surrogates included. A single ``str`` is refused.

    Raises:
        TypeError: ``texts`` is a str or holds something else than str.

    Time and memory are linear in the length: some 60 bytes of working memory per byte of text.
    """
    if isinstance(texts, str):
        raise TypeError("expected a sequence of sentences, got one str; wrap it in a list: tokenize([text])")
    n_texts = len(texts)
    # Blanks before every text and after the last: neighbours of a text's ends always exist, and a last word's block.
    written = _in_bytes(texts)
    raw = "\n".join(["", *written, "\n" * _BLOCK]).encode("latin-1")
    original = np.frombuffer(raw, dtype=np.uint8)
    bases = np.zeros(n_texts + 1, dtype=np.int64)  # where each text starts, and where one behind the last would
    np.fromiter(map(len, written), dtype=np.int64, count=n_texts).cumsum(out=bases[1:])
    bases += np.arange(1, n_texts + 2)
    continued = _continued(raw)
    lower, foreign_capitals = _lower(raw, continued)

    kind = np.frombuffer(bytearray(raw.translate(_KINDS)), dtype=np.uint8)
    if continued is not None:
        _blank_symbols(original, kind)
    is_word = kind == _WORD

    marks = indices(kind == _MARK)
    which = original[marks]
    stops = marks[which == _STOP]
    inner = stops[is_word[stops - 1] & ~is_word[stops - 2] & is_word[stops + 1] & ~is_word[stops + 2]]
    inner = inner[_IS_LETTER[original[inner - 1]] & _IS_LETTER[original[inner + 1]]]
    kind[inner] = _WORD
    trailing = inner + 2
    trailing = trailing[(original[trailing] == _STOP) & ~is_word[trailing + 1]]
    kind[trailing] = _WORD

    hyphens = marks[which == _HYPHEN]
    hyphens = hyphens[(kind[hyphens - 1] == _WORD) & (kind[hyphens + 1] == _WORD)]
    apostrophes = marks[which == _APOSTROPHE]
    apostrophes = apostrophes[(kind[apostrophes - 1] == _WORD) & _IS_LETTER[original[apostrophes + 1]]]
    apostrophes = apostrophes[kind[apostrophes + 1] == _WORD]
    kind[hyphens] = _BLANK
    kind[apostrophes] = _WORD

    present = kind != _BLANK
    starts, ends = np.zeros((2, len(kind)), dtype=bool)  # where tokens start; one byte behind the last of each
    np.not_equal(kind[1:], kind[:-1], out=starts[1:])
    starts |= kind == _MARK
    starts[apostrophes] = True
    np.logical_and(starts[1:], present[:-1], out=ends[1:])
    starts &= present
    start, end = indices(starts), indices(ends)

    # In the hash a trailing stop of an abbreviation does not count.
    hash_end = end
    abbreviations = start.searchsorted(inner, side="right") - 1
    if len(trailing):
        hash_end = end.copy()
        hash_end[start.searchsorted(trailing, side="right") - 1] -= 1
    hashes = _hash_spans(lower, start, hash_end)

    first = original[start]
    mark = kind[start] == _MARK
    flags = _FLAGS_OF_FIRST.take(first)
    if len(foreign_capitals):
        token = start.searchsorted(foreign_capitals, side="right") - 1
        flags[token[start[token] == foreign_capitals]] |= CAPITALISED
    flags |= mark.view(np.uint8) * np.uint8(PUNCTUATION)
    # Capital throughout: only tokens that start and end with a capital are worth counting.
    likely = indices((flags & CAPITALISED) != 0)
    likely = likely[end[likely] - start[likely] > 1]
    likely = likely[_IS_CAPITAL[original[hash_end[likely] - 1]] | (original[hash_end[likely] - 1] >= 0x80)]
    if len(likely):
        inside, bounds = ranges(start[likely], end[likely])
        letters = _IS_LETTER[original[inside]] & ((original[inside] & 0xC0) != 0x80)
        large = _IS_CAPITAL[original[inside]]
        if len(foreign_capitals):
            large |= foreign_capitals.take(foreign_capitals.searchsorted(inside), mode="clip") == inside
        capitals = np.add.reduceat(large, bounds[:-1], dtype=np.int64)
        several = np.add.reduceat(letters, bounds[:-1], dtype=np.int64)
        flags[likely[(capitals == several) & (several > 1)]] |= ALL_CAPS
    flags[abbreviations] |= ABBREVIATION
    if len(hyphens):
        flags[start.searchsorted(hyphens)] |= HYPHENATED

    indptr = start.searchsorted(bases)
    sentence = np.arange(n_texts, dtype=np.int32).repeat(indptr[1:] - indptr[:-1])
    first_tokens = indptr[:-1][indptr[1:] > indptr[:-1]]
    marks_first = mark[first_tokens]
    flags[first_tokens[~marks_first]] |= INITIAL
    if marks_first.any():  # the next word; in a sentence of marks alone, that which opens a later one
        words = indices(~mark)
        at = words.searchsorted(first_tokens[marks_first])
        flags[words[at[at < len(words)]]] |= INITIAL
    return Tokens(hashes, start, end, sentence, flags, indptr, original, bases, continued, lower)


def _hash_spans(lower: Bytes, start: Ints, end: Ints) -> Hashes:
    """The hash of every run of bytes ``start[i]:end[i]``: of its blocks of eight bytes, the last filled up with zeros,
    each times a power of an odd number, the sum; and its high bits mixed into the low ones.

    ``lower`` goes on for a block after the last of them.
    """
    # the eight bytes from every byte on, as numbers: a view, nothing is copied
    blocks: Hashes = np.ndarray((len(lower) - _BLOCK + 1,), "<u8", buffer=lower, strides=(1,))
    size = end - start
    found = blocks[start]
    found &= _FIRST_BYTES.take(size, mode="clip")
    found *= _MULTIPLIER
    longer = indices(size > _BLOCK)
    begin, size = start[longer] + _BLOCK, size[longer] - _BLOCK
    second = blocks[begin]
    second &= _FIRST_BYTES.take(size, mode="clip")
    second *= _SQUARED
    found[longer] += second
    beyond = indices(size > _BLOCK)
    if len(beyond):  # few words, but a word may be a page
        longer, begin, size = longer[beyond], begin[beyond] + _BLOCK, size[beyond] - _BLOCK
        further = 1 + (size - 1) // _BLOCK
        number, bounds = ranges(np.zeros_like(further), further)
        skipped = _BLOCK * number
        values = blocks[begin.repeat(further) + skipped]
        values &= _FIRST_BYTES.take(size.repeat(further) - skipped, mode="clip")
        values *= np.full(int(further.max()) + 2, _MULTIPLIER).cumprod()[2 + number]
        found[longer] += np.add.reduceat(values, bounds[:-1])
    found ^= found >> np.uint64(32)
    return found


def _continued(raw: bytes) -> Ints | None:
    """Where bytes stand that start no character; None where all is ASCII."""
    return None if raw.isascii() else indices((np.frombuffer(raw, dtype=np.uint8) & 0xC0) == 0x80)


def _blank_symbols(data: Bytes, kind: Bytes) -> None:
    """Mark punctuation, symbols and blanks beyond ASCII as blank, in place."""
    at = indices(data == 0xC2)  # U+0080..U+00BF: controls, no-break space, signs; three of them are letters
    second = data[at + 1]
    at = at[(second != 0xAA) & (second != 0xB5) & (second != 0xBA)]
    kind[at] = kind[at + 1] = _BLANK
    at = indices(data >= 0xE2)
    lead, second, third = data[at], data[at + 1], data[at + 2]
    symbol = (lead == 0xE2) & (second < 0xB0)  # U+2000..U+2BFF: punctuation, currency, arrows, mathematics, boxes
    symbol |= (lead == 0xE3) & (second == 0x80)  # U+3000..U+303F: CJK punctuation
    symbol |= (lead == 0xEF) & (second == 0xBB) & (third == 0xBF)  # byte order mark
    at = at[symbol]
    kind[at] = kind[at + 1] = kind[at + 2] = _BLANK


def ranges(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """The numbers of all ranges ``low[i]`` to ``high[i]``, exclusive, in order, and their bounds, (n + 1,)."""
    sizes = high - low
    bounds = np.zeros(len(sizes) + 1, dtype=np.int64)
    sizes.cumsum(out=bounds[1:])
    return np.arange(bounds[-1]) + (low - bounds[:-1]).repeat(sizes), bounds


def indices(mask: NDArray[Any]) -> Ints:
    """Where a flat array is not zero: ``np.flatnonzero``, which asks four times as long where there is little, and
    twice as long of what is not bool."""
    found: Ints = (mask if mask.dtype == np.bool_ else mask != 0).nonzero()[0]
    return found


class HashIndex:
    """Where hashes stand in a table of different ones: a look at one place, instead of a search with a dozen guesses.

    Args:
        keys: at least one.
        mixed: they, and whatever is looked for, were multiplied by an odd number before.

    Attributes:
        first: by the top bits of a hash times an odd number: one more than the row of the first key of these bits, 0
            where there is none.
        rows: of the keys in the order of those bits, their places, the row of each.
        most: so many keys share their bits at most.
    """

    def __init__(self, keys: Hashes, *, mixed: bool = False) -> None:
        self.factor = np.uint64(1) if mixed else MIX
        bits = len(keys).bit_length() + _SPARE_BITS
        self.shift = np.uint64(64 - bits)
        slots = self._slots(keys)
        self.rows = slots.argsort(kind="stable")
        slots = slots[self.rows]
        bounds = indices(np.append(True, slots[1:] != slots[:-1]))
        self.most = int(np.diff(bounds, append=len(keys)).max())
        # opened and closed by a key that is not looked for there: it is found at the beginning
        guard = keys[self.rows[0]]
        self._guarded = np.concatenate([[guard], keys[self.rows], np.full(self.most, guard)])
        self.first = np.zeros(1 << bits, dtype=np.min_scalar_type(len(keys)))
        self.first[slots[bounds]] = bounds + 1

    def _slots(self, hashes: Hashes) -> NDArray[np.intp]:
        slots = hashes * self.factor
        slots >>= self.shift
        return slots.view(np.intp)  # small enough for either

    def find(self, hashes: Hashes) -> tuple[Ints, Ints]:
        """Which of the hashes stand in the table, in order, and the row of each: where few do."""
        first = self.first.take(self._slots(hashes))
        at = indices(first)
        place = first[at].astype(np.intp)
        found = self._settle(hashes[at], place, np.ones(len(at), dtype=bool))
        return at[found], self.rows[place[found] - 1]

    def places(self, hashes: Hashes) -> Ints:
        """Of each hash one more than its place in ``rows``, 0 where it does not stand there: where many do."""
        place = self.first.take(self._slots(hashes)).astype(np.intp)
        place *= self._settle(hashes, place, place != 0)
        return place

    def _settle(self, hashes: Hashes, place: Ints, maybe: Bools) -> Bools:
        """Whether each hash that may be in the table is; moves ``place`` on to where it is among those that share its
        bits."""
        found: Bools = self._guarded.take(place) == hashes
        found &= maybe
        missed = indices(found < maybe)
        for _ in range(1, self.most):
            place[missed] += 1
            hit = self._guarded[place[missed]] == hashes[missed]
            found[missed] = hit
            missed = missed[~hit]
        return found


def hash_words(words: Iterable[str]) -> Hashes:
    """The hashes that ``tokenize`` gives to these tokens, for building tables.

    At least one; each must be written as one token (``accuse``, ``'s``, ``u.s``, ``"``); case and lookalikes do not
    matter.
    """
    listed = _plain("\n".join(words)).split("\n")
    joined = "\n".join(word[:-1] if word.endswith(".") and word.count(".") > 1 else word for word in listed)
    raw = (joined + "\n" * _BLOCK).encode("utf-8", "surrogatepass")
    data, _ = _lower(raw, _continued(raw))
    breaks = indices(data == ord("\n"))[: len(listed)]
    return _hash_spans(data, np.append(0, breaks[:-1] + 1), breaks)


def hash_word(word: str) -> int:
    """The hash that ``tokenize`` gives to this token, as a Python int (0 for the empty string)."""
    return int(hash_words([word])[0])
