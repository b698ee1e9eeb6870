"""Labels without text: what stands in for the sentence, so that it can be found again in a corpus that the user has.

Normalisation (:func:`normalise`), on which every hash rests: compatibility decomposition (NFKD), casefolding, then
letters and digits only, with nothing between them. Case, accents, ligatures, quotes, punctuation, blanks, line breaks
and the spaces that tokenised editions put into words ("did n't") thus make no difference. It works character by
character, so that a place in the normalised sentence is a place in the sentence itself.

A standoff record holds, of its sentence, no more than

``sha256``
    of the normalised sentence in UTF-8, 64 hexadecimal digits: proof that the right sentence was found.
``letters``
    how many characters the normalised sentence has.
``print``
    six hexadecimal digits (24 bits) of a rolling polynomial hash over the normalised sentence. With ``letters`` it
    finds the sentence as a run of characters wherever a document is cut into sentences otherwise; one run in 16.7
    million has it by chance.
``exact``
    the first eight digits of the SHA-256 of the collapsed sentence as it was read: tells whether role offsets hold as
    they are.
``roles``
    offsets in the collapsed sentence; ``anchors``: the same in the normalised one, for editions with other punctuation.

None of it can be turned back into words; whoever can guess a sentence as a whole can confirm the guess, which is what
it is for.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import LabelError
from rhetoric.labels.schema import (
    ROLES,
    Label,
    RoleSpans,
    Span,
    collapse,
    is_count,
    optional_text,
    parse_stances,
    parse_unsure,
)
from rhetoric.stances import STANCES

__all__ = [
    "CORPORA",
    "FOLDING",
    "Corpus",
    "Runs",
    "Standoff",
    "exact_hash",
    "normalise",
    "places_of",
    "sentence_hash",
    "to_standoff",
    "words_of",
]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus that the standoff labels speak of: what it is, where it is to be had, under which terms."""

    name: str
    title: str
    content: str
    source: str
    licence: str


CORPORA: Final[Mapping[str, Corpus]] = MappingProxyType(
    {
        corpus.name: corpus
        for corpus in (
            Corpus(
                "ungd",
                "United Nations General Debate Corpus (Jankin, Baturo and Dasandi)",
                "speeches of the General Debate, 1990-2004",
                "Harvard Dataverse, doi:10.7910/DVN/0TJX8Y",
                "CC0 1.0",
            ),
            Corpus(
                "muc4",
                "MUC-4 (Fourth Message Understanding Conference)",
                "monitored Latin American press and radio, 1988-91, in capitals",
                "NIST, MUC data sets",
                "public distribution by NIST for research; the wire text remains its publishers'",
            ),
            Corpus(
                "mpqa",
                "MPQA Opinion Corpus 2.0 (Wiebe, Wilson and Cardie 2005)",
                "world press in English, 2001-02",
                "University of Pittsburgh, mpqa.cs.pitt.edu",
                "research use under the corpus's own agreement",
            ),
            Corpus(
                "conll",
                "CoNLL-2003 shared task, English (Tjong Kim Sang and De Meulder 2003)",
                "Reuters news, 1996",
                "annotations from the shared task, text from NIST (Reuters Corpus, Volume 1)",
                "research use under the Reuters Corpus agreement",
            ),
            Corpus("wikinews", "Wikinews, English", "citizen news, 2019-20", "dumps of en.wikinews.org", "CC BY 2.5"),
            Corpus(
                "bbc",
                "BBC News data set (Greene and Cunningham 2006)",
                "BBC News, 2004-05, in lower case with punctuation partly lost",
                "Insight Resources, University College Dublin",
                "research use; the text remains the BBC's",
            ),
            Corpus(
                "ag",
                "AG's corpus of news articles (Gulli 2005; Zhang, Zhao and LeCun 2015)",
                "world news leads, 2004",
                "the AG News topic classification set",
                "non-commercial research use; the text remains its publishers'",
            ),
        )
    }
)


class _Folding(dict[int, str]):
    """For ``str.translate``: letters and digits folded, marks dropped, all else a blank. Filled as characters turn
    up.
    """

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = "".join(c for c in unicodedata.normalize("NFKD", char).casefold() if c.isalnum())
        self[code] = folded or ("" if unicodedata.category(char).startswith("M") else " ")
        return self[code]


FOLDING: Final = _Folding()


