"""The taxonomy: names and one-line definitions of the stances. Nothing else hard-codes a stance.

A model brings its own list in its config; these are the ones the shipped models know, in the order of every
column of probabilities. The full definitions, with examples, are in ``labels/CODEBOOK.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

STANCES: Final[tuple[str, ...]] = ("accusation", "denial", "call_to_negotiate")

DEFINITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accusation": "Someone asserts that an identifiable actor has done, is doing, or intends something wrong.",
        "denial": "Someone says that what is alleged, reported or imputed of them or an ally is not so.",
        "call_to_negotiate": "Someone calls for, proposes, offers or is ready for talks or a negotiated settlement.",
    }
)
