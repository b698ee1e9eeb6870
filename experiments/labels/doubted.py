"""What a teacher doubts is read a second time, blind, and settled by the majority of both readers and the teacher.

    python experiments/labels/doubted.py draw doubted-1 8 9 [--scores scores-news.npy]     # writes round-doubted-1.jsonl
    python experiments/labels/ingest.py doubted-1 ANSWERS... --annotator reader-2
    python experiments/labels/doubted.py settle doubted-1                  # writes amended-doubted-1.jsonl

`draw` takes the sentences of the named rounds in which a teacher's probability is more than 0.6 away from the label of
some stance, in an order drawn by chance. Where the readers differ, the record that is settled is marked unsure.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from readings import read_jsonl
from select_round import STANCES

HIDDEN = ("id", "n", "stances", "roles", "unsure", "annotator")


def draw(cache: Path, name: str, rounds: list[str], scores: np.ndarray) -> None:
    doubted = []
    for number in rounds:
        rows = read_jsonl(cache / f"labelled-round-{number}.jsonl")
        thought = scores[[r["pool"] for r in rows]]
        label = np.array([[s in r["stances"] for s in STANCES] for r in rows])
        far = np.abs(thought - label).max(axis=1)
        doubted += [rows[i] for i in np.flatnonzero(far > 0.6)]
    with open(cache / f"round-{name}.jsonl", "w", encoding="utf-8") as out:
        for n, i in enumerate(np.random.default_rng(1).permutation(len(doubted))):
            row = {k: v for k, v in doubted[i].items() if k not in HIDDEN}
            out.write(json.dumps({"n": n, "first": doubted[i]["id"], **row}, ensure_ascii=False) + "\n")
    print(len(doubted), "to read again")


def settle(cache: Path, name: str, scores: np.ndarray) -> None:
    first = {r["id"]: r for path in cache.glob("labelled-round-[0-9]*.jsonl") for r in read_jsonl(path)}
    same = changed = 0
    with open(cache / f"amended-{name}.jsonl", "w", encoding="utf-8") as out:
        for second in read_jsonl(cache / f"labelled-round-{name}.jsonl"):
            one = first[second["first"]]
            votes = [
                (s in one["stances"]) + (s in second["stances"]) + bool(scores[one["pool"]][k] > 0.5)
                for k, s in enumerate(STANCES)
            ]
            stances = [s for s, n in zip(STANCES, votes) if n >= 2]
            agree = set(one["stances"]) == set(second["stances"])
            same, changed = same + agree, changed + (set(stances) != set(one["stances"]))
            roles = {s: second["roles"].get(s) or one["roles"].get(s) or {"speaker": "", "target": ""} for s in stances}
            unsure = bool(one["unsure"] or second["unsure"] or not agree)
            record = {"id": one["id"], "stances": stances, "roles": roles, "unsure": unsure}
            record["reason"] = "the majority of two readers and a teacher that doubted the first reading"
            if not agree:
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
    print("read alike by both:", same, "label changed:", changed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["draw", "settle"])
    parser.add_argument("name")
    parser.add_argument("rounds", nargs="*")
    parser.add_argument("--scores", default="scores-news.npy")
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    scores = np.load(args.cache / args.scores)
    if args.what == "draw":
        draw(args.cache, args.name, args.rounds, scores)
    else:
        settle(args.cache, args.name, scores)


if __name__ == "__main__":
    main()
