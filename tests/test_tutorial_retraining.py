"""The commands of docs/tutorial-retraining.md do what the page says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from rhetoric.cli import main

ROOT = Path(__file__).resolve().parents[1]


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("matplotlib")
    labels = ROOT / "experiments/retraining/threat.jsonl"
    if not labels.exists():
        pytest.skip("the experiments are not part of this installation")
    page = (ROOT / "docs/tutorial-retraining.md").read_text(encoding="utf-8")
    commands = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    assert len(commands) == 9
    (tmp_path / "seeds").mkdir()
    for article in (ROOT / "seeds").glob("*.txt"):
        shutil.copy(article, tmp_path / "seeds")
    shutil.copy(labels, tmp_path)
    monkeypatch.chdir(tmp_path)
    printed = {}
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "rhetoric"
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, f"{command}\n{result.output}"
        printed[arguments[0]] = result.output
    assert len(Path("batch.jsonl").read_text().splitlines()) == 20
    assert "Use the new model." in printed["train"]
    assert "Use the new model." in Path("my-model/README.md").read_text()
    assert "threat" in printed["classify"]
    assert "| threat |" in printed["evaluate"]
    assert "<svg" in Path("evaluation.html").read_text()
    assert "threat" in json.loads(Path("scores.jsonl").read_text().splitlines()[0])
    batch = [json.loads(line)["text"] for line in Path("next.jsonl").read_text().splitlines()]
    assert len(batch) == 10
