"""The unit of work: cutting inputs into shards, scoring one, and knowing later what is finished.

How the work is cut. The inputs, in order, fall into *groups*: runs of small files, or one large file. A group is read
as one stream of documents and cut into *shards* of about ``shard_mb`` of text. Both depend on the inputs alone, never
on how many work on them. Shard ``part-GGGGGGGG-CCCCCC`` is the C-th of group G.

What a shard leaves in the work folder (``scores.jsonl.parts/`` for a table, the folder itself for a dataset)::

    part-….jsonl                  the rows
    _rejected/part-….jsonl        the bad records, if any
    _signatures/part-….npy, .json what duplicates are found by, and the documents' ids
    _manifests/part-….json        written last: a shard with a manifest is finished
    _inputs.jsonl, _run.json      what was asked for: a rerun must ask for the same

Every file is written under another name, flushed to disk and renamed. A rerun hashes what it finds, keeps what is
whole, does the rest. Duplicates are marked and the table is put together after the last shard.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

from rhetoric.archive import duplicates as near_copies
from rhetoric.archive import tables
from rhetoric.archive.readers import Document, Reader, ReadOptions, Rejected, html_to_text
from rhetoric.archive.sources import Source
from rhetoric.archive.tables import Layout
from rhetoric.errors import ArchiveError, MissingExtraError
from rhetoric.records import Reading

LAYOUT_VERSION: Final = 1
"""Of the work folder. Raised when a part of an older version could not be told apart or put together by this one."""

_FILES_PER_GROUP: Final = 2048


@runtime_checkable
class Model(Protocol):
    """What scoring needs of a model; :func:`rhetoric.load` gives one.

    A model that also has ``read_many(texts) -> list[Reading]`` is handed a shard's texts at once.
    """

    @property
    def name(self) -> str: ...
    @property
    def classes_(self) -> Iterable[Any]: ...  # names of the stances, in the order of the columns
    @property
    def hash(self) -> str: ...
    def read(self, text: str) -> Reading: ...


@dataclass(frozen=True, slots=True)
class Group:
    index: int
    sources: tuple[Source, ...]
    large: bool


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard's documents, read. ``last`` ends its group."""

    group: int
    index: int
    items: tuple[Document | Rejected, ...]
    files: tuple[tuple[str, int | None, int | None], ...]
    last: bool
    consumed: int
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return _name(self.group, self.index)

    def digest(self) -> str:
        """sha256 of all that the shard was read to hold."""
        digest = hashlib.sha256()
        for item in self.items:
            if isinstance(item, Document):
                head = ["d", item.id, item.date, item.file, item.line, item.html, len(item.text)]
                body = item.text.encode("utf-8", "surrogatepass")
            else:
                head = ["r", item.file, item.line, item.reason, item.size, item.language, len(item.record)]
                body = item.record
            digest.update(json.dumps(head).encode())
            digest.update(body)
        return digest.hexdigest()


def _name(group: int, index: int) -> str:
    return f"part-{group:08d}-{index:06d}"


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs beside the documents."""

    work: str
    model: str | Model
    layout: Layout
    read: ReadOptions
    shard_bytes: int
    duplicates: bool
    version: str

    def config(self) -> dict[str, Any]:
        """What the bytes of the output depend on, by the names that users know."""
        return {
            "layout_version": LAYOUT_VERSION,
            "rhetoric": self.version,
            "model": self.layout.model,
            "model_hash": self.layout.model_hash,
            "format": self.layout.format,
            "level": self.layout.level,
            "only_stances": self.layout.only_stances,
            "text": self.read.text,
            "id": self.read.id,
            "date": self.read.date,
            "language": self.read.language,
            "max_document_mb": self.read.max_bytes / 1e6,
            "encoding_errors": "replace" if self.read.replace else "strict",
            "shard_mb": self.shard_bytes / 1e6,
            "duplicates": self.duplicates,
        }

    def part(self, name: str) -> str:
        return f"{name}.{self.layout.format}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished shard, as its worker tells it."""

    name: str
    skipped: bool
    consumed: int
    notes: tuple[str, ...]
    documents: int
    sentences: int


def is_large(source: Source, shard_bytes: int) -> bool:
    """Whether a file is likely to fill a shard of its own."""
    return source.size is None or source.weight >= shard_bytes


