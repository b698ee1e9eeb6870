"""Turn a reader's answer lines into labelled records, checking every one.

    python experiments/labels/ingest.py 1 ANSWERS... [--annotator reader-1]

An answer is `number|codes|role parts`: codes A, D, C or `-`, with `?` for a close call; a role part is
`A:speaker>target`. Refuses missing or double numbers, unknown codes, stances without a role part and roles that are
not in the sentence. Writes `labelled-round-N.jsonl` into the cache.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from readings import read_jsonl

CODES = {"A": "accusation", "D": "denial", "C": "call_to_negotiate"}


def parse(line: str, text: str) -> tuple[list[str], dict, bool, list[str]]:
    """stances, roles, unsure and complaints of one answer line (without its number)."""
    codes, *parts = line.split("|")
    complaints = []
    unsure = "?" in codes
    letters = codes.replace("?", "").replace("-", "").strip()
    if set(letters) - set(CODES):
        complaints.append(f"unknown codes {codes!r}")
    stances = [name for letter, name in CODES.items() if letter in letters]
    roles: dict[str, dict[str, str]] = {}
    squeezed = " ".join(text.split())
    for part in parts:
        letter, _, who = part.strip().partition(":")
        speaker, _, target = (x.strip() for x in who.partition(">"))
        if CODES.get(letter) not in stances:
            complaints.append(f"role part {part!r} without its stance")
            continue
        for role in (speaker, target):
            if role and role not in squeezed:
                complaints.append(f"role {role!r} is not in the sentence")
        roles[CODES[letter]] = {
            "speaker": speaker if speaker in squeezed else "",
            "target": target if target in squeezed else "",
        }
    for stance in stances:
        if stance not in roles:
            complaints.append(f"{stance} without a role part")
            roles[stance] = {"speaker": "", "target": ""}
    return stances, roles, unsure, complaints


def read_answers(paths: list[Path]) -> dict[int, str]:
    answers: dict[int, str] = {}
    for path in paths:
        for raw in path.read_text("utf-8").split("\n"):
            if not raw.strip():
                continue
            number, _, rest = raw.rstrip("\r").partition("|")
            if int(number) in answers:
                sys.exit(f"{path}: number {number} twice")
            answers[int(number)] = rest
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("round")
    parser.add_argument("answers", nargs="+", type=Path)
    parser.add_argument("--annotator", default="reader-1")
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    answers = read_answers(args.answers)
    rows = read_jsonl(args.cache / f"round-{args.round}.jsonl")
    missing = [r["n"] for r in rows if r["n"] not in answers]
    if missing:
        sys.exit(f"no answer for {missing[:20]} ({len(missing)} in all)")
    counts: Counter = Counter()
    with open(args.cache / f"labelled-round-{args.round}.jsonl", "w", encoding="utf-8") as out:
        for r in rows:
            stances, roles, unsure, complaints = parse(answers[r["n"]], r["text"])
            for c in complaints:
                print(f"{r['n']}: {c}")
            counts.update(stances or ["none"])
            counts["unsure"] += unsure
            record = {"id": f"round{args.round}-{r['n']:04d}", **{k: v for k, v in r.items() if k != "n"}}
            record |= {"stances": stances, "roles": roles, "unsure": unsure}
            record |= {"annotator": args.annotator, "round": args.round}
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    print(dict(counts))


if __name__ == "__main__":
    main()
