"""Files -> documents, whatever the files hold. Nothing raises on bad data: it becomes :class:`Rejected`, with its
bytes.

Offsets of everything scored later count from the text that stands in :class:`Document`: the decoded file or field,
without a byte order mark; for HTML, the text that :func:`html_to_text` makes of it.
"""

from __future__ import annotations

import base64
import codecs
import csv
import io
import json
import re
import tarfile
import tempfile
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import IO, Any, Final

from rhetoric.archive import sources
from rhetoric.archive.sources import Inflated, Plain, Source, inflate, kind_of, printable
from rhetoric.errors import MissingExtraError

TEXT_COLUMNS: Final = (
    "text", "body", "content", "article", "article_text", "maintext", "full_text", "fulltext", "raw_text", "story",
    "speech", "statement", "sentence", "transcript",
)  # fmt: skip
ID_COLUMNS: Final = ("id", "doc_id", "docid", "document_id", "document", "article_id", "uuid", "guid", "url", "link")
DATE_COLUMNS: Final = (
    "date", "published", "publish_date", "published_at", "date_published", "pubdate", "pub_date", "publication_date",
    "date_publish", "timestamp", "created_at", "year",
)  # fmt: skip

# Of a bad record, so much is kept in the rejected file; the rest stays where it was, found by file and line.
KEPT_BYTES: Final = 1_048_576
_READABLE_INSIDE: Final = {"txt", "html", "jsonl", "csv", "tsv"}
_ENGLISH: Final = re.compile(r"^(en|eng|english)([-_].*)?$", re.IGNORECASE)
_META_DATE: Final = re.compile(
    r"""<meta\s[^>]{0,200}?(?:published_time|pubdate|publishdate|datePublished|dcterms\.created|["']date["'])"""
    r"""[^>]{0,200}?content\s*=\s*["'](\d{4}-\d{2}-\d{2})""",
    re.IGNORECASE,
)
_META_CHARSET: Final = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """One text to score. ``line`` counts from 1 within ``file``; None where the whole file is the document."""

    id: str
    date: str | None
    text: str
    file: str
    line: int | None = None
    html: bool = False

    @property
    def weight(self) -> int:
        return len(self.text) + 64


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that can not be scored, with the reason. ``size`` is its full length in bytes.

    ``language`` marks a record that was only set aside because it is not English: no fault of the archive.
    """

    file: str
    line: int | None
    reason: str
    record: bytes = b""
    size: int = 0
    language: bool = False

    @property
    def weight(self) -> int:
        return len(self.record) + 64

    def to_dict(self) -> dict[str, Any]:
        """A JSON object: ``record`` where the bytes are UTF-8, else ``bytes`` in base64; ``cut`` when only the first
        are kept."""
        data: dict[str, Any] = {"file": self.file, "line": self.line, "reason": self.reason, "size": self.size}
        try:
            data["record"] = self.record.decode("utf-8")
        except UnicodeDecodeError:
            data["bytes"] = base64.b64encode(self.record).decode("ascii")
        if len(self.record) < self.size:
            data["cut"] = True
        return data


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How documents are found in records. ``max_bytes`` bounds one document's text; ``replace`` decodes bad UTF-8 with
    U+FFFD."""

    text: str | None = None
    id: str | None = None
    date: str | None = None
    language: str | None = None
    max_bytes: int = 20_000_000
    replace: bool = False


@dataclass(frozen=True, slots=True)
class _Columns:
    text: str | None
    id: str | None
    date: str | None
    language: str | None


