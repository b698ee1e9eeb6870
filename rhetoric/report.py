"""Scored tables -> one HTML page that works offline: who accuses whom, when, in which words.

A page holds counts that are exact, in a sparse table of stance × period × speaker × target, and of the sentences behind
each count the most probable ones, as many as fit. Rows are streamed: what is kept of each claim while the page is built
are a few numbers; sentences wait in a temporary file.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import heapq
import json
import os
import re
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote, urlsplit

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import RhetoricError
from rhetoric.html import escape, label, visible
from rhetoric.scored import (
    NOT_STATED,
    PRONOUN,
    Actor,
    ClaimedStance,
    ScoredTable,
    actor_name,
    actor_of,
    claims_of,
    day_of,
    read_rejected,
)
from rhetoric.stances import DEFINITIONS

__all__ = ["Report", "write_report"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# A page is coarsened (fewer actors by name, then longer periods) until it has no more cells than this, so that there is
# room for the place of a sentence, at the least, behind every one of them.
_MOST_CELLS: Final = 100_000
_ACTORS: Final = (150, 100, 60, 40)
_LEAST_ACTORS: Final = 20
# Sentences kept: the k most probable of each cell that counts c at least, and the m most probable of each stance and
# period, and of each stance and pair; (k, c, m) is tried from left to right until the page is small enough. Of a cell
# that keeps none, document and place of the most probable one stay.
_KEPT: Final = (
    *(
        (200, 1, 100),
        (50, 1, 50),
        (20, 1, 25),
        (10, 1, 15),
        (6, 1, 12),
        (4, 1, 10),
        (3, 1, 10),
        (2, 1, 10),
        (1, 1, 10),
        (1, 2, 10),
        (1, 3, 10),
        (1, 4, 10),
    ),
    *((1, 6, 10), (1, 10, 8), (1, 20, 6), (0, 1, 6), (0, 1, 3), (0, 1, 1)),
)
_BYTES_PER_PLACE: Final = 20
_KEPT_UNSURE: Final = 3
# What a byte of a waiting sentence takes in the page, compressed and in base64: sets where the search above starts.
_BYTES_PER_BYTE: Final = 0.35
_LONGEST_SENTENCE: Final = 1_200
_EXAMPLES: Final = 50
_CARD_CHARACTERS: Final = 4_000
_PERIODS: Final = {"day": 92, "month": 600, "quarter": 600, "year": 701}
# A finer unit is used where so many of the dated documents are that precise.
_PRECISE: Final = 0.95

# Actors 0, 1 and 2 of every page.
_OTHERS: Final[Actor] = ("", "\0others")
_SPECIAL: Final = (NOT_STATED, PRONOUN, _OTHERS)


@dataclass(frozen=True, slots=True)
class Report:
    """What a page holds.

    ``documents`` and ``sentences`` are those counted: repeats of a document (``duplicates``) are left out.
    ``stances`` counts sentences per stance, ``kept`` of them can be read in the page; ``unit`` is the length of its
    periods, ``actors`` the number that it names, all others being one. ``unreadable`` counts rows of the table that
    could not be read, ``rejected`` records that ``score`` could not read.
    """

    path: str
    size: int
    level: str
    documents: int
    sentences: int
    duplicates: int
    stances: dict[str, int]
    unsure: dict[str, int]
    kept: int
    cells: int
    unit: str
    actors: int
    unreadable: int
    rejected: int


def write_report(
    scores: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    title: str | None = None,
    link: str | None = None,
    card: str | os.PathLike[str] | None = None,
    max_mb: float = 5.0,
) -> Report:
    """Write the page of a scored table.

    Args:
        scores: a file or a folder that ``score`` wrote, of any format and level.
        output: the HTML file; it is replaced whole or not at all.
        title: the page's heading; the table's name otherwise.
        link: where a document can be read: a URL or a relative path with ``{document}``, and ``{start}`` and ``{end}``
            where characters are counted, such as ``https://example.org/{document}#char={start},{end}``. Without it,
            documents whose id is an http(s) URL or a file that lies here are linked.
        card: the model card, a Markdown file; that of the installed model of the same hash otherwise.
        max_mb: the page's largest size, in 10^6 bytes. Counts are exact at any size; smaller pages hold fewer of the
            sentences behind them.

    Returns:
        What the page holds.

    Raises:
        RhetoricError: the table can not be read, the link is unsafe, or the page can not be written or made that small.
        MissingExtraError: reading the table needs a library that is not installed.
    """
    table = ScoredTable.open(scores)
    target = Path(output)
    linker = _Linker(link, table.path.parent if table.path.is_file() else table.path, target.parent)
    with tempfile.TemporaryFile() as waiting:
        tally = _Tally(table.stances, table.level, waiting)
        for row in table.rows():
            tally.add(row)
        page, report = _Page(table, tally, linker, title or table.path.name, card).fitting(int(max_mb * 1e6))
    _replace(target, page)
    return Report(path=str(target), size=len(page), **report)


def _replace(target: Path, page: bytes) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(page)
        os.replace(temporary, target)
    except OSError as error:
        raise RhetoricError(f"{target} can not be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------- counting


@dataclass(slots=True)
class _Day:
    """Documents and sentences of one date, repeats left out."""

    documents: int = 0
    sentences: int = 0


class _Tally:
    """What is remembered of the rows: per date two counts; per claim some numbers; the words wait in a file.

    Claims are those of the stances, in the table's order; a stance in doubt is one of stance ``i + n_stances``, by and
    about nobody.
    """

    def __init__(self, stances: Sequence[str], level: str, waiting: IO[bytes]) -> None:
        self.stances = tuple(stances)
        self.level = level
        self.waiting = waiting
        self.days: dict[int, _Day] = {}
        self.actors: dict[Actor, int] = {actor: i for i, actor in enumerate(_SPECIAL)}
        self.models: Counter[tuple[str, str]] = Counter()
        self.duplicates = 0
        self.duplicate_rows = 0
        self.repeats: list[tuple[str, str]] = []
        self.stanceless = 0
        # of each claim:
        self.day = array("I")
        self.stance = array("H")
        self.speaker = array("I")
        self.target = array("I")
        self.weight = array("I")
        self.probability = array("f")
        self.record = array("I")
        # of each waiting record:
        self.offset = array("Q")
        self._position = 0
        self._index = {stance: i for i, stance in enumerate(self.stances)}
        self._document: str | None = None
        self._today = _Day()

    def add(self, row: Mapping[str, Any]) -> None:
        document = row["document"]
        original = row.get("duplicate_of")
        if document != self._document:
            self._document = document
            self.models[str(row.get("model") or ""), str(row.get("model_hash") or "")] += 1
            if original is None:
                self._today = self.days.setdefault(day_of(row.get("date")), _Day())
                self._today.documents += 1
            else:
                self.duplicates += 1
                if len(self.repeats) < _EXAMPLES:
                    self.repeats.append((str(document), str(original)))
        if original is not None:
            self.duplicate_rows += 1
            return
        if self.level == "document":
            self._today.sentences += int(row["sentences"])
        else:
            self._today.sentences += 1
        stances, unsure = row["stances"], row.get("unsure") or ()
        if not stances:
            self.stanceless += 1
        if stances or unsure:
            self._add_claims(row, stances, unsure)

    def _add_claims(self, row: Mapping[str, Any], stances: Sequence[str], unsure: Sequence[str]) -> None:
        day = day_of(row.get("date"))
        number = len(self.offset)
        whole = self.level == "document"
        claims = [claim for claim in claims_of(row) if claim.stance in stances and claim.stance in self._index]
        shown: list[list[Any]] = []
        for claim in claims:
            self.day.append(day)
            self.stance.append(self._index[claim.stance])
            self.speaker.append(self._actor(claim.speaker))
            self.target.append(self._actor(claim.target))
            self.weight.append(int(row[f"{claim.stance}_sentences"]) if whole else 1)
            self.probability.append(claim.probability)
            self.record.append(number)
        for stance in unsure:
            if stance in self._index:
                self.day.append(day)
                self.stance.append(self._index[stance] + len(self.stances))
                self.speaker.append(0)
                self.target.append(0)
                self.weight.append(1)
                self.probability.append(float(row[stance]))
                self.record.append(number)
        if whole:
            record: list[Any] = [row["document"], row.get("date"), 0, 0, ""]
        else:
            begin, text = row["start"], row["text"] or ""
            shown = [_shown(claim, begin, text) for claim in claims]
            cut = text if len(text) <= _LONGEST_SENTENCE else text[: _LONGEST_SENTENCE - 2] + " …"
            record = [row["document"], row.get("date"), begin, row["end"], cut]
        line = json.dumps(
            [*record, [[self._index[c.stance], *s] for c, s in zip(claims, shown, strict=False)]]
        ).encode()
        self.offset.append(self._position)
        self._position += len(line)
        self.waiting.write(line)

    def _actor(self, mention: Mapping[str, Any] | None) -> int:
        actor = actor_of(mention)
        return self.actors.setdefault(actor, len(self.actors))

    def line(self, number: int) -> bytes:
        """The waiting record of that number; one after the other is fastest."""
        end = self.offset[number + 1] if number + 1 < len(self.offset) else self._position
        self.waiting.seek(self.offset[number])
        return self.waiting.read(end - self.offset[number])


def _shown(claim: ClaimedStance, begin: int, text: str) -> list[Any]:
    """Speaker, target (words, start, end, counted within the sentence; -1 where they do not lie in it) and evidence."""

    def role(mention: Mapping[str, Any] | None) -> list[Any] | None:
        if mention is None:
            return None
        start, end = _within(mention, begin, text)
        return [str(mention["text"])[:120], start, end, " ".join(map(str, mention.get("codes") or ()))[:60]]

    # only what speaks for the stance; a span that weighs against it is no evidence
    spans = (_within(span, begin, text) for span in claim.evidence if _weight(span) > 0)
    return [role(claim.speaker), role(claim.target), [span for span in spans if span[0] >= 0]]


def _weight(span: Mapping[str, Any]) -> float:
    weight = span.get("weight")
    return float(weight) if isinstance(weight, int | float) else 0.0


def _within(span: Mapping[str, Any], begin: int, text: str) -> tuple[int, int]:
    start, end = span.get("start"), span.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return -1, -1
    start, end = start - begin, end - begin
    fits = 0 <= start < end <= min(len(text), _LONGEST_SENTENCE - 2) and text[start:end] == span.get("text")
    return (start, end) if fits else (-1, -1)


# ---------------------------------------------------------------------------------------------- periods


@dataclass(frozen=True, slots=True)
class _Periods:
    """The periods of a page: every one from the first to the last, and one more for documents without such a date."""

    unit: str
    labels: tuple[str, ...]
    of_day: Mapping[int, int]
    vague: int
    """Documents whose date is less precise than the unit; they count as undated."""
    undated: int


def _periods(days: Mapping[int, _Day], unit: str) -> _Periods | None:
    """The periods of a unit, None if the dates are not precise enough for it or too far apart."""
    modulus, least = {"day": (100, 1), "month": (10_000, 100), "quarter": (10_000, 100), "year": (1, 0)}[unit]
    precise = {day for day in days if day and day % modulus >= least}
    dated = sum(tally.documents for day, tally in days.items() if day)
    vague = dated - sum(days[day].documents for day in precise)
    if unit != "year" and (not precise or vague > (1 - _PRECISE) * dated):
        return None
    number = {day: _number(day, unit) for day in precise}
    first, last = min(number.values(), default=0), max(number.values(), default=-1)
    if last - first >= _PERIODS[unit]:
        return None
    if not precise:
        return _Periods(
            "all", ("all documents", "no date"), dict.fromkeys(days, 0), 0, sum(d.documents for d in days.values())
        )
    labels = [_period_label(n, unit) for n in range(first, last + 1)]
    undated = sum(tally.documents for day, tally in days.items() if not day)
    of_day = {day: number[day] - first if day in precise else len(labels) for day in days}
    return _Periods(unit, (*labels, "no date"), of_day, vague, undated)


def _number(day: int, unit: str) -> int:
    year, month = day // 10_000, day // 100 % 100
    if unit == "day":
        return int(np.datetime64(f"{year}-{month:02}-01", "D").astype(int)) + day % 100 - 1
    return year if unit == "year" else year * 12 + month - 1 if unit == "month" else year * 4 + (month - 1) // 3


def _period_label(number: int, unit: str) -> str:
    if unit == "day":
        return str(np.datetime64(number, "D"))
    if unit == "month":
        return f"{number // 12}-{number % 12 + 1:02}"
    return f"{number // 4}-Q{number % 4 + 1}" if unit == "quarter" else str(number)


# ---------------------------------------------------------------------------------------------- the cells


@dataclass(slots=True)
class _Cells:
    """Claims counted by stance, period, speaker and target, in that order of significance.

    ``of_claim`` (n_claims,) is the cell of each claim; ``key`` and ``count`` (n_cells,) are sorted by key.
    """

    periods: _Periods
    actors: tuple[Actor, ...]
    key: Ints
    count: Ints
    of_claim: Ints
    stance: Ints = field(repr=False)
    period: Ints = field(repr=False)
    speaker: Ints = field(repr=False)
    target: Ints = field(repr=False)


def _cells(tally: _Tally) -> _Cells:
    """The finest cells that are few enough."""
    units = [periods for unit in _PERIODS if (periods := _periods(tally.days, unit))]
    tried = [(periods, most) for periods in units for most in _ACTORS] + [(units[-1], _LEAST_ACTORS)]
    for periods, most in tried:
        cells = _counted(tally, periods, most)
        if len(cells.key) <= _MOST_CELLS:
            break
    return cells


def _counted(tally: _Tally, periods: _Periods, most: int) -> _Cells:
    stance = np.frombuffer(tally.stance, np.uint16).astype(np.int64)
    weight = np.frombuffer(tally.weight, np.uint32).astype(np.int64)
    fold, actors = _fold(tally, weight * (stance < len(tally.stances)), most)
    speaker = fold[np.frombuffer(tally.speaker, np.uint32)]
    target = fold[np.frombuffer(tally.target, np.uint32)]
    days, where = np.unique(np.frombuffer(tally.day, np.uint32), return_inverse=True)
    period = np.array([periods.of_day[day] for day in days.tolist()], np.int64)[where]
    n = len(actors)
    key = ((stance * len(periods.labels) + period) * n + speaker) * n + target
    key, of_claim = np.unique(key, return_inverse=True)
    count = np.bincount(of_claim, weight, len(key)).astype(np.int64)
    return _Cells(periods, actors, key, count, of_claim, stance, period, speaker, target)


def _fold(tally: _Tally, weight: Ints, most: int) -> tuple[Ints, tuple[Actor, ...]]:
    """For each actor of the tally its number in the page: the most frequent keep their own, joint actors that are not
    among them go to the first of theirs that is, the rest are "others"."""
    n = len(tally.actors)
    frequency = np.bincount(np.frombuffer(tally.speaker, np.uint32), weight, n)
    frequency += np.bincount(np.frombuffer(tally.target, np.uint32), weight, n)
    frequency[: len(_SPECIAL)] = 0
    names = list(tally.actors)
    chosen = [i for i in np.argsort(-frequency, kind="stable")[:most].tolist() if frequency[i] > 0]
    actors = (*_SPECIAL, *(names[i] for i in chosen))
    number = {actor: i for i, actor in enumerate(actors)}
    others = number[_OTHERS]

    def folded(actor: Actor) -> int:
        if actor in number:
            return number[actor]
        return next((number[(code,)] for code in actor if code and (code,) in number), others)

    return np.array([folded(actor) for actor in names], np.int64), actors


def _rank(group: Ints, probability: NDArray[np.float32]) -> Ints:
    """The place of each claim in its group by falling probability, from 0; of equals the earlier comes first."""
    order = np.lexsort((-probability, group))
    ordered = group[order]
    at = np.arange(len(group))
    begins = np.append(True, ordered[1:] != ordered[:-1])[: len(group)]
    rank = np.empty(len(group), np.int64)
    rank[order] = at - np.maximum.accumulate(np.where(begins, at, 0))
    return rank


# ---------------------------------------------------------------------------------------------- the page


class _Page:
    def __init__(
        self,
        table: ScoredTable,
        tally: _Tally,
        linker: _Linker,
        title: str,
        card: str | os.PathLike[str] | None,
    ) -> None:
        self.table, self.tally, self.linker, self.title = table, tally, linker, title
        self.cells = _cells(tally)
        self.card = _card(card, tally.models)
        n = len(self.cells.actors)
        c = self.cells
        probability = np.frombuffer(tally.probability, np.float32)
        self._in_cell = _rank(c.of_claim, probability)
        self._in_time = _rank(c.stance * len(c.periods.labels) + c.period, probability)
        self._in_pair = _rank((c.stance * n + c.speaker) * n + c.target, probability)

    def fitting(self, most: int) -> tuple[bytes, dict[str, Any]]:
        """The page with as many sentences as ``most`` bytes have room for, and the facts of its ``Report``."""
        facts = self._facts()
        head = len(_render(self.title, facts, b"", self._totals()))
        lengths = np.diff(np.append(np.frombuffer(self.tally.offset, np.uint64), self.tally._position).astype(np.int64))
        record = np.frombuffer(self.tally.record, np.uint32)
        for number, (k, least, m) in enumerate(_KEPT):
            kept = self._keep(k, least, m)
            guess = head + _BYTES_PER_BYTE * int(lengths[np.unique(record[kept])].sum())
            guess += _BYTES_PER_PLACE * len(self.cells.key)
            if guess > 1.5 * most and number + 1 < len(_KEPT):
                continue
            page = _render(self.title, facts, self._sentences(kept), self._totals())
            if len(page) <= most:
                return page, self._report(kept)
        raise RhetoricError(
            f"The page of {self.table.path} takes {len(page):,} bytes even with the fewest sentences, wanted at most "
            f"{most:,}: allow more with --max-mb"
        )

    def _keep(self, k: int, least: int, m: int) -> Bools:
        """Which claims keep the text of their sentence."""
        large = self.cells.count[self.cells.of_claim] >= least
        unsure = self.cells.stance >= len(self.tally.stances)
        return np.where(
            unsure,
            self._in_time < min(m, _KEPT_UNSURE),
            ((self._in_cell < k) & large) | (self._in_time < m) | (self._in_pair < m),
        )

    def _report(self, kept: Bools) -> dict[str, Any]:
        stances, tally = self.tally.stances, self.tally
        totals = self._stance_totals()
        return {
            "level": tally.level,
            "documents": sum(day.documents for day in tally.days.values()),
            "sentences": sum(day.sentences for day in tally.days.values()),
            "duplicates": tally.duplicates,
            "stances": dict(zip(stances, totals, strict=False)),
            "unsure": dict(zip(stances, totals[len(stances) :], strict=True)),
            "kept": int(np.count_nonzero(kept)),
            "cells": len(self.cells.key),
            "unit": self.cells.periods.unit,
            "actors": len(self.cells.actors) - len(_SPECIAL),
            "unreadable": self.table.n_unreadable,
            "rejected": self._rejected["count"],
        }

    def _stance_totals(self) -> list[int]:
        c = self.cells
        stance = c.key // (len(c.periods.labels) * len(c.actors) ** 2)
        return [int(n) for n in np.bincount(stance, c.count, 2 * len(self.tally.stances))]

    def _facts(self) -> dict[str, Any]:
        """All that the page knows but for the sentences. Lists run in parallel; keys of cells are differences."""
        tally, c = self.tally, self.cells
        n_periods = len(c.periods.labels)
        documents, sentences = [0] * n_periods, [0] * n_periods
        for day, count in tally.days.items():
            documents[c.periods.of_day[day]] += count.documents
            sentences[c.periods.of_day[day]] += count.sentences
        model, model_hash = max(tally.models, key=lambda m: tally.models[m], default=("", ""))
        self._rejected = _rejected(self.table)
        return {
            "title": visible(self.title),
            "table": visible(self.table.path.name),
            "model": visible(model),
            "modelHash": visible(model_hash[:12]),
            "otherModels": len(tally.models) - 1,
            "level": tally.level,
            "onlyStances": tally.level == "sentence" and not tally.stanceless,
            "stances": [
                {"name": name, "label": label(name), "definition": DEFINITIONS.get(name, "")} for name in tally.stances
            ],
            "unit": c.periods.unit,
            "periods": c.periods.labels,
            "vague": c.periods.vague,
            "undated": c.periods.undated,
            "documents": documents,
            "sentences": sentences,
            "actors": [_actor(actor) for actor in c.actors],
            "actorsInAll": len(tally.actors) - len(_SPECIAL),
            "keys": np.diff(c.key, prepend=0).tolist(),
            "counts": c.count.tolist(),
            "duplicates": {
                "documents": tally.duplicates,
                "rows": tally.duplicate_rows,
                "examples": [[visible(one), visible(other)] for one, other in tally.repeats],
            },
            "rejected": self._rejected,
            "unreadable": {
                "count": self.table.n_unreadable,
                "examples": [[visible(u.file), u.line, visible(u.reason)] for u in self.table.unreadable],
            },
            "card": self.card,
        }

    def _totals(self) -> list[tuple[str, int]]:
        days = self.tally.days.values()
        totals = [
            ("documents", sum(day.documents for day in days)),
            ("sentences", sum(day.sentences for day in days)),
        ]
        return totals + list(zip(map(label, self.tally.stances), self._stance_totals(), strict=False))

    def _sentences(self, kept: Bools) -> bytes:
        """The kept claims and their sentences as compressed JSON, and the places of the most probable of other cells.

        ``items``: of each claim the cell as a difference, the sentence, the probability in 1/10 000, the weight, and
        speaker, target and evidence with places in UTF-16 units (null for a stance in doubt, 0 where only the place is
        kept); by cell and falling probability.
        """
        tally = self.tally
        covered = np.zeros(len(self.cells.key), np.bool_)
        covered[self.cells.of_claim[kept]] = True
        chosen = np.flatnonzero(kept | ((self._in_cell == 0) & ~covered[self.cells.of_claim]))
        chosen = chosen[np.lexsort((self._in_cell[chosen], self.cells.of_claim[chosen]))]
        record = np.frombuffer(tally.record, np.uint32)[chosen].astype(np.int64)
        numbers, sentence = np.unique(record, return_inverse=True)
        texts: list[list[Any]] = []
        documents: dict[str, int] = {}
        dates: dict[str | None, int] = {}
        claims: list[dict[int, list[Any]]] = []
        for number in numbers.tolist():
            document, date, start, end, text, own = json.loads(tally.line(number))
            position = _utf16(text)
            at = documents.setdefault(document, len(documents))
            texts.append([visible(text), at, start, end, dates.setdefault(date, len(dates))])
            claims.append({stance: _converted(rest, position) for stance, *rest in own})
        items: list[Any] = []
        cell = np.diff(self.cells.of_claim[chosen], prepend=0).tolist()
        weight = np.frombuffer(tally.weight, np.uint32)[chosen].tolist()
        probability = np.rint(np.frombuffer(tally.probability, np.float32)[chosen] * 10_000).astype(int).tolist()
        stance = self.cells.stance[chosen].tolist()
        readable = kept[chosen].tolist()
        for step, s, of, p, w, whole in zip(
            cell, stance, sentence.tolist(), probability, weight, readable, strict=True
        ):
            items.append([step, of, p, w, claims[of].get(s) if whole else 0])
        with_text = {item[1] for item in items if item[4] != 0}
        for of, text in enumerate(texts):
            if of not in with_text:
                text[0] = ""
        data = {
            "items": items,
            "texts": texts,
            "documents": [[visible(document), self.linker.href(document)] for document in documents],
            "dates": [visible(date or "") for date in dates],
        }
        return gzip.compress(json.dumps(data, separators=(",", ":"), ensure_ascii=True).encode(), 9, mtime=0)


def _actor(actor: Actor) -> list[Any]:
    """Name and codes of an actor, as the page lists them."""
    if actor == _OTHERS:
        return ["all other actors", []]
    return [visible(actor_name(actor)), [visible(code) for code in actor if actor[0]]]


def _utf16(text: str) -> Callable[[int], int]:
    """From a code point's place in the text to its place in JavaScript, which counts UTF-16 units."""
    if text.isascii() or max(text) <= "\uffff":
        return lambda place: place
    places = np.cumsum([0, *(1 + (character > "\uffff") for character in text)]).tolist()
    return lambda place: int(places[min(place, len(text))])


