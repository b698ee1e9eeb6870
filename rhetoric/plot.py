"""Scored tables as matplotlib charts: stances over time, and who speaks against whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from rhetoric.errors import MissingExtraError
from rhetoric.html import PALETTE, label
from rhetoric.scored import actor_name, actor_of, claims_of, day_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["dyads", "timeline"]

_STYLES: Final = ("-", "--", ":", "-.")
_MARKERS: Final = ("o", "s", "^", "D")


def timeline(
    frame: Any,
    *,
    stances: Sequence[str] | None = None,
    by: Literal["year", "month", "day"] = "year",
    per_document: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Sentences with each stance over time, over bars of the number of documents: volume is not rhetoric.

    Args:
        frame: the table that ``score`` wrote, one row per sentence, as a pandas or polars frame, a pyarrow table, or a
            mapping from column to list. Documents that repeat another one are left out.
        stances: those to draw, in this order; otherwise those that occur, in order of their first occurrence.
        by: length of a period. Rows whose date does not tell it are left out.
        per_document: draw sentences per document, not their number.
        ax: where to draw; a new figure otherwise.

    Returns:
        The axes of the lines; those of the bars are its ``axes.figure.axes[-1]``.

    Raises:
        MissingExtraError: matplotlib is not installed.
        ValueError: the frame lacks a column, or no row has a date.
    """
    pyplot = _pyplot()
    documents: dict[str, set[str]] = {}
    counts: dict[str, Counter[str]] = {stance: Counter() for stance in stances or ()}
    for row in _rows(frame, ("document", "date", "stances"), ("duplicate_of",)):
        period = _period(row["date"], by)
        if period is None or _given(row["duplicate_of"]):
            continue
        documents.setdefault(period, set()).add(row["document"])
        for stance in row["stances"]:
            if stances is None or stance in counts:
                counts.setdefault(stance, Counter())[period] += 1
    if not documents:
        raise ValueError(f"no row has a date that gives the {by}: nothing can be drawn over time")
    periods = _every(min(documents), max(documents), by)
    axes = ax if ax is not None else pyplot.subplots(figsize=(8, 4), layout="constrained")[1]
    below = axes.twinx()
    at = range(len(periods))
    volume = [len(documents.get(period, ())) for period in periods]
    below.bar(at, volume, color="#dddddd", label="documents", zorder=0)
    below.set_ylabel("documents", color="#666666")
    below.set_ylim(0, 3 * max(volume))  # the bars keep to the lower third
    axes.set_zorder(below.get_zorder() + 1)
    axes.patch.set_visible(False)
    for i, (stance, counted) in enumerate(counts.items()):
        values = [counted[p] / (v or 1) if per_document else counted[p] for p, v in zip(periods, volume, strict=True)]
        axes.plot(
            at,
            values,
            label=label(stance),
            color=PALETTE[i % len(PALETTE)],
            linestyle=_STYLES[i % len(_STYLES)],
            marker=_MARKERS[i % len(_MARKERS)] if len(periods) <= 40 else None,
        )
    axes.set_ylim(bottom=0)
    axes.set_ylabel("sentences per document" if per_document else "sentences")
    step = -(-len(periods) // 15)
    axes.set_xticks(list(at)[::step], periods[::step], rotation=45)
    if counts:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(counts), frameon=False)
    return axes


