"""Inputs as the user names them -> a stable list of files, and streams of bytes that never raise on damage.

Kinds: ``txt``, ``html``, ``jsonl``, ``csv``, ``tsv``, ``parquet``, ``zip``, ``tar``, ``warc``, each plain or compressed
(``gz``, ``zst``, ``bz2``, ``xz``). What a stream could give before it broke is given; what broke stands in ``fault``.
"""

from __future__ import annotations

import bz2
import glob
import io
import json
import lzma
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

from rhetoric.errors import ArchiveError, MissingExtraError

KINDS: Final = {
    ".txt": "txt",
    ".text": "txt",
    ".html": "html",
    ".htm": "html",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".zip": "zip",
    ".tar": "tar",
    ".warc": "warc",
    ".wet": "warc",
}
COMPRESSIONS: Final = {".gz": "gz", ".zst": "zst", ".bz2": "bz2", ".xz": "xz"}
_SHORT: Final = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz", ".tzst": ".tar.zst"}
_URL: Final = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_MAGIC: Final = ((b"\x1f\x8b", "gz"), (b"\x28\xb5\x2f\xfd", "zst"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"))

# A text of natural language shrinks to a fifth or a tenth; gzip can not pass 1:1032. A file that grows beyond both
# limits is not prose, and reading on would only burn time.
BOMB_RATIO: Final = 250
BOMB_BYTES: Final = 100_000_000

_INPUT_BLOCK: Final = 65_536
_OUTPUT_BLOCK: Final = 1_048_576
# zstd can turn 4 bytes into 128 KiB and its streaming object takes no output limit, so it is fed in small bites.
_ZSTD_BLOCK: Final = 4_096

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """One input file. ``size`` is in bytes on disk, None where it can not be known (standard input, some URLs)."""

    path: str
    kind: str
    compression: str = ""
    size: int | None = None

    def to_json(self) -> str:
        return json.dumps([self.path, self.kind, self.compression, self.size])

    @classmethod
    def from_json(cls, line: str) -> Source:
        return cls(*json.loads(line))

    @property
    def name(self) -> str:
        """The path as text that can always be written as UTF-8; file names may hold other bytes."""
        return printable(self.path)

    @property
    def weight(self) -> int:
        """How much text to expect, in bytes: prose shrinks to about a quarter. 0 where the size is not known."""
        packed = bool(self.compression) or self.kind in {"parquet", "zip"}
        return (self.size or 0) * (4 if packed else 1)

    def mtime_ns(self) -> int | None:
        """Time of last change in nanoseconds, None where there is none to trust."""
        if self.path == STDIN or is_url(self.path):
            return None
        try:
            return os.stat(self.path).st_mtime_ns
        except OSError:
            return None


def printable(text: str) -> str:
    """Replaces what UTF-8 can not hold (lone surrogates, undecodable bytes of file names) by U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape" if _escaped(text) else "replace").decode("utf-8", "replace")
    return text


def _escaped(text: str) -> bool:
    return all(not "\ud800" <= c <= "\udfff" or "\udc80" <= c <= "\udcff" for c in text)


def is_url(path: str) -> bool:
    return bool(_URL.match(path))


def kind_of(name: str) -> tuple[str, str] | None:
    """Kind and compression by the name's suffixes, None where they say nothing this package reads.

    >>> kind_of("speeches.JSONL.gz"), kind_of("a.tgz"), kind_of("a.docx")
    (('jsonl', 'gz'), ('tar', 'gz'), None)
    """
    lowered = name.lower().rsplit("/", 1)[-1]
    for short, long in _SHORT.items():
        if lowered.endswith(short):
            lowered = lowered[: -len(short)] + long
    stem, suffix = os.path.splitext(lowered)
    compression = COMPRESSIONS.get(suffix, "")
    if compression:
        stem, suffix = os.path.splitext(stem)
    kind = KINDS.get(suffix)
    return None if kind is None else (kind, compression)


def kinds_in_words() -> str:
    return f"{' '.join(KINDS)}, each also with {' '.join(COMPRESSIONS.values())}"


def expand(
    inputs: Iterable[str | os.PathLike[str]],
    *,
    exclude: Collection[str] = (),
    say: Callable[[str], None] = lambda message: None,
) -> Iterator[Source]:
    """Files, folders, globs, URLs and ``-`` -> the files to read, in a stable order.

    Inputs come in the order given; a folder or a glob gives its files sorted by name, whatever the file system says.
    Hidden files are passed over; files of other kinds in a folder are left aside and said aloud. ``exclude`` holds
    absolute paths that are never read (the output itself, when it lies within an input folder).

    Raises:
        ArchiveError: an input does not exist, or is named outright and of an unknown kind.
        MissingExtraError: a URL without fsspec.
    """
    for given in inputs:
        text = os.fspath(given)
        if text == STDIN:
            yield Source(STDIN, "stdin")
        elif is_url(text):
            yield from _remote(text, say)
        elif os.path.isdir(text):
            yield from _folder(Path(text).as_posix(), exclude, say)
        elif os.path.lexists(text):
            yield _named(Path(text).as_posix())
        elif glob.has_magic(text):
            found = sorted(glob.glob(text, recursive=True))
            if not found:
                raise ArchiveError(
                    f"No file matches {text!r}. Give a file, a folder, a glob, a URL or - for standard input."
                )
            for path in found:
                if os.path.isdir(path):
                    yield from _folder(Path(path).as_posix(), exclude, say)
                elif os.path.abspath(path) not in exclude:
                    yield _named(Path(path).as_posix())
        else:
            raise ArchiveError(
                f"There is no file or folder {printable(text)!r}. Give a file, a folder, a glob, a URL or -."
            )


def _named(path: str) -> Source:
    kind = kind_of(path)
    if kind is None:
        raise ArchiveError(f"{printable(path)!r} is of a kind that is not read. Wanted: {kinds_in_words()}.")
    return _local(path, kind)


def _local(path: str, kind: tuple[str, str]) -> Source:
    try:
        status = os.stat(path)
    except OSError:
        return Source(path, "unreadable", size=0)
    if not stat.S_ISREG(status.st_mode):
        return Source(path, "unreadable", size=0)
    return Source(path, *kind, size=status.st_size)


def _folder(folder: str, exclude: Collection[str], say: Callable[[str], None]) -> Iterator[Source]:
    strangers: list[str] = []
    count = 0

    def walk(directory: str) -> Iterator[Source]:
        nonlocal count
        try:
            with os.scandir(directory) as entries:
                found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        except OSError:
            yield Source(directory, "unreadable", size=0)
            return
        for name, is_folder in found:
            path = f"{directory}/{name}"
            if name.startswith(".") or os.path.abspath(path) in exclude:
                continue
            if is_folder:
                yield from walk(path)
            elif (kind := kind_of(name)) is None:
                count += 1
                if len(strangers) < 3:
                    strangers.append(printable(path))
            else:
                yield _local(path, kind)

    yield from walk(folder.rstrip("/") or "/")
    if count:
        more = f" and {count - len(strangers)} more" if count > len(strangers) else ""
        say(f"left aside, of kinds that are not read: {', '.join(strangers)}{more}")


def _remote(url: str, say: Callable[[str], None]) -> Iterator[Source]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise MissingExtraError(f"Reading {url}", "remote") from None
    try:
        system, path = url_to_fs(url)
        if glob.has_magic(path):
            found = sorted(system.glob(path))
        elif system.isdir(path):
            found = sorted(system.find(path))
        else:
            found = [path]
        if not found:
            raise ArchiveError(f"No file matches {url!r}.")
        for name in found:
            kind = kind_of(name.split("?")[0])
            full = url if name == path else system.unstrip_protocol(name)
            if kind is None:
                if name == path:
                    raise ArchiveError(f"{url!r} is of a kind that is not read. Wanted: {kinds_in_words()}.")
                say(f"left aside, of a kind that is not read: {full}")
                continue
            yield Source(full, *kind, size=system.info(name).get("size"))
    except (OSError, ValueError, ImportError) as error:
        raise ArchiveError(f"{url!r} can not be listed: {error}. Check the address and the rights to it.") from error


class CountedFile(io.RawIOBase):
    """A raw file that counts the bytes it gave: what of the disk has been read, for progress and the bomb check."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.count = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._raw.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def open_source(source: Source) -> CountedFile:
    """The raw bytes of a source. Raises OSError when it can not be opened."""
    if source.path == STDIN:
        return CountedFile(os.fdopen(os.dup(sys.stdin.fileno()), "rb"))
    if is_url(source.path):
        try:
            import fsspec
        except ImportError:
            raise MissingExtraError(f"Reading {source.path}", "remote") from None
        return CountedFile(fsspec.open(source.path, "rb").open())
    if source.kind == "unreadable" and not os.path.isdir(source.path) and os.path.exists(source.path):
        raise OSError("not a regular file")  # opening a pipe would wait for ever
    return CountedFile(open(source.path, "rb"))


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes | None: ...


class _Gzip:
    """zlib's object with the manners of bz2's and lzma's: what was not consumed is kept inside."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return bytes(self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0)))


class _Zstd:
    needs_input = True

    def __init__(self) -> None:
        try:
            import zstandard
        except ImportError:
            raise MissingExtraError("Reading .zst", "zstd") from None
        self._inner = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return bytes(self._inner.decompress(data))


def _decoder(compression: str) -> Any:
    if compression == "gz":
        return _Gzip()
    if compression == "bz2":
        return bz2.BZ2Decompressor()
    if compression == "xz":
        return lzma.LZMADecompressor(memlimit=1 << 28)
    return _Zstd()


class Inflated(io.RawIOBase):
    """A decompressing stream that ends instead of raising, with the reason in ``fault``.

    Reads several members or frames in a row, gives all that could be decoded before a cut or damaged place, holds
    about a megabyte, and stops at a bomb (over 250 times its size on disk and over 100 MB).
    """

    def __init__(self, raw: Readable, compression: str) -> None:
        self._raw = raw
        self._compression = compression
        self._decoder = _decoder(compression)
        self._block = _ZSTD_BLOCK if compression == "zst" else _INPUT_BLOCK
        self._ready = b""
        self._at = 0
        self._between = True  # between members: nothing of the next one has been seen
        self._members = 0
        self._taken = 0
        self._given = 0
        self._ended = False
        self.fault: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self._at >= len(self._ready) and not self._ended:
            self._ready, self._at = self._pull(), 0
        piece = self._ready[self._at : self._at + len(buffer)]
        self._at += len(piece)
        buffer[: len(piece)] = piece
        return len(piece)

    def _pull(self) -> bytes:
        data = b""
        if self._decoder.eof:
            data = self._decoder.unused_data
            self._decoder = _decoder(self._compression)
            self._between, self._members = True, self._members + 1
        if not data and self._decoder.needs_input:
            try:
                data = self._raw.read(self._block) or b""
            except OSError as error:
                return self._end(f"can not be read further: {error}")
            self._taken += len(data)
            if not data:
                return self._end(None if self._between else f"cut off: the {self._compression} stream ends too early")
        if self._between and self._members:
            data = data.lstrip(b"\0")  # padding after the last member, as tapes leave it
            if not data:
                return b""
        self._between = False
        try:
            out: bytes = self._decoder.decompress(data, _OUTPUT_BLOCK)
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
            return self._end(f"damaged {self._compression} after {self._given} bytes of content: {error}")
        except Exception as error:  # zstandard's own error class, known only when it is installed
            if type(error).__name__ != "ZstdError":
                raise
            return self._end(f"damaged {self._compression} after {self._given} bytes of content: {error}")
        self._given += len(out)
        if self._given > BOMB_BYTES and self._given > BOMB_RATIO * self._taken:
            self._end(
                f"a decompression bomb: over {BOMB_RATIO} times its size on disk; unpack it by hand if you trust it"
            )
            return b""
        return out

    def _end(self, fault: str | None) -> bytes:
        self._ended, self.fault = True, fault
        return b""


class Plain(io.RawIOBase):
    """A plain stream with the manners of :class:`Inflated`: a read error ends it and stands in ``fault``."""

    def __init__(self, raw: Readable) -> None:
        self._raw = raw
        self.fault: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._raw.read(len(buffer)) or b""
        except Exception as error:  # zipfile raises BadZipFile or zlib.error, tarfile ReadError, fsspec its own
            self.fault = f"can not be read further: {error}"
            return 0
        buffer[: len(data)] = data
        return len(data)


def inflate(raw: Readable, compression: str) -> Inflated | Plain:
    return Inflated(raw, compression) if compression else Plain(raw)


def sniff_compression(head: bytes) -> str:
    """The compression that the first bytes show, "" for none."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")
