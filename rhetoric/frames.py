"""Data frames in, data frames out: pandas, polars and Arrow, none of them needed to import this module."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, overload

from rhetoric.archive import tables
from rhetoric.archive.readers import DATE_COLUMNS, ID_COLUMNS, TEXT_COLUMNS
from rhetoric.archive.shards import Model, load
from rhetoric.archive.tables import Layout
from rhetoric.errors import MissingExtraError
from rhetoric.records import Reading

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["batch_schema", "reading_to_frame", "score_batch", "score_frame"]

Frame = TypeVar("Frame")


def reading_to_frame(reading: Reading) -> pandas.DataFrame:
    """One row per sentence.

    Columns: ``start``, ``end``, ``text``, one of probability per stance, ``stances`` and ``unsure`` (lists), and
    ``speaker``, ``speaker_code``, ``target``, ``target_code`` of the most probable claim. An empty reading gives a
    frame without rows and, as it knows no stances, without their columns.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("Reading.to_frame()", "pandas") from None
    stances = tuple(reading[0].probabilities) if len(reading) else ()
    roles = ("speaker", "speaker_code", "target", "target_code")
    rows = [
        (
            sentence.start,
            sentence.end,
            sentence.text,
            *[sentence.probabilities[stance] for stance in stances],
            list(sentence.stances),
            list(sentence.unsure),
            *tables.roles_of(max(sentence.claims, key=lambda claim: claim.probability, default=None)),
        )
        for sentence in reading
    ]
    return pandas.DataFrame(rows, columns=["start", "end", "text", *stances, "stances", "unsure", *roles])


@overload
def score_frame(
    frame: pandas.Series, *, text: str | None = None, model: str | os.PathLike[str] | Model = "fast"
) -> pandas.DataFrame: ...
@overload
def score_frame(  # type: ignore[overload-cannot-match]  # mypy is told to see none of these libraries here
    frame: polars.Series, *, text: str | None = None, model: str | os.PathLike[str] | Model = "fast"
) -> polars.DataFrame: ...
@overload
def score_frame(  # type: ignore[overload-cannot-match]
    frame: pyarrow.Array | pyarrow.ChunkedArray,
    *,
    text: str | None = None,
    model: str | os.PathLike[str] | Model = "fast",
) -> pyarrow.Table: ...
@overload
def score_frame(  # type: ignore[overload-cannot-match]
    frame: Frame, *, text: str | None = None, model: str | os.PathLike[str] | Model = "fast"
) -> Frame: ...
def score_frame(frame: Any, *, text: str | None = None, model: str | os.PathLike[str] | Model = "fast") -> Any:
    """The frame with what its texts say, row by row.

    Adds one column per stance (the highest probability among the text's sentences, 0..1), ``stances`` and ``unsure``
    (lists: the union over the sentences) and ``sentences`` (their number). A text without sentences has probability
    0; a null text has nulls. Order, index and all columns stay as they are; the frame that was given is not changed.

    Args:
        frame: ``pandas.DataFrame``, ``polars.DataFrame``, ``pyarrow.Table`` or ``pyarrow.RecordBatch``; the same comes
            back. A column alone (``pandas.Series``, ``polars.Series``, ``pyarrow.Array`` or ``ChunkedArray``) comes
            back as a frame, under its own name or ``text``.
        text: the column of the texts; guessed where None.
        model: name or folder of a model, or a model.

    Raises:
        TypeError: another kind of frame, or a text that is no string.
        ValueError: no column looks like the text, the named one is missing, or a new column is there already.
    """
    kind = type(frame).__module__.split(".")[0]
    given, text = _as_table(frame, kind, text)
    if kind == "pandas" and hasattr(given, "columns"):
        names = [str(name) for name in given.columns]
    elif kind == "polars" and hasattr(given, "with_columns") and hasattr(given, "to_dict"):
        names = list(given.columns)
    elif kind == "pyarrow" and hasattr(given, "schema"):
        names = list(given.schema.names)
    else:
        raise TypeError(
            f"expected a pandas or polars DataFrame or Series, or a pyarrow Table, RecordBatch or Array, got "
            f"{type(frame).__name__}; collect a lazy frame first, and give score() a file"
        )
    column = _text_column(names, text)
    reader = _model(model)
    clash = [name for name in (*map(str, reader.classes_), "stances", "unsure", "sentences") if name in names]
    if clash:
        raise ValueError(f"the frame already has {', '.join(map(repr, clash))}; rename or drop before scoring")
    if kind == "pandas":
        values = [None if _is_missing(value) else value for value in given[column].tolist()]
        added = _columns(values, reader)
        import pandas

        result = given.copy()
        for name, (kind_, cells) in added.items():  # arrays, not series: rows are matched by place, whatever the index
            if kind_ == "count":
                result[name] = pandas.array(cells, dtype="Int64")
            else:
                result[name] = pandas.Series(cells, dtype="float64" if kind_ == "probability" else "object").to_numpy()
        return result
    if kind == "polars":
        import polars

        types = {"probability": polars.Float64, "list": polars.List(polars.String), "count": polars.Int64}
        added = _columns(given[column].to_list(), reader)
        new_series = [polars.Series(name, cells, dtype=types[kind_]) for name, (kind_, cells) in added.items()]
        return given.with_columns(new_series)
    import pyarrow

    arrow = {"probability": pyarrow.float64(), "list": pyarrow.list_(pyarrow.string()), "count": pyarrow.int64()}
    added = _columns(given.column(column).to_pylist(), reader)
    arrays = [pyarrow.array(cells, type=arrow[kind_]) for kind_, cells in added.values()]
    for name, array in zip(added, arrays, strict=True):
        given = given.append_column(name, array)
    return given


