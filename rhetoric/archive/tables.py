"""Readings -> rows -> bytes of JSONL, CSV or Parquet, one part per shard; and parts -> one table.

A part is final but for ``duplicate_of``, which only the whole archive can tell: :func:`mark` fills it in. Parts of
JSONL and CSV, compressed ones too, join by laying their bytes end to end.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring as _quoted
from pathlib import Path
from typing import IO, Any, Final

from rhetoric.errors import ArchiveError, MissingExtraError
from rhetoric.records import Claim, Mention, Reading, Sentence

LEVELS: Final = ("sentence", "document")
FORMATS: Final = (
    *(f"{table}{compression}" for table in ("jsonl", "csv") for compression in ("", ".gz", ".zst", ".bz2")),
    "parquet",
)

# A spreadsheet runs a cell that starts with one of these as a formula.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_ROWS_PER_GROUP: Final = 100_000


@dataclass(frozen=True, slots=True)
class Layout:
    """What a table looks like: everything that its bytes depend on beside the documents."""

    format: str
    level: str
    only_stances: bool
    classes: tuple[str, ...]
    model: str
    model_hash: str

    @property
    def table(self) -> str:
        return self.format.split(".")[0]

    @property
    def compression(self) -> str:
        return self.format.partition(".")[2]

    @property
    def columns(self) -> tuple[str, ...]:
        last = ("duplicate_of", "model", "model_hash")
        if self.level == "document":
            counts = tuple(f"{stance}_sentences" for stance in self.classes)
            return ("document", "date", "sentences", *self.classes, *counts, "stances", "unsure", *last)
        roles = ("speaker", "speaker_code", "target", "target_code")
        head = ("document", "date", "sentence", "start", "end", "text")
        return (*head, *self.classes, "stances", "unsure", "claims", *roles, *last)


def format_of(path: str) -> str:
    """The format that a file name asks for. Raises ArchiveError for one that can not be written."""
    name = Path(path).name.lower()
    for format in sorted(FORMATS, key=len, reverse=True):
        if name.endswith(f".{format}"):
            return format
    wanted = ", ".join(f".{format}" for format in FORMATS)
    raise ArchiveError(
        f"{path!r} can not be written: its name should end in one of {wanted}, or in / for a folder of parts."
    )


def rows_of(document: str, date: str | None, reading: Reading, layout: Layout) -> list[tuple[Any, ...]]:
    """The rows of one document, without the last three columns (``duplicate_of``, ``model``, ``model_hash``)."""
    if date is None:
        date = reading.date
    if layout.level == "document":
        return _document_row(document, date, reading, layout)
    classes = layout.classes
    rows: list[tuple[Any, ...]] = []
    for index, sentence in enumerate(reading):
        if layout.only_stances and not sentence.stances:
            continue
        probabilities = sentence.probabilities
        rows.append(
            (
                document,
                date,
                index,
                sentence.start,
                sentence.end,
                sentence.text,
                *[round(float(probabilities[stance]), 4) for stance in classes],
                list(sentence.stances),
                list(sentence.unsure),
                *_claims(sentence),
            )
        )
    return rows


_NO_CLAIMS: Final[tuple[Any, ...]] = ([], None, None, None, None)


def _claims(sentence: Sentence) -> tuple[Any, ...]:
    if not sentence.claims:
        return _NO_CLAIMS
    foremost = max(sentence.claims, key=lambda claim: claim.probability)
    return ([_claim(claim) for claim in sentence.claims], *roles_of(foremost))


def roles_of(claim: Claim | None) -> tuple[str | None, str | None, str | None, str | None]:
    """Speaker, its code, target, its code."""

    def of(mention: Mention | None) -> tuple[str | None, str | None]:
        return (None, None) if mention is None else (mention.text, mention.code)

    return (None, None, None, None) if claim is None else (*of(claim.speaker), *of(claim.target))


def _claim(claim: Claim) -> dict[str, Any]:
    data = claim.to_dict()
    data["probability"] = round(float(data["probability"]), 4)
    for span in data["evidence"]:
        span["weight"] = round(float(span["weight"]), 4)
    return data


def _document_row(document: str, date: str | None, reading: Reading, layout: Layout) -> list[tuple[Any, ...]]:
    stances = reading.stances
    if layout.only_stances and not stances:
        return []
    highest = [round(max((float(s.probabilities[c]) for s in reading), default=0.0), 4) for c in layout.classes]
    counts = [sum(c in s.stances for s in reading) for c in layout.classes]
    unsure = [c for c in layout.classes if any(c in s.unsure for s in reading)]
    return [(document, date, len(reading), *highest, *counts, list(stances), unsure)]


def encode(rows: Sequence[tuple[Any, ...]], layout: Layout) -> tuple[bytes, int]:
    """The part of these rows, and how many of its bytes are a header that only the first part of a table keeps."""
    if layout.table == "parquet":
        return _parquet_bytes(_arrow_table(rows, layout)), 0
    if layout.table == "csv":
        header = compress(_csv_lines([layout.columns], layout), layout.compression)
        return header + compress(_csv_lines(_csv_rows(rows, layout), layout), layout.compression), len(header)
    return compress(_jsonl(rows, layout), layout.compression), 0


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _jsonl(rows: Sequence[tuple[Any, ...]], layout: Layout) -> bytes:
    names = [_quoted(name).replace("%", "%%") for name in layout.columns[:-3]]
    template = "{" + ",".join(f"{name}:%s" for name in names) + "," + _tail(None, layout).replace("%", "%%")
    lines = []
    for row in rows:  # json.dumps of a whole row takes four times as long, and rows are what an archive is made of
        lines.append(
            template
            % tuple(
                "null"
                if value is None
                else _quoted(value)
                if type(value) is str
                else "[]"
                if value == []
                else _dump(value)
                if type(value) is list
                else repr(value)
                for value in row
            )
        )
    return "".join(lines).encode("utf-8")


def _tail(duplicate_of: str | None, layout: Layout) -> str:
    last = {"duplicate_of": duplicate_of, "model": layout.model, "model_hash": layout.model_hash}
    return _dump(last)[1:] + "\n"


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one that starts with ``= + - @`` or a tab gets an apostrophe in
    front.

    Reversible: a cell that already starts with apostrophes before such a sign gets one more, so that taking one away
    from every cell that matches ``'+[=+-@\\t\\r]`` gives the data back.

    >>> guarded("=1+1"), guarded("'-x"), guarded("China's")
    ("'=1+1", "''-x", "China's")
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _csv_cell(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, list):
        return _dump(value) if name == "claims" else ";".join(value)
    return value


def _csv_rows(rows: Iterable[tuple[Any, ...]], layout: Layout) -> Iterator[tuple[Any, ...]]:
    last = (None, layout.model, layout.model_hash)
    for row in rows:
        yield (*map(_csv_cell, layout.columns, row), *last)


def _csv_lines(rows: Iterable[Sequence[Any]], layout: Layout) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode("utf-8")


def arrow_schema(layout: Layout) -> Any:
    """The pyarrow schema of the Parquet tables."""
    pa = _pyarrow()
    text, strings, double, integer = pa.string(), pa.list_(pa.string()), pa.float64(), pa.int64()
    types = dict.fromkeys(layout.classes, double) | {f"{stance}_sentences": integer for stance in layout.classes}
    types |= {
        "sentence": integer,
        "start": integer,
        "end": integer,
        "sentences": integer,
        "stances": strings,
        "unsure": strings,
    }
    return pa.schema([(name, types.get(name, text)) for name in layout.columns])


def arrow_arrays(rows: Sequence[tuple[Any, ...]], layout: Layout) -> list[Any]:
    """The columns of the rows as pyarrow arrays, ``duplicate_of`` null."""
    pa = _pyarrow()
    schema = arrow_schema(layout)
    filled: list[Sequence[Any]] = [list(column) for column in zip(*rows, strict=True)] or [
        [] for _ in layout.columns[:-3]
    ]
    count = len(rows)
    filled += [[None] * count, [layout.model] * count, [layout.model_hash] * count]
    if "claims" in layout.columns:
        at = layout.columns.index("claims")
        filled[at] = [_dump(claims) for claims in filled[at]]
    return [pa.array(values, type=field.type) for values, field in zip(filled, schema, strict=True)]


def _arrow_table(rows: Sequence[tuple[Any, ...]], layout: Layout) -> Any:
    return _pyarrow().Table.from_arrays(arrow_arrays(rows, layout), schema=arrow_schema(layout))


def _parquet_bytes(table: Any) -> bytes:
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("Parquet", "parquet") from None
    return pyarrow


def compress(data: bytes, compression: str) -> bytes:
    """One member of a compressed file; members laid end to end are a file again. The same bytes for the same data."""
    if compression == "gz":
        return gzip.compress(data, 6, mtime=0)
    if compression == "bz2":
        return bz2.compress(data)
    if compression == "zst":
        return bytes(_zstandard().ZstdCompressor(level=6).compress(data))
    return data


def _decompress(data: bytes, compression: str) -> bytes:
    if compression == "gz":
        return gzip.decompress(data)
    if compression == "bz2":
        return bz2.decompress(data)
    if compression == "zst":
        reader = _zstandard().ZstdDecompressor().stream_reader(data, read_across_frames=True)
        return bytes(reader.read())
    return data


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise MissingExtraError(".zst", "zstd") from None
    return zstandard


def check_writable(format: str) -> None:
    """Raises MissingExtraError when the format needs a library that is not installed."""
    if format == "parquet":
        _pyarrow()
    elif format.endswith(".zst"):
        _zstandard()


def mark(part: bytes, header: int, rows: Sequence[int], marks: Mapping[int, str], layout: Layout) -> tuple[bytes, int]:
    """The part with ``duplicate_of`` set.

    Args:
        part, header: as :func:`encode` gave them, or an earlier ``mark``: what was set before is forgotten.
        rows: number of rows of each document of the shard.
        marks: index of a document within the shard -> id of the document it repeats.
    """
    originals = [marks.get(index) for index, count in enumerate(rows) for _ in range(count)]
    if layout.table == "parquet":
        pa = _pyarrow()
        table = pa.parquet.read_table(io.BytesIO(part))
        at = layout.columns.index("duplicate_of")
        table = table.set_column(at, table.schema.field(at), pa.array(originals, type=pa.string()))
        return _parquet_bytes(table), 0
    data = _decompress(part, layout.compression)
    if layout.table == "csv":
        csv.field_size_limit(
            max(csv.field_size_limit(), len(data) + 1)
        )  # the module refuses cells over 128 KiB otherwise
        header_row, *body = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
        lines = _csv_lines([header_row], layout)
        marked = [
            [*row[:-3], guarded(original or ""), *row[-2:]] for row, original in zip(body, originals, strict=True)
        ]
        head = compress(lines, layout.compression)
        return head + compress(_csv_lines(marked, layout), layout.compression), len(head)
    tails = {original: _tail(original, layout).encode("utf-8") for original in set(originals)}
    key = b'"duplicate_of":'  # its last occurrence is the column: within a JSON string the quotes would be escaped
    pieces = data.split(b"\n")[:-1]
    joined = [line[: line.rindex(key)] + tails[original] for line, original in zip(pieces, originals, strict=True)]
    return compress(b"".join(joined), layout.compression), 0


def join(parts: Iterable[tuple[Path, int]], output: IO[bytes], layout: Layout) -> None:
    """Puts parts, each with the length of its header, together as one table, in the order given."""
    if layout.table == "parquet":
        _join_parquet([path for path, _ in parts], output, layout)
        return
    for number, (path, header) in enumerate(parts):
        with path.open("rb") as part:
            part.seek(header if number else 0)
            shutil.copyfileobj(part, output, 1_048_576)


def _join_parquet(parts: Sequence[Path], output: IO[bytes], layout: Layout) -> None:
    pa = _pyarrow()
    waiting: list[Any] = []
    with pa.parquet.ParquetWriter(output, arrow_schema(layout), compression="zstd") as writer:
        for path in parts:
            waiting.append(pa.parquet.read_table(io.BytesIO(path.read_bytes())))
            if sum(table.num_rows for table in waiting) >= _ROWS_PER_GROUP:
                writer.write_table(pa.concat_tables(waiting), row_group_size=_ROWS_PER_GROUP)
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting), row_group_size=_ROWS_PER_GROUP)