def dyads(frame: Any, *, stance: str = "accusation", top: int = 12, ax: Axes | None = None) -> Axes:
    """Who takes a stance towards whom: rows speak, columns are aimed at, numbers are sentences.

    Args:
        frame: as for :func:`timeline`. Roles come from the column ``claims`` where there is one.
        stance: the stance that is counted.
        top: the most rows and columns; the most frequent actors are shown.
        ax: where to draw; a new figure otherwise.

    Returns:
        The axes.

    Raises:
        MissingExtraError: matplotlib is not installed.
        ValueError: the frame lacks a column, or no sentence with the stance names both sides.
    """
    pyplot = _pyplot()
    pairs: Counter[tuple[str, str]] = Counter()
    roles = ("claims", "speaker", "speaker_code", "target", "target_code", "duplicate_of")
    for row in _rows(frame, ("stances",), roles):
        if stance not in row["stances"] or _given(row["duplicate_of"]):
            continue
        for claim in claims_of(row):
            speaker, target = actor_of(claim.speaker), actor_of(claim.target)
            if claim.stance == stance and len(speaker) and len(target) and speaker != ("",) and target != ("",):
                pairs[actor_name(speaker), actor_name(target)] += 1
    if not pairs:
        raise ValueError(f"no sentence with the stance {stance!r} names both sides: there is nothing to draw")
    speakers, targets = (_leading(pairs, side, top) for side in (0, 1))
    axes = ax
    if axes is None:
        size = (2.5 + 0.5 * len(targets), 1.8 + 0.4 * len(speakers))
        axes = pyplot.subplots(figsize=size, layout="constrained")[1]
    values = [[pairs[speaker, target] for target in targets] for speaker in speakers]
    axes.imshow(values, cmap="Blues", aspect="auto", vmin=0)
    highest = max(map(max, values))
    for i, counts in enumerate(values):
        for j, count in enumerate(counts):
            if count:
                colour = "white" if count > 0.6 * highest else "black"
                axes.text(j, i, str(count), ha="center", va="center", color=colour, fontsize="small")
    axes.set_xticks(range(len(targets)), targets, rotation=45, ha="right")
    axes.set_yticks(range(len(speakers)), speakers)
    axes.set_xlabel("aimed at")
    axes.set_ylabel("speaker")
    axes.set_title(f"{label(stance)}: sentences")
    return axes


def _leading(pairs: Mapping[tuple[str, str], int], side: int, top: int) -> list[str]:
    totals: Counter[str] = Counter()
    for pair, count in pairs.items():
        totals[pair[side]] += count
    return [name for name, _ in totals.most_common(top)]


def _rows(frame: Any, needed: Iterable[str], optional: Iterable[str]) -> Iterable[dict[str, Any]]:
    """The rows of a frame of any kind with these columns only; stances as lists, optional columns None if missing."""
    columns: dict[str, Sequence[Any]] = {}
    present = list(getattr(frame, "column_names", getattr(frame, "columns", frame)))
    missing = [name for name in needed if name not in present]
    if missing:
        raise ValueError(
            f"the frame lacks the columns {', '.join(missing)}; expected the table that score() wrote, one row per "
            f"sentence, found {', '.join(map(str, present[:12]))}"
        )
    for name in (*needed, *optional):
        if name in present:
            column = frame.column(name) if hasattr(frame, "column_names") else frame[name]
            convert = next((getattr(column, m) for m in ("to_pylist", "to_list") if hasattr(column, m)), None)
            columns[name] = convert() if convert else list(column)
    length = len(next(iter(columns.values())))
    missing_values = [None] * length
    names = (*needed, *optional)
    for values in zip(*(columns.get(name, missing_values) for name in names), strict=True):
        row = dict(zip(names, values, strict=True))
        stances = row["stances"]
        if isinstance(stances, str):  # as in CSV
            row["stances"] = stances.split(";")
        elif not isinstance(stances, Iterable):  # a missing value: no stance
            row["stances"] = []
        yield row


def _given(value: Any) -> bool:
    """Whether there is a value; pandas writes a missing string as NaN."""
    return isinstance(value, str)


def _period(date: Any, by: str) -> str | None:
    day = day_of(date if isinstance(date, str) else str(date))
    year, month, of_month = day // 10_000, day // 100 % 100, day % 100
    if not year or (by != "year" and not month) or (by == "day" and not of_month):
        return None
    return f"{year}" if by == "year" else f"{year}-{month:02}" if by == "month" else f"{year}-{month:02}-{of_month:02}"


def _every(first: str, last: str, by: str) -> list[str]:
    """All periods from the first to the last, so that a silent one shows."""
    import numpy as np

    unit: Any = {"year": "Y", "month": "M", "day": "D"}[by]
    return [str(p) for p in np.arange(np.datetime64(first, unit), np.datetime64(last, unit) + 1)]


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtraError("rhetoric.plot", "plot") from None
    return pyplot
