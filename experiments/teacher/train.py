"""Fine-tune the teacher: an encoder on all labels, multi-label.

    python experiments/teacher/train.py OUT --encoder mpnet|minilm|FOLDER [--init FOLDER] [--epochs 2] [--seed 0] [--mask]

Prints macro-F1 at threshold 0.5 on the held-out twentieth and on the development gold set.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import data
import encoder as E
from common import minilm


def encoder_folder(name: str, cache: Path) -> str:
    """Where an encoder's pretrained weights lie: `minilm` in its package, `mpnet` unpacked by get_mpnet.sh."""
    if name == "minilm":
        return str(minilm())
    if name == "mpnet":
        return str(cache / "mpnet/all-mpnet-base-v2")
    return name


def masker(on: bool):
    if not on:
        return lambda texts: texts
    from rhetoric.actors import mask_all

    return mask_all


def report(name: str, model, tok, rows: list[dict], mask) -> dict:
    p = E.predict(model, tok, mask([r["text"] for r in rows]))
    y = E.indicator(rows)
    sure = [i for i, r in enumerate(rows) if not r.get("unsure")]
    table = {"all": E.f1_table(p, y), "sure": E.f1_table(p[sure], y[sure])}
    for kind, f1 in table.items():
        print(
            f"{name:12} {kind:5} n={len(rows) if kind == 'all' else len(sure):5d} "
            + " ".join(f"{k} {v:.3f}" for k, v in f1.items()),
            flush=True,
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--encoder", default="mpnet")
    parser.add_argument("--init", type=Path, help="start from this fine-tuned folder instead of the pretrained weights")
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--lr", type=float, default=4e-5)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mask", action="store_true", help="mask names of actors")
    parser.add_argument("--from-round", type=int, help="the labels of this round and later, and half as many earlier ones by chance")
    parser.add_argument("--limit", type=int, help="train on the first N only (a trial run)")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    torch.set_num_threads(2)
    mask = masker(args.mask)
    rows = data.labelled(args.shared, args.cache, articles=Path("labels/articles.jsonl"))
    held = [r for r in rows if data.held_out(r)]
    rows = [r for r in rows if not data.held_out(r)]
    if args.from_round is not None:
        late = [str(r.get("round", "")).isdigit() and int(r["round"]) >= args.from_round for r in rows]
        late = [is_late or r.get("batch") == "hard" for is_late, r in zip(late, rows)]
        new = [r for is_late, r in zip(late, rows) if is_late]
        old = [r for is_late, r in zip(late, rows) if not is_late]
        chosen = np.random.default_rng(args.seed).permutation(len(old))[: len(new) // 2]
        rows = new + [old[i] for i in sorted(chosen)]
    rows = rows[: args.limit]
    print(len(rows), "to train on,", len(held), "held out", flush=True)
    if args.init:
        model, tok = E.load(args.init)
        for p in model.body.embeddings.parameters():
            p.requires_grad = False
    else:
        folder = encoder_folder(args.encoder, args.cache)
        model, tok = E.Encoder.start(folder), E.tokenizer(folder)
    E.train(
        model,
        tok,
        mask([r["text"] for r in rows]),
        data.targets(rows),
        epochs=args.epochs,
        lr=args.lr,
        batch=args.batch,
        seed=args.seed,
        log_every=100,
    )
    E.save(model, args.out, tok)
    gold = E.read_jsonl(args.shared / "gold/dev.jsonl")
    result = {
        "arguments": {k: str(v) for k, v in vars(args).items()},
        "trained_on": len(rows),
        "held": report("held out", model, tok, held, mask),
        "gold_dev": report("gold dev", model, tok, gold, mask),
    }
    (args.out / "result.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