class Reader:
    """Reads sources one after the other.

    ``consumed`` is how many bytes of the disk have been read so far; ``notes`` collects what the user should hear, in
    order.
    """

    def __init__(self, options: ReadOptions) -> None:
        self.options = options
        self.notes: dict[str, None] = {}
        self._finished = 0
        self._file: sources.CountedFile | None = None
        # A JSON line or a CSV record holds more than its text: escapes and other columns.
        self._line_limit = 2 * options.max_bytes + 1_048_576

    @property
    def consumed(self) -> int:
        return self._finished + (self._file.count if self._file is not None else 0)

    def read(self, source: Source) -> Iterator[Document | Rejected]:
        """All documents and bad records of one source, in its order."""
        try:
            raw = sources.open_source(source)
        except MissingExtraError:
            raise
        except Exception as error:  # fsspec's back ends raise what they like
            yield Rejected(source.name, None, f"can not be opened: {_words(error)}")
            self._finished += source.size or 0
            return
        self._file = raw
        try:
            with raw:
                if source.kind == "stdin":
                    yield from self._stdin(raw)
                else:
                    yield from self._dispatch(source, raw)
        finally:
            self._finished += raw.count if source.size is None else source.size
            self._file = None

    def _dispatch(self, source: Source, raw: sources.CountedFile) -> Iterator[Document | Rejected]:
        if source.kind in {"parquet", "zip"}:
            yield from self._seekable(source, raw)
            return
        stream = inflate(raw, source.compression)
        with _buffered(stream) as buffered:
            if source.kind == "tar":
                yield from self._tar(buffered, source)
            elif source.kind == "warc":
                yield from self._warc(buffered, source.name)
            else:
                yield from self._content(source.kind, buffered, source.name)
            if stream.fault is not None:
                yield Rejected(source.name, None, stream.fault)

    def _stdin(self, raw: sources.CountedFile) -> Iterator[Document | Rejected]:
        outer = io.BufferedReader(raw, 1_048_576)
        compression = sources.sniff_compression(outer.peek(8)[:8])
        stream = inflate(outer, compression)
        with _buffered(stream) as buffered:
            head = buffered.peek(64)[:64].removeprefix(codecs.BOM_UTF8).lstrip()
            kind = "jsonl" if head.startswith(b"{") else "csv" if self.options.text else "txt"
            words = {"jsonl": "JSON lines", "csv": "CSV", "txt": "one document of plain text"}[kind]
            self._say(f"standard input: read as {words}{f', {compression}' if compression else ''}")
            yield from self._content(kind, buffered, "stdin")
            if stream.fault is not None:
                yield Rejected("stdin", None, stream.fault)

    def _content(self, kind: str, stream: IO[bytes], name: str) -> Iterator[Document | Rejected]:
        if kind == "txt":
            yield from self._whole(stream, name, html=False)
        elif kind == "html":
            yield from self._whole(stream, name, html=True)
        elif kind == "jsonl":
            yield from self._jsonl(stream, name)
        elif kind in {"csv", "tsv"}:
            yield from self._csv(stream, name, "\t" if kind == "tsv" else ",")
        else:  # "unreadable": it did open after all, so it is a folder or a device
            yield Rejected(name, None, "can not be read: not a regular file")

    # One file, one document

    def _whole(self, stream: IO[bytes], name: str, *, html: bool) -> Iterator[Document | Rejected]:
        data = _read_at_most(stream, self.options.max_bytes + 1)
        yield self._from_bytes(data, name, name, None, html=html)

    def _from_bytes(
        self,
        data: bytes,
        id: str,
        name: str,
        line: int | None,
        *,
        html: bool,
        date: str | None = None,
        charset: str | None = None,
    ) -> Document | Rejected:
        if len(data) > self.options.max_bytes:
            reason = f"over {self.options.max_bytes / 1e6:g} MB; raise --max-document-mb to read it"
            return Rejected(name, line, reason, data[:KEPT_BYTES], len(data))
        try:
            text = self._decode(data, charset or (_html_charset(data) if html else None))
        except UnicodeDecodeError as error:
            return Rejected(name, line, _invalid(error), data[:KEPT_BYTES], len(data))
        if html and (found := _META_DATE.search(text, 0, 100_000)):
            date = found.group(1)
        return Document(id, date, text, name, line, html)

    def _decode(self, data: bytes, charset: str | None = None) -> str:
        errors = "replace" if self.options.replace else "strict"
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16", errors)
        if data.startswith(codecs.BOM_UTF8):
            return data[3:].decode("utf-8", errors)
        if charset is not None:
            try:
                if codecs.lookup(charset)._is_text_encoding:
                    return data.decode(charset, errors)
            except LookupError:
                pass  # a page that names no known charset is tried as UTF-8
        return data.decode("utf-8", errors)

    # Records

    def _jsonl(self, stream: IO[bytes], name: str) -> Iterator[Document | Rejected]:
        columns: _Columns | None = None
        for number, line, size in _lines(stream, self._line_limit):
            stripped = line.strip()
            if not stripped:
                continue
            if size > self._line_limit:
                reason = f"a line of {size} bytes, over --max-document-mb"
                yield Rejected(name, number, reason, line[:KEPT_BYTES], size)
                continue
            try:
                record = json.loads(stripped.decode("utf-8", "replace" if self.options.replace else "strict"))
            except UnicodeDecodeError as error:
                yield Rejected(name, number, _invalid(error), line[:KEPT_BYTES], size)
                continue
            except (ValueError, RecursionError) as error:
                yield Rejected(name, number, f"broken JSON: {error}", line[:KEPT_BYTES], size)
                continue
            if not isinstance(record, dict):
                reason = f"a JSON {type(record).__name__}, wanted an object with a text"
                yield Rejected(name, number, reason, line[:KEPT_BYTES], size)
                continue
            if columns is None:
                strings = [key for key, value in record.items() if isinstance(value, str)]
                columns = self._columns(list(record), strings, name)
            yield self._from_record(record, columns, name, number, line)

    def _csv(self, stream: IO[bytes], name: str, delimiter: str) -> Iterator[Document | Rejected]:
        # The csv module refuses fields over 128 KiB unless told otherwise, and only for the whole process.
        csv.field_size_limit(max(csv.field_size_limit(), self._line_limit))
        lines = _CsvLines(stream, self._line_limit)
        header: list[str] | None = None
        columns: _Columns | None = None
        while True:
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
            lines.begin()
            try:
                row = next(rows)
            except StopIteration:
                return
            except (csv.Error, _RunAway) as error:
                # Only the first line of the broken record is given up; what followed is read again on its own.
                number, raw, size = lines.give_back()
                yield Rejected(name, number, f"broken CSV: {error}", raw[:KEPT_BYTES], size)
                continue
            number, raw = lines.number, lines.raw()
            if not row:
                continue
            if lines.overlong:
                reason = f"a record of over {self._line_limit} bytes, over --max-document-mb"
                yield Rejected(name, number, reason, raw[:KEPT_BYTES], lines.size)
                continue
            if header is None or columns is None:
                header = [cell.strip().lstrip("\ufeff") for cell in row]
                columns = self._columns(header, header, name)
                if (columns.text or "") not in header:
                    yield Rejected(name, number, self._missing(columns, header), raw[:KEPT_BYTES], len(raw))
                    return
                continue
            if len(row) != len(header):
                reason = f"broken CSV: {len(row)} fields, the header has {len(header)}"
                yield Rejected(name, number, reason, raw[:KEPT_BYTES], len(raw))
                continue
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError as error:
                if not self.options.replace:
                    yield Rejected(name, number, _invalid(error), raw[:KEPT_BYTES], len(raw))
                    continue
                row = [cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for cell in row]
            yield self._from_record(dict(zip(header, row, strict=True)), columns, name, number, raw)

    def _parquet(self, file: IO[bytes], name: str) -> Iterator[Document | Rejected]:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise MissingExtraError(f"Reading {name}", "parquet") from None
        row = 0
        try:
            table = pyarrow.parquet.ParquetFile(file, pre_buffer=False)
            schema = table.schema_arrow
            strings = [field.name for field in schema if _is_text(pyarrow, field.type)]
            columns = self._columns(schema.names, strings, name)
            if columns.text not in schema.names:
                yield Rejected(name, None, self._missing(columns, schema.names))
                return
            wanted = [c for c in (columns.text, columns.id, columns.date, columns.language) if c in schema.names]
            for batch in table.iter_batches(batch_size=256, columns=list(dict.fromkeys(wanted))):
                values = {key: _cells(pyarrow, batch.column(key)) for key in batch.schema.names}
                for index in range(batch.num_rows):
                    row += 1
                    record = {key: cells[index] for key, cells in values.items()}
                    yield self._from_record(record, columns, name, row, None)
        except MissingExtraError:
            raise
        except Exception as error:  # pyarrow's errors are ArrowInvalid (a ValueError), OSError and others by version
            yield Rejected(name, row or None, f"damaged Parquet: {_words(error)}")

    def _from_record(
        self, record: Mapping[str, Any], columns: _Columns, name: str, number: int, raw: bytes | None
    ) -> Document | Rejected:
        def reject(reason: str, *, language: bool = False) -> Rejected:
            kept = raw if raw is not None else json.dumps(record, ensure_ascii=True, default=repr).encode()
            return Rejected(name, number, reason, kept[:KEPT_BYTES], len(kept), language)

        if columns.text is None or columns.text not in record:
            return reject(self._missing(columns, list(record)))
        text = record[columns.text]
        if text is None:
            return reject(f"null text in column {columns.text!r}")
        if isinstance(text, bytes):
            try:
                text = self._decode(text)
            except UnicodeDecodeError as error:
                return reject(_invalid(error))
        if not isinstance(text, str):
            return reject(f"column {columns.text!r} holds {type(text).__name__}, wanted text")
        if columns.language is not None:
            language = record.get(columns.language)
            if language not in (None, "") and not _ENGLISH.match(str(language)):
                return reject(f"language {language!r}: the models read English", language=True)
        limit = self.options.max_bytes
        if len(text) > limit or (4 * len(text) > limit and len(text.encode("utf-8", "surrogatepass")) > limit):
            return reject(f"over {limit / 1e6:g} MB; raise --max-document-mb to read it")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            if not self.options.replace:
                return reject(f"a lone surrogate at character {error.start}, which no UTF-8 text can hold")
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        id = record.get(columns.id) if columns.id is not None else None
        date = record.get(columns.date) if columns.date is not None else None
        named = f"{name}:{number}" if id is None or id == "" else printable(_cell(id))
        return Document(named, None if date is None or date == "" else printable(_cell(date)), text, name, number)

    def _columns(self, names: Sequence[str], strings: Sequence[str], file: str) -> _Columns:
        """The user's columns, or guesses, which are said aloud."""
        options, lowered = self.options, {name.lower(): name for name in reversed(names)}

        def guess(known: Iterable[str]) -> str | None:
            return next((lowered[name] for name in known if name in lowered), None)

        text = options.text or guess(TEXT_COLUMNS) or (strings[0] if len(strings) == 1 else None)
        id, date = options.id or guess(ID_COLUMNS), options.date or guess(DATE_COLUMNS)
        said = [
            f"{role} from {printable(column)!r}"
            for role, column, given in (
                ("text", text, options.text),
                ("id", id, options.id),
                ("date", date, options.date),
            )
            if column is not None and given is None
        ]
        if said:
            self._say(f"guessed columns: {', '.join(said)} (name them with --text, --id, --date)")
        return _Columns(text, id, date, options.language)

    def _missing(self, columns: _Columns, names: Sequence[str]) -> str:
        has = ", ".join(repr(printable(str(name))) for name in list(names)[:12]) or "none"
        if columns.text is None:
            return f"missing column: none looks like the text among {has}; name it with --text"
        return f"missing column {columns.text!r}; has {has}"

    def _say(self, note: str) -> None:
        self.notes.setdefault(note)

    # Archives of files

    def _seekable(self, source: Source, raw: sources.CountedFile) -> Iterator[Document | Rejected]:
        with (
            tempfile.TemporaryFile() as spool
        ):  # Parquet and zip are read from their ends: a compressed one is unpacked first
            file: IO[bytes] = raw  # type: ignore[assignment]
            if source.compression:
                stream = inflate(raw, source.compression)
                with _buffered(stream) as buffered:
                    while block := buffered.read(1_048_576):
                        spool.write(block)
                    if stream.fault is not None:
                        yield Rejected(source.name, None, stream.fault)
                spool.seek(0)
                file = spool
            if source.kind == "zip":
                yield from self._zip(file, source)
            else:
                yield from self._parquet(file, source.name)

    def _zip(self, file: IO[bytes], source: Source) -> Iterator[Document | Rejected]:
        budget = _Budget(source.size or 0)
        try:
            archive = zipfile.ZipFile(file)
        except Exception as error:  # hostile headers also raise struct.error, OverflowError, UnicodeDecodeError, ...
            yield Rejected(source.name, None, f"damaged zip: {_words(error)}")
            return
        with archive:
            for info in archive.infolist():
                name = f"{source.name}/{printable(info.filename)}"
                if info.is_dir():
                    continue
                if info.flag_bits & 0x1:
                    yield Rejected(name, None, "encrypted; unpack it with its password first", size=info.file_size)
                    continue
                link = (info.external_attr >> 16) & 0o170000 == 0o120000
                try:
                    member = archive.open(info)
                except Exception as error:
                    yield Rejected(name, None, f"damaged zip member: {_words(error)}", size=info.file_size)
                    continue
                with member:
                    yield from self._member(member, info.filename, name, budget, link=link)
                if budget.spent_all:
                    return

    def _tar(self, stream: IO[bytes], source: Source) -> Iterator[Document | Rejected]:
        budget = _Budget(None)  # the compression of a tar lies outside it and has its own bomb check
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for info in archive:
                    archive.members = []  # type: ignore[attr-defined]  # tarfile would keep every header it has seen
                    name = f"{source.name}/{printable(info.name)}"
                    if info.isdir():
                        continue
                    if not info.isfile():
                        yield Rejected(
                            name, None, f"not a regular file but a link or device: {printable(info.linkname)}"
                        )
                        continue
                    member = archive.extractfile(info)
                    if member is not None:
                        yield from self._member(member, info.name, name, budget, link=False)
        except Exception as error:  # tarfile lets ValueError, OverflowError and others through on hostile headers
            yield Rejected(source.name, None, f"damaged tar: {_words(error)}")

    def _member(
        self, member: IO[bytes], inner: str, name: str, budget: _Budget, *, link: bool
    ) -> Iterator[Document | Rejected]:
        parts = inner.replace("\\", "/").split("/")
        if ".." in parts or inner.startswith(("/", "\\")) or re.match(r"^[A-Za-z]:", inner):
            yield Rejected(name, None, "an archive member that climbs out of its folder")
            return
        if parts[-1].startswith(".") or parts[0] == "__MACOSX":
            return
        if link:
            yield Rejected(name, None, "not a regular file but a link")
            return
        kind = kind_of(inner)
        if kind is None:
            self._say(f"left aside, of a kind that is not read: {name}")
            return
        if kind[0] not in _READABLE_INSIDE:
            yield Rejected(name, None, "an archive within an archive; unpack the outer one first")
            return
        plain = _Metered(member, budget)
        stream: Plain | Inflated = plain
        if kind[1]:
            stream = inflate(io.BufferedReader(plain), kind[1])
        with _buffered(stream) as buffered:
            items = list(self._content(kind[0], buffered, name)) if kind[0] in {"txt", "html"} else None
            fault = plain.fault or stream.fault
            if items is None:
                yield from self._content(kind[0], buffered, name)
                fault = plain.fault or stream.fault
            elif not (fault and budget.spent_all):
                yield from items
            if fault is not None:
                yield Rejected(name, None, fault)

    def _warc(self, stream: IO[bytes], name: str) -> Iterator[Document | Rejected]:
        try:
            from fastwarc.warc import ArchiveIterator, WarcRecordType
        except ImportError:
            raise MissingExtraError(f"Reading {name}", "warc") from None
        forward: Any = _Forward(stream)
        wanted = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion
        number = 0
        try:
            for record in ArchiveIterator(forward, record_types=wanted, parse_http=True):
                number += 1
                http = record.http_headers
                if http is not None and http.status_code not in (None, 200):
                    continue
                kind = (record.http_content_type if http is not None else record.headers.get("Content-Type", "")) or ""
                kind = kind.split(";")[0].strip().lower()
                if kind not in {"text/html", "application/xhtml+xml", "text/plain"}:
                    continue
                uri = record.headers.get("WARC-Target-URI") or record.record_id or f"{name}:{number}"
                date = (record.headers.get("WARC-Date") or "")[:10] or None
                data = record.reader.read(self.options.max_bytes + 1)
                yield self._from_bytes(
                    data,
                    printable(uri),
                    name,
                    number,
                    html=kind != "text/plain",
                    date=date,
                    charset=record.http_charset or None,
                )
        except BaseException as error:  # fastwarc's errors differ by version; a panic of its core is no Exception
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            yield Rejected(name, number or None, f"damaged WARC: {_words(error)}")