def _converted(shown: Sequence[Any], position: Callable[[int], int]) -> list[Any]:
    speaker, target, evidence = shown

    def role(value: list[Any] | None) -> list[Any] | None:
        if value is None:
            return None
        words, start, end, codes = value
        if start >= 0:
            start, end = position(start), position(end)
        return [visible(words), start, end, visible(codes)]

    return [role(speaker), role(target), [place for span in evidence for place in map(position, span)]]


def _rejected(table: ScoredTable) -> dict[str, Any]:
    """Number of the records that ``score`` rejected, by reason, with the first of them; other languages apart.

    Reasons are cut to what comes before the first figure, quote or colon, or each would stand alone.
    """
    reasons: Counter[str] = Counter()
    examples: list[list[Any]] = []
    languages = 0
    for record in read_rejected(table.rejected):
        reason = str(record.get("reason"))
        if record.get("language") or "language" in reason:
            languages += 1
        reasons[re.split(r"[\d:;'\"(]", reason, maxsplit=1)[0].strip()[:80] or reason[:80]] += 1
        if len(examples) < _EXAMPLES:
            examples.append([visible(str(record.get("file"))), record.get("line"), visible(reason[:300])])
    return {
        "count": sum(reasons.values()),
        "languages": languages,
        "reasons": [[visible(reason), count] for reason, count in heapq.nlargest(20, reasons.items(), lambda r: r[1])],
        "examples": examples,
    }


