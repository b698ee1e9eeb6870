"""Labelled sentences: what a record holds, and what makes it a valid one.

Two kinds of record, one JSON object a line:

*Text records* carry their sentence::

    {"id": "x-1", "document": "d", "start": 0, "end": 31, "text": "Ruritania accused Syldavia.", "stances":
     ["accusation"], "roles": {"accusation": {"speaker": "Ruritania", "target": [18, 26]}}, "unsure": false,
     "annotator": "me", "source": "composed"}

Only ``text`` and ``stances`` are required; other fields are kept as they are. A role is the verbatim words or their
offsets
``[start, end]``. *Standoff records* have the field ``sha256`` in place of ``text``; see
:mod:`rhetoric.labels.standoff`.

Role offsets, in both kinds, count code points of the sentence with every run of blanks made one space and none at its
ends (:func:`collapse`), so that the line breaks of an edition do not matter. ``start`` and ``end`` count code points
of the document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from rhetoric.errors import LabelError
from rhetoric.stances import STANCES

__all__ = [
    "ROLES",
    "Label",
    "RoleSpans",
    "collapse",
    "find_role",
]

ROLES: tuple[Literal["speaker", "target"], ...] = ("speaker", "target")
Span = tuple[int, int]


def collapse(text: str) -> str:
    """``text`` with every run of white space made one space, and none at its ends."""
    return " ".join(text.split())


def find_role(sentence: str, words: str) -> Span | None:
    """Where ``words`` stand in ``sentence``: the first place where they are whole words, else the first place at
    all.
    """
    whole = re.search(rf"(?<!\w){re.escape(words)}(?!\w)", sentence)
    start = whole.start() if whole else sentence.find(words)
    return None if start < 0 else (start, start + len(words))


@dataclass(frozen=True, slots=True)
class RoleSpans:
    """Speaker and target of one stance as ``(start, end)`` in the collapsed sentence; None where it names none."""

    speaker: Span | None = None
    target: Span | None = None


@dataclass(frozen=True)
class Label:
    """One labelled sentence with its text.

    ``stances`` holds every stance that the reader found, none is the empty tuple. ``roles`` has an entry for each
    stance whose roles were read (perhaps to be empty). ``extra`` keeps the fields of the file that this library does
    not know.
    """

    text: str
    stances: tuple[str, ...] = ()
    roles: Mapping[str, RoleSpans] = field(default_factory=dict)
    unsure: bool = False
    id: str | None = None
    document: str | None = None
    start: int | None = None
    end: int | None = None
    annotator: str | None = None
    source: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sentence(self) -> str:
        """The text with collapsed white space, which role offsets count in."""
        return collapse(self.text)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the normalised sentence: equal for sentences that differ in case, accents, blanks or
        punctuation only.
        """
        from rhetoric.labels.standoff import sentence_hash

        return sentence_hash(self.text)

    def role(self, stance: str, role: Literal["speaker", "target"]) -> str:
        """The words of a role, empty where the sentence names none."""
        span = getattr(self.roles.get(stance, RoleSpans()), role)
        return "" if span is None else self.sentence[span[0] : span[1]]

    def to_dict(self) -> dict[str, Any]:
        """The record as one line of a file holds it; a role is its words, or its offsets where the words alone
        would mislead.
        """
        known: dict[str, Any] = {
            "id": self.id,
            "document": self.document,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "stances": list(self.stances),
            "roles": {stance: self._roles_to_dict(spans) for stance, spans in self.roles.items()},
            "unsure": self.unsure,
            "annotator": self.annotator,
            "source": self.source,
        }
        return {name: value for name, value in known.items() if value is not None} | dict(self.extra)

    def _roles_to_dict(self, spans: RoleSpans) -> dict[str, Any]:
        def write(span: Span | None) -> str | list[int]:
            if span is None:
                return ""
            words = self.sentence[span[0] : span[1]]
            return words if find_role(self.sentence, words) == span else list(span)

        return {role: write(getattr(spans, role)) for role in ROLES}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], stances: Sequence[str] | None = STANCES) -> Label:
        """Build and verify a record.

        Args:
            data: the fields of one line.
            stances: the names that are allowed; None allows any.

        Raises:
            LabelError: a field is missing, of the wrong type, or contradicts another; the message says which.
        """
        text = data.get("text")
        if not isinstance(text, str) or not text.strip():
            raise LabelError(f"text must be a sentence, got {text!r}")
        found, spans = parse_stances(data, stances, collapse(text))
        start, end = data.get("start"), data.get("end")
        if (start is None) != (end is None):
            raise LabelError(f"start and end go together, got start {start!r} and end {end!r}")
        if start is not None and not (is_count(start) and is_count(end) and end - start == len(text)):
            raise LabelError(
                f"start {start!r} and end {end!r} do not match the text, which is {len(text)} characters long"
            )
        return cls(
            text=text,
            stances=found,
            roles=spans,
            unsure=parse_unsure(data),
            start=start,
            end=end,
            extra={name: value for name, value in data.items() if name not in _TEXT_FIELDS},
            **{name: optional_text(data, name) for name in ("id", "document", "annotator", "source")},
        )


