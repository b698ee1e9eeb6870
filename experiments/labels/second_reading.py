"""Draw the sentences that a second reader labels without seeing the first label.

    python experiments/labels/second_reading.py

Draws, with a fixed seed, 450 sentences of the real set, 150 composed ones and 300 of the labelling rounds; half of
each bearing a stance by the first label, so that agreement on rare stances is measured and not only on "none".
Writes `round-second.jsonl` into the cache, in the form of a labelling round.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from readings import read_jsonl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    parser.add_argument("--sources", default="real,composed,rounds")
    parser.add_argument("--name", default="second")
    args = parser.parse_args()
    rng = np.random.default_rng(20)
    sources = {
        "real": ([args.shared / "labelled/real.jsonl"], 450),
        "composed": ([args.shared / "labelled/composed.jsonl"], 150),
        "rounds": (sorted(args.cache.glob("labelled-round-[0-9]*.jsonl")), 300),
    }
    drawn = []
    for name in args.sources.split(","):
        paths, count = sources[name]
        rows = read_jsonl(*paths)
        for bearing in (True, False):
            side = [r for r in rows if bool(r["stances"]) == bearing]
            for i in rng.choice(len(side), count // 2, replace=False):
                r = side[i]
                row = {"first": r["id"], "corpus": r.get("corpus", "composed"), "document": r.get("document")}
                drawn.append({**row, "text": r["text"]})
    with open(args.cache / f"round-{args.name}.jsonl", "w", encoding="utf-8") as out:
        for n, i in enumerate(rng.permutation(len(drawn))):
            out.write(json.dumps({"n": n, **drawn[i]}, ensure_ascii=False) + "\n")
    print(len(drawn), "drawn")


if __name__ == "__main__":
    main()
