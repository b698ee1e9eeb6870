"""Labelled records and their files: what is read, what is refused and how the refusal names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhetoric import labels
from rhetoric.errors import LabelError
from rhetoric.labels import Label, RoleSpans

GOOD = {
    "id": "a",
    "document": "wire-7",
    "start": 10,
    "end": 75,
    "text": "Ruritania  accused\nSyldavia of mining the strait, Ruritania said.",
    "stances": ["accusation"],
    "roles": {"accusation": {"speaker": [49, 58], "target": "Syldavia"}},
    "unsure": True,
    "annotator": "ann",
    "source": "composed",
    "batch": "mine",
}


def write_lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def test_a_record_reads_strings_and_offsets_of_roles() -> None:
    label = Label.from_dict(GOOD)
    assert label.sentence == "Ruritania accused Syldavia of mining the strait, Ruritania said."
    assert label.roles == {"accusation": RoleSpans((49, 58), (18, 26))}
    assert label.role("accusation", "target") == "Syldavia"
    assert label.role("denial", "speaker") == ""
    assert label.extra == {"batch": "mine"}


def test_a_record_survives_the_way_to_a_file_and_back(tmp_path: Path) -> None:
    label = Label.from_dict(GOOD)
    assert label.role("accusation", "speaker") == "Ruritania"
    labels.write(tmp_path / "x.jsonl", [label])
    # The second of two equal names can not be told by its words.
    written = json.loads((tmp_path / "x.jsonl").read_text("utf-8"))["roles"]["accusation"]
    assert written == {"speaker": [49, 58], "target": "Syldavia"}
    assert labels.read(tmp_path / "x.jsonl") == [label]


def test_stances_come_in_the_order_of_the_taxonomy() -> None:
    data = {"text": "x", "stances": ["call_to_negotiate", "accusation"]}
    assert Label.from_dict(data).stances == ("accusation", "call_to_negotiate")


def test_words_of_a_role_are_found_as_whole_words_first() -> None:
    label = Label.from_dict(
        {"text": "Malians blamed Mali.", "stances": ["accusation"], "roles": {"accusation": {"target": "Mali"}}}
    )
    assert label.roles["accusation"].target == (15, 19)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"text": "  "}, "text must be a sentence"),
        ({"text": None}, "text must be a sentence"),
        ({"stances": None}, "stances must be a list"),
        ({"stances": "accusation"}, "stances must be a list"),
        ({"stances": ["threat"]}, "unknown stance 'threat'; known are accusation, denial, call_to_negotiate"),
        ({"stances": ["accusation", "accusation"]}, "twice"),
        ({"stances": []}, "roles name 'accusation'"),
        ({"roles": {"accusation": {"victim": "Syldavia"}}}, "are speaker and target"),
        ({"roles": {"accusation": {"target": "Borduria"}}}, "'Borduria' is not in the sentence"),
        ({"roles": {"accusation": {"target": [60, 90]}}}, "offsets"),
        ({"roles": {"accusation": {"target": [9, 17]}}}, "offsets"),
        ({"roles": {"accusation": {"target": [5, 5]}}}, "words or offsets"),
        ({"roles": {"accusation": {"target": [True, 5]}}}, "words or offsets"),
        ({"roles": ["accusation"]}, "roles must map"),
        ({"end": 76}, "do not match the text"),
        ({"start": -1, "end": 64}, "do not match the text"),
        ({"end": None}, "go together"),
        ({"unsure": "yes"}, "unsure must be true or false"),
        ({"annotator": 7}, "annotator must be text"),
    ],
)
def test_a_bad_record_is_refused_with_file_line_and_fault(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    path = write_lines(tmp_path / "x.jsonl", GOOD, "", {**GOOD, "id": "b", **change})
    with pytest.raises(LabelError) as error:
        labels.read(path)
    assert str(error.value).startswith(f"{path}:3: ")
    assert fault in str(error.value)


def test_every_fault_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(
        b'{"text": "a", "stances": []}\n{"text": \n[1]\n{"text": "\xff", "stances": []}\n{"stances": []}\n'
    )
    found = labels.faults(path)
    assert [fault.removeprefix(f"{path}:").partition(":")[0] for fault in found] == ["2", "3", "4", "5"]
    with pytest.raises(LabelError, match=r":2: not JSON.*and 3 more faults"):
        labels.read(path)


def test_the_same_sentence_with_other_stances_is_a_conflict_of_one_annotator_only(tmp_path: Path) -> None:
    first = {"text": "Syldavia lies.", "stances": ["accusation"], "annotator": "a"}
    path = write_lines(tmp_path / "x.jsonl", first, {**first, "text": "“Syldavia  LIES”", "stances": []})
    assert labels.faults(path) == [
        f"{path}:2: the same sentence as {path}:1 with other stances (accusation and none)",
    ]
    assert labels.faults(write_lines(tmp_path / "y.jsonl", first, {**first, "stances": [], "annotator": "b"})) == []
    assert labels.faults(write_lines(tmp_path / "z.jsonl", first, first)) == []


def test_an_id_is_given_once_in_a_file(tmp_path: Path) -> None:
    row = {"id": "1", "text": "One.", "stances": []}
    path = write_lines(tmp_path / "x.jsonl", row, {**row, "text": "Two."})
    assert labels.faults(path) == [f"{path}:2: the id '1' is taken by {path}:1"]


def test_empty_sets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="holds no records"):
        labels.read(write_lines(tmp_path / "x.jsonl", "", ""))
    with pytest.raises(LabelError, match="no labelled file"):
        labels.read()
    (tmp_path / "folder").mkdir()
    with pytest.raises(LabelError, match="a folder without"):
        labels.read(tmp_path / "folder")
    with pytest.raises(LabelError, match="can not be read"):
        labels.read(tmp_path / "absent.jsonl")


def test_own_stances_and_folders(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", {"text": "Surrender or else.", "stances": ["threat"]})
    write_lines(tmp_path / "b.jsonl", {"text": "Well done.", "stances": ["praise"]})
    assert [r.stances for r in labels.read(tmp_path, stances=None)] == [("threat",), ("praise",)]
    with pytest.raises(LabelError, match="unknown stance 'praise'"):
        labels.read(tmp_path, stances=["threat"])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.jsonl", GOOD)
    before = path.read_bytes()
    with pytest.raises(AttributeError):
        labels.write(path, [Label("One."), "no record"])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_standoff_records_ask_for_their_text(tmp_path: Path) -> None:
    standoff = labels.to_standoff(Label("The talks failed."), "ungd")
    labels.write(tmp_path / "x.jsonl", [standoff])
    assert labels.read_any(tmp_path / "x.jsonl") == [standoff]
    with pytest.raises(LabelError, match="rhetoric labels join"):
        labels.read(tmp_path / "x.jsonl")


@st.composite
def records(draw: st.DrawFn) -> Label:
    text = draw(st.text(min_size=1, max_size=60).filter(str.strip))
    sentence = labels.collapse(text)
    stances = tuple(s for s in ("accusation", "denial", "call_to_negotiate") if draw(st.booleans()))

    def span() -> tuple[int, int] | None:
        start = draw(st.integers(0, len(sentence) - 1))
        end = draw(st.integers(start + 1, len(sentence)))
        words = sentence[start:end]
        return (start, end) if words == words.strip() and draw(st.booleans()) else None

    roles = {stance: RoleSpans(span(), span()) for stance in stances if draw(st.booleans())}
    return Label(text, stances, roles, unsure=draw(st.booleans()), annotator=draw(st.sampled_from([None, "ann"])))


@given(records())
def test_any_record_is_the_same_after_a_round_trip(record: Label) -> None:
    assert Label.from_dict(json.loads(json.dumps(record.to_dict()))) == record
