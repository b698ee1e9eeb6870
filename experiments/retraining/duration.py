"""How long `rhetoric.train` takes on top of the shipped model, with a new stance; and what it does to the old ones.

    OMP_NUM_THREADS=1 python experiments/retraining/duration.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "experiments"), str(ROOT / "experiments/fast")]

from common import arguments, gold, indicator, into_readme, read
from train import training_records
from ways import table

import rhetoric
from rhetoric.evaluate import evaluate


def main() -> None:
    args = arguments(__doc__).parse_args()
    dev = gold(args.shared)
    texts, truth = [r["text"] for r in dev], indicator(dev)
    base = rhetoric.load("fast")
    rows = [["none", "-", "-", f"{evaluate(truth, base.predict(texts)).macro_f1:.3f}", "-"]]
    threats = read(Path(__file__).with_name("threat.jsonl"))
    records = [{"text": r["text"], "stances": r["stances"]} for r in training_records(args.shared, args.cache)]
    for name, labels in (("threat.jsonl", threats), ("and 10,000 labelled sentences", records[:10000] + threats)):
        wall, processor = time.perf_counter(), time.process_time()
        model = rhetoric.train(labels, stances=["threat"])
        took = [time.perf_counter() - wall, time.process_time() - processor]
        found = model.predict(texts)
        score = evaluate(truth, found[:, :3]).macro_f1
        rows.append([name, *(f"{t:.1f}" for t in took), f"{score:.3f}", f"{found[:, 3].mean():.3f}"])
        print(rows[-1], flush=True)
    head = ["new labels", "seconds", "of a core", "macro-F1 of old stances, development set", "of it found as threat"]
    into_readme(__file__, "duration", table(head, rows))


if __name__ == "__main__":
    main()
