"""Let the shipped `accurate` read the pool: what it thinks of every sentence, for `fast` to learn from.

    python experiments/accurate/read_pool.py [--count 190000] [--likely 45000] [--jobs 2] [--out scores-accurate.npy]

News first, then UN speeches, each in an order drawn by chance; then of the rest those that a linear model of the labels
alone finds likeliest to bear a stance. Writes an array (pool rows, 3) of probabilities before
calibration, NaN where not read; rows read before are kept, so an interrupted run goes on. About 115 sentences a second
and core.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, indicator, labelled, pool

import rhetoric
from rhetoric.encoder import EncoderModel
from rhetoric.model import sigmoid

BY_CHANCE = 190_000
CHUNK = 500
SAVED_EVERY = 20  # chunks


def read(texts: Sequence[str], kept: dict[str, EncoderModel] = {}) -> np.ndarray:  # noqa: B006 (one model a process)
    if not kept:
        kept["accurate"] = EncoderModel.load("accurate")
    return sigmoid(kept["accurate"].read_whole(texts)).astype(np.float32)


def by_chance(sentences: Sequence[dict[str, Any]], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the pool in an order drawn by chance, news first: the first ``count``, and the rest."""
    speech = np.array([record["corpus"] == "ungd" for record in sentences])
    order = np.random.default_rng(8).permutation(len(sentences))
    order = order[np.argsort(speech[order], kind="stable")]
    return order[:count], order[count:]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--count", type=int, default=BY_CHANCE, help="sentences drawn by chance")
    parser.add_argument("--likely", type=int, default=45_000, help="likely ones of the rest")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", default="scores-accurate.npy", help="file in the cache")
    args = parser.parse_args()
    sentences = pool(args.cache)
    order, rest = by_chance(sentences, args.count)
    if len(rest) and args.likely:
        records = labelled(args.shared, args.cache)
        model = rhetoric.StanceClassifier(folds=0).fit([r["text"] for r in records], indicator(records))
        chances = model.predict_proba([sentences[i]["text"] for i in rest]).max(axis=1)
        order = np.concatenate([order, rest[np.argsort(-chances, kind="stable")][: args.likely]])
    path = args.cache / args.out
    out = np.load(path) if path.exists() else np.full((len(sentences), 3), np.nan, dtype=np.float32)
    todo = order[np.isnan(out[order]).any(axis=1)]
    parts = [todo[low : low + CHUNK] for low in range(0, len(todo), CHUNK)]
    print(f"{len(todo):,} of {len(sentences):,} to read", flush=True)
    begin = time.perf_counter()
    results = Parallel(n_jobs=args.jobs, return_as="generator")(
        delayed(read)([sentences[i]["text"] for i in part]) for part in parts
    )
    done = 0
    for number, (part, probabilities) in enumerate(zip(parts, results), start=1):
        out[part] = probabilities
        done += len(part)
        if number % SAVED_EVERY == 0 or number == len(parts):
            np.save(path.with_suffix(".tmp.npy"), out)
            path.with_suffix(".tmp.npy").replace(path)
            print(f"{done:,} read, {done / (time.perf_counter() - begin):.0f} a second", flush=True)


if __name__ == "__main__":
    main()
