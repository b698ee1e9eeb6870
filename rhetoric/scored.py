"""What ``score`` wrote, read back: rows one at a time, the claims of a row, the actors they name, the date's period.

Reads JSONL and CSV (plain, .gz, .zst, .bz2, .xz), Parquet, and folders of parts. Memory does not grow with the table.
A row that can not be read is counted and kept with its reason, never dropped in silence.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from rhetoric.archive.sources import COMPRESSIONS, Source, inflate, open_source
from rhetoric.errors import MissingExtraError, RhetoricError

__all__ = ["Actor", "ClaimedStance", "ScoredTable", "Unreadable", "actor_name", "actor_of", "claims_of", "day_of"]

Row = dict[str, Any]

_TABLES: Final = (".jsonl", ".csv", ".parquet")
_MOST_UNREADABLE: Final = 50
# A row is a sentence or a document's sums; a line beyond this is damage, and reading it whole could take all memory.
_LINE_LIMIT: Final = 64 * 1024 * 1024
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r]")
_ROWS_PER_BATCH: Final = 8_192

_DOCUMENT_COLUMNS: Final = ("document", "date", "sentences", "stances")
_SENTENCE_COLUMNS: Final = ("document", "date", "start", "end", "text", "stances")
_INTEGERS: Final = frozenset({"sentence", "start", "end", "sentences"})


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that could not be read: its file, its line (None where there are no lines) and the reason."""

    file: str
    line: int | None
    reason: str


