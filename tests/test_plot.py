"""Charts of scored frames: the numbers drawn are those counted by hand, for frames of every kind."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import report_rows

matplotlib = pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")
matplotlib.use("Agg")
pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")

from matplotlib import pyplot  # noqa: E402

from rhetoric.plot import dyads, timeline  # noqa: E402
from rhetoric.scored import actor_name, actor_of  # noqa: E402

ROWS = list(report_rows.rows(1_500, days=1_000, actors=6))


def _csv(rows: list[dict[str, Any]]) -> Any:
    """As pandas reads the CSV table: lists joined, missing values NaN."""
    joined = [r | {"stances": ";".join(r["stances"]) or None, "claims": json.dumps(r["claims"])} for r in rows]
    return pandas.DataFrame(joined)


KINDS = {
    "pandas": pandas.DataFrame,
    "polars": lambda rows: polars.DataFrame(
        [r | {"claims": json.dumps(r["claims"])} for r in rows], infer_schema_length=None
    ),
    "arrow": lambda rows: pyarrow.Table.from_pylist([r | {"claims": json.dumps(r["claims"])} for r in rows]),
    "csv": _csv,
    "mapping": lambda rows: {name: [r[name] for r in rows] for name in rows[0]},
}


@pytest.fixture(autouse=True)
def _closed() -> Any:
    yield
    pyplot.close("all")


@pytest.mark.parametrize("kind", KINDS)
def test_timeline_draws_the_counts(kind: str) -> None:
    axes = timeline(KINDS[kind](ROWS), stances=("denial", "accusation"), by="year")
    kept = [r for r in ROWS if r["duplicate_of"] is None]
    years = sorted({r["date"][:4] for r in kept})
    for line, stance in zip(axes.get_lines(), ("denial", "accusation"), strict=True):
        counted = Counter(r["date"][:4] for r in kept if stance in r["stances"])
        assert list(line.get_ydata()) == [counted[year] for year in years]
        assert line.get_label() == stance
    bars = [patch.get_height() for patch in axes.figure.axes[-1].patches]
    assert bars == [len({r["document"] for r in kept if r["date"].startswith(year)}) for year in years]


@pytest.mark.parametrize("kind", KINDS)
def test_dyads_write_the_counts(kind: str) -> None:
    axes = dyads(KINDS[kind](ROWS), stance="denial", top=3)
    pairs: Counter[tuple[str, str]] = Counter()
    for r in ROWS:
        for claim in r["claims"] if r["duplicate_of"] is None else ():
            if claim["stance"] == "denial" and claim["target"]:
                pairs[actor_name(actor_of(claim["speaker"])), actor_name(actor_of(claim["target"]))] += 1
    rows = [label.get_text() for label in axes.get_yticklabels()]
    columns = [label.get_text() for label in axes.get_xticklabels()]
    assert len(rows) == len(columns) == 3
    written = {}
    for text in axes.texts:
        x, y = text.get_position()
        written[rows[int(y)], columns[int(x)]] = int(text.get_text())
    assert written == {(a, b): pairs[a, b] for a in rows for b in columns if pairs[a, b]}


def test_silent_periods_show() -> None:
    frame = {"document": ["a", "b"], "date": ["2001-01-30", "2001-04-01"], "stances": [["denial"], ["denial"]]}
    axes = timeline(frame, by="month")
    assert list(axes.get_lines()[0].get_ydata()) == [1, 0, 0, 1]


def test_given_axes_are_used_and_returned() -> None:
    _, ax = pyplot.subplots()
    assert timeline(pandas.DataFrame(ROWS), ax=ax, per_document=True) is ax
    assert ax.get_ylabel() == "sentences per document"
    _, ax = pyplot.subplots()
    assert dyads(pandas.DataFrame(ROWS), ax=ax) is ax


def test_what_can_not_be_drawn_is_told() -> None:
    with pytest.raises(ValueError, match="lacks the columns document, date"):
        timeline(pandas.DataFrame({"stances": [[]]}))
    with pytest.raises(ValueError, match="no row has a date"):
        timeline({"document": ["a"], "date": [None], "stances": [["denial"]]})
    with pytest.raises(ValueError, match="names both sides"):
        dyads({"stances": [["accusation"]]})
