"""Frames come back as the type they were, rows in place, with what their texts say."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_model import STANCES, FakeBatchModel, FakeModel

from rhetoric.archive import score
from rhetoric.errors import MissingExtraError
from rhetoric.frames import batch_schema, reading_to_frame, score_batch, score_frame
from rhetoric.records import Reading

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

MODEL = FakeBatchModel()
TEXTS = ["The envoy left. Talks may follow.", None, "", "Port Roe denied it.", "The envoy left. Talks may follow."]
NEW = [*STANCES, "stances", "unsure", "sentences"]


def expected(text: str | None) -> list[Any]:
    if text is None:
        return [None] * len(NEW)
    reading = MODEL.read(text)
    highest = [max((s.probabilities[stance] for s in reading), default=0.0) for stance in STANCES]
    unsure = [stance for stance in STANCES if any(stance in s.unsure for s in reading)]
    return [*highest, list(reading.stances), unsure, len(reading)]


def plain(value: Any) -> Any:
    missing = value is pd.NA or (isinstance(value, float) and value != value)
    return None if missing else value


def test_pandas_keeps_index_order_and_the_frame_given() -> None:
    frame = pd.DataFrame({"n": range(5), "text": TEXTS}, index=[7, 3, 3, "x", 0])
    before = frame.copy(deep=True)
    scored = score_frame(frame, model=MODEL)
    assert type(scored) is pd.DataFrame
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(scored[["n", "text"]], frame)
    assert list(scored.columns) == ["n", "text", *NEW]
    for row, text in enumerate(TEXTS):
        assert [plain(scored[name].iloc[row]) for name in NEW] == expected(text)
    assert scored["accusation"].dtype == "float64"


def test_polars() -> None:
    frame = pl.DataFrame({"body": TEXTS, "n": range(5)})
    scored = score_frame(frame, model=MODEL)
    assert type(scored) is pl.DataFrame
    assert scored.select(frame.columns).equals(frame)
    assert [list(row) for row in scored.select(NEW).rows()] == [expected(text) for text in TEXTS]


@pytest.mark.parametrize("make", [pa.table, pa.RecordBatch.from_pydict])
def test_arrow(make: Any) -> None:
    frame = make({"content": pa.array(TEXTS), "n": pa.array(range(5))})
    scored = score_frame(frame, model=FakeModel())
    assert type(scored) is type(frame)
    assert scored.select(["content", "n"]).equals(frame)
    assert [[row[name] for name in NEW] for row in scored.to_pylist()] == [expected(text) for text in TEXTS]


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (pd.Series(TEXTS, index=list("vwxyz"), name="lead"), "lead"),
        (pd.Series(TEXTS, dtype="string"), "text"),
        (pl.Series("lead", TEXTS), "lead"),
        (pl.Series(TEXTS), "text"),
        (pa.array(TEXTS), "text"),
        (pa.chunked_array([TEXTS[:2], TEXTS[2:]]), "text"),
    ],
)
def test_a_column_alone_becomes_a_frame(column: Any, name: str) -> None:
    scored = score_frame(column, model=MODEL)
    if isinstance(column, pd.Series):
        assert type(scored) is pd.DataFrame
        assert scored.index.equals(column.index)
        rows = scored.to_dict("records")
    elif isinstance(column, pl.Series):
        assert type(scored) is pl.DataFrame
        rows = scored.to_dicts()
    else:
        assert type(scored) is pa.Table
        rows = scored.to_pylist()
    assert [plain(row[name]) for row in rows] == TEXTS
    assert [[plain(row[new]) for new in NEW] for row in rows] == [expected(text) for text in TEXTS]


@pytest.mark.parametrize("frame", [pd.DataFrame({"text": []}), pl.DataFrame({"text": []}), pa.table({"text": []})])
def test_empty_frames(frame: Any) -> None:
    scored = score_frame(frame, model=MODEL)
    names = scored.schema.names if isinstance(scored, pa.Table) else list(scored.columns)
    assert names == ["text", *NEW]
    assert len(scored) == 0


def test_frames_that_can_not_be_scored() -> None:
    with pytest.raises(TypeError, match="pandas or polars DataFrame"):
        score_frame([{"text": "x"}], model=MODEL)
    with pytest.raises(TypeError, match="LazyFrame"):
        score_frame(pl.LazyFrame({"text": ["x"]}), model=MODEL)
    with pytest.raises(TypeError, match="Index"):
        score_frame(pd.Index(["x"]), model=MODEL)
    with pytest.raises(TypeError, match="row 1 holds int"):
        score_frame(pd.DataFrame({"text": ["x", 7]}), model=MODEL)
    with pytest.raises(ValueError, match="no column 'lead'; there are 'text'"):
        score_frame(pd.DataFrame({"text": ["x"]}), text="lead", model=MODEL)
    with pytest.raises(ValueError, match="name it: text="):
        score_frame(pd.DataFrame({"a": ["x"]}), model=MODEL)
    with pytest.raises(ValueError, match="already has 'denial'"):
        score_frame(pd.DataFrame({"text": ["x"], "denial": [1]}), model=MODEL)


def test_a_batch_gives_the_rows_of_the_parquet_table(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    data = {"id": ["a", "b", "c"], "date": ["2020", None, "2021"], "text": ["One. Two denied.", "", "Three said four."]}
    batch = pa.RecordBatch.from_pydict(data)
    pq.write_table(pa.Table.from_batches([batch]), tmp_path / "in.parquet")
    score(tmp_path / "in.parquet", tmp_path / "out.parquet", model=MODEL)
    scored = score_batch(batch, model=MODEL)
    assert isinstance(scored, pa.RecordBatch)
    assert scored.schema.equals(batch_schema(MODEL))
    assert pa.Table.from_batches([scored]).equals(pq.read_table(tmp_path / "out.parquet"))


def test_a_batch_without_ids_or_with_nulls() -> None:
    scored = score_batch(pa.RecordBatch.from_pydict({"lead": ["One.", None, "Two."]}), text="lead", model=MODEL)
    assert scored.column("document").to_pylist() == ["0", "2"]
    assert json.loads(scored.column("claims")[0].as_py()) is not None
    with pytest.raises(TypeError, match=r"expected a pyarrow\.RecordBatch"):
        score_batch(pa.table({"text": ["x"]}), model=MODEL)
    with pytest.raises(ValueError, match="no column 'key'"):
        score_batch(pa.RecordBatch.from_pydict({"text": ["x"]}), id="key", model=MODEL)


def test_a_reading_as_a_frame() -> None:
    reading = next(r for r in (MODEL.read(f"Sentence {i}. Another {i}.") for i in range(99)) if len(r.claims) == 1)
    frame = reading_to_frame(reading)
    assert list(frame.columns) == [
        "start", "end", "text", *STANCES, "stances", "unsure", "speaker", "speaker_code", "target", "target_code",
    ]  # fmt: skip
    assert frame["text"].tolist() == [s.text for s in reading]
    assert frame["stances"].tolist() == [list(s.stances) for s in reading]
    (with_claim,) = [row for row, s in enumerate(reading) if s.claims]
    assert frame["speaker_code"][with_claim] == "XRU"
    assert frame["accusation"].tolist() == [s.probabilities["accusation"] for s in reading]
    assert len(reading_to_frame(Reading())) == 0


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="pandas"):
        reading_to_frame(MODEL.read("One."))
