"""Settle the sentences that two readings label differently.

    python experiments/labels/adjudicate.py list second-a        # writes differ-second-a.txt: what to settle
    python experiments/labels/adjudicate.py take second-a ANSWERS...     # writes amended-second-a.jsonl

`list` takes a round that was read for the second time (`labelled-round-<name>.jsonl`, whose field `first` is the id of
the first reading) and writes the sentences with different stances, both readings in an order drawn by chance, so that
neither is known as the first. An answer is `number|codes|role parts||reason`, as in ingest.py with the reason behind
it; every sentence that was listed needs one. What is taken overrides the first reading wherever labels are put
together.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from ingest import CODES, parse, read_answers
from readings import numbered, read_jsonl


def answer(row: dict[str, Any]) -> str:
    """A reading as the line that a reader writes."""
    letters = {stance: letter for letter, stance in CODES.items()}
    codes = "".join(letters[stance] for stance in row["stances"]) or "-"
    parts = [f"{letters[s]}:{r.get('speaker') or ''}>{r.get('target') or ''}" for s, r in row["roles"].items()]
    return "|".join([codes + ("?" if row.get("unsure") else ""), *parts])


def differing(shared: Path, cache: Path, name: str) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """Number -> first and second reading of the sentences with different stances."""
    rounds = numbered(cache.glob("labelled-round-[0-9]*.jsonl"))
    composed = [shared / "labelled/composed.jsonl", *numbered(cache.glob("composed-*.jsonl"))]
    first = {row["id"]: row for row in read_jsonl(shared / "labelled/real.jsonl", *rounds, *composed)}
    second = read_jsonl(cache / f"labelled-round-{name}.jsonl")
    pairs = {n: (first[row["first"]], row) for n, row in enumerate(second)}
    print(len(pairs), "read twice")
    return {n: pair for n, pair in pairs.items() if set(pair[0]["stances"]) != set(pair[1]["stances"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["list", "take"])
    parser.add_argument("name")
    parser.add_argument("answers", nargs="*", type=Path)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    pairs = differing(args.shared, args.cache, args.name)
    if args.what == "list":
        rng = np.random.default_rng(0)
        with open(args.cache / f"differ-{args.name}.txt", "w", encoding="utf-8") as out:
            for n, pair in pairs.items():
                out.write(f"{n}|{' '.join(pair[0]['text'].split())}\n")
                out.writelines(f"    {answer(pair[int(k)])}\n" for k in rng.permutation(2))
        print(len(pairs), "to settle")
        return
    answers = read_answers(args.answers)
    missing = sorted(set(pairs) - set(answers))
    if missing or set(answers) - set(pairs):
        sys.exit(f"no answer for {missing[:20]}; not asked for: {sorted(set(answers) - set(pairs))[:20]}")
    sides: Counter[str] = Counter()
    with open(args.cache / f"amended-{args.name}.jsonl", "w", encoding="utf-8") as out:
        for n, (first, second) in pairs.items():
            given, _, reason = answers[n].partition("||")
            stances, roles, unsure, complaints = parse(given, first["text"])
            if not reason.strip():
                complaints.append("no reason")
            for complaint in complaints:
                print(f"{n}: {complaint}")
            agrees = [
                name for name, row in (("first", first), ("second", second)) if set(row["stances"]) == set(stances)
            ]
            sides[agrees[0] if agrees else "neither"] += 1
            row = {"id": first["id"], "stances": stances, "roles": roles, "unsure": unsure, "reason": reason.strip()}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print("settled with", dict(sides))


if __name__ == "__main__":
    main()
