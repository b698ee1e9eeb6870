"""Labelled sentences in the formats of labelling tools, read and written without loss of stances, roles, annotator
and doubt.

===============  ==============================================================================================
``rhetoric``     our JSONL (:mod:`rhetoric.labels.schema`)
``doccano``      JSONL of a project "intent detection and slot filling": ``cats`` are stances, ``entities`` roles.
                 Read as well: ``label`` of the text classification and sequence labelling projects, and
                 ``entities`` of the relation extraction project (objects with ``start_offset``, ``end_offset``).
``label-studio`` JSON list of tasks with annotations: ``choices`` are stances, ``labels`` regions are roles
                 (:func:`label_studio_config` is the interface that makes them).
``prodigy``      JSONL of the interfaces ``choice`` (``options``, ``accept``) and ``spans_manual`` (``spans``) as
blocks.
``csv``          one row a sentence; ``stances`` joined by ``;``, a column for each role. For spreadsheets: cells that a
                 spreadsheet would take for a formula carry a leading apostrophe, which reading takes off again.
===============  ==============================================================================================

A role's label is ``stance:role`` ("accusation:target"); doubt is one more choice, ``unsure``. Tools count offsets in
the text as it is given, this library in the collapsed sentence; both are converted.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from rhetoric.errors import LabelError
from rhetoric.labels.files import parse_json, parse_lines, write
from rhetoric.labels.schema import ROLES, Label, RoleSpans, find_role
from rhetoric.stances import STANCES

__all__ = ["FORMATS", "Converted", "convert", "label_studio_config", "read_format", "write_format"]

FORMATS: Final = ("rhetoric", "doccano", "label-studio", "prodigy", "csv")
_UNSURE: Final = "unsure"
# What a tool keeps beside the labels. The record's id has a name of its own, since tools number records themselves.
_CARRIED: Final = ("document", "start", "end", "annotator", "source")


@dataclass(frozen=True, slots=True)
class Converted:
    """Records that were read, and those that hold no label to read, each as ``place: reason``."""

    records: tuple[Label, ...]
    skipped: tuple[str, ...]


class _Skip(Exception):
    """This record holds no finished label; the message says why."""


def read_format(
    path: str | os.PathLike[str], format: str | None = None, stances: Sequence[str] | None = STANCES
) -> Converted:
    """Read a labelled file of any of :data:`FORMATS`.

    Args:
        path: the file.
        format: its format; None to tell it from name and first record.
        stances: the allowed names; None allows any.

    Raises:
        LabelError: names file, record and fault of the first bad record.
    """
    format = format or _detect(path)
    records: list[Label] = []
    skipped: list[str] = []
    for place, data in _READERS[_known(format)](path):
        try:
            if isinstance(data, (LabelError, _Skip)):
                raise data
            records.append(Label.from_dict(data, stances))
        except _Skip as reason:
            skipped.append(f"{place}: {reason}")
        except LabelError as error:
            raise LabelError(f"{place}: {error}") from None
    return Converted(tuple(records), tuple(skipped))


def write_format(
    path: str | os.PathLike[str], records: Iterable[Label], format: str | None = None, stances: Sequence[str] = STANCES
) -> int:
    """Write text records in any of :data:`FORMATS`; returns their number.

    Args:
        path: the file.
        records: what to write.
        format: None to tell it from the name: ``.csv`` is CSV, ``.json`` Label Studio, all else our JSONL.
        stances: the choices that a tool offers and the columns of a CSV file; the records' own are added to them.

    Raises:
        LabelError: the format is not known.
    """
    format = format or {".csv": "csv", ".json": "label-studio"}.get(Path(path).suffix.lower(), "rhetoric")
    kept = list(records)
    offered = list(dict.fromkeys([*stances, *(stance for record in kept for stance in record.stances)]))
    _WRITERS[_known(format)](path, kept, offered)
    return len(kept)


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    source_format: str | None = None,
    target_format: str | None = None,
    stances: Sequence[str] | None = STANCES,
) -> Converted:
    """Read ``source`` and write its records to ``target``; returns what was read, and what was skipped and why.

    Raises:
        LabelError: as :func:`read_format` and :func:`write_format`.
    """
    converted = read_format(source, source_format, stances)
    write_format(target, converted.records, target_format, stances or ())
    return converted


def label_studio_config(stances: Sequence[str] = STANCES) -> str:
    """The labelling interface (XML) to paste into a Label Studio project, for files written here to load into it."""
    choices = "\n".join(f"    <Choice value={quoteattr(stance)}/>" for stance in [*stances, _UNSURE])
    labels = "\n".join(f"    <Label value={quoteattr(f'{stance}:{role}')}/>" for stance in stances for role in ROLES)
    return (
        f'<View>\n  <Labels name="role" toName="text">\n{labels}\n  </Labels>\n  <Text name="text" value="$text"/>\n'
        f'  <Choices name="stance" toName="text" choice="multiple">\n{choices}\n  </Choices>\n</View>\n'
    )


def _known(format: str) -> str:
    if format not in FORMATS:
        raise LabelError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    return format


def _detect(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix in (".csv", ".json"):
        return {".csv": "csv", ".json": "label-studio"}[suffix]
    first = next((data for _, data in parse_lines(path) if isinstance(data, dict)), {})
    if "stances" in first:
        return "rhetoric"
    if {"answer", "accept", "_task_hash"} & set(first):
        return "prodigy"
    if {"cats", "entities", "label", "labels"} & set(first):
        return "doccano"
    raise LabelError(f"{path}: the format can not be told from the first record; name it ({', '.join(FORMATS)})")


def _listed(value: object, what: str) -> list[Any]:
    """A list of a foreign file, empty where there is none; LabelError where it is something else."""
    if not isinstance(value, list | None):
        raise LabelError(f"{what} must be a list, got {value!r:.80}")
    return value or []


def _mapped(value: object, what: str) -> dict[str, Any]:
    """An object of a foreign file, empty where there is none; LabelError where it is something else."""
    if not isinstance(value, dict | None):
        raise LabelError(f"{what} must be an object, got {value!r:.80}")
    return value or {}


# Offsets: a tool's count code points of the text as given, ours those of the collapsed sentence.


def _raw_places(text: str) -> list[int]:
    """For each character of the collapsed sentence its place in ``text``."""
    places: list[int] = []
    for word in re.finditer(r"\S+", text):
        if places:
            places.append(places[-1] + 1)
        places.extend(range(word.start(), word.end()))
    return places


def _tool_spans(record: Label) -> list[tuple[int, int, str]]:
    """Start, end and label of each role in the text as given."""
    places = _raw_places(record.text)
    return [
        (places[span[0]], places[span[1] - 1] + 1, f"{stance}:{role}")
        for stance, spans in record.roles.items()
        for role in ROLES
        if (span := getattr(spans, role)) is not None
    ]


def _fields_of(
    text: object, choices: Iterable[object], spans: Iterable[tuple[object, object, object]], carried: Mapping[str, Any]
) -> dict[str, Any]:
    """One record of ours from what a tool holds: choices (stances and "unsure"), role spans and carried fields."""
    if not isinstance(text, str):
        raise LabelError(f"text must be a sentence, got {text!r}")
    stances = list(choices)
    if not all(isinstance(stance, str) for stance in stances):
        raise LabelError(f"a choice must be the name of a stance, got {stances!r:.80}")
    unread = _listed(carried.get("roles_unread"), "roles_unread")
    roles: dict[Any, dict[str, Any]] = {s: {} for s in stances if s != _UNSURE and s not in unread}
    places = _raw_places(text)
    for start, end, label in spans:
        stance, _, role = str(label).rpartition(":")
        if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
            raise LabelError(f"span {start!r} to {end!r} is not in the text of {len(text)} characters")
        if role not in ROLES or not stance:
            raise LabelError(f"span label {label!r}; wanted stance:speaker or stance:target")
        if role in roles.setdefault(stance, {}):
            raise LabelError(f"two spans for the {role} of {stance}; a stance has one")
        first, last = bisect_left(places, start), bisect_left(places, end)
        while first < last and text[places[first]].isspace():
            first += 1
        while last > first and text[places[last - 1]].isspace():
            last -= 1
        roles[stance][role] = [first, last]
    fields = {name: carried[name] for name in _CARRIED if carried.get(name) is not None}
    if carried.get("sentence_id") is not None:
        fields["id"] = str(carried["sentence_id"])
    return {
        **_mapped(carried.get("extra"), "extra"),
        **fields,
        "text": text,
        "stances": [stance for stance in stances if stance != _UNSURE],
        "roles": roles,
        "unsure": _UNSURE in stances,
    }


def _carried(record: Label) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _CARRIED} | {
        "sentence_id": record.id,
        "extra": dict(record.extra) or None,
        "roles_unread": [stance for stance in record.stances if stance not in record.roles] or None,
    }
    return {name: value for name, value in values.items() if value is not None}


_CARRIED_NAMES: Final = frozenset((*_CARRIED, "sentence_id", "extra", "roles_unread"))


def _choices(record: Label) -> list[str]:
    return [*record.stances, *([_UNSURE] if record.unsure else [])]


def _with_rest(carried: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """``carried`` with the fields that this library does not know among the extra ones."""
    return {**carried, "extra": {**rest, **_mapped(carried.get("extra"), "extra")}}


Rows = Iterator[tuple[str, "dict[str, Any] | LabelError | _Skip"]]
_Parser = Callable[[Mapping[str, Any]], "dict[str, Any]"]


def _read_jsonl(parse: _Parser) -> Callable[[str | os.PathLike[str]], Rows]:
    def rows(path: str | os.PathLike[str]) -> Rows:
        for number, data in parse_lines(path):
            try:
                yield f"{path}:{number}", data if isinstance(data, LabelError) else parse(data)
            except (LabelError, _Skip) as fault:
                yield f"{path}:{number}", fault

    return rows


class _Line:
    """A dict that :func:`write` takes for a record."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def to_dict(self) -> dict[str, Any]:
        return self.data


