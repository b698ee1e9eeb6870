"""The one schema: what a reading says. Frozen, comparable, to and from plain dicts.

All offsets count Unicode code points of the text that was given, end exclusive, so that
``text[x.start:x.end] == x.text`` holds for every ``Sentence``, ``Mention`` and ``Span``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import pandas

__all__ = ["Claim", "Mention", "Reading", "Sentence", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text that carried a stance; ``weight`` is its share of the logit (natural log odds), any sign."""

    text: str
    start: int
    end: int
    weight: float

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "start": self.start, "end": self.end, "weight": self.weight}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Span:
        return cls(data["text"], data["start"], data["end"], data["weight"])


@dataclass(frozen=True, slots=True)
class Mention:
    """The words that name an actor, and the codes they stand for.

    ``codes`` holds ISO 3166-1 alpha-3 codes for states and the library's own stable codes for organisations;
    empty where the words name no actor of the table, several for joint actors ("China and Russia").
    ``resolved`` is True where the words are a pronoun or a spokesperson whose codes come from elsewhere in the text.
    """

    text: str
    start: int
    end: int
    codes: tuple[str, ...] = ()
    resolved: bool = False

    @property
    def code(self) -> str | None:
        """The first code, or None."""
        return self.codes[0] if self.codes else None

    def to_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "codes": list(self.codes),
            "resolved": self.resolved,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Mention:
        return cls(data["text"], data["start"], data["end"], tuple(data.get("codes", ())), data.get("resolved", False))


@dataclass(frozen=True, slots=True)
class Claim:
    """One stance taken in a sentence: who takes it, whom it is aimed at, and the words that show it."""

    stance: str
    probability: float
    speaker: Mention | None = None
    target: Mention | None = None
    evidence: tuple[Span, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "stance": self.stance,
            "probability": self.probability,
            "speaker": None if self.speaker is None else self.speaker.to_dict(),
            "target": None if self.target is None else self.target.to_dict(),
            "evidence": [span.to_dict() for span in self.evidence],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Claim:
        def mention(value: Mapping[str, Any] | None) -> Mention | None:
            return None if value is None else Mention.from_dict(value)

        return cls(
            data["stance"],
            data["probability"],
            mention(data.get("speaker")),
            mention(data.get("target")),
            tuple(Span.from_dict(span) for span in data.get("evidence", ())),
        )


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as read.

    ``probabilities``: stance -> calibrated probability in 0..1, in the order of the model's stances.
    ``stances``: those over their thresholds, in the same order. ``unsure``: those whose probability lies in the
    model's band of doubt around the threshold, where a careful reader should look for themselves.
    """

    text: str
    start: int
    end: int
    probabilities: Mapping[str, float]
    stances: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "probabilities": dict(self.probabilities),
            "stances": list(self.stances),
            "unsure": list(self.unsure),
            "claims": [claim.to_dict() for claim in self.claims],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Sentence:
        return cls(
            data["text"],
            data["start"],
            data["end"],
            dict(data["probabilities"]),
            tuple(data.get("stances", ())),
            tuple(data.get("unsure", ())),
            tuple(Claim.from_dict(claim) for claim in data.get("claims", ())),
        )


@dataclass(frozen=True, slots=True)
class Reading(Sequence[Sentence]):
    """A text as read: its sentences in order, covering all its prose.

    ``date`` is the document's own date (``YYYY-MM-DD``) where the text leads with one, else None.
    ``model`` names the model that read it.
    """

    sentences: tuple[Sentence, ...] = ()
    date: str | None = None
    model: str = ""
    text: str = field(default="", repr=False)

    @overload
    def __getitem__(self, index: int) -> Sentence: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Sentence, ...]: ...
    def __getitem__(self, index: int | slice) -> Sentence | tuple[Sentence, ...]:
        return self.sentences[index]

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[Sentence]:
        return iter(self.sentences)

    @property
    def stances(self) -> tuple[str, ...]:
        """Union over the sentences, in the model's order."""
        order = tuple(self.sentences[0].probabilities) if self.sentences else ()
        found = {stance for sentence in self.sentences for stance in sentence.stances}
        return tuple(stance for stance in order if stance in found)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All claims of all sentences, in order."""
        return tuple(claim for sentence in self.sentences for claim in sentence.claims)

    def to_dict(self) -> dict[str, Any]:
        return {
            "date": self.date,
            "model": self.model,
            "text": self.text,
            "sentences": [sentence.to_dict() for sentence in self.sentences],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reading:
        return cls(
            tuple(Sentence.from_dict(sentence) for sentence in data["sentences"]),
            data.get("date"),
            data.get("model", ""),
            data.get("text", ""),
        )

    def to_frame(self) -> pandas.DataFrame:
        """One row per sentence: offsets, text, a probability per stance, stances, unsure, the first claim's roles.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        from rhetoric.frames import reading_to_frame

        return reading_to_frame(self)

    def _repr_html_(self) -> str:
        from rhetoric.html import reading_to_html

        return reading_to_html(self)
