from __future__ import annotations

import json
import pickle
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rhetoric
from rhetoric.errors import ModelError
from rhetoric.model import StanceClassifier
from rhetoric.storage import FORMAT, read_model, write_model

SENTENCES = ["Ruritania denied it .", "Ruritania accused Freedonia of it .", "They met .", "He denied it again ."]
LABELS = [[0, 1], [1, 0], [0, 0], [0, 1]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    StanceClassifier(["a", "b"], bits=10, folds=0).fit(SENTENCES, LABELS).save(tmp_path / "model")
    return tmp_path / "model"


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not ...}))


def set_header(folder: Path, change: Any) -> None:
    path = folder / "weights.safetensors"
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = change(json.loads(data[8 : 8 + length]))
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def test_arrays_survive(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array([1, 2], dtype=np.int64),
        "none": np.zeros((0, 3), dtype=np.float16),
    }
    write_model(tmp_path / "m", {"kind": "x"}, arrays, "# card")
    read = read_model(tmp_path / "m")
    assert read.config["kind"] == "x"
    assert set(read.arrays) == set(arrays)
    for name, array in arrays.items():
        assert np.array_equal(read.arrays[name], array)
        assert read.arrays[name].dtype == array.dtype
    assert isinstance(read.arrays["a"], np.memmap)
    assert (tmp_path / "m" / "README.md").read_text() == "# card"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"format": FORMAT + 1}, "newer"),
        ({"format": FORMAT + 1, "library": "1.4.0"}, "diplomatic-rhetoric>=1.4.0'"),
        ({"format": FORMAT + 1, "library": "x'; rm"}, "diplomatic-rhetoric'"),
        ({"format": FORMAT - 1}, "train the model again"),
        ({"format": ...}, "format is None"),
        ({"format": True}, "format is True"),
        ({"kind": "pickle"}, "kind is 'pickle'"),
        ({"stances": "ab"}, "stances"),
        ({"stances": ["a", "a"]}, "different names"),
        ({"stances": ["a", "b", "c"]}, "shape"),
        ({"thresholds": {"a": 0.5}}, r"thresholds\.b is None"),
        ({"thresholds": {"a": 0.5, "b": 2}}, r"thresholds\.b is 2"),
        ({"calibration": []}, r"calibration\.a\.slope"),
        ({"unsure": {"a": [0.4, 0.6], "b": [0.4]}}, r"unsure\.b\.1"),
        ({"bias": [1e400, 0]}, "bias"),
        ({"bias": ["0", 0]}, "bias.0 is '0'"),
        ({"features": {"bits": 40}}, "bits is 40"),
        ({"features": {"colour": 1}}, "colour"),
        ({"features": 7}, "features is 7"),
        ({"features": {"bits": 12}}, "shape"),
        ({"parameters": {}}, r"parameters\.C"),
        ({"name": 3}, "name is 3"),
    ],
)
def test_faults_of_the_config(folder: Path, changes: dict[str, Any], fault: str) -> None:
    edit(folder, **changes)
    with pytest.raises(ModelError, match=fault) as caught:
        rhetoric.load(folder)
    assert "config.json" in str(caught.value) or "weights.safetensors" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not JSON"),
        (b"[]", "JSON list"),
        (b"{", "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b" " * (5 << 20), "at most"),
        (pickle.dumps({"format": 1}), "not JSON"),
    ],
)
def test_faults_of_the_config_file(folder: Path, content: bytes, fault: str) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=fault) as caught:
        rhetoric.load(folder)
    assert "config.json" in str(caught.value)


