"""Labels in the files of labelling tools: written and read back the same; the tools' own exports are read."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from rhetoric import labels
from rhetoric.errors import LabelError
from rhetoric.labels import Label, RoleSpans

RECORDS = [
    Label(
        "Ruritania accused  Syldavia\nof lying, and Syldavia denied it.",
        ("accusation", "denial"),
        {"accusation": RoleSpans((0, 9), (18, 26)), "denial": RoleSpans((41, 49), None)},
        unsure=True,
        id="a-1",
        document="wire-7",
        start=4,
        end=65,
        annotator="ann",
        source="composed",
        extra={"batch": "mine", "round": 3},
    ),
    Label("The weather was fine; “fine”, she said \N{GRINNING FACE}.", id="a-2", annotator="bob"),
    Label("=SUM(A1), said Klow; '=quoted too.", ("denial",), {"denial": RoleSpans((15, 19), None)}, id="a-3"),
    Label("- We are ready to talk; we, that is Klow.", ("call_to_negotiate",), id="a-4"),
    Label("'-Klow blames us", ("accusation",), {"accusation": RoleSpans()}, unsure=True, id="a-5"),
]
SUFFIX = {"csv": ".csv", "label-studio": ".json"}


@pytest.mark.parametrize("format", labels.FORMATS)
def test_every_format_returns_what_was_written(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"x{SUFFIX.get(format, '.jsonl')}"
    assert labels.write_format(path, RECORDS, format) == len(RECORDS)
    read = labels.read_format(path)  # the format is told by the file
    assert list(read.records) == RECORDS
    assert read.skipped == ()


@pytest.mark.parametrize("first", labels.FORMATS)
@pytest.mark.parametrize("second", labels.FORMATS)
def test_conversion_there_and_back(tmp_path: Path, first: str, second: str) -> None:
    ours, one, two, back = (tmp_path / name for name in ("ours.jsonl", "one", "two", "back.jsonl"))
    labels.write(ours, RECORDS)
    labels.convert(ours, one, target_format=first)
    labels.convert(one, two, source_format=first, target_format=second)
    labels.convert(two, back, source_format=second)
    assert back.read_bytes() == ours.read_bytes()


def test_offsets_of_tools_count_in_the_text_as_it_is(tmp_path: Path) -> None:
    text = RECORDS[0].text
    labels.write_format(tmp_path / "d", RECORDS[:1], "doccano")
    row = json.loads((tmp_path / "d").read_text("utf-8"))
    assert row["cats"] == ["accusation", "denial", "unsure"]
    assert [(text[s:e], label) for s, e, label in row["entities"]] == [
        ("Ruritania", "accusation:speaker"),
        ("Syldavia", "accusation:target"),
        ("Syldavia", "denial:speaker"),
    ]
    labels.write_format(tmp_path / "p", RECORDS[:1], "prodigy")
    row = json.loads((tmp_path / "p").read_text("utf-8"))
    assert row["accept"] == ["accusation", "denial", "unsure"]
    assert set(row["accept"]) <= {option["id"] for option in row["options"]}
    assert [text[span["start"] : span["end"]] for span in row["spans"]] == ["Ruritania", "Syldavia", "Syldavia"]
    labels.write_format(tmp_path / "l", RECORDS[:1], "label-studio")
    (task,) = json.loads((tmp_path / "l").read_text("utf-8"))
    results = task["annotations"][0]["result"]
    for result in results:
        assert {"from_name", "to_name", "type", "value"} <= set(result)
        if result["type"] == "labels":
            value = result["value"]
            assert text[value["start"] : value["end"]] == value["text"]


def test_the_label_studio_interface_offers_what_the_files_use(tmp_path: Path) -> None:
    view = ElementTree.fromstring(labels.label_studio_config())
    offered = {tag.get("name"): {child.get("value") for child in tag} for tag in view if len(tag)}
    assert {tag.get("toName") for tag in view if len(tag)} == {"text"}
    labels.write_format(tmp_path / "l", RECORDS, "label-studio")
    for task in json.loads((tmp_path / "l").read_text("utf-8")):
        for result in task["annotations"][0]["result"]:
            assert set(result["value"][result["type"]]) <= offered[result["from_name"]]


def dump(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return path


def test_doccano_exports_of_its_other_projects(tmp_path: Path) -> None:
    text = "Klow blames Zilve."
    path = dump(
        tmp_path / "x.jsonl",
        {"id": 1, "text": text, "label": ["accusation"], "Comments": []},
        {"id": 2, "text": text, "label": [[0, 4, "accusation:speaker"], [12, 17, "accusation:target"]], "Comments": []},
        {
            "id": 3,
            "text": text,
            "entities": [{"id": 9, "label": "accusation:speaker", "start_offset": 0, "end_offset": 5}],
            "relations": [],
            "Comments": ["sure?"],
        },
        {"id": 4, "text": "Unread."},
    )
    found = labels.read_format(path)
    assert [record.stances for record in found.records] == [("accusation",)] * 3
    assert [record.role("accusation", "speaker") for record in found.records] == ["", "Klow", "Klow"]
    assert [record.id for record in found.records] == ["1", "2", "3"]
    assert found.records[2].extra == {"Comments": ["sure?"]}
    assert found.skipped == (f"{path}:4: no labels",)


def test_a_label_studio_export(tmp_path: Path) -> None:
    result = {"id": "x", "from_name": "stance", "to_name": "text", "type": "choices", "value": {"choices": ["denial"]}}
    region = {
        "id": "y",
        "from_name": "role",
        "to_name": "text",
        "type": "labels",
        "value": {"start": 0, "end": 4, "text": "Klow", "labels": ["denial:speaker"]},
    }
    tasks = [
        {
            "id": 12,
            "data": {"text": "Klow denies it."},
            "annotations": [
                {"id": 1, "completed_by": 7, "was_cancelled": False, "result": [result, region]},
                {"id": 2, "completed_by": {"id": 8, "email": "b@example.org"}, "result": []},
                {"id": 3, "completed_by": 9, "was_cancelled": True, "result": []},
            ],
            "predictions": [],
        },
        {"id": 13, "data": {"text": "Unread."}, "annotations": []},
    ]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(tasks), "utf-8")
    found = labels.read_format(path)
    assert [(r.annotator, r.stances, r.id) for r in found.records] == [
        ("7", ("denial",), "12"),
        ("b@example.org", (), "12"),
    ]
    assert found.records[0].role("denial", "speaker") == "Klow"
    assert found.skipped == (
        f"{path}: task 1: the annotation was cancelled",
        f"{path}: task 2: no annotation",
    )


def test_a_prodigy_export(tmp_path: Path) -> None:
    row = {
        "text": "Klow denies it.",
        "_input_hash": 1,
        "_task_hash": 2,
        "_session_id": "s-ann",
        "_annotator_id": "s-ann",
        "_view_id": "blocks",
        "tokens": [{"text": "Klow", "start": 0, "end": 4, "id": 0}],
        "spans": [{"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "denial:speaker"}],
        "options": [{"id": "denial", "text": "denial"}],
        "accept": ["denial"],
        "answer": "accept",
        "meta": {"source": "wire", "score": 0.5},
    }
    path = dump(tmp_path / "x.jsonl", row, {**row, "answer": "ignore"}, {**row, "answer": "reject"})
    found = labels.read_format(path)
    (record,) = found.records
    assert (record.annotator, record.source, record.extra) == ("s-ann", "wire", {"score": 0.5})
    assert record.role("denial", "speaker") == "Klow"
    assert len(found.skipped) == 2


def test_csv_cells_are_no_formulas(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    labels.write_format(path, [*RECORDS, Label("@all: =1+1", id="+49", source="-2")])
    with open(path, encoding="utf-8", newline="") as lines:
        for row in csv.reader(lines):
            for cell in row:
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_csv_as_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(
        b"\xef\xbb\xbftext,stances,unsure,accusation_target,note\r\n"
        b'"Klow, at last, blames Zilve.",accusation; denial,YES,Zilve,check\r\nFine.,,,,\r\n'
    )
    first, second = labels.read_format(path).records
    assert (first.stances, first.unsure, first.extra) == (("accusation", "denial"), True, {"note": "check"})
    assert first.role("accusation", "target") == "Zilve"
    assert (second.stances, second.unsure) == ((), False)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("x.csv", "text,labels\nA,denial\n", "no column stances"),
        ("x.csv", "text,stances\nA,threat\n", r"x\.csv:2: unknown stance 'threat'"),
        ("x.csv", "text,stances\nA\n", r"x\.csv:2: the row has more or fewer cells"),
        ("x.csv", "text,stances,unsure\nA,,perhaps\n", "unsure must be true or false"),
        ("x.csv", "text,stances,start,end\nA,,a,b\n", "whole number"),
        ("x.json", "{}", "list of tasks"),
        ("x.json", "[1]", "task 1: a task must be an object"),
        ("x.json", "[", "not JSON"),
        ("x.jsonl", '{"body": "A"}', "can not be told"),
        ("x.jsonl", '{"text": "A", "label": [[0, 9, "denial:speaker"]]}', r"span 0 to 9 is not in the text"),
        ("x.jsonl", '{"text": "A", "cats": [], "entities": [[0, 1, "ORG"]]}', "wanted stance:speaker"),
        (
            "x.jsonl",
            '{"text": "A B", "cats": ["denial"], "entities": [[0, 1, "denial:target"], [2, 3, "denial:target"]]}',
            "two spans for the target of denial",
        ),
        ("x.jsonl", '{"text": "A", "spans": [{"start": 0}], "accept": ["denial"]}', "span 0 to None"),
    ],
)
def test_bad_files_are_refused_with_place_and_fault(tmp_path: Path, name: str, content: str, fault: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(LabelError, match=fault):
        labels.read_format(tmp_path / name)


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="unknown format 'brat'; known are rhetoric, doccano"):
        labels.write_format(tmp_path / "x", RECORDS, "brat")
