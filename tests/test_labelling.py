from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetoric import LabelError
from rhetoric.labelling import Session, run
from rhetoric.labels import read

TEXTS = ["Ruritania accused Syldavia of lying.", "Ruritania denied it.", "Talks must resume.", "It rained."]


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    path = tmp_path / "batch.jsonl"
    records = [
        {"id": f"s{i}", "text": text, "stances": ["denial"] if i == 1 else [], "suggested_by": "fast"}
        for i, text in enumerate(TEXTS)
    ]
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def press(session: Session, keys: str) -> list[str]:
    """Run with these keys, quitting after them; returns the screens."""
    shown: list[str] = []
    pressed: Iterator[str] = iter(keys)
    run(session, lambda: next(pressed, "q"), shown.append)
    return shown


def answers(path: Path) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(r.text, r.stances, r.unsure) for r in read(path)]


def test_a_whole_session(batch: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    screens = press(Session(batch, out, annotator="ada"), "1\r\r3u\r0\r")
    assert answers(out) == [
        (TEXTS[0], ("accusation",), False),
        (TEXTS[1], ("denial",), False),
        (TEXTS[2], ("call_to_negotiate",), True),
        (TEXTS[3], (), False),
    ]
    assert {r.annotator for r in read(out)} == {"ada"}
    assert "suggested_by" not in out.read_text()
    assert "[x] denial" in screens[2]
    assert "All 4 sentences are answered" in screens[-1]


def test_undo_and_later(batch: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    press(Session(batch, out), "s1\rb2\r")  # the second sentence, suggested as denial: both toggled
    assert answers(out) == [(TEXTS[1], ("accusation",), False)]
    session = Session(batch, tmp_path / "other.jsonl")
    assert session.undo() is False
    session.toggle("accusation")
    session.save()
    assert session.undo() is True
    assert session.draft.stances == ("accusation",)
    assert (tmp_path / "other.jsonl").read_bytes() == b""


def test_goes_on_after_a_kill(batch: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    press(Session(batch, out), "1\r")
    with open(out, "ab") as file:
        file.write(b'{"text": "Ruritania den')  # what a kill leaves
    session = Session(batch, out)
    assert (session.answered, session.total) == (1, 4)
    assert session.current is not None
    assert session.current.text == TEXTS[1]
    press(session, "\r")
    assert [text for text, _, _ in answers(out)] == TEXTS[:2]


def test_codebook_and_unknown_keys(batch: Path, tmp_path: Path) -> None:
    session = Session(batch, tmp_path / "out.jsonl", stances=["accusation", "threat"])
    screens = press(session, "c2xz")
    assert "identifiable actor" in screens[1]
    assert screens[1].count("\n") < 24
    first, second = press(session, "c x")[1:3]
    assert "page 1 of" in first
    assert "page 2 of" in second
    assert any("Your own stance" in screen for screen in screens)
    assert any("No such key" in screen for screen in screens)
    assert not (tmp_path / "out.jsonl").exists()


def test_keys_that_come_at_once(batch: Path, tmp_path: Path) -> None:
    session = Session(batch, tmp_path / "out.jsonl")
    pressed = iter(["1u\r\r", "\x1b[A", "b", "q"])
    run(session, lambda: next(pressed), lambda text: None)
    assert answers(tmp_path / "out.jsonl") == [(TEXTS[0], ("accusation",), True)]


@settings(max_examples=30, deadline=None)
@given(keys=st.text("123\rub0s", max_size=25))
def test_the_file_is_whole_whatever_is_pressed(keys: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("label")
    batch = folder / "batch.jsonl"
    batch.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    session = Session(batch, folder / "out.jsonl")
    press(session, keys)
    saved = answers(folder / "out.jsonl") if session.answered else []
    assert len(saved) == len({text for text, _, _ in saved}) == session.answered


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        ("", {}, "batch.jsonl:1: holds no sentences"),
        ('{"text": 3}\n', {}, "batch.jsonl:1: text must be a sentence"),
        ('{"text": "It rained."}\n', {"annotator": " "}, "annotator's name is empty"),
        ('{"text": "It rained."}\n', {"stances": [str(i) for i in range(10)]}, "got 10 stances"),
    ],
)
def test_faults(lines: str, options: dict[str, object], message: str, tmp_path: Path) -> None:
    (tmp_path / "batch.jsonl").write_text(lines)
    with pytest.raises(LabelError, match=message):
        Session(tmp_path / "batch.jsonl", tmp_path / "out.jsonl", **options)  # type: ignore[arg-type]


def test_answers_do_not_go_into_the_batch(batch: Path) -> None:
    with pytest.raises(LabelError, match="is the batch itself"):
        Session(batch, batch)