def _parse_doccano(data: Mapping[str, Any]) -> dict[str, Any]:
    label = data.get("label", data.get("labels"))
    entities = _listed(data.get("entities"), "entities")
    cats = None if data.get("cats") is None else _listed(data["cats"], "cats")
    if label is None and cats is None and not entities:
        raise _Skip("no labels")
    label = [label] if isinstance(label, str) else _listed(label, "label")
    spans = [item for item in [*label, *entities] if not isinstance(item, str)]
    triples = []
    for item in spans:
        if isinstance(item, dict):
            triples.append((item.get("start_offset"), item.get("end_offset"), item.get("label")))
        elif isinstance(item, list) and len(item) == 3:
            triples.append((item[0], item[1], item[2]))
        else:
            raise LabelError(f"an entity must be [start, end, label], got {item!r}")
    choices = [*(cats or []), *(item for item in label if isinstance(item, str))]
    if cats is None and not choices:
        # A project with spans alone: a stance is there where one of its roles is marked.
        choices = list(dict.fromkeys(str(label).rpartition(":")[0] for _, _, label in triples))
    known = {"id", "text", "data", "label", "labels", "cats", "entities", "relations"} | _CARRIED_NAMES
    rest = {name: value for name, value in data.items() if name not in known and not (name == "Comments" and not value)}
    carried = _with_rest({"sentence_id": data.get("id"), **data}, rest)
    return _fields_of(data.get("text", data.get("data")), choices, triples, carried)


