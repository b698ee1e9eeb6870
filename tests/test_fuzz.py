"""No text, labelled file or model folder makes the library crash, hang, lie or run code: see ``fuzzing.py``.

``experiments/fuzz`` runs the same targets for longer, guided by coverage.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fuzzing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rhetoric

PIECES = st.sampled_from(
    [b"",
     b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"NaN", b"1e999", b"-1", b"9" * 400, b"null", b"[]", b"{}", b'"',
     b"[" * 3000, b"\r", b"\n", b"\xe2\x80\xa8", b"\xc2\xa0", b",", b"'=", b";", b"U.S. ", b"... ", b"Mr. ",
     b"date 2024-02-30 ", b"China ", b"they ", b"\xd8\xb1\xd9\x81\xd8\xb6", b"\xcc\x81",
     b"\xf0\x9f\x87\xba\xf0\x9f\x87\xb8", b"__reduce__"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, target: str) -> bytes:
    """A sound input with pieces put in, taken out, repeated or overwritten."""
    data = bytearray(draw(st.sampled_from(fuzzing.examples(target))))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + draw(st.sampled_from([0, 1, 4, 40])))))
        data[start:end] = draw(PIECES | st.binary(max_size=8) | st.just(bytes(data[start : start + 60])))
    return bytes(data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([10**30, -1, "a/b", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed_json(draw: st.DrawFn, document: Any) -> Any:
    """The document with one value, anywhere in it, replaced, removed or added."""
    document = json.loads(json.dumps(document))
    at = document
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return document
        key = draw(st.sampled_from(keys))
        if isinstance(at[key], (dict, list)) and at[key] and draw(st.integers(0, 3)):
            at = at[key]
            continue
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del at[key]
        elif change == "replace":
            at[key] = draw(VALUES)
        elif isinstance(at, dict):
            at[draw(st.text(max_size=5))] = draw(VALUES)
        else:
            at.append(draw(VALUES))
        return document


@settings(max_examples=200)
@given(mutated("text") | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_text_is_read(data: bytes) -> None:
    fuzzing.text(data)


@settings(max_examples=250)
@given(mutated("label_file"))
def test_any_labelled_file_is_read_or_refused(data: bytes) -> None:
    fuzzing.label_file(data)


@settings(max_examples=150)
@given(st.data())
def test_any_record_is_read_or_refused(data: st.DataObject) -> None:
    number = data.draw(st.sampled_from([0, 1, 2, 3]))
    sound = fuzzing.examples("label_file")[number][1:].decode()
    if sound.startswith("["):
        fuzzing.label_file(bytes([number]) + json.dumps(data.draw(changed_json(json.loads(sound)))).encode())
    else:
        record = data.draw(changed_json(json.loads(sound.splitlines()[0])))
        fuzzing.label_file(bytes([number]) + json.dumps(record).encode())


@settings(max_examples=200)
@given(mutated("model_folder"))
def test_any_model_folder_loads_or_is_refused(data: bytes) -> None:
    fuzzing.model_folder(data)


@settings(max_examples=200)
@given(changed_json(json.loads(fuzzing.tiny_model()["config.json"])))
def test_any_config_loads_or_is_refused(config: Any) -> None:
    fuzzing.model_folder(b"\x00" + json.dumps(config).encode())


def test_the_watch_sees_code_that_runs(tmp_path: Path) -> None:
    with pytest.raises(fuzzing.Forbidden, match=r"compile|exec"), fuzzing.no_code_runs():
        exec("1")
    with pytest.raises(fuzzing.Forbidden, match="Popen"), fuzzing.no_code_runs():
        __import__("subprocess").Popen(["true"])
    rhetoric.classify("It rained.")
