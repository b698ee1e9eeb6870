"""Documents -> scored table, on as many processes or machines as there are, resumable at any moment.

Every engine (this process, local processes, a Dask cluster) runs the same function on the same shards, see
:mod:`rhetoric.archive.shards`; so the bytes that come out are the same.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from rhetoric.archive import duplicates as near_copies
from rhetoric.archive import tables
from rhetoric.archive.readers import ReadOptions
from rhetoric.archive.shards import (
    Group,
    Job,
    Model,
    Outcome,
    clear_disk_errors,
    finished_group,
    groups_of,
    load,
    manifest_of,
    mark_part,
    prepare,
    score_group,
    score_shard,
    shards_of,
)
from rhetoric.archive.sources import Source, expand
from rhetoric.archive.tables import Layout
from rhetoric.errors import ArchiveError, MissingExtraError

# Enough whole files for every worker to read its own; below that the files are read here and dealt out shard by shard.
_GROUPS_PER_WORKER: Final = 4


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run.

    ``rows`` are those in the table (fewer than ``sentences`` with ``only_stances``); ``stances`` counts sentences per
    stance; ``duplicates`` counts documents that repeat an earlier one; ``rejected`` counts bad records and
    ``other_language`` records set aside by ``language``: both are listed in ``rejected_path``. ``complete`` is False
    after one ``shard`` of many.
    """

    output: str
    documents: int = 0
    sentences: int = 0
    rows: int = 0
    rejected: int = 0
    other_language: int = 0
    duplicates: int = 0
    shards_done: int = 0
    shards_skipped: int = 0
    stances: dict[str, int] = field(default_factory=dict)
    rejected_path: str | None = None
    complete: bool = True
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: bytes of the inputs on disk (``total`` is None when it can not be known), and what they
    held."""

    consumed: int
    total: int | None
    documents: int
    sentences: int
    skipped: int


def _deal(
    groups: Iterable[Group], job: Job, *, whole: bool, mine: Callable[[int], bool]
) -> Iterator[tuple[Callable[..., Any], Any]]:
    """The calls to make: whole groups for a worker to read itself, or shards read here.

    ``mine`` says which units, counted from 0, fall to this run (``--shard``). A group is the unit when it is read by a
    worker.
    """
    for group in groups:
        if whole or not group.large:
            if mine(group.index):
                yield score_group, group
            continue
        finished = finished_group(group, job)
        if finished is not None:
            for number, outcome in enumerate(finished):
                if mine(group.index + number):
                    yield _known, outcome
            continue
        for shard in shards_of(group, job.read, job.shard_bytes):
            if mine(group.index + shard.index):
                yield score_shard, shard


def _known(outcome: Outcome, job: Job) -> Outcome:
    return outcome


def _run(
    calls: Iterable[tuple[Callable[..., Any], Any]], executor: Executor | None, window: int, job: Job
) -> Iterator[Any]:
    """Results as they come; never more than ``window`` calls under way, so that memory does not grow with the
    archive."""
    if executor is None:
        for function, argument in calls:
            yield function(argument, job)
        return
    pending: set[Future[Any]] = set()
    try:
        for function, argument in calls:
            if function is _known:
                yield argument
                continue
            pending.add(executor.submit(function, argument, job))
            while len(pending) >= window:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in pending:
            future.cancel()


def _begin_worker(lifeline: Path) -> None:
    """Ctrl-C is left to the parent. A worker ends when the parent removes ``lifeline`` or was itself killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent and lifeline.exists():
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _executor(jobs: int, dask: str | Any | None, lifeline: Path) -> Iterator[tuple[Executor | None, int]]:
    """An executor and the number of its workers: this process, local processes (loky), or a Dask cluster."""
    if dask is not None:
        try:
            from distributed import Client
        except ImportError:
            raise MissingExtraError("Scoring on Dask", "dask") from None
        if isinstance(dask, str):
            try:
                client = Client(dask, timeout="20s")
            except (OSError, ValueError) as error:
                raise ArchiveError(
                    f"No Dask scheduler answers at {dask!r}: {error}. Is it running, and can it be reached from here?"
                ) from error
        else:
            client = dask
        try:
            # A worker that is killed loses its task; the scheduler gives it to another, so many times.
            executor = client.get_executor(pure=False, retries=3)
            yield executor, max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        finally:
            if client is not dask:
                client.close()
        return
    if jobs == 1:
        yield None, 1
        return
    from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

    # One thread each: the processes are the parallelism.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with clear_disk_errors(lifeline.parent):
        lifeline.touch()
    pool = ProcessPoolExecutor(jobs, initializer=_begin_worker, initargs=(lifeline,), env=threads)
    try:
        yield pool, jobs
        pool.shutdown(wait=True)
    except BrokenProcessPool as error:
        raise ArchiveError(
            "A worker process was killed, most often because memory ran out. What is finished is kept: "
            "run the same command again, with fewer --jobs if it was memory."
        ) from error
    finally:
        lifeline.unlink(missing_ok=True)  # stops what still runs after an error or Ctrl-C
        pool.shutdown(wait=True)