def _write_doccano(path: str | os.PathLike[str], records: list[Label], offered: list[str]) -> None:
    write(
        path,
        (
            _Line(
                {"text": r.text, "cats": _choices(r), "entities": [list(span) for span in _tool_spans(r)]} | _carried(r)
            )
            for r in records
        ),
    )


def _parse_prodigy(data: Mapping[str, Any]) -> dict[str, Any]:
    answer = data.get("answer", "accept")
    if answer != "accept":
        raise _Skip(f"answer {answer!r}")
    if "accept" not in data and not data.get("spans"):
        raise _Skip("neither a choice nor a span (fields accept, spans)")
    objects = [_mapped(span, "a span") for span in _listed(data.get("spans"), "spans")]
    spans = [(span.get("start"), span.get("end"), span.get("label")) for span in objects]
    choices = _listed(data.get("accept"), "accept")
    if data.get("accept") is None:
        choices = list(dict.fromkeys(str(label).rpartition(":")[0] for _, _, label in spans))
    meta = _mapped(data.get("meta"), "meta")
    known = {"text", "spans", "accept", "answer", "meta", "options", "tokens", "config"}
    rest = {name: value for name, value in data.items() if name not in known and not name.startswith("_")}
    rest |= {name: value for name, value in meta.items() if name not in _CARRIED_NAMES}
    carried = _with_rest(meta, rest)
    if data.get("_annotator_id"):  # who answered in the tool, which may be another than the file's first annotator
        carried["annotator"] = data["_annotator_id"]
    return _fields_of(data.get("text"), choices, spans, carried)


