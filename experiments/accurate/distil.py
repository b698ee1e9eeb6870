"""Teach a small encoder by a large one: half label, half teacher on labelled sentences; the teacher alone on the pool.

    python experiments/accurate/distil.py OUT --teacher FOLDER [--start minilm] [--init FOLDER] [--scores scores.npy] [--epochs 2]

Names of actors are masked. `--layers K` cuts the starting encoder to K layers.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "teacher"), str(Path(__file__).resolve().parents[1])]
import data
import encoder as E
from common import opinion, pool
from train import encoder_folder, masker, report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--teacher", type=Path, action="append", default=[], help="reads the labelled sentences; repeat for an ensemble"
    )
    parser.add_argument("--start", default="minilm")
    parser.add_argument("--init", type=Path)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--scores", default="scores.npy", help="files in the cache, with commas between")
    parser.add_argument("--pool", type=int, default=10**9, help="at most so many pool sentences")
    parser.add_argument("--label-weight", type=float, default=0.5)
    parser.add_argument("--repeat-labels", type=int, default=1)
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-mask", action="store_true")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    torch.set_num_threads(2)
    mask = masker(not args.no_mask)
    rows = data.labelled(args.shared, args.cache, articles=Path("labels/articles.jsonl"))
    held = [r for r in rows if data.held_out(r)]
    rows = [r for r in rows if not data.held_out(r)]
    texts = mask([r["text"] for r in rows])
    y = data.targets(rows)
    if args.teacher:
        z = []
        for folder in args.teacher:
            teacher, ttok = E.load(folder)
            p = np.clip(E.predict(teacher, ttok, texts), 1e-5, 1 - 1e-5)
            z.append(np.log(p / (1 - p)))
        read_by_teacher = 1 / (1 + np.exp(-np.mean(z, axis=0)))
        # `fast` learns from these too: experiments/fast/train.py --labelled-teacher
        np.savez(
            args.cache / "labelled-scores.npz", texts=np.array([r["text"] for r in rows]), probabilities=read_by_teacher
        )
        y = args.label_weight * y + (1 - args.label_weight) * read_by_teacher
        del teacher
    texts, y = texts * args.repeat_labels, np.concatenate([y] * args.repeat_labels)
    scores = opinion([args.cache / name for name in args.scores.split(",")], floor=1e-5)
    sentences = pool(args.cache)
    read = np.flatnonzero(~np.isnan(scores).any(axis=1))
    read = np.array([i for i in read if not data.held_out(sentences[i])])
    read = np.random.default_rng(args.seed).permutation(read)[: args.pool]
    texts += mask([sentences[i]["text"] for i in read])
    y = np.concatenate([y, scores[read]])
    print(len(rows), "labelled,", len(read), "pool,", len(held), "held out", flush=True)
    if args.init:
        model, tok = E.load(args.init)
        if args.layers:
            E.cut(model.body, args.layers)
        for p in model.body.embeddings.parameters():
            p.requires_grad = False
    else:
        folder = encoder_folder(args.start, args.cache)
        model, tok = E.Encoder.start(folder, layers=args.layers, freeze_embeddings=False), E.tokenizer(folder)
    E.train(
        model,
        tok,
        texts,
        y.astype(np.float32),
        epochs=args.epochs,
        lr=args.lr,
        batch=args.batch,
        seed=args.seed,
        log_every=200,
    )
    E.save(model, args.out, tok)
    gold = E.read_jsonl(args.shared / "gold/dev.jsonl")
    result = {
        "arguments": {k: str(v) for k, v in vars(args).items()},
        "labelled": len(rows),
        "pool": len(read),
        "held": report("held out", model, tok, held, mask),
        "gold_dev": report("gold dev", model, tok, gold, mask),
    }
    (args.out / "result.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
