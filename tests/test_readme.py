"""The README shows what the commands print today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_readme_shows_what_the_commands_print() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/readme.py", "--check"], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr


def test_the_test_command_is_marked_for_ci() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    block = readme.split("<!-- test-command -->")[1].split("<!-- /test-command -->")[0]
    assert "pytest" in block
