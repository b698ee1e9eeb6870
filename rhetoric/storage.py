"""The model folder: ``config.json``, ``weights.safetensors``, ``README.md`` (the model card). Never pickle.

``FORMAT`` is the number of the layout. Policy: it is raised when an older release could misread a new folder; a
release reads its own format and every older one, and refuses newer ones, naming the release that wrote them
(``library``). New keys in ``config.json`` that an older release may ignore do not raise it. Folders of every format
ever released are kept in the tests. Formats 1 and 2 never were, and are refused: they knew words by other hashes.

Loading runs no code from the folder: JSON is parsed, arrays are memory-mapped after every length, type and bound of
the header has been checked against the file. Each fault is a ``ModelError`` that names the file and the fault.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import ModelError

__all__ = ["FORMAT", "ModelFolder", "read_model", "shipped_models", "write_model"]

FORMAT: Final = 4
_OLDEST: Final = 4
_READ: Final = f"{_OLDEST} to {FORMAT}" if _OLDEST < FORMAT else f"{FORMAT}"
CONFIG: Final = "config.json"
WEIGHTS: Final = "weights.safetensors"
CARD: Final = "README.md"

_MAX_CONFIG: Final = 4 << 20
_MAX_HEADER: Final = 1 << 20
_TYPES: Final = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I8": "i1", "U8": "u1", "I32": "<i4", "I64": "<i8"}


@dataclass(frozen=True, eq=False, slots=True)
class ModelFolder:
    """A model folder as read: its config, checked for format only, and its arrays, memory-mapped and read-only."""

    path: Path
    config: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    def file(self, name: str) -> Path:
        """The path of another file of the folder.

        Raises:
            ModelError: it is missing, no regular file, or lies outside the folder.
        """
        return _inside(self.path, name)


def shipped_models() -> dict[str, Path]:
    """Name -> folder of the models that come with the package."""
    root = Path(__file__).parent / "models"
    return {entry.name: entry for entry in sorted(root.iterdir()) if (entry / CONFIG).is_file()}


def card_summary(name: str) -> str:
    """The first paragraph of a shipped model's card, on one line.

    Raises:
        ModelError: no such model comes with the package.
    """
    folder = shipped_models().get(name)
    if folder is None:
        raise ModelError(f"there is no shipped model {name!r}, expected one of {', '.join(shipped_models())}")
    paragraphs = (folder / CARD).read_text(encoding="utf-8").split("\n\n")
    return " ".join(next((p for p in paragraphs if not p.startswith("#")), "").split())


def read_model(path: str | os.PathLike[str]) -> ModelFolder:
    """Read and check a model folder.

    Raises:
        ModelError: anything is missing, malformed, of another format, too large, or outside the folder.
    """
    folder = Path(path)
    if not folder.is_dir():
        what = "is a file, expected a model folder" if folder.exists() else "does not exist"
        known = ", ".join(shipped_models())
        raise ModelError(f"{folder} {what}; name one of the shipped models ({known}) or the path of a model folder")
    config = _read_config(_inside(folder, CONFIG))
    arrays: dict[str, NDArray[Any]] = {}
    if (folder / WEIGHTS).is_symlink() or (folder / WEIGHTS).exists():
        arrays = _read_arrays(_inside(folder, WEIGHTS))
    return ModelFolder(folder, config, arrays)


def write_model(
    path: str | os.PathLike[str],
    config: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    card: str,
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Write a model folder: complete in a temporary folder first, then moved into place.

    An existing model folder at ``path`` is replaced; at every moment either the old or the new one is whole on disk.

    Raises:
        ModelError: ``path`` exists and is no model folder, or can not be written.
    """
    import shutil
    import tempfile  # together 10 ms of a start, and only writing needs them

    from safetensors.numpy import save

    target = Path(path).absolute()
    if target.exists() and not (target / CONFIG).is_file():
        raise ModelError(f"{target} exists and is no model folder (it has no {CONFIG}); choose another path")
    from rhetoric import __version__

    whole = {"format": FORMAT, "library": __version__, **config}
    text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
            fresh = Path(temporary) / "new"
            fresh.mkdir()
            contents = {CONFIG: text.encode(), CARD: card.encode(), **(files or {})}
            if arrays:
                contents[WEIGHTS] = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
            for name, content in contents.items():
                with open(fresh / name, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            if target.exists():
                os.rename(target, Path(temporary) / "old")
            try:
                os.rename(fresh, target)
            except OSError:
                if (Path(temporary) / "old").exists():
                    shutil.move(Path(temporary) / "old", target)
                raise
    except OSError as error:
        raise ModelError(f"cannot write the model folder {target}: {error.strerror or error}") from error


def _inside(folder: Path, name: str) -> Path:
    """``folder/name``, once it is sure to be a regular file of that folder."""
    path = folder / name
    if not name or Path(name).name != name or name in (".", ".."):
        raise ModelError(f"{path}: {name!r} is not the plain name of a file in the model folder")
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise ModelError(f"{path} is missing or unreadable ({error.strerror}); a model folder needs it") from error
    if stat.S_ISLNK(mode) and path.resolve().parent != folder.resolve():
        raise ModelError(f"{path} is a link that leads out of the model folder; copy the file in its place")
    if not path.is_file():
        raise ModelError(f"{path} is not a regular file")
    return path


def _read_config(path: Path) -> Mapping[str, Any]:
    try:
        size = path.stat().st_size
        if size > _MAX_CONFIG:
            raise ModelError(f"{path} has {size} bytes, at most {_MAX_CONFIG} are read; this is not a model's config")
        config = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path} holds a JSON {type(config).__name__}, expected an object")
    number = config.get("format")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ModelError(f"{path}: format is {number!r}, expected {_READ}")
    if number < _OLDEST:
        raise ModelError(
            f"{path}: format {number} was written before the first release, expected {_READ}; train the model again"
        )
    if number > FORMAT:
        by = config.get("library")
        release = f">={by}" if isinstance(by, str) and re.fullmatch(r"[0-9][0-9a-z.+]{0,30}", by) else ""
        raise ModelError(
            f"{path}: format {number} is newer than this release reads, {FORMAT}; upgrade the package:  "
            f"pip install -U 'diplomatic-rhetoric{release}'"
        )
    return config


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, memory-mapped."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            prefix = file.read(8)
            length = int.from_bytes(prefix, "little")
            if len(prefix) < 8 or length < 2:
                raise ModelError(f"{path} is truncated or no safetensors file: {size} bytes, header of {length}")
            if length > min(_MAX_HEADER, size - 8):
                raise ModelError(f"{path} is truncated or no safetensors file: {size} bytes, header of {length}")
            header = json.loads(file.read(length).decode("utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is no safetensors file, its header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise ModelError(f"{path} is no safetensors file, its header is a JSON {type(header).__name__}")
    body = 8 + length
    arrays: dict[str, NDArray[Any]] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype, shape, (begin, end) = _checked_entry(path, name, entry)
        needed = math.prod(shape) * dtype.itemsize
        if end - begin != needed or end > size - body:
            raise ModelError(
                f"{path} is truncated or damaged: array {name!r} of shape {shape} needs {needed} bytes, its place is "
                f"{begin} to {end} of {size - body}"
            )
        spans.append((begin, end))
        if needed:
            arrays[name] = np.memmap(path, dtype=dtype, mode="r", offset=body + begin, shape=shape)
        else:
            arrays[name] = np.zeros(shape, dtype=dtype)
    spans.sort()
    edges = [0, *(edge for span in spans for edge in span), size - body]
    if any(edges[i] != edges[i + 1] for i in range(0, len(edges), 2)):
        raise ModelError(f"{path}: the arrays do not fill its {size - body} bytes exactly; it is damaged or oversized")
    return arrays


def _checked_entry(path: Path, name: str, entry: Any) -> tuple[np.dtype[Any], tuple[int, ...], tuple[int, int]]:
    def whole(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48

    if not isinstance(entry, dict) or entry.get("dtype") not in _TYPES:
        raise ModelError(f"{path}: array {name!r} is of no known type, expected one of {', '.join(_TYPES)}")
    shape, place = entry.get("shape"), entry.get("data_offsets")
    if not isinstance(shape, list) or len(shape) > 4 or not all(map(whole, shape)):
        raise ModelError(f"{path}: array {name!r} has the shape {shape!r}, expected up to four whole numbers")
    if not isinstance(place, list) or len(place) != 2 or not all(map(whole, place)) or place[0] > place[1]:
        raise ModelError(f"{path}: array {name!r} has the data_offsets {place!r}, expected [begin, end]")
    return np.dtype(_TYPES[entry["dtype"]]), tuple(shape), (place[0], place[1])
