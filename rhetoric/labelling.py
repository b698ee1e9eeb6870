"""Labelling in the terminal, keys only. Every answer is on disk before the next sentence is shown, so that a killed
session goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rhetoric.errors import LabelError
from rhetoric.html import visible
from rhetoric.labels import Label, shipped
from rhetoric.labels.files import parse_lines
from rhetoric.stances import DEFINITIONS, STANCES

__all__ = ["Session", "run"]

HELP: Final = "1-9 stance  0 none  u unsure  enter save  s later  b undo  c codebook  q quit"


@dataclass(frozen=True, slots=True)
class Draft:
    """The answer on screen."""

    stances: tuple[str, ...]
    unsure: bool = False


class Session:
    """A batch, the answers so far, and the sentence at hand.

    Args:
        batch: JSONL of sentences, as ``rhetoric suggest`` writes it or any records with ``text``; stances in it are
            shown as suggestions.
        output: JSONL that answers are added to. What is there counts as answered; half a line at its end, left by a
            kill, is cut off.
        stances: the names to choose from; if left out, those of the records and the library's own.
        annotator: whose answers these are.

    Raises:
        LabelError: a file is at fault; file and line are named.
    """

    def __init__(
        self,
        batch: str | os.PathLike[str],
        output: str | os.PathLike[str],
        *,
        stances: Sequence[str] | None = None,
        annotator: str = "me",
    ) -> None:
        if not annotator.strip():
            raise LabelError("the annotator's name is empty; give one with --annotator")
        self.annotator = annotator
        self.path = Path(output)
        if self.path.exists() and self.path.samefile(batch):
            raise LabelError(f"{output} is the batch itself; answers go to another file")
        rows = _records(batch)
        if stances is None:
            named = (s for row in rows for s in (*(row.stances), *row.extra.get("probabilities", ())))
            stances = tuple(dict.fromkeys((*STANCES, *named)))
        self.stances = tuple(stances)
        if not 1 <= len(self.stances) <= 9:
            raise LabelError(f"got {len(self.stances)} stances, expected 1 to 9: one key each")
        self._repair()
        done = {r.key for r in _records(self.path)} if self.path.exists() and self.path.stat().st_size else set()
        self.answered_before = len({r.key for r in rows} & done)
        first: dict[str, Label] = {}
        for row in rows:
            first.setdefault(row.key, row)
        self._queue = [row for key, row in first.items() if key not in done]
        self._history: list[tuple[Label, int]] = []  # what was answered here, and the file's size before it
        self.total = len(first)
        self.draft = self._suggestion()

    @property
    def current(self) -> Label | None:
        """The sentence at hand; None when all are answered."""
        return self._queue[0] if self._queue else None

    @property
    def answered(self) -> int:
        return self.total - len(self._queue)

    def _suggestion(self) -> Draft:
        if self.current is None:
            return Draft(())
        return Draft(tuple(s for s in self.stances if s in self.current.stances), self.current.unsure)

    def toggle(self, stance: str) -> None:
        """Add the stance to the draft, or take it out."""
        held = set(self.draft.stances) ^ {stance}
        self.draft = replace(self.draft, stances=tuple(s for s in self.stances if s in held))

    def clear(self) -> None:
        """No stance."""
        self.draft = replace(self.draft, stances=())

    def doubt(self) -> None:
        """Mark the draft unsure, or not."""
        self.draft = replace(self.draft, unsure=not self.draft.unsure)

    def save(self) -> None:
        """Write the draft as the answer; it is on disk when this returns.

        Raises:
            LabelError: the file can not be written.
        """
        if self.current is None:
            return
        record = self._queue[0]
        kept = {k: v for k, v in record.extra.items() if k not in ("suggested_by", "probabilities", "chosen")}
        answer = replace(
            record,
            stances=self.draft.stances,
            unsure=self.draft.unsure,
            roles={},
            annotator=self.annotator,
            extra=kept,
        )
        line = json.dumps(answer.to_dict(), ensure_ascii=False) + "\n"
        try:
            with open(self.path, "ab") as file:
                size = file.tell()
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise LabelError(f"{self.path}: can not be written: {error.strerror}") from error
        self._history.append((self._queue.pop(0), size))
        self.draft = self._suggestion()

    def later(self) -> None:
        """Put the sentence at the end of the queue."""
        self._queue.append(self._queue.pop(0)) if self._queue else None
        self.draft = self._suggestion()

    def undo(self) -> bool:
        """Take back the last answer of this session; its sentence is at hand again. False where there is none."""
        if not self._history:
            return False
        record, size = self._history.pop()
        with open(self.path, "r+b") as file:
            file.seek(size)
            answer = json.loads(file.readline())
            file.truncate(size)
            file.flush()
            os.fsync(file.fileno())
        self._queue.insert(0, record)
        self.draft = Draft(tuple(answer["stances"]), answer["unsure"])
        return True

    def _repair(self) -> None:
        """Cut off the line that a kill left unfinished."""
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with open(self.path, "r+b") as file:
                file.truncate(whole)


def _records(path: str | os.PathLike[str]) -> list[Label]:
    records = []
    for number, data in parse_lines(path):
        try:
            if isinstance(data, LabelError):
                raise data
            records.append(Label.from_dict({"stances": [], **data}, None))
        except LabelError as error:
            raise LabelError(f"{path}:{number}: {error}") from error
    if not records:
        raise LabelError(f"{path}:1: holds no sentences to label")
    return records


def codebook(stance: str) -> str:
    """The section of the codebook on this stance, or its definition, or a word on where to write one."""
    try:
        sections = shipped("CODEBOOK.md").read_text(encoding="utf-8").split("\n## ")
    except LabelError:
        sections = []
    for section in sections:
        if section.split("\n", 1)[0].strip() == stance:
            return section.strip()
    return (
        DEFINITIONS.get(stance)
        or f"{stance}\n\nYour own stance: write down what counts, and what does not, before you go on."
    )


def screen(session: Session, width: int = 80, message: str = "") -> str:
    """What is shown for the sentence at hand."""
    lines = [f"{session.answered} of {session.total}   {HELP}", ""]
    record = session.current
    if record is None:
        return "\n".join([*lines, f"All {session.total} sentences are answered: {session.path}"])
    lines += [*textwrap.wrap(visible(record.sentence), max(20, width - 2)), ""]
    chances: Mapping[str, Any] = record.extra.get("probabilities") or {}
    for number, stance in enumerate(session.stances, 1):
        mark = "x" if stance in session.draft.stances else " "
        chance = chances.get(stance)
        told = f"   model: {chance:.2f}" if isinstance(chance, (int, float)) else ""
        lines.append(f"  {number} [{mark}] {stance}{told}")
    lines.append(f"  u [{'x' if session.draft.unsure else ' '}] unsure")
    where = record.document or record.id
    if where:
        lines += ["", f"from {visible(where)}"]
    if message:
        lines += ["", message]
    return "\n".join(lines)


def run(
    session: Session, key: Callable[[], str], show: Callable[[str], None], *, width: int = 80, height: int = 24
) -> None:
    """Show, wait for a key, act, until all is answered or ``q``.

    Args:
        key: waits for keys and returns them; several at once where they came faster than they were read.
        show: replaces the screen by a text.
        width, height: of the screen, in characters.
    """
    pressed_keys = _one_by_one(key)
    message = ""
    while session.current is not None:
        show(screen(session, width, message))
        message = ""
        pressed = next(pressed_keys)
        if pressed in ("q", "\x03", "\x04"):
            break
        if pressed in ("\r", "\n", " "):
            session.save()
        elif pressed == "0":
            session.clear()
        elif pressed in ("u", "?"):
            session.doubt()
        elif pressed == "s":
            session.later()
        elif pressed in ("b", "\x7f", "\x08"):
            message = "" if session.undo() else "Nothing to take back in this session."
        elif pressed == "c":
            _show_codebook(session, pressed_keys, show, width, height)
        elif pressed.isdecimal() and 1 <= int(pressed) <= len(session.stances):
            session.toggle(session.stances[int(pressed) - 1])
        else:
            message = f"No such key. {HELP}"
    stopped = f"{session.answered} of {session.total} answered: {session.path}"
    show(screen(session, width) if session.current is None else stopped)


def _one_by_one(key: Callable[[], str]) -> Iterator[str]:
    """Single keys; what an arrow or function key sends (escape and more) is one key that means nothing here."""
    while True:
        pressed = key()
        yield from [pressed] if pressed.startswith("\x1b") else pressed


def _show_codebook(session: Session, keys: Iterator[str], show: Callable[[str], None], width: int, height: int) -> None:
    """Stance by stance, page by page; a stance's number goes there, space to the next page, any other key back."""
    at = session.draft.stances[0] if session.draft.stances else session.stances[0]
    page = 0
    while True:
        lines = _wrapped(codebook(at), max(20, width - 2))
        size = max(4, height - 3)
        pages = max(1, -(-len(lines) // size))
        help = (
            f"page {page + 1} of {pages}   space next page   1-{len(session.stances)} another stance   other keys back"
        )
        show("\n".join([*lines[page * size : (page + 1) * size], "", help]))
        pressed = next(keys)
        if pressed == " ":
            page = (page + 1) % pages
        elif pressed.isdecimal() and 1 <= int(pressed) <= len(session.stances):
            at, page = session.stances[int(pressed) - 1], 0
        else:
            return


def _wrapped(text: str, width: int) -> list[str]:
    """The text's paragraphs and list items, each wrapped as a whole."""
    items: list[str] = []
    for line in text.splitlines():
        if items and items[-1] and line.startswith("  "):
            items[-1] += " " + line.strip()
        elif items and items[-1] and line and not line.startswith("-") and len(items[-1].split()) > 3:
            items[-1] += " " + line
        else:
            items.append(line)
    lines: list[str] = []
    for item in items:
        lines += textwrap.wrap(item, width, subsequent_indent="  " if item.startswith("-") else "") or [""]
    return lines