def groups_of(sources: Iterable[Source], shard_bytes: int) -> Iterator[Group]:
    """Runs of small files of about ``shard_bytes`` of text together; a larger one, or of unknown size, stands alone."""
    index = 0
    run: list[Source] = []
    weight = 0
    for source in sources:
        large = is_large(source, shard_bytes)
        if run and (large or weight + source.weight > shard_bytes or len(run) >= _FILES_PER_GROUP):
            yield Group(index, tuple(run), large=False)
            index, run, weight = index + 1, [], 0
        if large:
            yield Group(index, (source,), large=True)
            index += 1
        else:
            run.append(source)
            weight += source.weight
    if run:
        yield Group(index, tuple(run), large=False)


def shards_of(group: Group, read: ReadOptions, shard_bytes: int) -> Iterator[Shard]:
    """Reads a group and cuts it; holds two shards at most. An empty group is one empty shard."""
    reader = Reader(read)
    items: list[Document | Rejected] = []
    files: dict[str, tuple[str, int | None, int | None]] = {}
    size, index, told = 0, 0, 0
    waiting: Shard | None = None

    def cut() -> Shard:
        nonlocal told
        consumed, told = reader.consumed - told, reader.consumed
        notes = tuple(reader.notes)
        return Shard(group.index, index, tuple(items), tuple(files.values()), False, consumed, notes)

    for source in group.sources:
        files[source.path] = (source.path, source.size, source.mtime_ns())
        for item in reader.read(source):
            files.setdefault(source.path, (source.path, source.size, source.mtime_ns()))
            items.append(item)
            size += item.weight
            if size >= shard_bytes:
                if waiting is not None:
                    yield waiting
                waiting = cut()
                index, items, files, size = index + 1, [], {}, 0
    if waiting is not None and not items and not files:
        consumed = waiting.consumed + reader.consumed - told
        yield replace(waiting, last=True, consumed=consumed, notes=tuple(reader.notes))
        return
    if waiting is not None:
        yield waiting
    yield replace(cut(), last=True)


def score_group(group: Group, job: Job) -> list[Outcome]:
    """Reads a group and scores those of its shards that are not finished."""
    finished = finished_group(group, job)
    if finished is not None:
        return finished
    return [score_shard(shard, job) for shard in shards_of(group, job.read, job.shard_bytes)]


def score_shard(shard: Shard, job: Job) -> Outcome:
    """Scores a shard unless it is finished and whole. Runs the same in this process, in another and on another machine.

    Raises:
        ArchiveError: the shard was finished from other input, the model of this worker is another one, or the disk is
            full.
    """
    work = Path(job.work)
    digest = shard.digest()
    manifest = whole_part(work, shard.name)
    if manifest is not None:
        if manifest["input_hash"] != digest:
            files = ", ".join(sorted({path for path, _, _ in shard.files})[:3])
            raise ArchiveError(
                f"The input has changed since {shard.name} was scored ({files}). "
                f"Old and new would be mixed: rerun with --restart, or choose another output."
            )
        return Outcome(shard.name, True, shard.consumed, shard.notes, manifest["documents"], manifest["sentences"])
    model = _model(job)
    documents = [item for item in shard.items if isinstance(item, Document)]
    rejected = [item for item in shard.items if isinstance(item, Rejected)]
    documents = [replace(item, text=html_to_text(item.text), html=False) if item.html else item for item in documents]
    documents, readings, failed = _read(model, documents)
    rejected += failed

    rows: list[tuple[Any, ...]] = []
    counts: list[int] = []
    stances = dict.fromkeys(job.layout.classes, 0)
    for document, reading in zip(documents, readings, strict=True):
        own = tables.rows_of(document.id, document.date, reading, job.layout)
        rows += own
        counts.append(len(own))
        for sentence in reading:
            for stance in sentence.stances:
                stances[stance] += 1
    data, header = tables.encode(rows, job.layout)
    contents = {job.part(shard.name): data}
    if rejected:
        lines = "".join(json.dumps(item.to_dict(), ensure_ascii=False) + "\n" for item in rejected)
        contents[f"_rejected/{shard.name}.jsonl"] = lines.encode("utf-8", "surrogatepass")
    if job.duplicates:
        signatures = near_copies.sign([document.text for document in documents])
        signatures["rows"] = counts
        contents[f"_signatures/{shard.name}.npy"] = _npy(signatures)
        contents[f"_signatures/{shard.name}.json"] = json.dumps([document.id for document in documents]).encode()
    manifest = {
        "part": job.part(shard.name),
        "last": shard.last,
        "inputs": [{"path": path, "size": size, "mtime_ns": mtime} for path, size, mtime in shard.files],
        "input_hash": digest,
        "model": job.layout.model,
        "model_hash": job.layout.model_hash,
        "config_hash": _config_hash(job),
        "documents": len(documents),
        "sentences": sum(map(len, readings)),
        "rows": len(rows),
        "rejected": sum(not item.language for item in rejected),
        "other_language": sum(item.language for item in rejected),
        "stances": stances,
        "header": header,
        "marks": None,
        "files": {name: {"size": len(content), "sha256": _sha256(content)} for name, content in contents.items()},
    }
    with clear_disk_errors(work):
        for name, content in contents.items():
            write(work, name, content)
        write(work, f"_manifests/{shard.name}.json", _pretty(manifest))
    return Outcome(shard.name, False, shard.consumed, shard.notes, manifest["documents"], manifest["sentences"])


