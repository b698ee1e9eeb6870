"""What each labelling round brought: the linear model on everything up to the round, measured on the gold dev set.

    OMP_NUM_THREADS=1 python experiments/labels/curve.py

Same settings for every round, composed sentences always in, no teacher; thresholds from cross-validation. Writes
`rounds.json`, which datasheet.py puts into the datasheet. One run each: steps below 0.03 on 310 sentences are noise.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from readings import numbered, read_jsonl

from rhetoric.evaluate import evaluate
from rhetoric.model import StanceClassifier
from rhetoric.stances import STANCES


def truth(rows: list[dict]) -> np.ndarray:
    return np.array([[s in r["stances"] for s in STANCES] for r in rows], dtype=float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    gold = read_jsonl(args.shared / "gold/dev.jsonl")
    composed = read_jsonl(args.shared / "labelled/composed.jsonl")
    real = read_jsonl(args.shared / "labelled/real.jsonl")
    table = []
    for k, path in enumerate([None, *numbered(args.cache.glob("labelled-round-[0-9]*.jsonl"))]):
        new = read_jsonl(path) if path else real
        real = real + new if path else real
        rows = real + composed
        model = StanceClassifier().fit([r["text"] for r in rows], truth(rows))
        texts = [r["text"] for r in gold]
        result = evaluate(truth(gold), model.predict(texts), model.predict_proba(texts))
        found = {s: sum(s in r["stances"] for r in new) for s in STANCES}
        scores = {f"F1 {s.stance}": round(s.f1, 3) for s in result.scores}
        table.append(
            {
                "round": k,
                "read": len(new),
                **found,
                "real in all": len(real),
                **scores,
                "dev macro-F1": round(result.macro_f1, 3),
            }
        )
        print(table[-1], flush=True)
    (Path(__file__).parent / "rounds.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
