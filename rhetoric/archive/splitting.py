"""One huge input -> files that can be scored apart."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from rhetoric.archive import tables
from rhetoric.archive.engine import Summary
from rhetoric.archive.readers import Reader, ReadOptions, Rejected, html_to_text
from rhetoric.archive.shards import clear_disk_errors, write
from rhetoric.archive.sources import expand
from rhetoric.errors import ArchiveError


def split(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    size_mb: float = 256.0,
    compression: str = "",
    text: str | None = None,
    id: str | None = None,
    date: str | None = None,
    language: str | None = None,
    max_document_mb: float = 20.0,
    encoding_errors: str = "strict",
    say: Callable[[str], None] | None = None,
) -> Summary:
    """Cuts one huge input into files of about ``size_mb`` (10^6 characters of text) that can be scored apart.

    Writes ``output/split-000000.jsonl`` and so on: objects with ``id``, ``date``, ``text``, the ids being those that
    scoring the input itself would give; HTML becomes its text. Bad records go to ``output/_rejected.jsonl``. Files are
    renamed into place when they are whole.

    Args:
        compression: ``""``, ``"gz"``, ``"zst"`` or ``"bz2"``. The others are those of :func:`score`.

    Returns:
        A summary whose ``rows`` are the documents written and whose ``shards_done`` are the files.

    Raises:
        ArchiveError: the input does not exist, the folder is not empty, or the disk is full.
    """
    began = time.perf_counter()
    say = say or (lambda message: None)
    if not size_mb > 0:
        raise ValueError(f"size_mb must be above 0, got {size_mb}")
    if compression not in {"", "gz", "zst", "bz2"}:
        raise ValueError(f"compression is {compression!r}, wanted '', 'gz', 'zst' or 'bz2'")
    folder = Path(output)
    suffix = ".jsonl" + (f".{compression}" if compression else "")
    tables.check_writable(suffix[1:])
    given = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    sources = list(expand(given, exclude={os.path.abspath(folder)}, say=say))
    reader = Reader(ReadOptions(text, id, date, language, int(max_document_mb * 1e6), encoding_errors == "replace"))
    with clear_disk_errors(folder):
        (folder / "_tmp").mkdir(parents=True, exist_ok=True)
        if any(path.name != "_tmp" for path in folder.iterdir()):
            raise ArchiveError(
                f"{str(folder)!r} is not empty. Give a new folder, so that old and new files are not mixed."
            )
        lines: list[bytes] = []
        rejected: list[bytes] = []
        size = documents = files = other = 0

        def flush() -> None:
            nonlocal lines, size, files
            write(folder, f"split-{files:06d}{suffix}", tables.compress(b"".join(lines), compression))
            lines, size, files = [], 0, files + 1

        for source in sources:
            for item in reader.read(source):
                if isinstance(item, Rejected):
                    rejected.append(json.dumps(item.to_dict(), ensure_ascii=False).encode("utf-8") + b"\n")
                    other += item.language
                    continue
                content = html_to_text(item.text) if item.html else item.text
                record = {"id": item.id, "date": item.date, "text": content}
                lines.append(json.dumps(record, ensure_ascii=False).encode("utf-8") + b"\n")
                documents += 1
                size += len(content)
                if size >= size_mb * 1e6:
                    flush()
        if lines:
            flush()
        for note in reader.notes:
            say(note)
        if rejected:
            write(folder, "_rejected.jsonl", b"".join(rejected))
        shutil.rmtree(folder / "_tmp", ignore_errors=True)
    return Summary(
        f"{folder}/",
        documents=documents,
        rows=documents,
        rejected=len(rejected) - other,
        other_language=other,
        shards_done=files,
        rejected_path=str(folder / "_rejected.jsonl") if rejected else None,
        seconds=time.perf_counter() - began,
    )
