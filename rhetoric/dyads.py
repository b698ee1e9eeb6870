"""Who takes which stance towards whom, counted by period: from a table of scores to rows that event data can join.

One row for each speaker × target × stance × period. A joint speaker or target ("China and Russia") counts once for
each of its codes, as in event data; a document that repeats an earlier one (``duplicate_of``) does not count.

Codes of event data
    ============================== ================ ==========================================
    stance                         PLOVER           CAMEO
    ============================== ================ ==========================================
    accusation                     ACCUSE           111 criticize or denounce, 112 accuse
                                                    (112 with its details 1121 to 1125)
    denial                         (none)           016 deny responsibility
    call_to_negotiate              REQUEST, AGREE   026, 027, 028 appeals; 036, 037, 038, 039
                                                    intents; 106, 107, 108 demands
    ============================== ================ ==========================================

    The mapping is coarse, and it is not one to one. Our accusation does not tell criticism from an allegation of a
    crime, and takes in demands to stop a wrong (CAMEO 10x), complaints that name one (114) and imputed motives. PLOVER
    dropped CAMEO's public statements, so it has no type for a denial; ours is also wider than 016, it takes in standing
    pledges. Our call to negotiate does not tell an appeal to others (REQUEST) from an offer of one's own (AGREE). Event
    coders count events once for each report and drop stances without a target; drop the rows with an empty ``target``
    to compare. Codes of states are the same (ISO 3166-1 alpha-3 where CAMEO has its own for a few); those of
    organisations and armed groups are this library's own. Sources: Schrodt, CAMEO codebook 1.1b3 (2012), as the code
    tables of the packages gdelt 0.1.14 and gdelt-py 0.1.11 have it; older tables number some events otherwise (see
    ``docs/how-to-dyads.md``). Open Event Data Alliance, PLOVER manual.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from rhetoric.archive.tables import guarded
from rhetoric.errors import RhetoricError
from rhetoric.scored import ScoredTable, claims_of, day_of

__all__ = ["CAMEO", "OTHER", "PLOVER", "Dyad", "Dyads", "Period", "count_dyads", "write_dyads"]

Period = Literal["day", "month", "year"]

OTHER: Final = "OTHER"
"""In place of a code: an actor that is named, or pointed at by a pronoun, and has no code. Empty is: not stated."""

CAMEO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accusation": "111|112",
        "denial": "016",
        "call_to_negotiate": "026|027|028|036|037|038|039|106|107|108",
    }
)
PLOVER: Final[Mapping[str, str]] = MappingProxyType({"accusation": "ACCUSE", "call_to_negotiate": "REQUEST|AGREE"})

_LENGTHS: Final[Mapping[Period, int]] = MappingProxyType({"day": 10, "month": 7, "year": 4})


@dataclass(frozen=True, slots=True)
class Dyad:
    """One row. ``period`` is ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY``, shorter where the date gives no more, empty where
    there is none. ``speaker`` and ``target`` are a code, ``OTHER`` or empty. ``claims`` counts claims, ``documents``
    the documents that they stand in.
    """

    period: str
    speaker: str
    target: str
    stance: str
    claims: int
    documents: int


@dataclass(frozen=True, slots=True)
class Dyads:
    """All rows in order of their columns, and what went into them: claims counted and left out as repeats, rows of the
    table that could not be read.
    """

    rows: tuple[Dyad, ...]
    claims: int
    repeated: int
    unreadable: int

    def __iter__(self) -> Iterator[Dyad]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def count_dyads(scores: str | os.PathLike[str], by: Period = "month") -> Dyads:
    """Count the dyads of a table that ``score`` wrote, at sentence level, in any of its formats.

    Memory grows with the number of different rows, not with the table.

    Raises:
        RhetoricError: there is no such table, or its rows are documents.
        MissingExtraError: reading it needs a library that is not installed.
        ValueError: ``by`` is no period.
    """
    if by not in _LENGTHS:
        raise ValueError(f"by is {by!r}, expected one of {', '.join(_LENGTHS)}")
    table = ScoredTable.open(scores)
    if table.level != "sentence":
        raise RhetoricError(f"{scores} has a row for each document, without roles: score with --level sentence")
    counts: dict[tuple[str, str, str, str], list[Any]] = {}
    claims = repeated = 0
    for row in table.rows():
        if not row["stances"]:
            continue
        held = [claim for claim in claims_of(row) if claim.stance in row["stances"]]
        if row.get("duplicate_of"):
            repeated += len(held)
            continue
        period = _period(row.get("date"), by)
        for claim in held:
            claims += 1
            for speaker, target in product(_codes(claim.speaker), _codes(claim.target)):
                count = counts.setdefault((period, speaker, target, claim.stance), [0, 0, None])
                count[0] += 1
                if count[2] != row["document"]:  # the rows of a document stand together
                    count[1] += 1
                    count[2] = row["document"]
    rows = tuple(Dyad(*key, n, documents) for key, (n, documents, _) in sorted(counts.items()))
    return Dyads(rows, claims, repeated, table.n_unreadable)


def _period(date: Any, by: Period) -> str:
    day = day_of(date)
    parts = [f"{day // 10_000:04d}", f"{day // 100 % 100:02d}", f"{day % 100:02d}"]
    known = 0 if not day else 3 if day % 100 else 2 if day // 100 % 100 else 1
    return "-".join(parts[:known])[: _LENGTHS[by]]


def _codes(mention: Mapping[str, Any] | None) -> tuple[str, ...]:
    if mention is None:
        return ("",)
    codes = mention.get("codes")
    return tuple(dict.fromkeys(map(str, codes))) if codes else (OTHER,)


def write_dyads(
    scores: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    by: Period = "month",
    plover: bool = False,
    cameo: bool = False,
) -> Dyads:
    """``count_dyads`` to a CSV file, whole or not at all.

    Columns: period, speaker, target, stance, claims, documents, then ``plover`` and ``cameo`` if asked for, with ``|``
    between the codes that a stance may stand for, empty for none.

    Raises:
        RhetoricError: also where ``output`` can not be written.
    """
    dyads = count_dyads(scores, by)
    given = Path(output)
    part = given.with_name(given.name + ".part")
    extra = [(name, table) for name, table, asked in (("plover", PLOVER, plover), ("cameo", CAMEO, cameo)) if asked]
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(
                ["period", "speaker", "target", "stance", "claims", "documents", *(name for name, _ in extra)]
            )
            for row in dyads:
                cells = [row.period, *map(guarded, (row.speaker, row.target, row.stance)), row.claims, row.documents]
                writer.writerow([*cells, *(table.get(row.stance, "") for _, table in extra)])
        part.replace(given)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RhetoricError(f"{given} can not be written: {error.strerror or error}") from error
    return dyads
