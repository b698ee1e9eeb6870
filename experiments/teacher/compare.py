"""Teachers one by one and as ensembles (mean of their log odds), on the same sentences.

    python experiments/teacher/compare.py FOLDER FOLDER ...

Held-out sentences are told apart by the round that they were read in: the later ones were chosen for being hard.
Threshold 0.5.
"""

from __future__ import annotations

import argparse
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
import data
import encoder as E
from train import masker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("teachers", nargs="+", type=Path)
    parser.add_argument("--late", type=int, default=8, help="the first of the later rounds")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    torch.set_num_threads(2)
    mask = masker(True)
    held = [r for r in data.labelled(args.shared, args.cache) if data.held_out(r)]
    gold = E.read_jsonl(args.shared / "gold/dev.jsonl")
    late = np.array([str(r.get("round", "")).isdigit() and int(r["round"]) >= args.late for r in held])
    sure = np.array([not r["unsure"] for r in gold])
    rows, truth = held + gold, E.indicator(held + gold)
    n = len(held)
    sets = {
        f"held out, rounds 0-{args.late - 1}": np.append(~late, np.zeros(len(gold), bool)),
        f"held out, rounds {args.late}-": np.append(late, np.zeros(len(gold), bool)),
        "dev": np.append(np.zeros(n, bool), np.ones(len(gold), bool)),
        "dev, sure": np.append(np.zeros(n, bool), sure),
    }
    logits = {}
    for folder in args.teachers:
        model, tok = E.load(folder)
        p = np.clip(E.predict(model, tok, mask([r["text"] for r in rows])), 1e-5, 1 - 1e-5)
        logits[folder.name] = np.log(p / (1 - p))
    print("| teachers | " + " | ".join(f"{name} (n={int(at.sum())})" for name, at in sets.items()) + " |")
    print("|---" * (len(sets) + 1) + "|")
    for k in range(1, len(logits) + 1):
        for names in combinations(logits, k):
            p = 1 / (1 + np.exp(-np.mean([logits[name] for name in names], axis=0)))
            cells = [" ".join(f"{v:.3f}" for v in E.f1_table(p[at], truth[at]).values()) for at in sets.values()]
            print(f"| {' + '.join(names)} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
