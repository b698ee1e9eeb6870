"""Build the files of labels/ from the readings: real sentences as standoff, composed ones with their text.

    python experiments/labels/export.py [--shared ../shared] [--cache experiments/.cache] [--labels labels]

Reads the first readings (`real.jsonl` of the shared set, `labelled-round-<number>.jsonl` of the cache), the composed
sentences (`composed.jsonl`, `composed-*.jsonl`), the second readings (`labelled-round-second*.jsonl`, whose field
`first` is the id of the first reading) and the adjudicated records (`amended-*.jsonl`: `id` and the fields that
change, with the `reason`). Writes `real.jsonl`, `composed.jsonl` and, of the sentences read twice, both readings as
they were before adjudication (`second-reading/first.jsonl`, `second-reading/second.jsonl`). The same input gives the
same bytes. Sentences that are there twice are merged where the labels agree; where they do not, the first stays,
marked unsure, and is printed by its id.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from readings import numbered, read_jsonl

from rhetoric import labels
from rhetoric.errors import LabelError


def quotes(reason: str, text: str, run: int = 5) -> bool:
    """True where a reason repeats `run` or more words of the sentence: it would carry the corpus's text."""
    words = re.findall(r"\w+", reason.casefold())
    inside = " " + " ".join(re.findall(r"\w+", text.casefold())) + " "
    return any(f" {' '.join(words[i : i + run])} " in inside for i in range(len(words) - run + 1))


def label(row: dict[str, Any], annotator: str) -> labels.Label:
    fields = ("id", "document", "text", "stances", "roles", "unsure", "source", "batch")
    kept = {name: row[name] for name in fields if row.get(name) is not None}
    if row.get("corpus"):
        kept["source"] = row["corpus"]
        if row["corpus"] != "ungd":
            kept.pop("document", None)  # a line number of our own file: nobody else has it
    try:
        return labels.Label.from_dict({**kept, "annotator": row.get("annotator", annotator)})
    except LabelError as error:
        raise SystemExit(f"{row.get('id')}: {error}") from None


def standoff(row: dict[str, Any], reading: labels.Label) -> labels.Standoff:
    reason = row.get("reason")
    extra = {
        "round": row.get("round"),
        "chosen": row.get("chosen"),
        "implied": labels.is_implied(reading) if "accusation" in reading.stances else None,
        "reason": "(the reason quotes the sentence)" if reason and quotes(reason, reading.text) else reason,
    }
    return labels.to_standoff(reading, reading.source or "composed", extra)


Reading = tuple[dict[str, Any], labels.Label]  # the row it comes from, the label


def merge(readings: list[Reading], report: Counter[str]) -> list[Reading]:
    """One reading for each sentence, in order."""
    kept: dict[str, Reading] = {}
    for row, reading in readings:
        before = kept.setdefault(reading.key, (row, reading))[1]
        if before is reading:
            continue
        report["repeats merged"] += 1
        if set(before.stances) != set(reading.stances):
            report["repeats that disagree"] += 1
            print(f"{before.id} {before.stances} and {reading.id} {reading.stances} are one sentence")
            kept[reading.key] = (kept[reading.key][0], dataclasses.replace(before, unsure=True))
    return list(kept.values())


def describe_second_reading(package: Path) -> None:
    """Put the files of the second reading into the data package: the fields of `real`, and composed sentences too."""
    described = json.loads(package.read_text("utf-8"))
    real = described["resources"][0]
    schema = json.loads(json.dumps(real["schema"]))
    for field in schema["fields"]:
        if field["name"] == "corpus":
            field["constraints"]["enum"].append("composed")
    for name, title in (("first", "First reading of the sentences read twice"), ("second", "Second reading of them")):
        resource = {**real, "name": f"{name}-reading", "title": f"{title}, standoff", "schema": schema}
        resource["path"] = f"second-reading/{name}.jsonl"
        described["resources"] = [r for r in described["resources"] if r["name"] != resource["name"]] + [resource]
    package.write_text(json.dumps(described, ensure_ascii=False, indent=2) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    parser.add_argument("--labels", type=Path, default=Path("labels"))
    args = parser.parse_args()
    base = [{"round": 0, **row} for row in read_jsonl(args.shared / "labelled/real.jsonl")]
    rounds = read_jsonl(*numbered(args.cache.glob("labelled-round-[0-9]*.jsonl")))
    for row in rounds:
        row["round"] = int(row["round"])
    composed = read_jsonl(args.shared / "labelled/composed.jsonl", *numbered(args.cache.glob("composed-*.jsonl")))
    second = read_jsonl(*numbered(args.cache.glob("labelled-round-second*.jsonl")))
    amended: dict[str, dict[str, Any]] = {}
    for row in read_jsonl(*numbered(args.cache.glob("amended-*.jsonl"))):
        amended[row["id"]] = {**amended.get(row["id"], {}), **row}
    first = {row["id"]: row for row in [*base, *rounds, *composed]}
    unknown = sorted(set(amended) - set(first))
    if unknown:
        raise SystemExit(f"amended records of unknown ids: {unknown[:10]}")

    report: Counter[str] = Counter()

    def final(row: dict[str, Any], annotator: str) -> Reading:
        changed = amended.get(row["id"])
        if changed is None:
            return row, label(row, annotator)
        report["adjudicated"] += 1
        both = {**row, **{name: changed[name] for name in ("stances", "roles", "unsure", "reason") if name in changed}}
        return both, label({**both, "annotator": "adjudicated"}, annotator)

    real = merge([final(row, "reader-1") for row in [*base, *rounds]], report)
    known = {reading.key for _, reading in real}
    made = [pair for pair in merge([final(row, "author") for row in composed], report) if pair[1].key not in known]
    args.labels.mkdir(exist_ok=True)
    report["real"] = labels.write(args.labels / "real.jsonl", [standoff(row, reading) for row, reading in real])
    report["composed"] = labels.write(args.labels / "composed.jsonl", [reading for _, reading in made])
    if second:
        folder = args.labels / "second-reading"
        folder.mkdir(exist_ok=True)
        twice = [
            (
                label(first[row["first"]], "reader-1" if "corpus" in first[row["first"]] else "author"),
                label(row, "reader-2"),
            )
            for row in second
        ]
        labels.write(folder / "first.jsonl", [standoff({}, reading) for reading, _ in twice])
        labels.write(folder / "second.jsonl", [standoff({}, reading) for _, reading in twice])
        report["read twice"] = len(twice)
        describe_second_reading(args.labels / "datapackage.json")
    gold = {labels.sentence_hash(row["text"]) for row in read_jsonl(args.shared / "gold/dev.jsonl")}
    report["of the development gold set"] = len(gold & (known | {reading.key for _, reading in made}))
    print(dict(report))


if __name__ == "__main__":
    main()