class Bomb:
    """Unpickling it would leave a file behind."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.path, "w"))


def test_a_foreign_pickle_is_refused_and_never_run(folder: Path, tmp_path: Path) -> None:
    (folder / "weights.safetensors").write_bytes(pickle.dumps(Bomb(str(tmp_path / "boom"))))
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        rhetoric.load(folder)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize("keep", [0, 5, 8, 40, -1])
def test_truncated_weights(folder: Path, keep: int) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"weights\.safetensors is (truncated|no safetensors)"):
        rhetoric.load(folder)


def test_oversized_weights(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="oversized"):
        rhetoric.load(folder)
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(ModelError, match="truncated"):
        rhetoric.load(folder)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda h: [], "JSON list"),
        (lambda h: {"weights": 3}, "no known type"),
        (lambda h: {"weights": h["weights"] | {"dtype": "BOOL"}}, "no known type"),
        (lambda h: {"weights": h["weights"] | {"dtype": "F32"}}, "needs"),
        (lambda h: {"weights": h["weights"] | {"shape": [-1, 1024]}}, "shape"),
        (lambda h: {"weights": h["weights"] | {"shape": [1 << 47, 1 << 47]}}, "needs"),
        (lambda h: {"weights": h["weights"] | {"data_offsets": [0]}}, "data_offsets"),
        (lambda h: {"weights": h["weights"] | {"data_offsets": [8, 4]}}, "data_offsets"),
        (lambda h: {"weights": h["weights"] | {"shape": [1024, 2]}}, "shape"),
        (lambda h: {"other": h["weights"]}, "no array 'weights'"),
        (lambda h: {"weights": h["weights"], "more": h["weights"]}, "exactly"),
    ],
)
def test_faults_of_the_header(folder: Path, change: Any, fault: str) -> None:
    set_header(folder, change)
    with pytest.raises(ModelError, match=fault):
        rhetoric.load(folder)


def test_values_that_are_not_finite(folder: Path) -> None:
    path = folder / "weights.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-2] + np.float16(np.nan).tobytes())
    with pytest.raises(ModelError, match="not finite"):
        rhetoric.load(folder)


def test_links_that_lead_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "weights.safetensors"):
        path = folder / name
        outside = tmp_path / name
        outside.write_bytes(path.read_bytes())
        path.unlink()
        path.symlink_to(outside)
        with pytest.raises(ModelError, match=f"{name} is a link that leads out"):
            rhetoric.load(folder)
        path.unlink()
        path.write_bytes(outside.read_bytes())
    rhetoric.load(folder)


@pytest.mark.parametrize("name", ["../config.json", "a/b", "", ".", "/etc/passwd"])
def test_names_that_lead_out_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(ModelError, match="plain name"):
        read_model(folder).file(name)


def test_missing_pieces(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a file"):
        rhetoric.load(folder / "config.json")
    (folder / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors is missing"):
        rhetoric.load(folder)
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    with pytest.raises(ModelError, match="not a regular file"):
        rhetoric.load(folder)
    (folder / "config.json").rmdir()
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        rhetoric.load(folder)


def test_no_other_folder_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years of work")
    model = StanceClassifier(["a", "b"], bits=10, folds=0).fit(SENTENCES, LABELS)
    with pytest.raises(ModelError, match="no model folder"):
        model.save(tmp_path / "precious")
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"file|folder"):
        model.save(tmp_path / "file" / "m")


def test_a_failed_write_leaves_the_old_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "config.json").read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rhetoric.storage.os.fsync", full)
    with pytest.raises(ModelError, match="No space left"):
        rhetoric.load(folder).save(folder)
    assert (folder / "config.json").read_bytes() == before
    assert [p.name for p in folder.parent.iterdir()] == ["model"]


@given(st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_damaged_bytes_give_a_model_error_or_a_model(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["config.json", "weights.safetensors"]))
    path = folder / name
    original = path.read_bytes()
    limit = min(len(original), 400) - 1
    spoiled = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        spoiled[data.draw(st.integers(0, limit))] = data.draw(st.integers(0, 255))
    try:
        path.write_bytes(bytes(spoiled))
        with suppress(ModelError):
            assert np.isfinite(rhetoric.load(folder).predict_proba(SENTENCES)).all()
    finally:
        path.write_bytes(original)