class _Forward:
    """A stream that can only go on: fastwarc seeks in whatever has a ``seek``, and breaks off where that fails."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._at += len(data)
        return data

    def tell(self) -> int:
        return self._at


class _Budget:
    """How much an archive's members may unpack to in sum: members of a zip can share the same bytes."""

    def __init__(self, size: int | None) -> None:
        self._limit = None if size is None else max(sources.BOMB_BYTES, sources.BOMB_RATIO * size)
        self._spent = 0

    def spend(self, count: int) -> None:
        self._spent += count

    @property
    def spent_all(self) -> bool:
        return self._limit is not None and self._spent > self._limit


class _Metered(Plain):
    def __init__(self, raw: IO[bytes], budget: _Budget) -> None:
        super().__init__(raw)
        self._budget = budget

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self._budget.spend(count)
        if self._budget.spent_all:
            self.fault = (
                f"a zip bomb: over {sources.BOMB_RATIO} times its size on disk; unpack it by hand if you trust it"
            )
            return 0
        return count


class _RunAway(Exception):
    """A quoted field that does not end within the limit."""


class _CsvLines:
    """Lines for ``csv.reader`` that remembers the raw bytes of the current record and can give them back."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._source = _lines(stream, limit)
        self._limit = limit
        self._again: deque[tuple[int, bytes, int]] = deque()
        self._record: list[tuple[int, bytes, int]] = []
        self.size = 0

    def begin(self) -> None:
        self._record, self.size = [], 0

    def __iter__(self) -> _CsvLines:
        return self

    def __next__(self) -> str:
        if self.size > self._limit and self._record[0][2] <= self._limit:
            raise _RunAway(f"a quoted field is not closed within {self._limit} bytes")
        line = self._again.popleft() if self._again else next(self._source)
        self._record.append(line)
        self.size += line[2]
        return "\n" if line[2] > self._limit else line[1].decode("utf-8", "surrogateescape")

    @property
    def number(self) -> int:
        return self._record[0][0]

    @property
    def overlong(self) -> bool:
        return any(size > self._limit for _, _, size in self._record)

    def raw(self) -> bytes:
        return b"".join(line for _, line, _ in self._record)

    def give_back(self) -> tuple[int, bytes, int]:
        first, *rest = self._record
        self._again.extendleft(reversed(rest))
        return first


def _lines(stream: IO[bytes], limit: int) -> Iterator[tuple[int, bytes, int]]:
    """(number from 1, line, full size); of a line over ``limit`` bytes only the first ``KEPT_BYTES`` are given."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        size = len(line)
        if size > limit and not line.endswith(b"\n"):
            kept = line[:KEPT_BYTES]
            while (line := stream.readline(1_048_576)) and not line.endswith(b"\n"):
                size += len(line)
            yield number, kept, size + len(line)
            continue
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        yield number, line, size