def _write_prodigy(path: str | os.PathLike[str], records: list[Label], offered: list[str]) -> None:
    options = [{"id": choice, "text": choice} for choice in [*offered, _UNSURE]]
    write(
        path,
        (
            _Line(
                {
                    "text": r.text,
                    "spans": [{"start": start, "end": end, "label": label} for start, end, label in _tool_spans(r)],
                    "options": options,
                    "accept": _choices(r),
                    "answer": "accept",
                    "meta": _carried(r),
                }
            )
            for r in records
        ),
    )


def _read_label_studio(path: str | os.PathLike[str]) -> Rows:
    try:
        tasks = parse_json(Path(path).read_bytes())
    except OSError as error:
        raise LabelError(f"{path}: can not be read: {error.strerror}") from None
    except ValueError as error:
        raise LabelError(f"{path}: not JSON: {error}") from None
    if not isinstance(tasks, list):
        raise LabelError(f"{path}: a Label Studio export is a list of tasks, got {type(tasks).__name__}")
    for number, task in enumerate(tasks, 1):
        place = f"{path}: task {number}"
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            yield place, LabelError("a task must be an object with 'data'")
            continue
        try:
            annotations = _listed(task.get("annotations") or task.get("completions"), "annotations")
        except LabelError as fault:
            yield place, fault
            continue
        if not annotations:
            yield place, _Skip("no annotation")
        for annotation in annotations:
            try:
                yield place, _parse_annotation(task, _mapped(annotation, "an annotation"))
            except (LabelError, _Skip) as fault:
                yield place, fault


def _parse_annotation(task: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, Any]:
    if annotation.get("was_cancelled"):
        raise _Skip("the annotation was cancelled")
    choices: list[object] = []
    spans: list[tuple[object, object, object]] = []
    for result in _listed(annotation.get("result"), "result"):
        value = _mapped(_mapped(result, "a result").get("value"), "value")
        choices += _listed(value.get("choices"), "choices")
        spans += [(value.get("start"), value.get("end"), label) for label in _listed(value.get("labels"), "labels")]
    data = task["data"]
    rest = {name: value for name, value in data.items() if name not in _CARRIED_NAMES and name != "text"}
    carried = _with_rest({"sentence_id": task.get("id"), **data}, rest)
    who = annotation.get("completed_by")
    if who is not None:
        carried["annotator"] = str(who.get("email") or who.get("id")) if isinstance(who, dict) else str(who)
    return _fields_of(data.get("text"), choices, spans, carried)


