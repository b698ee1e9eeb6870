"""The README and every page of docs/: what they tell the reader to type runs, in order, and prints what they show.

Each page runs in a folder of its own that holds ``seeds/``. A block of Python with ``>>>`` is a doctest; other Python
is executed; both share one namespace per page. A block of ``sh`` or ``bash`` must end well; of ``console``, the lines
after ``$`` run, and what stands below them must be what they print (``...`` stands for anything). A comment
``<!-- run: ... -->`` holds commands that the reader does not need, which set the scene or check;
``<!-- not run: reason -->`` says why the block below it can not run.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
if not (ROOT / "README.md").exists():
    pytest.skip("the pages are not part of this installation", allow_module_level=True)

# How many blocks of each page are marked as not run. A new mark is a decision: change the number with it.
NOT_RUN = {
    "README.md": 2,
    "how-to-archive.md": 4,
    "how-to-serve.md": 1,
    "quickstart.md": 1,
    "releasing.md": 1,
    "tutorial-retraining.md": 1,
}
RUNNABLE = {"python", "sh", "bash", "console"}
SHOWN = {"text", "json", "jsonl", "csv", "yaml", "toml"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block, or the commands of a ``run`` comment (language ``sh``)."""

    line: int
    language: str
    code: str
    reason: str | None = None


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page, in order. Fails on what the test could not see, such as a block made by indenting."""
    pattern = re.compile(
        r"^<!-- run:\n(?P<hidden>.*?)^-->$"
        r"|^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?```(?P<language>[^\n]*)\n(?P<code>.*?)^```$",
        re.MULTILINE | re.DOTALL,
    )
    for match in pattern.finditer(page):
        line = page.count("\n", 0, match.start()) + 1
        if match["hidden"] is not None:
            yield Block(line, "sh", match["hidden"])
        else:
            yield Block(line, match["language"], match["code"], match["reason"])
    rest = pattern.sub("", page)
    assert "```" not in rest, "a fence that does not close"
    assert "not run:" not in rest, "a mark that does not stand right above a block"
    indented = re.search(r"^\n {4}(?![-*|]| *\d)\S.*$", rest, re.MULTILINE)
    assert indented is None, f"write it as a fenced block, so that it runs: {indented}"


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a block and what the page shows that each prints, empty where it shows nothing."""
    if block.language != "console":
        yield block.code, ""
        return
    parts = re.split(r"^\$ ", block.code, flags=re.MULTILINE)
    assert not parts[0], f"line {block.line}: a console block begins with $"
    for part in parts[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


class Shell:
    """One bash for a page, so that variables and folders stay; ``rhetoric`` and ``python`` are those under test."""

    def __init__(self, folder: Path, programs: Path) -> None:
        programs.mkdir()
        for name, line in {"python": "", "python3": "", "rhetoric": " -m rhetoric"}.items():
            (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{line} "$@"\n')
            (programs / name).chmod(0o755)
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "ROOT": str(ROOT),
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }
        self.state = programs.parent / "state"
        self.state.write_text("")

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        whole = f"source {self.state}\n{code}\nexport -p > {self.state}\n"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", whole],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=600,
        )


def run_python(block: Block, names: dict[str, Any], where: str) -> None:
    if ">>>" not in block.code:
        exec(compile("\n" * block.line + block.code, where, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.code, names, where, where, block.line)
    report = io.StringIO()
    failed = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.write, clear_globs=False).failed
    names.update(test.globs)
    assert not failed, report.getvalue()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_page_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "page"
    shutil.copytree(ROOT / "seeds", folder / "seeds", ignore=shutil.ignore_patterns("*.md"))
    for copied in folder.rglob("*"):
        copied.chmod(0o755 if copied.is_dir() else 0o644)
    shell = Shell(folder, tmp_path / "programs")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, Any] = {"__name__": "page"}
    marked = 0
    for block in blocks(path.read_text(encoding="utf-8")):
        where = f"{path.name}, line {block.line}"
        assert block.language in RUNNABLE | SHOWN, f"{where}: no language that the test knows: {block.language!r}"
        if block.language in SHOWN:
            assert block.reason is None, f"{where}: a block of {block.language} needs no mark"
            assert not re.match(r"(rhetoric|pip|python3?|import|from) ", block.code), f"{where}: no output, a command"
            continue
        if block.reason is not None:
            marked += 1
            continue
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                run_python(block, names, where)
            continue
        for command, shown in commands(block):
            done = shell.run(command)
            assert done.returncode == 0, f"{where}: {command}\n{done.stdout}\n{done.stderr}"
            if shown:
                same = doctest.OutputChecker().check_output(shown, done.stdout, FLAGS)
                assert same, f"{where}: {command}\nshown:\n{shown}\nprinted:\n{done.stdout}"
    assert marked == NOT_RUN.get(path.name, 0), f"{path.name}: {marked} blocks are marked as not run"


def slug(heading: str) -> str:
    """A heading's anchor, as forges make it."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).strip().lower()).replace(" ", "-")


OTHERS = ("MODELS.md", "CHANGELOG.md", "labels/*.md", "rhetoric/models/*/*.md", "seeds/*.md")
LINKED = [*PAGES, *(path for pattern in OTHERS for path in sorted(ROOT.glob(pattern)))]


@pytest.mark.parametrize("path", LINKED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere_on_the_forge(path: Path) -> None:
    """Every relative link names a file or folder of the repository, and its anchor a heading there."""
    prose = re.sub(r"```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"https?://|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        page = (path.parent / name).resolve() if name else path
        assert page.exists(), f"{target}: there is no {page}"
        assert page.is_relative_to(ROOT), f"{target} leads out of the repository"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{target}: no such heading"


def test_the_readme_shows_what_the_commands_print_today() -> None:
    """Its long output and its scores are written by scripts/readme.py."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/readme.py", "--check"], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr


def test_the_test_command_is_marked_for_ci() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    block = readme.split("<!-- test-command -->")[1].split("<!-- /test-command -->")[0]
    assert "pytest" in block


def test_a_block_that_is_neither_run_nor_marked_is_seen() -> None:
    """The check itself: unknown languages, indented commands and stray marks do not pass in silence."""
    assert [b.language for b in blocks("```\nrhetoric x\n```\n")] == [""]
    with pytest.raises(AssertionError, match="fenced"):
        list(blocks("Do:\n\n    rhetoric x\n"))
    with pytest.raises(AssertionError, match="right above"):
        list(blocks("<!-- not run: cloud -->\n\n```sh\nrhetoric x\n```\n"))
    (block,) = blocks("<!-- not run: cloud -->\n```sh\nrhetoric x\n```\n")
    assert block.reason == "cloud"