def _card(path: str | os.PathLike[str] | None, models: Mapping[tuple[str, str], int]) -> dict[str, str]:
    """The start of the model card and what it says on limits; or why there is none."""
    name, digest = max(models, key=lambda m: models[m], default=("", ""))
    if path is None:
        from rhetoric.model import load_model
        from rhetoric.storage import shipped_models

        folder = shipped_models().get(name) or (Path(name) if name and Path(name).is_dir() else None)
        try:
            installed = load_model(folder).hash if folder is not None else ""
        except RhetoricError:
            installed = ""
        if folder is None or installed != digest:
            return {"text": "", "note": f"The model {visible(name)!r} ({visible(digest[:12])}) is not installed here."}
        path = folder / "README.md"
        if not path.is_file():
            return {"text": "", "note": f"The model {visible(name)!r} has no card."}
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RhetoricError(f"The model card {path} can not be read: {error.strerror or error}") from error
    return {"text": visible(_excerpt(text)), "note": ""}


def _excerpt(card: str) -> str:
    """Of a Markdown text its first section and those on limits; at most 4,000 characters."""
    card = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
    sections = re.split(r"(?m)^(?=#{1,3} )", card)
    opening = [section for section in sections if section.strip()][:1]
    limits = [
        s for s in sections if re.match(r"#+ .*(limit|misuse|wors|weak|caution|not for|how good)", s, re.IGNORECASE)
    ]
    text = "\n".join(section.strip() + "\n" for section in dict.fromkeys(opening + limits))
    if len(text) > _CARD_CHARACTERS:
        text = text[:_CARD_CHARACTERS].rpartition("\n")[0] + "\n[…]"
    return text.strip()


