"""``rhetoric score`` and ``rhetoric split``: exit status, what goes where, and what a newcomer reads when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import rhetoric
from rhetoric.cli import main

SENTENCES = "Borduria accused Ruritania of mining the strait. Ruritania denied it. The envoy left at noon."


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(f"date 2024-05-05 {SENTENCES}")
    (folder / "b.jsonl").write_text(json.dumps({"body": SENTENCES, "url": "http://example.org/1"}) + "\n")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_score_writes_the_table_and_talks_on_stderr(box: Path, tmp_path: Path) -> None:
    result = run("score", box, "-o", tmp_path / "scores.jsonl")
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "text from 'body', id from 'url'" in result.stderr
    assert "6 rows from 6 sentences of 2 documents" in result.stderr
    assert "repeating" not in result.stderr
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [row["document"] for row in rows] == [f"{box}/a.txt"] * 3 + ["http://example.org/1"] * 3
    assert {row["model_hash"] for row in rows} == {rhetoric.load("fast").hash}
    text = (box / "a.txt").read_text()
    reading = rhetoric.classify(text)
    for row, sentence in zip(rows[:3], reading, strict=True):
        assert row["text"] == sentence.text == text[row["start"] : row["end"]]
        assert row["date"] == "2024-05-05"
        assert row["stances"] == list(sentence.stances)
        assert {stance: row[stance] for stance in rhetoric.STANCES} == {
            stance: round(p, 4) for stance, p in sentence.probabilities.items()
        }
        assert [claim["stance"] for claim in row["claims"]] == [claim.stance for claim in sentence.claims]


def test_bad_records_end_with_3(box: Path, tmp_path: Path) -> None:
    (box / "c.jsonl").write_text("broken\n")
    result = run("score", box, "-o", tmp_path / "scores.csv")
    assert result.exit_code == 3
    assert f"1 bad record: see {tmp_path}/scores.rejected.jsonl" in result.stderr
    assert json.loads((tmp_path / "scores.rejected.jsonl").read_text())["line"] == 1


def test_failure_is_one_line_and_1(tmp_path: Path) -> None:
    result = run("score", tmp_path / "nothing.txt", "-o", tmp_path / "scores.jsonl")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: There is no file or folder")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [("-o", "s.jsonl"), ("in",), ("in", "-o", "s.jsonl", "--shard", "9/3"), ("in", "-o", "s.jsonl", "--level", "x")],
)
def test_wrong_usage_is_2(box: Path, arguments: tuple[str, ...]) -> None:
    result = run("score", *(str(box) if argument == "in" else argument for argument in arguments))
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_portions_say_what_comes_next(box: Path, tmp_path: Path) -> None:
    result = run("score", box, "-o", tmp_path / "scores.jsonl", "--shard", "1/1")
    assert result.exit_code == 0
    assert "without --shard" in result.stderr
    assert "1 finished before" in run("score", box, "-o", tmp_path / "scores.jsonl").stderr


def test_standard_input_and_no_colour_in_a_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rhetoric", "score", "-", "-o", str(tmp_path / "s.jsonl")]
    done = subprocess.run(command, input=b'{"text": "Fine."}\nbroken\n', capture_output=True, check=False)
    assert done.returncode == 3
    assert b"\x1b" not in done.stderr
    assert b"%" not in done.stderr  # no bar where there is no terminal
    assert json.loads((tmp_path / "s.jsonl").read_text())["document"] == "stdin:1"


def test_split(box: Path, tmp_path: Path) -> None:
    result = run("split", box, "-o", tmp_path / "cut", "--compression", "gz")
    assert result.exit_code == 0, result.output
    assert "2 documents in 1 file\n" in result.stderr
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["split-000000.jsonl.gz"]
    assert run("split", box, "-o", tmp_path / "cut").exit_code == 1
