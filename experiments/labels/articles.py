"""Put the labels of the five articles together: two independent readings and their adjudication.

    python experiments/labels/articles.py

Reads `labels/readings/articles-reader-1.txt` and `-2.txt` (answer lines as in ingest.py, numbered in the order of the
articles' sentences) and `articles-adjudicated.txt` (number|codes|roles|| reason) for every sentence on which they
differ in any way; writes `labels/articles.jsonl`; prints how far the readers agreed.
"""

from __future__ import annotations

import json
from pathlib import Path

import krippendorff
from ingest import CODES, parse, read_answers

from rhetoric import sentences

SEEDS = Path("seeds")
READINGS = Path("labels/readings")


def rows() -> list[dict]:
    out = []
    for path in sorted(SEEDS.glob("*.txt")):
        text = path.read_bytes().decode("utf-8")
        for start, end in sentences.parse(text).spans:
            number = sum(r["document"] == path.name for r in out)
            row = {"id": f"{path.stem[:3]}-{number:02d}", "document": path.name, "start": start, "end": end}
            out.append({**row, "text": text[start:end]})
    return out


def main() -> None:
    records = rows()
    first, second = (read_answers([READINGS / f"articles-reader-{k}.txt"]) for k in (1, 2))
    adjudicated = {}
    for line in (READINGS / "articles-adjudicated.txt").read_text("utf-8").split("\n"):
        if line.strip():
            answer, _, reason = line.partition("||")
            number, _, rest = answer.partition("|")
            adjudicated[int(number)] = rest
            assert reason.strip(), f"adjudication of {number} gives no reason"
    differ = {n for n in first if first[n] != second[n]}
    assert differ <= set(adjudicated), f"not adjudicated: {sorted(differ - set(adjudicated))}"
    with open("labels/articles.jsonl", "w", encoding="utf-8") as out:
        for n, record in enumerate(records):
            stances, roles, unsure, complaints = parse(adjudicated.get(n, first[n]), record["text"])
            assert not complaints, (n, complaints)
            annotator = "adjudicated" if n in adjudicated else "reader-1+reader-2"
            record |= {"stances": stances, "roles": roles, "unsure": unsure}
            record |= {"annotator": annotator, "source": "article"}
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    for code, stance in CODES.items():
        a, b = ([int(code in r[n].split("|")[0]) for n in range(len(records))] for r in (first, second))
        alpha = krippendorff.alpha(reliability_data=[a, b], level_of_measurement="nominal")
        apart = sum(x != y for x, y in zip(a, b, strict=True))
        print(f"{stance}: {sum(a)} and {sum(b)} of {len(a)}, they differ on {apart}, alpha {alpha:.3f}")


if __name__ == "__main__":
    main()