class _Linker:
    """From a document's id to where it can be read; None where that is not known or not safe to open."""

    def __init__(self, template: str | None, scores: Path, page: Path) -> None:
        self.template, self.page = template, page.resolve()
        self.folders = (Path.cwd(), scores.resolve())
        if template is not None and not (_safe(template) and "{document}" in template):
            raise RhetoricError(
                f"The link {template!r} can not be used: expected an http(s) URL or a relative path with {{document}} "
                f"in it, such as https://example.org/{{document}}#char={{start}},{{end}}"
            )

    def href(self, document: str) -> str | None:
        """A link in which ``{start}``, ``{end}`` and ``{words}`` are still to be filled in."""
        if self.template is not None:
            return self.template.replace("{document}", quote(document, safe="/", errors="replace"))
        if re.match(r"https?://", document):
            url = quote(document, safe="/:?#[]@!$&'()*+,;=%~", errors="replace").replace("{", "%7B")
            return url if "#" in url else f"{url}#:~:text={{words}}"
        return self._file(document)

    @lru_cache(maxsize=4_096)  # noqa: B019  the linker lives as long as the page is being built
    def _file(self, document: str) -> str | None:
        for folder in self.folders:
            try:
                path = folder / document
                if path.is_file():
                    relative = os.path.relpath(path.resolve(), self.page).replace(os.sep, "/")
                    return quote(relative, safe="/", errors="replace") + "#char={start},{end}"
            except (OSError, ValueError):  # no name that a file can have
                return None
        return None