@dataclass(slots=True)
class ScoredTable:
    """A table of scores on disk: ``for row in table.rows()``.

    Attributes:
        path: as given.
        files: the files it is made of, in order.
        level: ``"sentence"`` or ``"document"``: what a row is.
        stances: the stances it has columns for, in order.
        rejected: the files that list what ``score`` could not read; they may be none.
        unreadable, n_unreadable: the first rows that could not be read, and their number, complete once ``rows()`` ran
            through.
    """

    path: Path
    files: tuple[Path, ...]
    level: str
    stances: tuple[str, ...]
    rejected: tuple[Path, ...]
    unreadable: list[Unreadable] = field(default_factory=list)
    n_unreadable: int = 0

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> ScoredTable:
        """Finds the files of a table and looks at its first row.

        Raises:
            RhetoricError: there is no such table, or its columns are not those that ``score`` writes.
            MissingExtraError: reading it needs a library that is not installed.
        """
        given = Path(path)
        if given.is_dir():
            files = tuple(sorted(entry for entry in given.iterdir() if _is_table(entry)))
            rejected = tuple(p for p in (given / "_rejected.jsonl",) if p.is_file())
            # a run that has not come to its end has not joined them yet
            rejected = rejected or tuple(sorted(given.glob("_rejected/*.jsonl")))
        else:
            files = (given,)
            name = re.sub(r"\.(jsonl|csv|parquet)(\.\w+)?$", "", given.name)
            rejected = tuple(p for p in (given.with_name(f"{name}.rejected.jsonl"),) if p.is_file())
        if not files:
            raise RhetoricError(f"{given} holds no table of scores: expected files that end in {', '.join(_TABLES)}")
        if not given.exists():
            raise RhetoricError(f"{given} does not exist: give a table that `rhetoric score` wrote")
        if not _suffix(files[0]):
            raise RhetoricError(f"{given} is no table of scores: expected a name that ends in {', '.join(_TABLES)}")
        table = cls(given, files, "sentence", (), rejected)
        columns = next((list(row) for row in table._raw()), None)
        table.unreadable, table.n_unreadable = [], 0
        if columns is None:
            raise RhetoricError(f"{given} has no row that can be read: nothing was scored, or it is no table of scores")
        table.level = "document" if "sentences" in columns and "text" not in columns else "sentence"
        needed = _DOCUMENT_COLUMNS if table.level == "document" else _SENTENCE_COLUMNS
        missing = [column for column in needed if column not in columns]
        if missing:
            raise RhetoricError(
                f"{given} lacks the columns {', '.join(missing)}; expected a table that `rhetoric score` wrote, "
                f"found the columns {', '.join(columns[:12])}"
            )
        first, last = columns.index("sentences" if table.level == "document" else "text"), columns.index("stances")
        named = columns[first + 1 : last]
        table.stances = tuple(c for c in named if not (c.endswith("_sentences") and c[: -len("_sentences")] in named))
        if not table.stances:
            raise RhetoricError(f"{given} has no column of probabilities between {columns[first]!r} and 'stances'")
        return table

    def rows(self) -> Iterator[Row]:
        """All rows that can be read, in order.

        Lists are lists whatever the file's format, numbers are numbers, what is empty is None; ``claims`` stays as it
        is stored (see :func:`claims_of`).
        """
        self.unreadable, self.n_unreadable = [], 0
        floats = frozenset(self.stances)
        integers = _INTEGERS | {f"{stance}_sentences" for stance in self.stances}
        for row in self._raw(floats, integers):
            document, stances = row.get("document"), row.get("stances")
            if document is None or type(stances) is not list:
                self._fault(str(self.path), None, "a row without document or stances")
                continue
            if type(document) is not str:
                row["document"] = str(document)
            yield row

    def _fault(self, file: str, line: int | None, reason: str) -> None:
        self.n_unreadable += 1
        if len(self.unreadable) < _MOST_UNREADABLE:
            self.unreadable.append(Unreadable(file, line, reason))

    def _raw(self, floats: frozenset[str] = frozenset(), integers: frozenset[str] = frozenset()) -> Iterator[Row]:
        for file in self.files:
            suffix = _suffix(file)
            if suffix == ".parquet":
                yield from self._parquet(file)
                continue
            source = Source(str(file), suffix[1:], COMPRESSIONS.get(file.suffix.lower(), ""), file.stat().st_size)
            with open_source(source) as raw:
                stream = inflate(raw, source.compression)
                buffered = io.BufferedReader(stream, 1 << 20)
                if suffix == ".csv":
                    yield from self._csv(buffered, file.name, floats, integers)
                else:
                    yield from self._jsonl(buffered, file.name)
                fault = getattr(stream, "fault", None)
                if fault:
                    self._fault(file.name, None, str(fault))

    def _jsonl(self, stream: IO[bytes], name: str) -> Iterator[Row]:
        number = 0
        loads = json.loads
        while line := stream.readline(_LINE_LIMIT):
            number += 1
            if len(line) == _LINE_LIMIT and not line.endswith(b"\n"):
                while (more := stream.readline(_LINE_LIMIT)) and not more.endswith(b"\n"):
                    pass
                self._fault(name, number, f"a line of over {_LINE_LIMIT >> 20} MiB")
                continue
            try:
                row = loads(line)
            except (ValueError, RecursionError) as error:
                if line.strip():
                    self._fault(name, number, f"broken JSON: {error}")
                continue
            if type(row) is dict:
                yield row
            else:
                self._fault(name, number, f"a JSON {type(row).__name__}, wanted an object")

    def _csv(self, stream: IO[bytes], name: str, floats: frozenset[str], integers: frozenset[str]) -> Iterator[Row]:
        csv.field_size_limit(max(csv.field_size_limit(), _LINE_LIMIT))
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.reader(text)
        header: list[str] | None = None
        converters: list[Callable[[str], Any]] = []
        while True:
            try:
                cells = next(reader)
                if header is None:
                    header = cells
                    converters = [_converter(column, floats, integers) for column in header]
                    continue
                if not cells or cells == header:  # a header again: parts laid end to end by hand
                    continue
                yield {c: convert(cell) for c, convert, cell in zip(header, converters, cells, strict=True)}
            except StopIteration:
                return
            except (csv.Error, ValueError) as error:
                self._fault(name, reader.line_num, f"broken CSV: {error}")

    def _parquet(self, file: Path) -> Iterator[Row]:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise MissingExtraError("Parquet", "parquet") from None
        try:
            with pyarrow.parquet.ParquetFile(file) as table:
                for batch in table.iter_batches(_ROWS_PER_BATCH):
                    yield from batch.to_pylist()
        except (OSError, pyarrow.ArrowException) as error:
            self._fault(file.name, None, f"broken Parquet: {error}")


def _suffix(file: Path) -> str:
    """``.jsonl``, ``.csv`` or ``.parquet``, under a compression or not; empty for another kind."""
    name = file.name.lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression)
    return next((suffix for suffix in _TABLES if name.endswith(suffix)), "")


def _is_table(entry: Path) -> bool:
    hidden = entry.name.startswith(("_", ".")) or ".rejected." in entry.name
    return entry.is_file() and not hidden and bool(_suffix(entry))


def _converter(column: str, floats: frozenset[str], integers: frozenset[str]) -> Callable[[str], Any]:
    if column in floats:
        return float
    if column in integers:
        return int
    if column in ("stances", "unsure"):
        return lambda cell: cell.split(";") if cell else []
    return lambda cell: (cell[1:] if _GUARDED.match(cell) else cell) or None


# ---------------------------------------------------------------------------------------------- what a row says


@dataclass(frozen=True, slots=True)
class ClaimedStance:
    """One stance of a row; ``speaker`` and ``target`` are mentions as dicts (text, start, end, codes)."""

    stance: str
    probability: float
    speaker: Mapping[str, Any] | None
    target: Mapping[str, Any] | None
    evidence: list[Mapping[str, Any]]