def _read(model: Model, documents: list[Document]) -> tuple[list[Document], list[Reading], list[Rejected]]:
    """Readings of all documents at once; should one of them break the model, one by one, and that one is set aside."""
    read_many: Callable[[list[str]], list[Reading]] | None = getattr(model, "read_many", None)
    if read_many is not None:
        try:
            return documents, read_many([document.text for document in documents]), []
        except MissingExtraError:
            raise
        except Exception:  # found out below which document it is, with its own message
            pass
    good: list[Document] = []
    readings: list[Reading] = []
    failed: list[Rejected] = []
    for document in documents:
        try:
            readings.append(model.read(document.text))
            good.append(document)
        except MissingExtraError:
            raise
        except Exception as error:
            content = document.text.encode("utf-8", "surrogatepass")
            reason = f"the model failed on it: {type(error).__name__}: {error}"
            failed.append(Rejected(document.file, document.line, reason, content[:1_048_576], len(content)))
    return good, readings, failed


def mark_part(name: str, marks: dict[int, str], job: Job) -> int:
    """Writes ``duplicate_of`` into a finished part and its manifest; marks are document index -> id. Returns their
    number."""
    work = Path(job.work)
    manifest = whole_part(work, name)
    if manifest is None:
        raise ArchiveError(
            f"{job.part(name)} was damaged while the table was put together. Run the same command again."
        )
    digest = _sha256(json.dumps(sorted(marks.items())).encode())
    if manifest["marks"] != digest and (marks or manifest["marks"] is not None):
        rows = np.load(work / "_signatures" / f"{name}.npy")["rows"].tolist()
        part = job.part(name)
        data, header = tables.mark((work / part).read_bytes(), manifest["header"], rows, marks, job.layout)
        manifest["files"][part] = {"size": len(data), "sha256": _sha256(data)}
        manifest |= {"header": header, "marks": digest}
        with clear_disk_errors(work):  # a crash between the two leaves a part that does not fit: it is scored again
            write(work, part, data)
            write(work, f"_manifests/{name}.json", _pretty(manifest))
    return len(marks)


@lru_cache(maxsize=2)
def load(name: str) -> Model:
    import rhetoric

    model: Model = rhetoric.load(name)
    return model


def _model(job: Job) -> Model:
    model = load(job.model) if isinstance(job.model, str) else job.model
    if model.hash != job.layout.model_hash:
        raise ArchiveError(
            f"A worker has another model {model.name!r} (hash {model.hash[:12]}, wanted {job.layout.model_hash[:12]}). "
            f"Install the same version of diplomatic-rhetoric everywhere."
        )
    return model


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _pretty(data: Any) -> bytes:
    return (json.dumps(data, indent=1) + "\n").encode()