def score(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | Model = "fast",
    jobs: int = 1,
    dask: str | Any | None = None,
    shard: tuple[int, int] | str | None = None,
    text: str | None = None,
    id: str | None = None,
    date: str | None = None,
    language: str | None = None,
    level: str = "sentence",
    only_stances: bool = False,
    format: str | None = None,
    max_document_mb: float = 20.0,
    encoding_errors: str = "strict",
    duplicates: bool = True,
    shard_mb: float = 4.0,
    keep_parts: bool = False,
    restart: bool = False,
    say: Callable[[str], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Scores archives into one table, or a folder of parts. Resumable: call again with the same arguments.

    Args:
        inputs: files, folders, globs, URLs (with fsspec) or ``-``, one or several; see
            :func:`rhetoric.archive.sources.expand`.
        output: ``x.jsonl``, ``x.csv`` (each also ``.gz``, ``.zst``, ``.bz2``) or ``x.parquet`` for one table; a name
            that ends in ``/``,
            or an existing folder, for a dataset of parts.
        model: name or folder of a model, or a model itself (which is then sent along with every shard).
        jobs: local processes; -1 is one per core.
        dask: address of a Dask scheduler, or a ``distributed.Client``; replaces ``jobs``. All machines must see the
            work folder.
        shard: ``"i/n"`` or ``(i, n)``, i from 1: does the i-th of n portions and puts nothing together. A later call
            without
            ``shard`` does that.
        text, id, date: columns of JSON, CSV and Parquet records; guessed where None, and said aloud.
        language: column whose value must be English (``en``, ``en-GB``, ``eng``, ``English``, or empty) for a record
            to be scored.
        level: ``"sentence"`` or ``"document"``: one row each.
        only_stances: leave out rows without a stance.
        format: of a dataset's parts, ``"jsonl"`` where None; a table's is in its name.
        max_document_mb: largest text of one document, in 10^6 bytes.
        encoding_errors: ``"strict"`` rejects invalid UTF-8, ``"replace"`` reads it with U+FFFD.
        duplicates: fill in ``duplicate_of``.
        shard_mb: text per shard, in 10^6 characters. Memory per process is some 60 times that.
        keep_parts: do not remove ``<output>.parts/`` after success.
        restart: throw away what an earlier run left.
        say: is told guesses and what was left aside. progress: is told how far the run is, after every shard.

    Raises:
        ArchiveError: the input does not exist, the output can not be written, a resume would mix two runs, a worker
            died.
        MissingExtraError: a format or engine whose library is not installed.
        ValueError: an argument out of its range.
    """
    began = time.perf_counter()
    say = say or (lambda message: None)
    given = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    portion = _portion(shard)
    if level not in tables.LEVELS:
        raise ValueError(f"level is {level!r}, wanted one of {', '.join(tables.LEVELS)}")
    if encoding_errors not in {"strict", "replace"}:
        raise ValueError(f"encoding_errors is {encoding_errors!r}, wanted 'strict' or 'replace'")
    if not max_document_mb > 0 or not shard_mb > 0:
        raise ValueError(f"max_document_mb and shard_mb must be above 0, got {max_document_mb} and {shard_mb}")
    if jobs == -1:
        jobs = os.cpu_count() or 1
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}, wanted 1 or more, or -1 for one per core")
    from rhetoric import __version__  # not above: the package imports this module while it is itself imported

    target = _Target.of(os.fspath(output), format)
    tables.check_writable(target.format)
    if not isinstance(model, Model):
        named = os.fspath(model)
        model = os.path.abspath(named) if os.path.isdir(named) else named
        loaded = load(model)
    else:
        loaded = model
    layout = Layout(target.format, level, only_stances, tuple(map(str, loaded.classes_)), loaded.name, loaded.hash)
    read = ReadOptions(text, id, date, language, int(max_document_mb * 1e6), encoding_errors == "replace")
    job = Job(os.path.abspath(target.work), model, layout, read, int(shard_mb * 1e6), duplicates, __version__)

    sources = expand(given, exclude=target.own_paths(), say=say)
    total, large = prepare(job, sources, restart)
    names: list[str] = []
    summary = Summary(target.output, stances=dict.fromkeys(layout.classes, 0))
    with _executor(jobs, dask, Path(job.work) / "_tmp" / f"lifeline-{uuid.uuid4().hex}") as (executor, workers):
        listing = (Source.from_json(line) for line in _open_lines(Path(job.work) / "_inputs.jsonl"))
        portions = portion[1] if portion else 1
        # The same for every portion of an array, so that no shard is left out: workers do not count there.
        whole = large >= (portions if portion else _GROUPS_PER_WORKER * workers)
        calls = _deal(
            groups_of(listing, job.shard_bytes),
            job,
            whole=whole,
            mine=lambda unit: portion is None or unit % portion[1] == portion[0] - 1,
        )
        consumed = documents = sentences = skipped = 0
        heard: set[str] = set()
        for result in _run(calls, executor, 2 * workers, job):
            for outcome in result if isinstance(result, list) else [result]:
                names.append(outcome.name)
                consumed += outcome.consumed
                documents += outcome.documents
                sentences += outcome.sentences
                skipped += outcome.skipped
                for note in outcome.notes:
                    if note not in heard:
                        heard.add(note)
                        say(note)
                if progress is not None:
                    progress(Progress(consumed, total, documents, sentences, skipped))
        names.sort()
        marked = 0
        if portion is None and duplicates:
            marks = _marks(job, names)
            marked = sum(_run(((_mark, (name, own)) for name, own in marks), executor, 2 * workers, job))
    summary = _sum_up(summary, job, names, skipped)
    if portion is not None:
        return replace(summary, output=job.work, complete=False, seconds=time.perf_counter() - began)
    rejected_path = _put_together(target, job, names, keep_parts)
    return replace(summary, duplicates=marked, rejected_path=rejected_path, seconds=time.perf_counter() - began)


def _mark(argument: tuple[str, dict[int, str]], job: Job) -> int:
    return mark_part(*argument, job)


def _open_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        yield from lines


def _portion(shard: tuple[int, int] | str | None) -> tuple[int, int] | None:
    if shard is None:
        return None
    try:
        index, count = (int(x) for x in shard.split("/")) if isinstance(shard, str) else shard
    except ValueError:
        raise ValueError(f"shard is {shard!r}, wanted i/n, such as 3/16") from None
    if not 1 <= index <= count:
        raise ValueError(f"shard is {index}/{count}, wanted i/n with i from 1 to n")
    return index, count


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a run writes."""

    output: str
    work: str
    rejected: str
    format: str
    dataset: bool

    @classmethod
    def of(cls, output: str, format: str | None) -> _Target:
        if output.endswith(("/", os.sep)) or os.path.isdir(output):
            folder = output.rstrip("/" + os.sep) or output
            format = format or "jsonl"
            if format not in tables.FORMATS:
                raise ArchiveError(f"Format {format!r} can not be written; wanted one of {', '.join(tables.FORMATS)}.")
            return cls(f"{folder}/", folder, f"{folder}/_rejected.jsonl", format, True)
        named = tables.format_of(output)
        if format not in (None, named):
            raise ArchiveError(f"{output!r} is named as {named}, but format is {format!r}. Leave one of them out.")
        rejected = f"{output[: -len(named) - 1]}.rejected.jsonl"
        return cls(output, f"{output}.parts", rejected, named, False)

    def own_paths(self) -> set[str]:
        return {os.path.abspath(path) for path in (self.output, self.work, self.rejected)}


def _marks(job: Job, names: Sequence[str]) -> Iterator[tuple[str, dict[int, str]]]:
    """Part by part, which of its documents repeat which: document index -> id."""
    folder = Path(job.work) / "_signatures"
    files = [folder / f"{name}.npy" for name in names]
    with clear_disk_errors(Path(job.work)):
        first = near_copies.find(files, Path(job.work) / "_tmp")
    bases = np.cumsum([0] + [len(np.load(file, mmap_mode="r")) for file in files])

    @lru_cache(maxsize=64)
    def ids(number: int) -> list[str]:
        loaded: list[str] = json.loads((folder / f"{names[number]}.json").read_bytes())
        return loaded

    for number, name in enumerate(names):
        own = first[bases[number] : bases[number + 1]]
        marks: dict[int, str] = {}
        for index in np.flatnonzero(own != near_copies.NONE).tolist():
            home = int(np.searchsorted(bases, own[index], side="right")) - 1
            marks[index] = ids(home)[int(own[index] - bases[home])]
        manifest = manifest_of(Path(job.work), name)
        if marks or (manifest is not None and manifest["marks"] is not None):
            yield name, marks


def _sum_up(summary: Summary, job: Job, names: Sequence[str], skipped: int) -> Summary:
    totals: dict[str, Any] = dict.fromkeys(("documents", "sentences", "rows", "rejected", "other_language"), 0)
    stances = dict(summary.stances)
    for name in names:
        manifest = manifest_of(Path(job.work), name)
        if manifest is None:
            raise ArchiveError(f"The manifest of {name} is gone from {job.work}. Run the same command again.")
        for key in totals:
            totals[key] += manifest[key]
        for stance, count in manifest["stances"].items():
            stances[stance] += count
    return replace(summary, **totals, stances=stances, shards_done=len(names) - skipped, shards_skipped=skipped)


def _put_together(target: _Target, job: Job, names: Sequence[str], keep_parts: bool) -> str | None:
    """Joins the parts as one table, and the rejected files as one; returns the latter's path if there is one."""
    work = Path(job.work)
    parent = Path(target.output).parent
    with clear_disk_errors(work):
        parent.mkdir(parents=True, exist_ok=True)
        rejected = [path for name in names if (path := work / "_rejected" / f"{name}.jsonl").exists()]
        temporary = work / "_tmp" / "rejected"
        with temporary.open("wb") as file:
            for path in rejected:
                with path.open("rb") as part:
                    shutil.copyfileobj(part, file)
            file.flush()
            os.fsync(file.fileno())
        if rejected:
            os.replace(temporary, target.rejected)
        else:  # one of an earlier run would be taken for ours
            Path(target.rejected).unlink(missing_ok=True)
        if not target.dataset:
            temporary = work / "_tmp" / "table"
            parts = [(work / job.part(name), _header(work, name)) for name in names]
            with temporary.open("wb") as file:
                tables.join(parts, file, job.layout)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target.output)
        shutil.rmtree(work / "_tmp", ignore_errors=True)
        if not target.dataset and not keep_parts:
            shutil.rmtree(work)
    return target.rejected if rejected else None


def _header(work: Path, name: str) -> int:
    manifest = manifest_of(work, name)
    if manifest is None:
        raise ArchiveError(f"The manifest of {name} is gone from {work}. Run the same command again.")
    return int(manifest["header"])