def _buffered(stream: io.RawIOBase) -> io.BufferedReader:
    return io.BufferedReader(stream, 262_144)


def _read_at_most(stream: IO[bytes], count: int) -> bytes:
    pieces, total = [], 0
    while total < count and (piece := stream.read(min(1_048_576, count - total))):
        pieces.append(piece)
        total += len(piece)
    return b"".join(pieces)


def _is_text(pyarrow: Any, type: Any) -> bool:
    types = pyarrow.types
    if types.is_dictionary(type):
        type = type.value_type
    return bool(types.is_string(type) or types.is_large_string(type) or str(type) == "string_view")


def _cells(pyarrow: Any, column: Any) -> list[Any]:
    """Python values; text as bytes, because Parquet files in the wild hold strings that are no UTF-8."""
    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(pyarrow, column.type):
        column = column.cast(pyarrow.large_binary())
    return list(column.to_pylist())


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a column of integers with gaps arrives as floats
    return str(value)


def _invalid(error: UnicodeDecodeError) -> str:
    return (
        f"invalid {error.encoding.upper()} at byte {error.start}; --encoding-errors replace reads it with U+FFFD there"
    )


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _html_charset(data: bytes) -> str | None:
    found = _META_CHARSET.search(data, 0, 2048)
    return found.group(1).decode("ascii") if found else None