def write(work: Path, name: str, data: bytes) -> None:
    """All or nothing, also through a power cut."""
    target = work / name
    temporary = work / "_tmp" / f"{uuid.uuid4().hex}-{socket.gethostname()}-{os.getpid()}"
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def clear_disk_errors(work: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(
            f"Writing to {work} failed: {error.strerror or error}. What is finished is kept: "
            f"make room or mend the disk, then run the same command again."
        ) from error


def manifest_of(work: Path, name: str) -> dict[str, Any] | None:
    try:
        data = json.loads((work / "_manifests" / f"{name}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and "files" in data else None


def whole_part(work: Path, name: str) -> dict[str, Any] | None:
    """The manifest of a shard if every file it names is there with the right hash; None for one to do (again)."""
    manifest = manifest_of(work, name)
    if manifest is None:
        return None
    for file, known in manifest["files"].items():
        try:
            path = work / file
            if path.stat().st_size != known["size"]:
                return None
            with path.open("rb") as handle:
                if hashlib.file_digest(handle, "sha256").hexdigest() != known["sha256"]:
                    return None
        except OSError:
            return None
    return manifest


def finished_group(group: Group, job: Job) -> list[Outcome] | None:
    """The outcomes of a group that is finished, whole, and whose files have the size and time they had then."""
    now = {source.path: (source.size, source.mtime_ns()) for source in group.sources}
    if any(size is None or mtime is None for size, mtime in now.values()):
        return None
    outcomes: list[Outcome] = []
    seen: set[str] = set()
    while True:
        name = _name(group.index, len(outcomes))
        manifest = whole_part(Path(job.work), name)
        if manifest is None:
            return None
        for entry in manifest["inputs"]:
            seen.add(entry["path"])
            if now.get(entry["path"]) != (entry["size"], entry["mtime_ns"]):
                return None
        consumed = sum(size or 0 for size, _ in now.values()) if manifest["last"] else 0
        outcomes.append(Outcome(name, True, consumed, (), manifest["documents"], manifest["sentences"]))
        if manifest["last"]:
            return outcomes if seen == set(now) else None


def _config_hash(job: Job) -> str:
    return _sha256(json.dumps(job.config(), sort_keys=True).encode())


def prepare(job: Job, sources: Iterable[Source], restart: bool) -> tuple[int | None, int]:
    """Opens or checks the work folder; returns bytes of input (None if not known) and the number of large groups.

    Raises:
        ArchiveError: the folder holds parts of another run.
    """
    work = Path(job.work)
    if restart:
        _clear(work, job)
    with clear_disk_errors(work):
        for folder in ("", "_tmp", "_manifests", "_rejected", "_signatures"):
            (work / folder).mkdir(parents=True, exist_ok=True)
    listing = work / "_inputs.jsonl"
    fresh = work / "_tmp" / f"{uuid.uuid4().hex}-inputs"
    total: int | None = 0
    large = 0
    with clear_disk_errors(work), fresh.open("w", encoding="utf-8") as file:
        for source in sources:
            file.write(source.to_json() + "\n")
            total = None if total is None or source.size is None else total + source.size
            large += is_large(source, job.shard_bytes)
    run = work / "_run.json"
    if not run.exists() and any((work / "_manifests").iterdir()):
        fresh.unlink()
        raise ArchiveError(f"{work} holds parts of an unknown run. Rerun with --restart, or choose another output.")
    if run.exists():
        try:
            _compare(json.loads(run.read_bytes()), job.config(), listing, fresh, work)
        finally:
            fresh.unlink()
    else:
        with clear_disk_errors(work):
            os.replace(fresh, listing)
            write(work, "_run.json", _pretty(job.config()))
    return total, large


def _compare(old: dict[str, Any], new: dict[str, Any], listing: Path, fresh: Path, work: Path) -> None:
    advice = (
        "Old and new parts would be mixed: give the same as before, rerun with --restart, or choose another output."
    )
    changed = [f"{key} was {old.get(key)!r}, now {value!r}" for key, value in new.items() if old.get(key) != value]
    if changed:
        raise ArchiveError(f"{work} holds parts of another run: {'; '.join(changed)}. {advice}")
    try:
        with listing.open(encoding="utf-8") as then, fresh.open(encoding="utf-8") as now:
            for one, other in zip_longest(then, now):
                if one != other:
                    before = "nothing" if one is None else _told(Source.from_json(one))
                    after = "nothing" if other is None else _told(Source.from_json(other))
                    raise ArchiveError(
                        f"The input has changed since {work} was begun: {before} then, {after} now. {advice}"
                    )
    except OSError as error:
        raise ArchiveError(f"{listing} can not be read: {error}. Rerun with --restart.") from error


def _told(source: Source) -> str:
    return f"{source.name} ({'size unknown' if source.size is None else f'{source.size} bytes'})"


def _clear(work: Path, job: Job) -> None:
    """Removes what a run leaves in its folder, and nothing else."""
    for folder in ("_tmp", "_manifests", "_rejected", "_signatures"):
        shutil.rmtree(work / folder, ignore_errors=True)
    for pattern in ("part-*-*.*", "_inputs.jsonl", "_run.json", "_rejected.jsonl"):
        for path in work.glob(pattern):
            path.unlink()
