"""Train the shipped model `fast` and write it to rhetoric/models/fast.

    python experiments/fast/train.py [--shared ../shared] [--cache experiments/.cache] [--out rhetoric/models/fast]

Learns from the labelled articles (labels/articles.jsonl), the composed sentences, the labelled real sentences and the
rounds of labels in the cache. Deterministic.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np

import rhetoric
from rhetoric.evaluate import evaluate
from rhetoric.model import StanceClassifier

ROOT = Path(__file__).resolve().parents[2]


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def training_records(shared: Path, cache: Path) -> list[dict]:
    """All labelled sentences, the first of those with the same text; each has text, stances and source."""
    paths = [ROOT / "labels/articles.jsonl", shared / "labelled/composed.jsonl", shared / "labelled/real.jsonl"]
    paths += [*sorted(cache.glob("composed-plain.jsonl")), *sorted(cache.glob("labelled-round-*.jsonl"))]
    seen: set[str] = set()
    records = []
    for path in paths:
        for record in read(path) if path.exists() else ():
            if record["text"] not in seen:
                seen.add(record["text"])
                records.append(record)
    return records


def indicator(records: list[dict]) -> np.ndarray:
    return np.array([[stance in r["stances"] for stance in rhetoric.STANCES] for r in records], dtype=float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--cache", type=Path, default=ROOT / "experiments/.cache")
    parser.add_argument("--out", type=Path, default=ROOT / "rhetoric/models/fast")
    args = parser.parse_args()
    records = training_records(args.shared, args.cache)
    print(len(records), dict(Counter(r.get("corpus") or r.get("source") or "?" for r in records)))
    model = StanceClassifier()
    model.name = "fast"
    model.fit([r["text"] for r in records], indicator(records))
    gold = read(args.shared / "gold/dev.jsonl")
    texts, truth = [r["text"] for r in gold], indicator(gold)
    result = evaluate(truth, model.predict(texts), model.predict_proba(texts))
    print(result.table())
    card = (ROOT / "experiments/fast/CARD.md").read_text(encoding="utf-8")
    model.save(args.out, card=card.replace("{scores}", result.table()).replace("{n}", str(len(records))))
    size = sum(f.stat().st_size for f in args.out.iterdir())
    print(f"wrote {args.out}: {size / 1e6:.1f} MB, hash {model.hash[:12]}")


if __name__ == "__main__":
    main()