# What holds no prose, and what frames it.
_SILENT: Final = {"script", "style", "template", "noscript", "svg", "head", "select", "textarea", "iframe", "object"}
_FRAME: Final = {"nav", "footer", "aside", "form", "menu"}
_BLOCKS: Final = {
    "address", "article", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre",
    "section", "table", "td", "th", "tr", "ul",
}  # fmt: skip


class _Prose(HTMLParser):
    def __init__(self, skipped: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._skipped = skipped
        self._open: list[str] = []
        self._pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self._open.clear()  # a head that was never closed must not hide the page
        elif tag in self._skipped:
            self._open.append(tag)
        if tag in _BLOCKS:
            self._pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag in _BLOCKS:
            self._pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._open:
            self._pieces.append(re.sub(r"[\s\x00]+", " ", data))

    def text(self) -> str:
        lines = (re.sub(r" +", " ", line).strip() for line in "".join(self._pieces).split("\n"))
        return "\n\n".join(line for line in lines if line)


def html_to_text(markup: str) -> str:
    """The prose of a page: blocks parted by blank lines, without scripts, menus and footers.

    Never fails: where leaving out the frame leaves nothing (a page whose menu is never closed), the frame is read too.

    >>> html_to_text("<nav>Home</nav><h1>Talks</h1><p>The envoy&nbsp;left.<script>1</script>")
    'Talks\\n\\nThe envoy left.'
    """
    for skipped in (_SILENT | _FRAME, _SILENT):
        parser = _Prose(skipped)
        try:
            parser.feed(markup)
            parser.close()
        except (
            AssertionError,
            ValueError,
        ):  # html.parser gives up on some broken declarations; what came before counts
            pass
        if text := parser.text():
            return text
    return ""