def words_of(text: str) -> list[str]:
    """The words of a text, normalised: joined they are :func:`normalise`."""
    return text.translate(FOLDING).split()


def normalise(text: str) -> str:
    """NFKD, casefolded, letters and digits only, nothing between: the text that hashes and anchors speak of."""
    return "".join(words_of(text))


def sentence_hash(text: str) -> str:
    """SHA-256 of the normalised sentence, 64 hexadecimal digits."""
    return hashlib.sha256(normalise(text).encode()).hexdigest()


def exact_hash(sentence: str) -> str:
    return hashlib.sha256(sentence.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def places_of(text: str) -> list[int]:
    """For each character of ``normalise(text)`` the place in ``text`` that it comes from."""
    return [i for i, char in enumerate(text) for _ in char.translate(FOLDING).strip()]


# The rolling hash: the sum over the run's characters c[j] of mixed(c[j]) * BASE**j, modulo 2**64; its top 24 bits are
# printed.
_BASE: Final = 0x9E3779B97F4A7C15
_MIX: Final = 0xD6E8FEB86659FD93
_PRINT_BITS: Final = 24


@lru_cache(maxsize=2)
def _powers(base: int, exponent_of_two: int) -> NDArray[np.uint64]:
    factors = np.full(1 << exponent_of_two, base, dtype=np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


class Runs:
    """Prints of all runs of a normalised text that begin and end with a word."""

    def __init__(self, words: list[str]) -> None:
        self.text = "".join(words)
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        self.ends = np.cumsum(lengths)
        self.starts = self.ends - lengths
        codes = np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
        exponent = max(12, len(codes).bit_length())
        mixed = (codes + np.uint64(1)) * np.uint64(_MIX)
        mixed ^= mixed >> np.uint64(32)
        self.sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed * _powers(_BASE, exponent)[: len(codes)])])
        self.back = _powers(pow(_BASE, -1, 1 << 64), exponent)[self.starts]
        self.is_end = np.zeros(len(codes) + 1, dtype=bool)
        self.is_end[self.ends] = True

    def prints(self, letters: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Starts of the runs of ``letters`` characters, and their prints."""
        fits = self.starts[: np.searchsorted(self.starts, len(self.text) - letters, side="right")]
        at = np.flatnonzero(self.is_end[fits + letters])
        starts = fits[at]
        return starts, ((self.sums[starts + letters] - self.sums[starts]) * self.back[at]) >> np.uint64(
            64 - _PRINT_BITS
        )


def _print(text: str) -> str:
    folded = normalise(text)
    _, prints = Runs([folded]).prints(len(folded))
    return f"{int(prints[0]):06x}"


@dataclass(frozen=True)
class Standoff:
    """One labelled sentence without its text; the fields are told in the module's docstring."""

    sha256: str
    letters: int
    print: str
    exact: str
    corpus: str
    stances: tuple[str, ...] = ()
    roles: Mapping[str, RoleSpans] = field(default_factory=dict)
    anchors: Mapping[str, RoleSpans] = field(default_factory=dict)
    unsure: bool = False
    id: str | None = None
    document: str | None = None
    annotator: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What identifies the sentence, as :attr:`Label.key` does."""
        return self.sha256

    def to_dict(self) -> dict[str, Any]:
        def spans(roles: Mapping[str, RoleSpans]) -> dict[str, Any]:
            return {
                stance: {role: None if (span := getattr(found, role)) is None else list(span) for role in ROLES}
                for stance, found in roles.items()
            }

        return {
            "id": self.id,
            "corpus": self.corpus,
            "document": self.document,
            "sha256": self.sha256,
            "letters": self.letters,
            "print": self.print,
            "exact": self.exact,
            "stances": list(self.stances),
            "roles": spans(self.roles),
            "anchors": spans(self.anchors),
            "unsure": self.unsure,
            "annotator": self.annotator,
            **self.extra,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], stances: Sequence[str] | None = STANCES) -> Standoff:
        """Build and verify a record.

        Raises:
            LabelError: a field is missing, of the wrong form, or contradicts another, or the record holds text.
        """
        if "text" in data:
            raise LabelError("a standoff record holds no text")
        for name, digits in (("sha256", 64), ("print", 6), ("exact", 8)):
            value = data.get(name)
            if not (isinstance(value, str) and len(value) == digits and not set(value) - set("0123456789abcdef")):
                raise LabelError(f"{name} must be {digits} hexadecimal digits, got {value!r}")
        letters = data.get("letters")
        if not is_count(letters) or not letters:
            raise LabelError(f"letters must be a count above 0, got {letters!r}")
        corpus = data.get("corpus")
        if not isinstance(corpus, str) or not corpus:
            raise LabelError(f"corpus must name the corpus, got {corpus!r}")
        found, roles = parse_stances(data, stances, None)
        _, anchors = parse_stances({**data, "roles": data.get("anchors")}, stances, None)
        if _shape(roles) != _shape(anchors):
            raise LabelError("anchors and roles do not name the same roles")
        for stance, spans in anchors.items():
            for role in ROLES:
                span = getattr(spans, role)
                if span is not None and span[1] > letters:
                    raise LabelError(
                        f"anchor {list(span)} of the {role} of {stance} ends after the sentence of {letters} letters"
                    )
        return cls(
            sha256=data["sha256"],
            letters=letters,
            print=data["print"],
            exact=data["exact"],
            corpus=corpus,
            stances=found,
            roles=roles,
            anchors=anchors,
            unsure=parse_unsure(data),
            extra={name: value for name, value in data.items() if name not in _STANDOFF_FIELDS},
            **{name: optional_text(data, name) for name in ("id", "document", "annotator")},
        )

    def with_text(self, text: str) -> Label:
        """The record as a text record.

        Raises:
            LabelError: ``text`` is another sentence.
        """
        if sentence_hash(text) != self.sha256:
            raise LabelError(f"record {self.id}: the text given is another sentence than the one that was labelled")
        sentence = collapse(text)
        roles = self.roles if exact_hash(sentence) == self.exact else _unanchor(self.anchors, sentence)
        return Label(
            text=sentence,
            stances=self.stances,
            roles=roles,
            unsure=self.unsure,
            id=self.id,
            document=self.document,
            annotator=self.annotator,
            source=self.corpus,
            extra=self.extra,
        )


_STANDOFF_FIELDS = frozenset(
    [
        "id",
        "corpus",
        "document",
        "sha256",
        "letters",
        "print",
        "exact",
        "stances",
        "roles",
        "anchors",
        "unsure",
        "annotator",
    ]
)


def _shape(roles: Mapping[str, RoleSpans]) -> dict[str, tuple[bool, bool]]:
    return {stance: (spans.speaker is None, spans.target is None) for stance, spans in roles.items()}


def _map_roles(roles: Mapping[str, RoleSpans], move: Callable[[Span], Span]) -> dict[str, RoleSpans]:
    return {
        stance: RoleSpans(*(None if (span := getattr(spans, role)) is None else move(span) for role in ROLES))
        for stance, spans in roles.items()
    }


def _unanchor(anchors: Mapping[str, RoleSpans], sentence: str) -> dict[str, RoleSpans]:
    places = places_of(sentence)
    return _map_roles(anchors, lambda span: (places[span[0]], places[span[1] - 1] + 1))


def to_standoff(label: Label, corpus: str, extra: Mapping[str, Any] | None = None) -> Standoff:
    """The record without its text.

    Args:
        label: a record whose sentence holds a letter or a digit.
        corpus: where the sentence is from, a key of :data:`CORPORA` for those that are known.
        extra: fields to keep beside the labels; none may hold text of the corpus. Default: none of ``label.extra`` is
            kept.

    Raises:
        LabelError: the sentence, or a role, holds no letter and no digit.
    """
    places = np.array(places_of(label.sentence))
    if not places.size:
        raise LabelError(f"record {label.id}: a sentence without letters or digits can not be found again by its hash")

    def anchor(span: Span) -> Span:
        first, last = np.searchsorted(places, span)
        if first == last:
            raise LabelError(f"record {label.id}: a role without letters or digits, {label.sentence[slice(*span)]!r}")
        return int(first), int(last)

    return Standoff(
        sha256=label.key,
        letters=len(places),
        print=_print(label.sentence),
        exact=exact_hash(label.sentence),
        corpus=corpus,
        stances=label.stances,
        roles=label.roles,
        anchors=_map_roles(label.roles, anchor),
        unsure=label.unsure,
        id=label.id,
        document=label.document,
        annotator=label.annotator,
        extra=dict(extra or {}),
    )
