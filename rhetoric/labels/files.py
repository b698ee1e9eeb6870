"""Files of labelled sentences: JSONL in UTF-8, read with every record verified, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rhetoric.errors import LabelError
from rhetoric.labels.schema import Label
from rhetoric.labels.standoff import Standoff
from rhetoric.stances import STANCES

__all__ = ["faults", "parse_json", "parse_lines", "read", "read_any", "read_standoff", "shipped", "write"]

FilePath = str | os.PathLike[str]
R = TypeVar("R", Label, Standoff, Label | Standoff)


def parse_json(text: str | bytes) -> Any:
    """The JSON value of a text.

    Raises:
        ValueError: it is no JSON, nested too deep to be read, or holds half of a surrogate pair, which no file can.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if (b"\\ud" if isinstance(text, bytes) else "\\ud") in text.lower():  # type: ignore[operator]
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"a string holds half of a surrogate pair, {error.object[error.start]!a}") from None
    return value


def _object(line: str) -> dict[str, Any]:
    """The JSON object of one line.

    Raises:
        LabelError: the line is no JSON object.
    """
    try:
        data = parse_json(line)
    except ValueError as error:
        raise LabelError(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise LabelError(f"must be a JSON object, got {type(data).__name__}")
    return data


def parse_lines(path: FilePath) -> Iterator[tuple[int, dict[str, Any] | LabelError]]:
    """Line number (from 1) and object of each line that is not blank, or the fault in its place; bad bytes are a
    fault too.

    Raises:
        LabelError: the file can not be opened.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise LabelError(f"{path}: can not be read: {error.strerror}") from None
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, _object(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield number, LabelError(f"not UTF-8 at byte {error.start}")
        except LabelError as error:
            yield number, error


def _conflicts(placed: Iterable[tuple[str, Label | Standoff]]) -> list[str]:
    """Faults where one annotator gave the same sentence different stances, or two records of a file have one id."""
    first: dict[tuple[str, str | None], tuple[str, tuple[str, ...]]] = {}
    ids: dict[tuple[str, str], str] = {}
    found = []
    for place, record in placed:
        before = first.setdefault((record.key, record.annotator), (place, record.stances))
        if set(before[1]) != set(record.stances):
            named = " and ".join(", ".join(stances) or "none" for stances in (before[1], record.stances))
            found.append(f"{place}: the same sentence as {before[0]} with other stances ({named})")
        if record.id is not None:
            other = ids.setdefault((place.rpartition(":")[0], record.id), place)
            if other != place:
                found.append(f"{place}: the id {record.id!r} is taken by {other}")
    return found


def _text_record(data: Mapping[str, Any], stances: Sequence[str] | None) -> Label:
    if "text" not in data and "sha256" in data:
        raise LabelError("a standoff record without text: join it with its corpus first (rhetoric labels join)")
    return Label.from_dict(data, stances)


def _any_record(data: Mapping[str, Any], stances: Sequence[str] | None) -> Label | Standoff:
    return (Standoff if "sha256" in data else Label).from_dict(data, stances)


def _files(paths: Iterable[FilePath]) -> Iterator[Path]:
    """The paths, and of a folder every .jsonl file below it, in order.

    Raises:
        LabelError: a folder holds none.
    """
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        inside = sorted(path.rglob("*.jsonl"))
        if not inside:
            raise LabelError(f"{path}: a folder without .jsonl files")
        yield from inside


def _parse(
    paths: Sequence[FilePath],
    stances: Sequence[str] | None,
    make: Callable[[Mapping[str, Any], Sequence[str] | None], R],
) -> tuple[list[R], list[str]]:
    """Good records of the files, in order, and every fault as ``file:line: fault``."""
    placed: list[tuple[str, R]] = []
    found: list[str] = []
    for path in _files(paths):
        before = len(placed) + len(found)
        for number, data in parse_lines(path):
            try:
                if isinstance(data, LabelError):
                    raise data
                placed.append((f"{path}:{number}", make(data, stances)))
            except LabelError as error:
                found.append(f"{path}:{number}: {error}")
        if len(placed) + len(found) == before:
            found.append(f"{path}:1: holds no records")
    return [record for _, record in placed], found + _conflicts(placed)


def _all_good(
    paths: Sequence[FilePath],
    stances: Sequence[str] | None,
    make: Callable[[Mapping[str, Any], Sequence[str] | None], R],
) -> list[R]:
    if not paths:
        raise LabelError("no labelled file was given")
    records, found = _parse(paths, stances, make)
    if found:
        raise LabelError(found[0] + (f" (and {len(found) - 1} more faults)" if len(found) > 1 else ""))
    return records


def read(*paths: FilePath, stances: Sequence[str] | None = STANCES) -> list[Label]:
    """Read text records and verify every one.

    Args:
        paths: JSONL files, UTF-8, or folders of them.
        stances: the allowed names; None allows any.

    Raises:
        LabelError: names file, line and fault of the first bad record and how many more there are: all that
            :func:`faults` lists, and standoff records, which have no text.
    """
    return _all_good(paths, stances, _text_record)


def read_standoff(*paths: FilePath, stances: Sequence[str] | None = STANCES) -> list[Standoff]:
    """Read standoff records and verify every one.

    Raises:
        LabelError: as :func:`read`.
    """
    return _all_good(paths, stances, Standoff.from_dict)


def read_any(*paths: FilePath, stances: Sequence[str] | None = STANCES) -> list[Label | Standoff]:
    """Read text and standoff records, told apart by the field ``sha256``, and verify every one.

    Raises:
        LabelError: as :func:`read`.
    """
    return _all_good(paths, stances, _any_record)


def faults(*paths: FilePath, stances: Sequence[str] | None = STANCES) -> list[str]:
    """Every fault of files of text or standoff records, as ``file:line: fault``; empty where all is well.

    Faults are: a line that is not JSON or not UTF-8, a missing or wrong field, an unknown stance, a role or an offset
    that does not match the text, the same sentence with other stances by the same annotator, an id given twice, and a
    file without records.
    """
    return _parse(paths, stances, _any_record)[1]


def write(path: FilePath, records: Iterable[Any]) -> int:
    """Write records (anything with ``to_dict``) as JSONL; the file appears whole or not at all. Returns their
    number.
    """
    count = 0
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as out:
            for record in records:
                out.write(json.dumps(record.to_dict(), ensure_ascii=False) + "\n")
                count += 1
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return count


def shipped(name: str = "") -> Path:
    """A file of the labelled set that comes with the library, such as ``real.jsonl``; without a name, its folder.

    Raises:
        LabelError: there is none of this name.
    """
    package = Path(__file__).resolve().parents[1]
    # In the wheel the set lies among the package's data, in a checkout beside the package.
    for folder in (package / "data" / "labels", package.parent / "labels"):
        if (folder / "CODEBOOK.md").is_file() and (folder / name).exists():
            return folder / name
    raise LabelError(f"no labelled file {name!r} comes with this installation; give the path of yours")
