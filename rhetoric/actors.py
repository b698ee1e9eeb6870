"""Who is named: mentions of political actors in text, their codes, and masks that hide who they are.

The table (``rhetoric/data/actors.json``) holds states and territories by ISO 3166-1 alpha-3, former states, regions,
organisations, armed groups and parties, with their names, peoples, capitals, seats of power and leaders. What is
matched is ``rhetoric/data/actors.npy``, the hashes of all names. ``scripts/build_actors.py`` builds both from the lists
in ``scripts/actors/``, whose README states the codes and the rules of case.

Matching runs over a whole batch in numpy and takes the longest name at every place, from left to right:

1. The hash of every token is looked up among the names, and that of every token with the next in a small table of what
   names start with; one place in ten remains.
2. There the hashes of 2, 3 ... tokens are combined and searched among the names.
3. Names whose rule of case does not hold are dropped (``US`` is not ``us``), then the longest at every start stays, and
   of overlapping ones the first.
4. Capitalised words after a title (President X Y) are a person's name, whether the table knows the person or not.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.records import Mention
from rhetoric.tokens import (
    ABBREVIATION,
    ALL_CAPS,
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

__all__ = [
    "STAND_INS",
    "Actor",
    "Masked",
    "MatchKind",
    "Matches",
    "actors",
    "codes",
    "codes_all",
    "find",
    "lookup",
    "mask",
    "mask_all",
    "mask_tokens",
    "mentions",
]

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Hashes: TypeAlias = NDArray[np.uint64]


class MatchKind(IntEnum):
    """What kind of name was found. Up to ``PLACE`` names are masked; all but ``PLACE`` and ``PERSON`` have an actor."""

    STATE = 1
    """A state, territory, former state or region by its name."""
    PEOPLE = 2
    """An adjective or a people: Chinese, Americans."""
    SEAT = 3
    """A capital, or a building, street or body that stands for a government: Beijing, the Kremlin."""
    ORGANISATION = 4
    GROUP = 5
    """An armed group, movement, party or service."""
    LEADER = 6
    """A person of the table."""
    PERSON = 7
    """A name after a title that the table does not know."""
    PLACE = 8
    """A region of the world, a sea or a strait: no actor."""
    TITLE = 9
    """A title that stands before names: president, spokesman."""
    OFFICE = 10
    """An office or institution without a name: foreign ministry, parliament."""
    NONE = 11
    """A phrase that only looks like a name (guinea pig). Never in ``Matches``."""


KINDS: Final = ("state", "former state", "region", "organisation", "group", "joint")
"""Kinds of actors in the table. ``joint`` is a name of several at once (the two Koreas)."""

CASE_MARKS: Final = "-~!^+*=#"
"""Rules of case, as marked in the lists; the first is no mark: any case. See ``scripts/actors/README.md``."""

STAND_INS: Final[Mapping[MatchKind, str]] = MappingProxyType(
    {
        MatchKind.STATE: "Utopia",
        MatchKind.PEOPLE: "Utopia",
        MatchKind.SEAT: "Utopia",
        MatchKind.ORGANISATION: "Consortium",
        MatchKind.GROUP: "Faction",
        MatchKind.LEADER: "Smith",
        MatchKind.PERSON: "Smith",
        MatchKind.PLACE: "Atlantis",
    }
)
"""What a mention is replaced by. A state, its people and its capital share one word, or ``US officials`` and ``Chinese
officials`` would differ. All are single words of the vocabularies of common English encoders."""

NAME_DTYPE: Final = np.dtype(
    [("key", "<u8"), ("pair", "<u8"), ("actor", "<i2"), ("kind", "u1"), ("case", "u1"), ("length", "u1")]
)
"""A row of ``actors.npy``: hash of the whole name, of its first two tokens, index of the actor or -1, ``MatchKind``,
index in ``CASE_MARKS``, number of tokens. Sorted by ``key``."""

DATA: Final = Path(__file__).parent / "data"  # what the package carries beside its code
_FACTOR: Final = np.uint64(0xD6E8FEB86659FD93)
_BUCKET_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_BUCKET_BITS: Final = 18
_MAX_PERSON_TOKENS: Final = 6
_MOST_KNOWN: Final = 8192  # phrases whose codes are remembered
_KNOWN_LENGTH: Final = 80  # characters; longer ones hardly come again

# Capitalised words that may follow a title without being a name.
_NO_NAMES: Final = """
monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october
november december the a an and or but in on at of to for from by with as he she it they we i his her its their our this
that these those who which when while after before since until if not no is was has had will would should could today
yesterday tomorrow tonight also however yet still although both said says say told administration government regime
cabinet party council committee ministry office department agency court
"""
_CLOSING: Final = " \t\r\n\"'”’»)]"
_PARTICLES: Final = "al el bin ibn ben abu abd ul ur van von der den de di da del della dos das du la le ter af zu"
_PREPOSITIONS: Final = "to in for on at from of against with by about over under near into toward towards"
_BACKED: Final = "backed led funded allied made brokered sponsored supported held controlled occupied trained based"


def combine_hashes(hashes: Hashes) -> int:
    """The key of a name from the hashes of its tokens, (n,), n at least 1."""
    key = hashes[0]
    with np.errstate(over="ignore"):
        for value in hashes[1:]:
            key = key * _FACTOR + value
    return int(key)


@dataclass(frozen=True, slots=True)
class Actor:
    """A political actor of the table.

    ``kind`` is one of ``KINDS``. ``since`` and ``until`` are years, of former states only. ``related`` holds the codes
    of a former state's successors, a region's or group's home state, or the members of a joint name. ``names`` maps a
    kind of name (``state``, ``people``, ``seat``, ``organisation``, ``group``, ``leader``) to the names as written.
    """

    code: str
    name: str
    kind: str
    since: int | None = None
    until: int | None = None
    related: tuple[str, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False, hash=False)


@dataclass(frozen=True, eq=False)
class Matches:
    """Names found in a batch, in order, never overlapping. All arrays have one entry per match.

    Attributes:
        first_token, end_token: indices into the batch's tokens, end exclusive.
        actor: index into ``actors()``, -1 where the match has none (persons, places, titles, offices).
        kind: ``MatchKind``.
    """

    first_token: Ints
    end_token: Ints
    actor: NDArray[np.int16]
    kind: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.first_token)

    @property
    def named(self) -> Bools:
        """True for what is masked: all but titles and offices."""
        return self.kind <= MatchKind.PLACE


@dataclass(frozen=True, eq=False)
class Masked:
    """A batch of tokens in which every actor is one stand-in. All arrays but ``indptr`` have one entry per item.

    Attributes:
        hash: the token's own hash, or that of the stand-in.
        flags: the token's flags; of a name ``CAPITALISED`` and those of its first token on where it stands.
        indptr: (n_sentences + 1,); the items of sentence ``i`` are ``indptr[i]:indptr[i + 1]``.
        token: the token that it stands at.
    """

    hash: Hashes
    flags: NDArray[np.uint8]
    indptr: Ints
    token: Ints
    _opening: Ints  # of each token of the batch where it stands at an item, the first token that this covers
    _closing: Ints

    @property
    def first(self) -> Ints:
        """The first token that an item covers: the article of a name that has one."""
        return self._opening[self.token]

    @property
    def last(self) -> Ints:
        """The last token that an item covers, inclusive: another than the first for names of several words."""
        return self._closing[self.token]

    def covered(self, items: Ints) -> tuple[Ints, Ints]:
        """``first`` and ``last`` of these items."""
        token = self.token[items]
        return self._opening[token], self._closing[token]

    def first_sentences(self, n: int) -> Masked:
        """The first ``n`` sentences of the batch."""
        if n + 1 == len(self.indptr):
            return self
        end = int(self.indptr[n])
        return replace(
            self, hash=self.hash[:end], flags=self.flags[:end], indptr=self.indptr[: n + 1], token=self.token[:end]
        )


class _Index:
    """The names, ready for matching. Built once, never changed."""

    def __init__(self, names: NDArray[Any]) -> None:
        self.key = np.ascontiguousarray(names["key"])
        self.actor = np.ascontiguousarray(names["actor"])
        self.kind = np.ascontiguousarray(names["kind"])
        self.case = np.ascontiguousarray(names["case"])
        self.length = np.ascontiguousarray(names["length"])
        self.single_rows = indices(self.length == 1)
        self.singles = HashIndex(self.key[self.single_rows])
        self.several_rows = indices(self.length > 1)
        self.several = HashIndex(self.key[self.several_rows])
        # by bucket: how long is the longest name that starts with these two tokens, 0 for none
        self.longest = np.zeros(1 << _BUCKET_BITS, dtype=np.uint8)
        pairs = _buckets(names["pair"][self.several_rows])
        np.maximum.at(self.longest, pairs, self.length[self.several_rows])
        self.no_names = HashIndex(hash_words(_NO_NAMES.split()))
        self.particles = HashIndex(hash_words(_PARTICLES.split()))
        self.the, self.an, self.a = (np.uint64(hash_word(word)) for word in ("the", "an", "a"))
        self.stop, self.apostrophe, self.possessive = (np.uint64(hash_word(word)) for word in (".", "'", "'s"))
        self.stand_ins = np.zeros(max(MatchKind) + 1, dtype=np.uint64)
        for kind, word in STAND_INS.items():
            self.stand_ins[kind] = hash_word(word)


def _buckets(hashes: Hashes) -> NDArray[np.intp]:
    buckets = hashes * _BUCKET_FACTOR
    buckets >>= np.uint64(64 - _BUCKET_BITS)
    return buckets.view(np.intp)  # small enough for either


@lru_cache(maxsize=1)
def _index() -> _Index:
    return _Index(np.load(DATA / "actors.npy", allow_pickle=False))


@lru_cache(maxsize=1)
def actors() -> tuple[Actor, ...]:
    """All actors of the table, in its order."""
    table = json.loads((DATA / "actors.json").read_text(encoding="utf-8"))
    return tuple(
        Actor(
            record["code"],
            record["name"],
            record["kind"],
            record.get("since"),
            record.get("until"),
            tuple(record.get("related", ())),
            MappingProxyType({kind: tuple(names) for kind, names in record["names"].items()}),
        )
        for record in table["actors"]
    )


@lru_cache(maxsize=1)
def codes_of_actors() -> tuple[tuple[str, ...], ...]:
    """The codes of every actor of the table, in its order: several for a joint name."""
    return tuple(tuple(actor.code.split("+")) for actor in actors())


@lru_cache(maxsize=1)
def _by_code() -> dict[str, int]:
    return {actor.code: i for i, actor in enumerate(actors())}


def find(tokens: Tokens) -> Matches:
    """All names in a batch of sentences: longest first at every place, from left to right. Linear in the tokens."""
    index = _index()
    first, row = _candidates(tokens, index)
    if not len(first):
        return Matches(first, first, index.actor[row], index.kind[row])
    shouted, quiet = _shouting(tokens)
    keep = _case_holds(tokens, shouted, quiet, first, index.length[row], index.case[row])
    first, row = first[keep], row[keep]
    end = first + index.length[row]
    chosen = _leftmost_longest(first, end)
    first, end, row = first[chosen], end[chosen], row[chosen]
    kind, actor = index.kind[row], index.actor[row]
    first, end, actor, kind = _with_persons(tokens, index, shouted, first, end, actor, kind)
    keep = kind != MatchKind.NONE
    return Matches(first[keep], end[keep], actor[keep], kind[keep])


def _candidates(tokens: Tokens, index: _Index) -> tuple[Ints, Ints]:
    """First token and row of every name that stands in the text, overlapping ones and wrong cases included; by first
    token, shorter ones before longer ones."""
    hashes = tokens.hash
    at, row = index.singles.find(hashes)
    starts, rows = [at], [index.single_rows[row]]
    pairs = hashes[:-1] * _FACTOR + hashes[1:]
    reach = index.longest.take(_buckets(pairs))
    at = indices(reach)
    key = pairs[at]
    longest = reach[at].astype(np.int64)
    room = tokens.indptr[tokens.sentence[at] + 1] - at
    longest = np.minimum(longest, room)
    at, key, longest = at[longest > 1], key[longest > 1], longest[longest > 1]
    n = 2
    while len(at):
        found, row = index.several.find(key)
        row = index.several_rows[row]
        hit = index.length[row] == n
        starts.append(at[found[hit]])
        rows.append(row[hit])
        more = longest > n
        at, key, longest = at[more], key[more], longest[more]
        key = key * _FACTOR + hashes[at + n]
        n += 1
    first, row = np.concatenate(starts), np.concatenate(rows)
    order = np.argsort(first, kind="stable")
    return first[order], row[order]


def _shouting(tokens: Tokens) -> tuple[Bools, Bools]:
    """For every sentence: no small letter begins a word in it (two shouted words at least); no capital stands in it."""
    flags, size = tokens.flags, tokens.end - tokens.start
    # a token that starts with an apostrophe or is a single letter tells nothing
    tells = _CALM.take(flags, mode="clip")
    tells &= _TELLS.take(size, mode="clip")
    tells |= flags & CAPITALISED
    filled = indices(np.diff(tokens.indptr))
    told = np.zeros(tokens.n_sentences, dtype=np.uint8)
    if len(filled):
        told[filled] = np.bitwise_or.reduceat(tells, tokens.indptr[filled])
    quiet = (told & CAPITALISED) == 0
    shouted = told == CAPITALISED
    loud, capitals = indices(shouted), indices((flags & ALL_CAPS) != 0)
    shouted[loud] = capitals.searchsorted(tokens.indptr[loud + 1]) - capitals.searchsorted(tokens.indptr[loud]) > 1
    return shouted, quiet


_SMALL_BEGINS: Final = 2
_LONE_CAPITAL: Final = 4
_TELLS: Final = np.array([0, 0, _LONE_CAPITAL, _LONE_CAPITAL | _SMALL_BEGINS], dtype=np.uint8)  # by bytes of a token
_CALM: Final = np.array(
    [
        _SMALL_BEGINS * (flags & (CAPITALISED | DIGIT | PUNCTUATION) == 0)
        + _LONE_CAPITAL * (flags & (CAPITALISED | ALL_CAPS | ABBREVIATION) == CAPITALISED)
        for flags in range(256)
    ],
    dtype=np.uint8,
)


def _case_holds(
    tokens: Tokens,
    shouted: Bools,
    quiet: Bools,
    first: Ints,
    length: NDArray[np.uint8],
    case: NDArray[np.uint8],
) -> Bools:
    """Whether each candidate is written in the case its name asks for."""
    holds = np.ones(len(first), dtype=bool)
    bound = indices(case)
    if not len(bound):
        return holds
    first, case = first[bound], case[bound]
    last = first + length[bound] - 1
    flags = tokens.flags[first]
    sentence = tokens.sentence[first]
    shouted, quiet = shouted[sentence], quiet[sentence]
    capital = (flags & tokens.flags[last] & CAPITALISED) != 0
    free = (tokens.flags[last] & (PUNCTUATION | DIGIT | HYPHENATED)) != 0
    free |= tokens._raw[tokens.start[last]] == ord("'")  # the second token of D'Escoto starts with no letter
    capital |= ((flags & CAPITALISED) != 0) & free
    all_caps = (flags & ALL_CAPS) != 0
    rules = {
        "~": capital | quiet,
        "!": capital,
        "^": capital & ((flags & INITIAL) == 0) & ~shouted,
        "+": all_caps | quiet,
        "*": all_caps,
        "=": all_caps & ~shouted,
        "#": shouted,
    }
    kept = np.zeros(len(bound), dtype=bool)
    for mark, rule in rules.items():
        kept |= (case == CASE_MARKS.index(mark)) & rule
    holds[bound] = kept
    return holds


def _leftmost_longest(first: Ints, end: Ints) -> Ints:
    """Indices of the candidates that stay, in order. ``first`` is sorted, of those alike the longest is the last."""
    last = np.ones(len(first), dtype=bool)
    last[:-1] = first[1:] != first[:-1]
    order = indices(last)
    while True:  # every round settles the first of each chain of overlapping names; chains are short
        overlaps = np.zeros(len(order), dtype=bool)
        overlaps[1:] = first[order][1:] < end[order][:-1]
        if not overlaps.any():
            return order
        losers = overlaps.copy()
        losers[1:] &= ~overlaps[:-1]
        order = order[~losers]


def _with_persons(
    tokens: Tokens,
    index: _Index,
    shouted: Bools,
    first: Ints,
    end: Ints,
    actor: NDArray[np.int16],
    kind: NDArray[np.uint8],
) -> tuple[Ints, Ints, NDArray[np.int16], NDArray[np.uint8]]:
    """Add names after titles, and draw given names to the surnames of leaders."""
    is_leader = kind == MatchKind.LEADER
    others = ~is_leader
    titles, leaders = end[kind == MatchKind.TITLE], indices(is_leader)
    if not len(titles) and not len(leaders):
        return first, end, actor, kind
    led = list(zip(first[leaders].tolist(), end[leaders].tolist(), strict=True))
    stops, before = _NameLike(tokens, index, shouted, first[others], end[others]).near(titles, first[leaders])
    for at in before:
        stops.setdefault(at, at)  # only a title tells that what follows a surname is still the name
    if not stops:
        return first, end, actor, kind
    starts = sorted(stops)
    for surname, stop in led:  # a leader's name stays whole
        at = starts[bisect_right(starts, surname) - 1]
        stops[at] = max(stops[at], stop)
    runs: list[list[int]] = []  # a run never reaches into the next one
    for at in starts:
        if runs and at < runs[-1][1]:
            runs[-1][1] = max(runs[-1][1], stops[at])
        elif stops[at] > at:
            runs.append([at, stops[at], -1, MatchKind.PERSON])
    starts = [run[0] for run in runs]
    for (surname, _), which in zip(led, actor[leaders].tolist(), strict=True):
        runs[bisect_right(starts, surname) - 1][2:] = which, MatchKind.LEADER
    persons = np.array(runs, dtype=np.int64).T
    all_first = np.concatenate([first[others], persons[0]])
    order = all_first.argsort(kind="stable")
    return (
        all_first[order],
        np.concatenate([end[others], persons[1]])[order],
        np.concatenate([actor[others], persons[2].astype(actor.dtype)])[order],
        np.concatenate([kind[others], persons[3].astype(kind.dtype)])[order],
    )


_NOT_GIVEN: Final = INITIAL | PUNCTUATION
_NOT_SMALL: Final = CAPITALISED | PUNCTUATION | DIGIT


class _NameLike:
    """Tokens that can be part of a person's name: capitalised, particles and initials between, no common word, nor part
    of another name. Asked only near titles and leaders: one sentence in six has any.

    Args:
        first, end: the other names in the batch, in order.
    """

    def __init__(self, tokens: Tokens, index: _Index, shouted: Bools, first: Ints, end: Ints) -> None:
        self.tokens, self.index, self.shouted = tokens, index, shouted
        # guarded by a name before all tokens
        self.first, self.end = np.append(-1, first), np.append(0, end)

    def near(self, title_ends: Ints, surnames: Ints) -> tuple[dict[int, int], list[int]]:
        """First token -> end of each name that follows a title; and of each leader's surname the first token of the
        name that it ends: one or two given names before it, as long as none opens the sentence."""
        tokens = self.tokens
        at = title_ends[title_ends < len(tokens)]
        at = at + ((tokens.hash[at] == self.index.stop) & (self._sizes(at - 1) <= 4))  # the stop of Gen. X, Sen. X
        at = at[at < len(tokens)]
        at = at[tokens.sentence[at] == tokens.sentence[at - 1]]
        places = at[:, None] + np.arange(_MAX_PERSON_TOKENS)
        behind = places < tokens.indptr[tokens.sentence[at] + 1, None]
        earlier = np.maximum(surnames - np.array([[1], [2]]), 0)
        found = self(np.concatenate([places[behind], earlier.ravel()]))
        given = found[len(found) - earlier.size :].reshape(earlier.shape)
        given &= (tokens.sentence[earlier] == tokens.sentence[surnames]) & ((tokens.flags[earlier] & _NOT_GIVEN) == 0)
        behind[behind] = found[: len(found) - earlier.size]
        lengths = np.where(behind.all(axis=1), _MAX_PERSON_TOKENS, behind.argmin(axis=1))
        at, lengths = at[lengths > 0], lengths[lengths > 0]
        before = surnames - given[0] - (given[0] & given[1])
        return dict(zip(at.tolist(), (at + lengths).tolist(), strict=True)), before.tolist()

    def _sizes(self, at: Ints) -> Ints:
        return self.tokens.end[at] - self.tokens.start[at]

    def _capital(self, at: Ints) -> Bools:
        """Whether these are capitalised and may be a name; ``at`` may be one beyond either end."""
        tokens = self.tokens
        inside = np.minimum(np.maximum(at, 0), len(tokens) - 1)
        capital: Bools = (tokens.flags[inside] & CAPITALISED) != 0
        capital &= (inside == at) & ~self.shouted[tokens.sentence[inside]]
        bound = indices(capital)
        capital[bound[self.index.no_names.find(tokens.hash[inside[bound]])[0]]] = False
        return capital

    def __call__(self, at: Ints) -> Bools:
        tokens = self.tokens
        words, flags = tokens.hash[at], tokens.flags[at]
        start = tokens.start[at]
        particle = np.zeros(len(at), dtype=bool)
        particle[self.index.particles.find(words)[0]] = True
        hyphen, apostrophe = (flags & HYPHENATED) != 0, tokens._raw[start] == _APOSTROPHE
        likely = indices(particle | hyphen | apostrophe | ((flags & _NOT_SMALL) != 0))  # not most words
        own = at[likely]
        free = own >= self.end[self.first.searchsorted(own, side="right") - 1]
        likely, own = likely[free], own[free]
        words, flags, start = words[likely], flags[likely], start[likely]
        particle, hyphen, apostrophe = particle[likely], hyphen[likely], apostrophe[likely]
        before, capital, behind = self._capital(np.concatenate([own - 1, own, own + 1])).reshape(3, -1)
        # George W. Bush
        fits = (words == self.index.stop) & before & behind & (self._sizes(own - 1) == 1)
        # O'Rourke; the second half of Ki-moon; al-Assad, van der Berg, El-Baradei
        joined = apostrophe & ((tokens._raw[start + 1] & 0x20) == 0) & (self._sizes(own) > 3)
        joined = np.where(hyphen, before, joined & before)
        small = (flags & _NOT_SMALL) == 0
        fits |= small & np.where(particle, before | behind, joined)
        found = np.zeros(len(at), dtype=bool)
        found[likely] = capital | fits
        return found


_APOSTROPHE: Final = ord("'")


def mask_tokens(tokens: Tokens, matches: Matches | None = None) -> Masked:
    """Tokens with every named actor as one stand-in, so that nothing tells who it is.

    An article ``the`` before a name goes with it, ``an`` before one becomes ``a``, and the possessive after one is
    always ``'s``: ``the United States' envoys`` and ``China's envoys`` give the same items.

    Args:
        tokens: a batch of sentences.
        matches: what ``find(tokens)`` gave, if it is at hand.
    """
    index = _index()
    matches = find(tokens) if matches is None else matches
    n = len(tokens)
    named = matches.named
    first, end = matches.first_token[named], matches.end_token[named]
    hashes, flags = tokens.hash.copy(), tokens.flags.copy()
    keep = np.ones(n, dtype=bool)
    keep[ranges(first + 1, end)[0]] = False
    last = np.arange(n)
    last[first] = end - 1
    hashes[first] = index.stand_ins[matches.kind[named]]
    flags[first] = (flags[first] & (INITIAL | HYPHENATED)) | CAPITALISED
    start = np.arange(n)
    before = first[first > 0] - 1
    before = before[tokens.sentence[before] == tokens.sentence[before + 1]]
    hashes[before[tokens.hash[before] == index.an]] = index.a
    article = before[tokens.hash[before] == index.the]
    keep[article] = False
    start[article + 1] = article
    flags[article + 1] |= flags[article] & INITIAL
    after = end[end < n]
    after = after[(tokens.hash[after] == index.apostrophe) & (tokens.start[after] == tokens.end[after - 1])]
    after = after[tokens.sentence[after] == tokens.sentence[after - 1]]
    after = after[_ends_in_s(tokens, after - 1)]
    hashes[after] = index.possessive
    flags[after] = 0
    kept = indices(keep)
    return Masked(hashes[kept], flags[kept], kept.searchsorted(tokens.indptr), kept, start, last)


def _ends_in_s(tokens: Tokens, at: Ints) -> Bools:
    letters = tokens._raw[tokens.end[at] - 1]
    ends: Bools = (letters | 0x20) == ord("s")
    return ends


def mentions(text: str) -> list[Mention]:
    """The actors named in a text, in order, with exact offsets. Titles, offices and bare places are none.

    A person after a title whom the table does not know is a mention without codes.
    """
    tokens = tokenize([text])
    matches = find(tokens)
    wanted = matches.kind <= MatchKind.PERSON
    starts, ends = tokens.char_spans(matches.first_token[wanted], matches.end_token[wanted] - 1)
    table = codes_of_actors()
    found = []
    for start, end, actor in zip(starts.tolist(), ends.tolist(), matches.actor[wanted].tolist(), strict=True):
        found.append(Mention(text[start:end], start, end, table[actor] if actor >= 0 else ()))
    return found


def lookup(name: str) -> Actor | None:
    """The actor that goes by this name or code, or None: ``lookup("Burma")``, ``lookup("the UN")``, ``lookup("CHN")``.

    Case counts where it tells a name from a word: ``US`` is an actor, ``us`` is none.
    """
    at = _by_code().get(name.strip())
    if at is not None:
        return actors()[at]
    tokens = tokenize([f"of {name}"])  # inside a sentence, where a capital tells a name
    matches = find(tokens)
    first = 1 + int(len(tokens) > 2 and tokens.hash[1] == _index().the)
    whole = (matches.first_token <= first) & (matches.end_token == len(tokens)) & (matches.actor >= 0)
    return actors()[int(matches.actor[whole][0])] if whole.any() else None


def mask(text: str) -> str:
    """The text with every named actor replaced by the stand-in of its kind (``STAND_INS``).

    Two sentences that differ only in which state they name give the same string: an article ``the`` before a name is
    dropped, ``an`` becomes ``a``, and the possessive is always ``'s``. All else stays as it is.
    """
    return mask_all([text])[0]


def mask_all(texts: Sequence[str]) -> list[str]:
    """``mask`` of many sentences at once, much faster than one by one."""
    tokens = tokenize(texts)
    matches = find(tokens)
    result = list(texts)
    named = indices(matches.named)
    if not len(named):
        return result
    index, n = _index(), len(tokens)
    first, end = matches.first_token[named], matches.end_token[named]
    sentence = tokens.sentence[first]
    starts, ends = tokens.char_spans(first, end - 1)
    previous, following = np.maximum(first - 1, 0), np.minimum(end, n - 1)
    has_previous = (first > 0) & (tokens.sentence[previous] == sentence)
    has_following = (end < n) & (tokens.sentence[following] == sentence)
    the = has_previous & (tokens.hash[previous] == index.the)
    an = has_previous & (tokens.hash[previous] == index.an)
    before, _ = tokens.char_spans(previous)
    bare = has_following & (tokens.hash[following] == index.apostrophe) & _ends_in_s(tokens, end - 1)
    bare &= tokens.start[following] == tokens.end[end - 1]
    possessive = bare | (has_following & (tokens.hash[following] == index.possessive))
    _, after = tokens.char_spans(following)
    starts = np.where(the | an, before, starts)
    ends = np.where(possessive, after, ends)

    bounds = np.searchsorted(sentence, np.arange(len(texts) + 1))
    words = [STAND_INS[MatchKind(kind)] for kind in matches.kind[named].tolist()]
    rows = list(zip(starts.tolist(), ends.tolist(), words, an.tolist(), possessive.tolist(), strict=True))
    for i in np.unique(sentence).tolist():
        text, pieces, done = texts[i], [], 0
        for start, until, word, keeps_a, owns in rows[bounds[i] : bounds[i + 1]]:
            pieces.append(text[done:start])
            if keeps_a:
                pieces.append(text[start] + " ")
            pieces.append(word + "'s" if owns else word)
            if text[until - 1] == "." and not text[until:].strip(_CLOSING):
                pieces.append(".")  # the stop of "in the U.S." is the sentence's too
            done = until
        pieces.append(text[done:])
        result[i] = "".join(pieces)
    return result


@lru_cache(maxsize=1)
def _code_words() -> tuple[frozenset[int], frozenset[int]]:
    return frozenset(hash_words(_PREPOSITIONS.split()).tolist()), frozenset(hash_words(_BACKED.split()).tolist())


def codes(mention: str) -> tuple[str, ...]:
    """The codes of the actors that a noun phrase speaks of: those of its head, not of what the head deals with.

    ``"the UN envoy to Syria"`` is the United Nations, ``"a spokesman for the Syrian army"`` is Syria, ``"China and
    Russia"`` are two, ``"Iran-backed Hezbollah"`` is one. Empty where the phrase names no actor of the table.
    """
    return codes_all([mention])[0]


_known_codes: dict[str, tuple[str, ...]] = {}


def codes_all(mentions: Sequence[str]) -> list[tuple[str, ...]]:
    """``codes`` of many noun phrases, in order; much faster than one by one.

    Texts name the same few actors over and over: short phrases are remembered, up to a bound.
    """
    found = {mention: own for mention in mentions if (own := _known_codes.get(mention)) is not None}
    new = list(dict.fromkeys(mention for mention in mentions if mention not in found))
    if new:
        fresh = dict(zip(new, _codes_of(new), strict=True))
        found |= fresh
        _known_codes.update((mention, own) for mention, own in fresh.items() if len(mention) <= _KNOWN_LENGTH)
        if len(_known_codes) > _MOST_KNOWN:
            _known_codes.clear()
    return [found[mention] for mention in mentions]


def _codes_of(mentions: Sequence[str]) -> list[tuple[str, ...]]:
    tokens = tokenize(mentions)
    matches = find(tokens)
    named = indices(matches.actor >= 0)
    bounds = np.searchsorted(tokens.sentence[matches.first_token[named]], np.arange(len(mentions) + 1)).tolist()
    return [
        _head_codes(tokens, matches, named[low:high].tolist()) if low < high else () for low, high in pairwise(bounds)
    ]


def _head_codes(tokens: Tokens, matches: Matches, named: list[int]) -> tuple[str, ...]:
    """The codes of one phrase from its matches that have an actor."""
    prepositions, backed = _code_words()
    table = actors()
    found: list[int] = []
    position = 0
    for i in named:
        first, end = int(matches.first_token[i]), int(matches.end_token[i])
        if found and any(value in prepositions for value in tokens.hash[position:first].tolist()):
            break
        position = end
        if end < len(tokens) and tokens.flags[end] & HYPHENATED and int(tokens.hash[end]) in backed:
            continue
        if found:
            adjacent = int(matches.end_token[i - 1])
            next_to_it = first == adjacent
            if next_to_it or (first == adjacent + 1 and tokens.hash[adjacent] == _index().possessive):
                actor, previous = table[int(matches.actor[i])], table[found[-1]]
                if previous.code in actor.related:  # Palestinian Hamas, Lebanese Hezbollah
                    found[-1] = int(matches.actor[i])
                    continue
                if matches.kind[i] == MatchKind.SEAT:  # the German Foreign Office, Iraq's Green Zone
                    continue
        found.append(int(matches.actor[i]))
    result: dict[str, None] = {}
    for at in found:
        result.update(dict.fromkeys(codes_of_actors()[at]))
    return tuple(result)


def names_of(kind: MatchKind) -> Sequence[tuple[str, str]]:
    """(code, name) of every name of one kind in the table: what a test swaps."""
    key = kind.name.lower()
    return [(actor.code, name) for actor in actors() for name in actor.names.get(key, ())]
