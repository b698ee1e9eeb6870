"""Refresh what the README shows: output of commands, and the scores of the shipped models from their cards.

    python scripts/readme.py [--check]

A block between `<!-- output: COMMAND -->` and `<!-- /output -->` is replaced by what the command prints; the block
`<!-- scores -->` by the macro rows of the model cards. `--check` changes nothing and exits 1 where something is stale.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "rhetoric/models"


def output(command: str) -> str:
    """What a `rhetoric ...` command prints on stdout, run from the project's folder with this interpreter."""
    program, *arguments = shlex.split(command)
    if program != "rhetoric":
        raise SystemExit(f"README.md: {command!r} is no rhetoric command")
    done = subprocess.run(
        [sys.executable, "-m", "rhetoric", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.strip()


def scores() -> str:
    lines = [
        "| model | stance | precision | recall | F1 (95 % interval) | n | ECE | Brier |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for folder in sorted(path for path in MODELS.iterdir() if (path / "config.json").is_file()):
        card = (folder / "README.md").read_text(encoding="utf-8")
        table = re.search(r"\n\| stance \| precision.*?\n((?:\|.*\n)+)", card)
        if table is None:
            raise SystemExit(f"{folder}/README.md has no table of scores")
        lines += [f"| `{folder.name}` {row}" for row in table[1].splitlines()[1:]]
    return "\n".join(lines)


def refreshed(text: str) -> str:
    def run(match: re.Match[str]) -> str:
        return f"<!-- output: {match[1]} -->\n```text\n$ {match[1]}\n{output(match[1])}\n```\n<!-- /output -->"

    text = re.sub(r"<!-- output: (.*?) -->.*?<!-- /output -->", run, text, flags=re.DOTALL)
    return re.sub(
        r"<!-- scores -->.*?<!-- /scores -->",
        lambda _: f"<!-- scores -->\n{scores()}\n<!-- /scores -->",
        text,
        flags=re.DOTALL,
    )


def main() -> None:
    path = ROOT / "README.md"
    old = path.read_text(encoding="utf-8")
    new = refreshed(old)
    if "--check" in sys.argv[1:]:
        sys.exit("README.md is stale: run python scripts/readme.py" if new != old else 0)
    path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