_TEXT_FIELDS = frozenset(
    ["id", "document", "start", "end", "text", "stances", "roles", "unsure", "annotator", "source"]
)


def is_count(value: object) -> bool:
    """True for an int of 0 or more; JSON's true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def optional_text(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        raise LabelError(f"{name} must be text, got {value!r}")
    return value


def parse_unsure(data: Mapping[str, Any]) -> bool:
    unsure = data.get("unsure", False)
    if not isinstance(unsure, bool):
        raise LabelError(f"unsure must be true or false, got {unsure!r}")
    return unsure


def parse_stances(
    data: Mapping[str, Any], allowed: Sequence[str] | None, sentence: str | None
) -> tuple[tuple[str, ...], dict[str, RoleSpans]]:
    """Stances in the allowed order and their role spans; ``sentence`` is the collapsed one, None where only offsets
    can be checked.
    """
    stances = data.get("stances")
    if not isinstance(stances, list) or not all(isinstance(stance, str) and stance for stance in stances):
        raise LabelError(f"stances must be a list of names (empty for none), got {stances!r}")
    if len(set(stances)) < len(stances):
        raise LabelError(f"a stance stands twice in {stances!r}")
    if allowed is not None:
        unknown = [stance for stance in stances if stance not in allowed]
        if unknown:
            raise LabelError(f"unknown stance {unknown[0]!r}; known are {', '.join(allowed)}")
        stances = [stance for stance in allowed if stance in stances]
    roles = data.get("roles") or {}
    if not isinstance(roles, dict):
        raise LabelError(f"roles must map a stance to its speaker and target, got {roles!r}")
    spans = {}
    for stance, named in roles.items():
        if stance not in stances:
            raise LabelError(f"roles name {stance!r}, which is not among the stances {stances!r}")
        if not isinstance(named, dict) or set(named) - set(ROLES):
            raise LabelError(f"the roles of {stance} are speaker and target, got {named!r}")
        spans[stance] = RoleSpans(*(_parse_role(named.get(role), f"{role} of {stance}", sentence) for role in ROLES))
    return tuple(stances), {stance: spans[stance] for stance in stances if stance in spans}


def _parse_role(value: object, what: str, sentence: str | None) -> Span | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if sentence is None:
            raise LabelError(f"{what} must be offsets [start, end] in a record without text, got words")
        span = find_role(sentence, collapse(value))
        if span is None or not collapse(value):
            raise LabelError(f"{what} {value!r} is not in the sentence")
        return span
    if not (isinstance(value, list) and len(value) == 2 and all(map(is_count, value)) and value[0] < value[1]):
        raise LabelError(f"{what} must be words or offsets [start, end], got {value!r}")
    start, end = value
    if sentence is not None and (end > len(sentence) or sentence[start:end] != sentence[start:end].strip()):
        raise LabelError(
            f"offsets {value!r} of {what} do not cut words out of the sentence of {len(sentence)} characters"
        )
    return (start, end)
