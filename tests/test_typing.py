"""What a user's type checker sees: ``mypy --strict`` over programs in ``tests/typing``, with the installed package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")
HERE = Path(__file__).resolve().parent / "typing"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def check(program: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """mypy as a user runs it: in a folder without our source and settings, so that it finds the installed package."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(cache / "cache")]
    command += ["--no-error-summary", "--show-error-codes", str(HERE / program)]
    return subprocess.run(command, cwd=cache, capture_output=True, text=True, encoding="utf-8")


def test_a_typed_program_has_no_errors_and_the_types_it_expects(cache: Path) -> None:
    done = check("client.py", cache)
    assert (done.returncode, done.stdout) == (0, "")


def test_mistakes_are_caught_where_they_stand(cache: Path) -> None:
    done = check("misuse.py", cache)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = (HERE / "misuse.py").read_text("utf-8").splitlines()
    expected = [(n, m[1]) for n, line in enumerate(lines, 1) if (m := re.search(r"# error: ([a-z-]+)$", line))]
    found = re.findall(r"misuse\.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert [(int(line), code) for line, code in found] == expected, done.stdout