def claims_of(row: Mapping[str, Any]) -> list[ClaimedStance]:
    """The claims of a sentence's row, one at least for each of its stances.

    A stance without a claim (a table without the column, a claim that can not be read) takes the row's own roles.
    """
    stored = row.get("claims")
    if isinstance(stored, str):
        try:
            stored = json.loads(stored)
        except ValueError:
            stored = None
    claims: list[ClaimedStance] = []
    for claim in stored if isinstance(stored, list) else ():
        try:
            claims.append(
                ClaimedStance(
                    claim["stance"],
                    float(claim["probability"]),
                    _mention(claim.get("speaker")),
                    _mention(claim.get("target")),
                    [span for span in claim.get("evidence") or () if isinstance(span, Mapping)],
                )
            )
        except (TypeError, KeyError, ValueError, AttributeError):
            continue
    claimed = {claim.stance for claim in claims}
    for stance in row["stances"]:
        if stance not in claimed:
            speaker, target = _own_role(row, "speaker"), _own_role(row, "target")
            claims.append(ClaimedStance(stance, float(row.get(stance) or 0.0), speaker, target, []))
    return claims


def _mention(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) and isinstance(value.get("text"), str) else None


def _own_role(row: Mapping[str, Any], role: str) -> Mapping[str, Any] | None:
    text, code = row.get(role), row.get(f"{role}_code")
    if not isinstance(text, str):
        return None
    return {"text": text, "start": -1, "end": -1, "codes": [code] if isinstance(code, str) else []}


# ---------------------------------------------------------------------------------------------- actors


Actor = tuple[str, ...]
"""An actor as counted: its codes; or ``("", name)`` for a name without a code; or one of the two below."""

NOT_STATED: Final[Actor] = ()
PRONOUN: Final[Actor] = ("",)

_PRONOUN_LIST: Final = """
    i me we us you he him she her it they them who whom that this these those one others both all some many everyone
    someone nobody myself ourselves itself himself herself themselves our my his their its
"""
_PRONOUNS: Final = frozenset(_PRONOUN_LIST.split())
_POSSESSIVES: Final = frozenset(("my", "our", "his", "her", "their", "its", "your"))


def actor_of(mention: Mapping[str, Any] | None) -> Actor:
    """Who a mention stands for: its codes, else its words in lower case without article.

    A pronoun, and what is only said to be somebody's ("my government"), is nobody's name.

    >>> actor_of({"text": "China and Russia", "codes": ["CHN", "RUS"]}), actor_of({"text": "The Rebels", "codes": []})
    (('CHN', 'RUS'), ('', 'rebels'))
    """
    if mention is None:
        return NOT_STATED
    codes = mention.get("codes")
    if codes:
        return tuple(map(str, codes))
    words = str(mention["text"]).casefold().split()
    if len(words) > 1 and words[0] in ("the", "a", "an"):
        words = words[1:]
    if not words or words[0] in _POSSESSIVES or (len(words) == 1 and words[0] in _PRONOUNS):
        return PRONOUN
    return ("", " ".join(words)[:80])


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    from rhetoric.actors import actors

    return {actor.code: actor.name for actor in actors()}


def actor_name(actor: Actor) -> str:
    """The name to show for an actor.

    >>> actor_name(("FRA",)), actor_name(("", "rebels")), actor_name(())
    ('France', 'rebels', 'not stated')
    """
    if actor == NOT_STATED:
        return "not stated"
    if actor == PRONOUN:
        return "a pronoun (we, they, my government)"
    if not actor[0]:
        return actor[1]
    names = _names()
    return " and ".join(names.get(code, code) for code in actor)


# ---------------------------------------------------------------------------------------------- dates

_DATE: Final = re.compile(r"\s*(\d{4})(?:([-/.]?)(\d{2})(?:\2(\d{2}))?)?(?!\d)")
_YEARS: Final = range(1500, 2201)


@lru_cache(maxsize=65_536)
def day_of(date: str | None) -> int:
    """A date as ``yyyymmdd``; month and day are 00 where it does not give them; 0 for none that can be read.

    >>> day_of("2001-09-12T08:00:00Z"), day_of("2001-09"), day_of("1990"), day_of("last week"), day_of(None)
    (20010912, 20010900, 19900000, 0, 0)
    """
    found = _DATE.match(date) if isinstance(date, str) else None
    if not found or int(found[1]) not in _YEARS:
        return 0
    year, month, day = int(found[1]), int(found[3] or 0), int(found[4] or 0)
    if not 1 <= month <= 12:
        return year * 10_000
    return year * 10_000 + month * 100 + (day if 1 <= day <= 31 else 0)


def read_rejected(files: tuple[Path, ...]) -> Iterator[Row]:
    """The records of ``score``'s list of what it could not read."""
    for line in chain.from_iterable(_lines(file) for file in files):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = {"file": "", "line": None, "reason": "this record of the list itself is broken"}
        if isinstance(record, dict):
            yield record


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while line := stream.readline(_LINE_LIMIT):
            if line.strip():
                yield line
