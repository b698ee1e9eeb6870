"""The command line: what an argument stands for, and what a fault looks like. The pages' commands run in test_docs."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import rhetoric
from rhetoric.cli import main

DENIAL = "Ruritania denied that it had mined the strait."


@pytest.mark.parametrize("argument", [DENIAL * 40, f"{DENIAL}\0", "no-such-folder/no-such-file is what they denied."])
def test_what_can_be_no_path_is_a_text(argument: str) -> None:
    result = CliRunner().invoke(main, ["classify", argument, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["text"] == argument


def test_a_file_and_standard_input_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"date 2024-05-05 {DENIAL}", encoding="utf-8")
    result = CliRunner().invoke(main, ["classify", str(tmp_path / "a.txt")])
    assert result.stdout.startswith(f"date 2024-05-05\n{DENIAL}\n    Ruritania: denial (0.")
    piped = CliRunner().invoke(main, ["classify", "-"], input=DENIAL)
    assert piped.stdout == result.stdout.split("\n", 1)[1]


def test_bytes_that_are_no_utf8_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("Le démenti.".encode("latin-1"))
    result = CliRunner().invoke(main, ["classify", str(tmp_path / "latin.txt")])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "latin.txt: byte 4 is not UTF-8" in result.stderr


def test_a_fault_is_one_line_and_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    result = CliRunner().invoke(main, ["classify", "--model", "no-such-model", DENIAL], color=True)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert "no-such-model" in result.stderr
    assert result.stderr.count("\n") == 1


def test_wrong_usage_is_status_2() -> None:
    result = CliRunner().invoke(main, ["score", "articles/"])
    assert result.exit_code == 2
    assert "--output" in result.stderr


def test_the_models_are_listed_with_their_cards_first_words() -> None:
    lines = CliRunner().invoke(main, ["models"]).stdout.splitlines()
    assert [line.split(":")[0].split(" ")[0] for line in lines] == list(rhetoric.models())
    assert any(line.startswith("fast (default): ") for line in lines)


def test_label_wants_a_terminal(tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text(json.dumps({"text": DENIAL, "stances": []}) + "\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["label", str(batch)])
    assert result.exit_code == 2
    assert "terminal" in result.stderr


def test_every_command_says_what_it_does() -> None:
    commands = [([name], command) for name, command in main.commands.items()]
    commands += [(["labels", name], command) for name, command in main.commands["labels"].commands.items()]  # type: ignore[attr-defined]
    for path, command in commands:
        assert command.help, path
        assert all(option.help for option in command.params if isinstance(option, click.Option)), path
