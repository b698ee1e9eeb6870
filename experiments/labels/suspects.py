"""Choose the labels that confident learning suspects, to be read again without sight of the label.

    python experiments/labels/suspects.py [--size 300]

Fits the library's own classifier in five folds (near-duplicates on one side) on the real and composed sentences and
lets cleanlab rank the labels that its held-out probabilities contradict. Writes `round-suspects.jsonl` into the
cache, in the form of a labelling round: shuffled, with the id of the first reading in `first`, without labels; and
`suspects.jsonl` with the reasons, for the adjudicator alone. Sentences that were adjudicated before are left out.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
from readings import numbered, read_jsonl

from rhetoric import labels
from rhetoric.model import StanceClassifier
from rhetoric.stances import STANCES

FIELDS = ("id", "text", "stances", "roles", "unsure")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    parser.add_argument("--size", type=int, default=300)
    args = parser.parse_args()
    rows = read_jsonl(
        args.shared / "labelled/real.jsonl",
        *numbered(args.cache.glob("labelled-round-[0-9]*.jsonl")),
        args.shared / "labelled/composed.jsonl",
        *numbered(args.cache.glob("composed-*.jsonl")),
    )
    amended = {row["id"]: row for row in read_jsonl(*numbered(args.cache.glob("amended-*.jsonl")))}
    rows = [{**row, **amended.get(row["id"], {})} for row in rows]
    records = [labels.Label.from_dict({name: row[name] for name in FIELDS if name in row}) for row in rows]
    by_id = {row["id"]: row for row in rows}
    found = labels.suspects(records, StanceClassifier(stances=STANCES, folds=0), STANCES)
    print(
        len(found),
        "suspicious labels of",
        len(records),
        "sentences:",
        dict(Counter((s.stance, s.given) for s in found)),
    )
    chosen: dict[str, labels.Suspect] = {}
    for suspect in found:
        identity = suspect.label.id
        if identity is not None and identity not in amended and len(chosen) < args.size:
            chosen.setdefault(identity, suspect)
    labels.write(args.cache / "suspects.jsonl", chosen.values())
    ids = list(chosen)
    with open(args.cache / "round-suspects.jsonl", "w", encoding="utf-8") as out:
        for n, i in enumerate(np.random.default_rng(0).permutation(len(ids))):
            row = by_id[ids[i]]
            kept = {"corpus": row.get("corpus", "composed"), "document": row.get("document"), "text": row["text"]}
            out.write(json.dumps({"n": n, "first": ids[i], **kept}, ensure_ascii=False) + "\n")
    print(len(ids), "to be read again:", dict(Counter(by_id[i].get("corpus", "composed") for i in ids)))


if __name__ == "__main__":
    main()