def _write_label_studio(path: str | os.PathLike[str], records: list[Label], offered: list[str]) -> None:
    tasks = []
    for record in records:
        result: list[dict[str, Any]] = [
            {
                "id": f"role{n}",
                "from_name": "role",
                "to_name": "text",
                "type": "labels",
                "value": {"start": start, "end": end, "text": record.text[start:end], "labels": [label]},
            }
            for n, (start, end, label) in enumerate(_tool_spans(record))
        ]
        if choices := _choices(record):
            result.append(
                {
                    "id": "stance",
                    "from_name": "stance",
                    "to_name": "text",
                    "type": "choices",
                    "value": {"choices": choices},
                }
            )
        tasks.append({"data": {"text": record.text} | _carried(record), "annotations": [{"result": result}]})
    Path(path).write_text(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def _guard(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _read_csv(path: str | os.PathLike[str]) -> Rows:
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LabelError(f"{path}: can not be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise LabelError(f"{path}: not UTF-8 at byte {error.start}; save it as 'CSV UTF-8'") from None
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = {"text", "stances"} - set(rows.fieldnames or ())
    if missing:
        raise LabelError(f"{path}: no column {' nor '.join(sorted(missing))}; columns are {rows.fieldnames}")
    while True:
        try:
            row = next(rows, None)
            if row is None:
                return
            fields: dict[str, Any] | LabelError = _parse_row(row)
        except csv.Error as error:
            raise LabelError(f"{path}:{rows.line_num}: {error}") from None
        except LabelError as error:
            fields = error
        yield f"{path}:{rows.line_num}", fields


def _parse_row(row: Mapping[str | None, Any]) -> dict[str, Any]:
    if None in row or None in row.values():
        raise LabelError("the row has more or fewer cells than the first line has names")
    cells = {str(name): _unguard(cell) for name, cell in row.items()}
    stances = [stance.strip() for stance in cells.pop("stances").split(";") if stance.strip()]
    unread = [stance.strip() for stance in cells.pop("roles_unread", "").split(";") if stance.strip()]
    fields: dict[str, Any] = {"text": cells.pop("text"), "stances": stances}
    unsure = cells.pop("unsure", "").strip().casefold()
    if unsure not in ("", "0", "1", "true", "false", "yes", "no"):
        raise LabelError(f"unsure must be true or false, got {unsure!r}")
    fields["unsure"] = unsure in ("1", "true", "yes")
    roles: dict[str, dict[str, Any]] = {stance: {} for stance in stances if stance not in unread}
    for column in list(cells):
        stance, _, role = column.rpartition("_")
        if role not in ROLES or not stance:
            continue
        words, start = cells.pop(column), cells.pop(f"{column}_start", "")
        if words:
            roles.setdefault(stance, {})[role] = [_number(start), _number(start) + len(words)] if start else words
    for name in ("start", "end"):
        value = cells.pop(name, "")
        if value:
            fields[name] = _number(value)
    extra = cells.pop("extra", "")
    try:
        own = _mapped(parse_json(extra), "extra") if extra else {}
    except ValueError as error:
        raise LabelError(f"extra is not JSON: {error}") from None
    return {**own, **{name: value for name, value in cells.items() if value}, **fields, "roles": roles}


def _number(cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        raise LabelError(f"an offset must be a whole number, got {cell!r}") from None


def _write_csv(path: str | os.PathLike[str], records: list[Label], offered: list[str]) -> None:
    role_columns = [f"{stance}_{role}{tail}" for stance in offered for role in ROLES for tail in ("", "_start")]
    columns = ["id", "document", "start", "end", "text", "stances", "unsure", *role_columns]
    columns += ["roles_unread", "annotator", "source", "extra"]
    with open(path, "w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, columns)
        rows.writeheader()
        for record in records:
            carried = _carried(record)
            row: dict[str, str] = {name: str(carried[name]) for name in _CARRIED if name in carried}
            row |= {"id": record.id or "", "text": record.text, "stances": ";".join(record.stances)}
            row["unsure"] = "true" if record.unsure else "false"
            row["roles_unread"] = ";".join(carried.get("roles_unread", ()))
            row["extra"] = json.dumps(carried["extra"], ensure_ascii=False) if "extra" in carried else ""
            for stance in record.stances:
                spans = record.roles.get(stance, RoleSpans())
                for role in ROLES:
                    span = getattr(spans, role)
                    if span is not None:
                        words = record.sentence[span[0] : span[1]]
                        row[f"{stance}_{role}"] = words
                        # The words alone would be found at their first place.
                        if find_role(record.sentence, words) != span:
                            row[f"{stance}_{role}_start"] = str(span[0])
            rows.writerow({name: _guard(cell) for name, cell in row.items()})


_READERS: Final[Mapping[str, Callable[[str | os.PathLike[str]], Rows]]] = {
    "rhetoric": _read_jsonl(dict),
    "doccano": _read_jsonl(_parse_doccano),
    "label-studio": _read_label_studio,
    "prodigy": _read_jsonl(_parse_prodigy),
    "csv": _read_csv,
}
_WRITERS: Final[Mapping[str, Callable[[str | os.PathLike[str], list[Label], list[str]], None]]] = {
    "rhetoric": lambda path, records, offered: (write(path, records), None)[1],
    "doccano": _write_doccano,
    "label-studio": _write_label_studio,
    "prodigy": _write_prodigy,
    "csv": _write_csv,
}
