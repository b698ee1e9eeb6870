"""What no input may do to the library, as functions of bytes: for Hypothesis, and atheris in ``experiments/fuzz``.

Each returns on input that was read or refused as documented, and raises on a fault: another error, a broken promise,
or an attempt to run code, start a program or open a connection while a model folder is loaded.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from small_network import small_network

import rhetoric
from rhetoric import labels
from rhetoric.errors import LabelError, ModelError

_CODE = ("exec", "compile", "import", "marshal.loads", "pickle.find_class", "code.__new__", "ctypes.dlopen")
_PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen")
FORBIDDEN = {*_CODE, *_PROGRAMS, "socket.connect", "urllib.Request", "webbrowser.open"}


class Forbidden(Exception):
    """Something that reading data must not do."""


_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in FORBIDDEN:
        raise Forbidden(f"{event} {arguments!r:.200}")


@contextmanager
def no_code_runs() -> Iterator[None]:
    """Raise ``Forbidden`` where the interpreter reports one of the events above."""
    global _watching
    if not getattr(sys, "_rhetoric_watched", False):
        sys.addaudithook(_watch)
        sys._rhetoric_watched = True  # type: ignore[attr-defined]
    _watching = True
    try:
        yield
    finally:
        _watching = False


def text(data: bytes) -> None:
    """Any string is read: exact offsets, in order, all prose covered, probabilities in 0..1, the same through JSON."""
    given = data.decode("utf-8", "surrogateescape")
    reading = rhetoric.classify(given)
    end = 0
    for sentence in reading:
        assert given[sentence.start : sentence.end] == sentence.text
        assert end <= sentence.start < sentence.end
        end = sentence.end
        assert all(0 <= p <= 1 for p in sentence.probabilities.values())
        assert {claim.stance for claim in sentence.claims} == set(sentence.stances)
        for claim in sentence.claims:
            for part in (claim.speaker, claim.target, *claim.evidence):
                assert part is None or given[part.start : part.end] == part.text
    assert rhetoric.Reading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading


def label_file(data: bytes) -> None:
    """The first byte chooses the format, the rest is the file: read, or refused by a LabelError; what was read comes
    back the same from every format."""
    format = labels.FORMATS[data[0] % len(labels.FORMATS)] if data else "rhetoric"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels"
        path.write_bytes(data[1:])
        for fault in labels.faults(path, stances=None):
            assert str(path) in fault
        try:
            read = labels.read_format(path, format, stances=None)
        except LabelError as error:
            if str(path) not in str(error):
                raise AssertionError("the error does not name the file") from error
            return
        for record in read.records:
            assert all(0 <= at <= len(record.sentence) for span in record.roles.values() for at in _edges(span))
        # formats that join names can hold those that are names
        plain = all(stance.isidentifier() and stance != "unsure" for r in read.records for stance in r.stances)
        for other in labels.FORMATS if read.records and plain else ():
            labels.write_format(path, read.records, other)
            assert labels.read_format(path, other, stances=None).records == read.records, other


def _edges(roles: labels.RoleSpans) -> list[int]:
    return [at for span in (roles.speaker, roles.target) if span for at in span]


@cache
def _warm() -> None:
    """Import what reading imports late, before the watch begins."""
    import rhetoric.encoder

    text = "China accused Russia of lying to the Council. It denied that, and accused China."
    assert rhetoric.classify(text).claims  # two sentences: what holds the network to one thread is imported then


@cache
def tiny_model() -> dict[str, bytes]:
    """The files of a small linear model with a network beside it that looks at every sentence."""
    calm, angry = ["Rain fell on the capital."] * 3, ["Borduria threatened to close the strait."] * 3
    model = rhetoric.StanceClassifier(["threat"], bits=10, folds=0, min_count=1).fit(
        [*calm, *angry], [[0]] * 3 + [[1]] * 3, network=small_network(stances=["threat"])
    )
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        return {path.name: path.read_bytes() for path in (Path(folder) / "model").iterdir()}


PARTS = ("config.json", "weights.safetensors")


def model_folder(data: bytes) -> None:
    """The first byte chooses a file of a sound folder, the rest takes its place: a model that works, or a ModelError
    that names the folder; no code runs either way."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in tiny_model().items():
            (Path(folder) / name).write_bytes(content)
        _warm()
        (Path(folder) / PARTS[data[0] % 2 if data else 0]).write_bytes(data[1:])
        try:
            with no_code_runs():
                model = rhetoric.load(folder)
                p = model.predict_proba(["Borduria threatened to close the strait.", ""])
                model.read("It rained.")
        except ModelError as error:
            if folder not in str(error):
                raise AssertionError("the error does not name the folder") from error
            return
        assert p.shape == (2, len(model.stance_names))
        assert all(math.isfinite(value) and 0 <= value <= 1 for value in p.ravel().tolist())


TARGETS: dict[str, Callable[[bytes], None]] = {"text": text, "label_file": label_file, "model_folder": model_folder}


def examples(target: str) -> list[bytes]:
    """Sound inputs to begin from."""
    if target == "text":
        return [
            "date 2024-05-05 (AGENCY) China denied U.S. claims; “We reject it,” Mr. Li said. Talks?\n\n- Yes.".encode(),
            b"Moscow rejected Kyiv's claim that it had shelled the port and said it was ready for talks.",
            'They said: "Stop." <b>HTML</b> http://example.org/a.b?c=1 1.5 km, e.g. No. 5 … \N{GRINNING FACE}'.encode(),
        ]
    if target == "model_folder":
        return [bytes([PARTS.index(name)]) + tiny_model()[name] for name in PARTS]
    records = [
        labels.Label(
            "Ruritania accused  Syldavia\nof lying, and Syldavia denied it.",
            ("accusation", "denial"),
            {"accusation": labels.RoleSpans((0, 9), (18, 26)), "denial": labels.RoleSpans((41, 49), None)},
            unsure=True,
            id="a-1",
            document="wire-7",
            start=4,
            end=65,
            annotator="ann",
            source="composed",
        ),
        labels.Label("=SUM(A1), said Klow; “fine”.", (), {}, id="a-2"),
    ]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, format in enumerate(labels.FORMATS):
            labels.write_format(Path(folder) / "labels", records, format)
            found.append(bytes([number]) + (Path(folder) / "labels").read_bytes())
    return found
