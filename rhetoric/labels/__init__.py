"""Labelled sentences: read, verify, join with their corpora, convert, compare, split.

``schema`` holds text records, ``standoff`` records without text, ``files`` both in JSONL, ``joining`` the search for
the text, ``formats`` the files of labelling tools, ``compare`` counts, agreement and suspects, ``splits`` the groups
that a split must not cut.
"""

from __future__ import annotations

from rhetoric.labels.compare import (
    Agreement,
    Counts,
    Disagreement,
    RoleAgreement,
    StanceAgreement,
    Suspect,
    agreement,
    is_implied,
    stats,
    suspects,
)
from rhetoric.labels.files import faults, read, read_any, read_standoff, shipped, write
from rhetoric.labels.formats import FORMATS, Converted, convert, label_studio_config, read_format, write_format
from rhetoric.labels.joining import JoinResult, Missing, join
from rhetoric.labels.schema import Label, RoleSpans, collapse
from rhetoric.labels.splits import group_near_duplicates
from rhetoric.labels.standoff import (
    CORPORA,
    Corpus,
    Standoff,
    normalise,
    sentence_hash,
    to_standoff,
)

__all__ = [
    "CORPORA",
    "FORMATS",
    "Agreement",
    "Converted",
    "Corpus",
    "Counts",
    "Disagreement",
    "JoinResult",
    "Label",
    "Missing",
    "RoleAgreement",
    "RoleSpans",
    "StanceAgreement",
    "Standoff",
    "Suspect",
    "agreement",
    "collapse",
    "convert",
    "faults",
    "group_near_duplicates",
    "is_implied",
    "join",
    "label_studio_config",
    "normalise",
    "read",
    "read_any",
    "read_format",
    "read_standoff",
    "sentence_hash",
    "shipped",
    "stats",
    "suspects",
    "to_standoff",
    "write",
    "write_format",
]
