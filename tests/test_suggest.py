from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import rhetoric
from rhetoric.labels import read_format, write
from rhetoric.suggest import select, suggest, write_suggested

WHO = ("Ruritania", "Syldavia", "Freedonia", "Elbonia", "Genovia", "Sylvania")
ARCHIVE = [
    {"id": f"d{i}", "text": text}
    for i, text in enumerate(
        [
            *(f"{who} denied that its navy had mined the strait of {who}." for who in WHO),
            *(f"The minister of {who} spoke about schools, roads and bread in week {i}." for i, who in enumerate(WHO)),
            *(f"{who} may perhaps discuss the charges of its neighbour some day." for who in WHO),
            "It rained in the morning and the market was empty. It rained in the morning and the market was empty.",
            "Trade in tin grew by nine per cent as new mines were opened near the lake.",
            "Critics say the report is unfair, though the ministry called its findings disputable.",
        ]
    )
]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "archive.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in ARCHIVE) + "{broken\n")
    return path


def test_a_batch(archive: Path) -> None:
    found = suggest(archive, 10)
    assert len(found.records) == 10
    assert found.read == 22
    assert found.repeated == 1
    assert len(found.rejected) == 1
    by_id = {record["id"]: record["text"] for record in ARCHIVE}
    for record in found.records:
        assert record.document is not None
        assert by_id[record.document][record.start : record.end] == record.text
        assert set(record.extra["probabilities"]) == set(rhetoric.STANCES)
    assert found == suggest(archive, 10)
    # the names aside there are three templates: one of each before any comes twice
    first = Counter(record.sentence.split()[-1] for record in found.records[:4])
    assert max(first.values()) <= 2


def test_nothing_that_is_labelled_already(archive: Path, tmp_path: Path) -> None:
    first = suggest(archive, 5)
    write(tmp_path / "done.jsonl", first.records)
    second = suggest(archive, 30, labelled=[tmp_path / "done.jsonl"])
    assert not {r.key for r in first.records} & {r.key for r in second.records}
    assert len(second.records) == second.read - second.repeated
    write(tmp_path / "rest.jsonl", second.records)
    with pytest.raises(rhetoric.LabelError, match="no new sentence to label"):
        suggest(archive, 5, labelled=[tmp_path / "done.jsonl", tmp_path / "rest.jsonl"])


def test_suggestions_are_no_labels(archive: Path, tmp_path: Path) -> None:
    write_suggested(suggest(archive, 6), tmp_path / "batch.jsonl")
    with pytest.raises(rhetoric.LabelError, match=r"batch\.jsonl:1: a suggestion that nobody confirmed"):
        rhetoric.train(tmp_path / "batch.jsonl")
    write_suggested(suggest(archive, 6), tmp_path / "batch.csv")
    assert len(read_format(tmp_path / "batch.csv").records) == 6


def test_the_doubtful_and_the_rare_come_first() -> None:
    model = rhetoric.load("fast")
    texts = [" ".join(f"w{i}{letter}" for letter in "abcdef") for i in range(100)]
    probabilities = np.full((100, 3), 0.001)
    probabilities[:40, 0] = 0.95  # a common stance
    probabilities[50:60, 1] = model.thresholds_[1]  # doubt on rare ones
    probabilities[60:62, 2] = model.thresholds_[2]
    chosen = select(model, texts, probabilities, 20)
    assert len(chosen) == len(dict(chosen)) == 20
    reasons = Counter(why for _, why in chosen)
    assert reasons["denial"] > reasons["accusation"]
    assert reasons["random"] == 2
    doubtful = [i for i, why in chosen if why == "denial"]
    assert all(50 <= i < 60 for i in doubtful[:3])
    assert len(select(model, texts[:3], probabilities[:3], 20)) == 3


def test_faults(tmp_path: Path) -> None:
    with pytest.raises(rhetoric.LabelError, match="n is 0"):
        suggest(tmp_path, 0)
    with pytest.raises(rhetoric.ArchiveError, match="no file or folder"):
        suggest(tmp_path / "nowhere", 3)
    (tmp_path / "labels.jsonl").write_text("[]\n")
    with pytest.raises(rhetoric.LabelError, match=r"labels\.jsonl:1: must be a JSON object"):
        suggest(tmp_path, 3, labelled=[tmp_path / "labels.jsonl"])
