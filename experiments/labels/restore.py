"""From a clean clone: put the text back to the labels, as the files that the other experiments read.

    python experiments/labels/restore.py

Joins labels/real.jsonl with the corpora of ../shared and writes into the cache `labelled-round-<n>.jsonl`,
`composed-plain.jsonl` (the composed sentences that ../shared lacks) and `amended-restored.jsonl` (labels that were
adjudicated later). Files of these names that are there already are left alone.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

from readings import read_jsonl

from rhetoric import labels


def write(path: Path, rows: list[dict]) -> None:
    if path.exists():
        print(path, "is there already")
        return
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    print(path, len(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    parser.add_argument("--labels", type=Path, default=Path("labels"))
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    shared_real = {r["id"] for r in read_jsonl(args.shared / "labelled/real.jsonl")}
    shared_composed = {r["id"] for r in read_jsonl(args.shared / "labelled/composed.jsonl")}
    standoff = {r["id"]: r for r in read_jsonl(args.labels / "real.jsonl")}
    found = labels.join(args.shared, args.labels / "real.jsonl")
    print(len(found.records), "found,", len(found.missing), "missing", dict(Counter(m.reason for m in found.missing)))
    rounds: dict[int, list[dict]] = defaultdict(list)
    amended = []
    for record in found.records:
        row = record.to_dict()
        own = standoff[row["id"]]
        row["corpus"], row["round"], row["chosen"] = own["corpus"], own["round"], own["chosen"]
        if row["id"] not in shared_real:
            rounds[own["round"]].append(row)
        elif own["annotator"] == "adjudicated":
            amended.append(
                {k: row[k] for k in ("id", "stances", "roles", "unsure")}
                | {"annotator": "adjudicated", "reason": own["reason"]}
            )
    composed = read_jsonl(args.labels / "composed.jsonl")
    for n, rows in sorted(rounds.items()):
        write(args.cache / f"labelled-round-{n}.jsonl", rows)
    write(args.cache / "composed-plain.jsonl", [r for r in composed if r["id"] not in shared_composed])
    amended += [r for r in composed if r["id"] in shared_composed and r.get("annotator") == "adjudicated"]
    write(args.cache / "amended-restored.jsonl", amended)


if __name__ == "__main__":
    main()
