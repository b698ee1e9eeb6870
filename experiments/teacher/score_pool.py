"""Let teachers read the pool: probabilities for the sentences worth a teacher's time.

    python experiments/teacher/score_pool.py MODEL... --count 60000 [--mask] [--out scores.npy]

Which sentences: half the likeliest by a words-and-bigrams model (any stance), the rest random, the same every run.
Writes an array (pool rows, 3), NaN where not read; several models are averaged in logits. Rows read before are kept.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path[:0] = [str(HERE.parent / "labels"), str(HERE.parent)]
import common
import encoder as E
from train import masker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=60_000)
    parser.add_argument("--random", type=float, default=0.4, help="share drawn at random")
    parser.add_argument("--mask", action="store_true")
    parser.add_argument("--news", action="store_true", help="news only, drawn by chance")
    parser.add_argument("--out", default="scores.npy")
    parser.add_argument("--chunk", type=int, default=5_000)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    torch.set_num_threads(2)
    pool = common.pool(args.cache)
    texts = [record["text"] for record in pool]
    if args.news:  # every news sentence, in an order drawn by chance; the rest of the pool is UN speeches
        news = np.flatnonzero([record["corpus"] != "ungd" for record in pool])
        read(args, texts, np.random.default_rng(8).permutation(news)[: args.count])
        return
    cues = args.cache / "cues.npy"
    if not cues.exists():
        from select_round import tfidf_scores

        np.save(cues, tfidf_scores(args.shared, args.cache, texts).astype(np.float32))
    cue = np.load(cues)
    rng = np.random.default_rng(7)
    rank = np.minimum.reduce([np.argsort(np.argsort(-cue[:, j])) for j in range(3)])
    likely = np.argsort(rank, kind="stable")
    chance = rng.permutation(len(texts))
    order, seen = [], set()
    a = b = 0
    while len(order) < args.count:  # interleave, so that a longer run begins with what a shorter one read
        if rng.random() < args.random:
            i, b = chance[b], b + 1
        else:
            i, a = likely[a], a + 1
        if i not in seen:
            seen.add(i)
            order.append(i)
    read(args, texts, np.array(order))


def read(args: argparse.Namespace, texts: list[str], order: np.ndarray) -> None:
    """Score the sentences of `order` that are not scored yet, in chunks that are kept as they come."""
    path = args.cache / args.out
    out = np.load(path) if path.exists() else np.full((len(texts), 3), np.nan, dtype=np.float32)
    todo = order[np.isnan(out[order]).any(axis=1)]
    print(len(todo), "to read", flush=True)
    mask = masker(args.mask)
    models = [E.load(folder) for folder in args.models]
    for lo in range(0, len(todo), args.chunk):
        rows = todo[lo : lo + args.chunk]
        part = mask([texts[i] for i in rows])
        z = np.mean(
            [np.log(p / (1 - p)) for p in (np.clip(E.predict(m, tok, part), 1e-5, 1 - 1e-5) for m, tok in models)],
            axis=0,
        )
        out[rows] = 1 / (1 + np.exp(-z))
        np.save(path.with_suffix(".tmp.npy"), out)
        path.with_suffix(".tmp.npy").replace(path)
        print(f"{lo + len(rows)}/{len(todo)}", flush=True)


if __name__ == "__main__":
    main()
