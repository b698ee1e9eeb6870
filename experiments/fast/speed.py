"""Speed of `fast` against scikit-learn's TF-IDF (1, 2) + logistic regression in predict_proba, one core, CPU time.

OMP_NUM_THREADS=1 python experiments/fast/speed.py [--model PATH] [--cache experiments/.cache] [--n 10000]
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path

import rhetoric

ROOT = Path(__file__).resolve().parents[2]


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """The best of a few runs, in CPU seconds of this process: others may use the machine."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return min(times)


def main() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fast")
    parser.add_argument("--cache", type=Path, default=ROOT / "experiments/.cache")
    parser.add_argument("--n", type=int, default=10_000)
    args = parser.parse_args()
    with gzip.open(args.cache / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in itertools.islice(lines, args.n)]
    model = rhetoric.load(args.model)
    model.predict_proba(texts[:500])
    ours = seconds(lambda: model.predict_proba(texts))
    few = texts[:3000]
    peer = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), OneVsRestClassifier(LogisticRegression()))
    peer.fit(few, model.predict_proba(few) > 0.1)
    theirs = seconds(lambda: peer.predict_proba(texts), 2)
    rates = f"{len(texts) / ours:,.0f} sentences/s; scikit-learn {len(texts) / theirs:,.0f}"
    print(f"{args.model}: {rates}; ratio {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
