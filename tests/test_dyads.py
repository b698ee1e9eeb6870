"""Dyads: counts, duplicates, periods, formats, the codes of event data."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import rhetoric
from rhetoric.actors import actors
from rhetoric.archive import score
from rhetoric.cli import main
from rhetoric.dyads import CAMEO, OTHER, PLOVER, Dyad, count_dyads, write_dyads
from rhetoric.errors import RhetoricError


def mention(text: str, *codes: str) -> dict[str, Any]:
    return {"text": text, "start": 0, "end": len(text), "codes": list(codes), "resolved": False}


def row(
    document: str, date: str | None, *claims: tuple[str, Any, Any], duplicate_of: str | None = None
) -> dict[str, Any]:
    stances = [stance for stance, _, _ in claims]
    return {
        "document": document,
        "date": date,
        "sentence": 0,
        "start": 0,
        "end": 1,
        "text": "x",
        **{stance: 0.9 if stance in stances else 0.1 for stance in rhetoric.STANCES},
        "stances": stances,
        "unsure": [],
        "claims": [
            {"stance": stance, "probability": 0.9, "speaker": speaker, "target": target, "evidence": []}
            for stance, speaker, target in claims
        ],
        "speaker": None,
        "speaker_code": None,
        "target": None,
        "target_code": None,
        "duplicate_of": duplicate_of,
        "model": "fast",
        "model_hash": "0",
    }


CHINA, RUSSIA, STATES = mention("China", "CHN"), mention("Russia", "RUS"), mention("the US", "USA")
BOTH = mention("China and Russia", "CHN", "RUS")


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    rows = [
        row("a", "2001-09-12", ("accusation", CHINA, STATES)),
        row("a", "2001-09-12", ("accusation", CHINA, STATES), ("denial", CHINA, None)),
        row("a", "2001-09-12"),
        row("b", "2001-09-30", ("accusation", BOTH, STATES)),
        row("c", "2001-10", ("call_to_negotiate", mention("the rebels"), RUSSIA)),
        row("d", None, ("denial", None, None)),
        row("e", "2001-09-12", ("accusation", CHINA, STATES), duplicate_of="a"),
    ]
    path = tmp_path / "scores.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def test_counts_by_month(scores: Path) -> None:
    found = count_dyads(scores)
    assert list(found) == [
        Dyad("", "", "", "denial", 1, 1),
        Dyad("2001-09", "CHN", "", "denial", 1, 1),
        Dyad("2001-09", "CHN", "USA", "accusation", 3, 2),
        Dyad("2001-09", "RUS", "USA", "accusation", 1, 1),
        Dyad("2001-10", OTHER, "RUS", "call_to_negotiate", 1, 1),
    ]
    assert (found.claims, found.repeated, found.unreadable) == (6, 1, 0)


def test_periods(scores: Path) -> None:
    assert {d.period for d in count_dyads(scores, "year")} == {"", "2001"}
    # a date without a day stays with its month
    assert {d.period for d in count_dyads(scores, "day")} == {"", "2001-09-12", "2001-09-30", "2001-10"}
    with pytest.raises(ValueError, match="week"):
        count_dyads(scores, "week")  # type: ignore[arg-type]


def test_written_columns(scores: Path, tmp_path: Path) -> None:
    output = tmp_path / "dyads.csv"
    write_dyads(scores, output, plover=True, cameo=True)
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["period", "speaker", "target", "stance", "claims", "documents", "plover", "cameo"]
    assert rows[2]["plover"] == "ACCUSE"
    assert rows[2]["cameo"] == "111|112"
    assert rows[0]["plover"] == ""
    write_dyads(scores, output)
    assert output.read_text().splitlines()[0] == "period,speaker,target,stance,claims,documents"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dyads.csv", "scores.jsonl"]


def test_mapping_names_only_stances_that_exist() -> None:
    assert set(CAMEO) == set(rhetoric.STANCES)
    assert set(PLOVER) < set(rhetoric.STANCES)


def test_the_word_for_no_code_is_no_code() -> None:
    assert OTHER not in {actor.code for actor in actors()}


def test_broken_rows_are_counted(scores: Path) -> None:
    with scores.open("a") as file:
        file.write('{"document": \n')
    assert count_dyads(scores).unreadable == 1
    result = CliRunner().invoke(main, ["dyads", str(scores), "-o", str(scores.with_name("d.csv"))])
    assert result.exit_code == 3, result.output


def test_document_rows_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("China denied it.")
    table = tmp_path / "scores.csv"
    score([str(source)], str(table), level="document")
    with pytest.raises(RhetoricError, match="level sentence"):
        count_dyads(table)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".csv.gz", ".parquet"])
def test_what_score_writes(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "a.txt"
    source.write_text("date 2003-02-01 China accused the United States of violating its airspace.\n")
    table = tmp_path / f"scores{suffix}"
    score([str(source)], str(table))
    assert list(count_dyads(table)) == [Dyad("2003-02", "CHN", "USA", "accusation", 1, 1)]


def test_command(scores: Path, tmp_path: Path) -> None:
    output = tmp_path / "d.csv"
    result = CliRunner().invoke(main, ["dyads", str(scores), "-o", str(output), "--by", "year", "--cameo"])
    assert result.exit_code == 0, result.output
    assert "2001,CHN,USA,accusation,3,2,111|112" in output.read_text().splitlines()
    missing = CliRunner().invoke(main, ["dyads", str(tmp_path / "none.jsonl"), "-o", str(output)])
    assert missing.exit_code == 1


def test_output_that_can_not_be_written(scores: Path, tmp_path: Path) -> None:
    with pytest.raises(RhetoricError, match="can not be written"):
        write_dyads(scores, tmp_path / "nowhere" / "d.csv")