def _safe(link: str) -> bool:
    try:
        scheme = urlsplit(link.strip()).scheme
    except ValueError:
        return False
    return scheme in ("", "http", "https") and not link.strip().startswith("//")


# ---------------------------------------------------------------------------------------------- HTML


@lru_cache(maxsize=8)
def _asset(name: str) -> str:
    return resources.files("rhetoric").joinpath("data", "report", name).read_text(encoding="utf-8")


def _render(title: str, facts: Mapping[str, Any], sentences: bytes, totals: Iterable[tuple[str, int]]) -> bytes:
    """The page: template, style, drawing library, own script, data."""
    style = _asset("uPlot.min.css") + _asset("page.css")
    scripts = (_asset("uPlot.iife.min.js"), _asset("page.js"))
    data = json.dumps(facts, separators=(",", ":"), ensure_ascii=True)
    rows = "".join(f"<tr><th scope='row'>{escape(name)}</th><td>{count:,}</td></tr>" for name, count in totals)
    parts = {
        "title": escape(title),
        "style": style,
        "policy": (
            "default-src 'none'; "
            f"script-src {' '.join(_source_hash(script) for script in scripts)}; style-src {_source_hash(style)}; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        "totals": rows,
        # every sign that could end or open an element, as the JSON escape of itself
        "data": data.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
        "sentences": base64.b64encode(sentences).decode("ascii"),
        "library": scripts[0],
        "script": scripts[1],
    }
    pieces = re.split(r"\{\{(\w+)\}\}", _asset("page.html"))
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces)).encode("utf-8")


def _source_hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode('utf-8')).digest()).decode('ascii')}'"