def _as_table(frame: Any, kind: str, text: str | None) -> tuple[Any, str | None]:
    """The frame, and the column of its texts where it is known; a column alone as a frame of one column."""
    if kind in ("pandas", "polars") and isinstance(frame, import_module(kind).Series):
        name = str(frame.name or text or "text")
        return frame.to_frame(name), name
    if kind == "pyarrow" and hasattr(frame, "to_pylist") and not hasattr(frame, "schema"):
        name = text or "text"
        return import_module(kind).table({name: frame}), name
    return frame, text


def _columns(texts: Sequence[Any], model: Model) -> dict[str, tuple[str, list[Any]]]:
    """name -> (kind, cells), None where the text is null."""
    for row, text in enumerate(texts):
        if text is not None and not isinstance(text, str):
            raise TypeError(f"row {row} holds {type(text).__name__}, wanted text or null")
    read = iter(_read([text for text in texts if text is not None], model))
    readings = [None if text is None else next(read) for text in texts]
    added: dict[str, tuple[str, list[Any]]] = {}
    order = tuple(map(str, model.classes_))
    for stance in order:
        highest = [
            None if reading is None else max((float(s.probabilities[stance]) for s in reading), default=0.0)
            for reading in readings
        ]
        added[stance] = ("probability", highest)
    added["stances"] = ("list", [None if reading is None else list(reading.stances) for reading in readings])
    unsure = [
        None if reading is None else [stance for stance in order if any(stance in s.unsure for s in reading)]
        for reading in readings
    ]
    added["unsure"] = ("list", unsure)
    added["sentences"] = ("count", [None if reading is None else len(reading) for reading in readings])
    return added


def batch_schema(model: str | os.PathLike[str] | Model = "fast") -> pyarrow.Schema:
    """The schema of what :func:`score_batch` gives, for engines that must be told it first, such as Spark's
    ``mapInArrow``.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    return tables.arrow_schema(_layout(_model(model)))


def score_batch(
    batch: pyarrow.RecordBatch,
    *,
    text: str | None = None,
    id: str | None = None,
    date: str | None = None,
    model: str | os.PathLike[str] | Model = "fast",
) -> pyarrow.RecordBatch:
    """One row per sentence, in the columns of the Parquet tables, for your own engine (Ray, Spark, DuckDB, ...).

    Args:
        batch: a ``pyarrow.RecordBatch`` of documents.
        text, id, date: its columns; guessed where None. Without an id column, a document's id is its row in the batch.
        model: name or folder of a model (loaded once per process), or a model.

    Returns:
        A batch in the schema of :func:`batch_schema`, documents in order. ``duplicate_of`` is null: a batch does not
        know the archive. Documents whose text is null or empty give no rows.

    Raises:
        TypeError: not a record batch, or a text that is no string.
        ValueError: no column looks like the text, or a named one is missing.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError("score_batch()", "parquet") from None
    if not isinstance(batch, pyarrow.RecordBatch):
        raise TypeError(
            f"expected a pyarrow.RecordBatch, got {type(batch).__name__}; score_frame() takes tables and frames"
        )
    names = list(batch.schema.names)
    lowered = {name.lower(): name for name in reversed(names)}
    id = _named(names, id) or next((lowered[name] for name in ID_COLUMNS if name in lowered), None)
    date = _named(names, date) or next((lowered[name] for name in DATE_COLUMNS if name in lowered), None)
    texts = batch.column(_text_column(names, text)).to_pylist()
    for row, value in enumerate(texts):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"row {row} holds {type(value).__name__}, wanted text or null")
    ids = [None] * len(texts) if id is None else batch.column(id).to_pylist()
    dates = [None] * len(texts) if date is None else batch.column(date).to_pylist()
    reader = _model(model)
    layout = _layout(reader)
    readings = _read(["" if value is None else value for value in texts], reader)
    rows: list[tuple[Any, ...]] = []
    for row, (key, day, reading) in enumerate(zip(ids, dates, readings, strict=True)):
        document = str(row) if key is None else str(key)
        rows += tables.rows_of(document, None if day is None else str(day), reading, layout)
    return pyarrow.RecordBatch.from_arrays(tables.arrow_arrays(rows, layout), schema=tables.arrow_schema(layout))


def _layout(model: Model) -> Layout:
    return Layout("parquet", "sentence", False, tuple(map(str, model.classes_)), model.name, model.hash)


def _model(model: str | os.PathLike[str] | Model) -> Model:
    return model if isinstance(model, Model) else load(os.fspath(model))


def _read(texts: Sequence[str], model: Model) -> Sequence[Reading]:
    read_many = getattr(model, "read_many", None)
    return read_many(list(texts)) if read_many is not None else [model.read(text) for text in texts]


def _named(names: Sequence[str], column: str | None) -> str | None:
    if column is not None and column not in names:
        raise ValueError(f"there is no column {column!r}; there are {', '.join(map(repr, names))}")
    return column


def _text_column(names: Sequence[str], text: str | None) -> str:
    if (named := _named(names, text)) is not None:
        return named
    lowered = {name.lower(): name for name in reversed(names)}
    for known in TEXT_COLUMNS:
        if known in lowered:
            return lowered[known]
    raise ValueError(f"no column looks like the text among {', '.join(map(repr, names))}; name it: text='...'")


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType" or value != value  # NA has no truth, NaN is not itself
