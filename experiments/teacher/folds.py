"""When to stop, and what a seed and a setting are worth: MiniLM and MPNet on folds grouped by document.

    python experiments/teacher/folds.py [--labels 2000] [--epochs 3] [--threads 2] [--only NAME ...]

Each encoder learns three times, each time with another third of the documents held out and another seed, and once more
on the first fold with each of the other seeds; always from as many labelled sentences, drawn by chance from the other
documents. MPNet does so on the first fold with other settings, too, one at a time. Measured after every epoch on real sentences of the fold (average precision, macro-F1 at 0.5); the three on one
fold also together, as an ensemble. Rows are kept in the cache as they come; the table goes into the README. Needs
get_mpnet.sh.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import data
import encoder as E
from common import arguments, into_readme, precision
from train import encoder_folder

from rhetoric.actors import mask_all

FOLDS = 3
MEASURED = 1500


@dataclass(frozen=True)
class Run:
    """One training."""

    encoder: str
    fold: int
    seed: int
    lr: float
    frozen: bool  # the embeddings
    heavier: bool = False  # positives, by the root of their odds


FIRST = Run("mpnet", 0, 0, 4e-5, True)
RUNS = {
    f"{name}, fold {fold}, seed {seed}": Run(encoder, fold, seed, lr, frozen)
    for name, encoder, lr, frozen in (("MiniLM-L6", "minilm", 1e-4, False), ("MPNet-base", "mpnet", 4e-5, True))
    for fold, seed in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2))
}
SETTINGS = {
    "MPNet, learning rate 8e-5": replace(FIRST, lr=8e-5),
    "MPNet, positives weigh more (root of the odds)": replace(FIRST, heavier=True),
}
"""MPNet-base on the first fold with seed 0, one setting changed."""


def fold_of(row: dict) -> int:
    """The fold of a sentence: that of its document. Composed ones have none and are always learned from."""
    digest = data.document_digest(row)
    return -1 if digest is None else int(digest[8:16], 16) % FOLDS


def scores(truth: np.ndarray, chances: np.ndarray) -> tuple[float, float]:
    return float(precision(truth, chances).mean()), E.f1_table(chances, truth)["macro"]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--labels", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=[*RUNS, *SETTINGS])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    kept = args.cache / "folds"
    kept.mkdir(exist_ok=True)
    rows = data.labelled(args.shared, args.cache, articles=Path("labels/articles.jsonl"))
    of = np.array([fold_of(row) for row in rows])
    parts = {}
    for fold in range(FOLDS):
        rng = np.random.default_rng(fold)
        learned = rng.permutation(np.flatnonzero(of != fold))[: args.labels]
        measured = rng.permutation(np.flatnonzero(of == fold))[:MEASURED]
        parts[fold] = [rows[i] for i in learned], [rows[i] for i in measured]

    def path(name: str) -> Path:
        return kept / f"{re.sub(r'[^-.0-9A-Za-z]', '', name.replace(', ', '-'))}-{args.labels}-{args.epochs}.npy"

    for name, run in (RUNS | SETTINGS).items():
        if path(name).exists() or (args.only and name not in args.only):
            continue
        learned, measured = parts[run.fold]
        texts, unseen = mask_all([r["text"] for r in learned]), mask_all([r["text"] for r in measured])
        wanted = data.targets(learned)
        share = wanted.mean(axis=0)
        torch.manual_seed(run.seed)
        folder = encoder_folder(run.encoder, args.cache)
        model, tok = E.Encoder.start(folder, freeze_embeddings=run.frozen), E.tokenizer(folder)
        said: list[np.ndarray] = []
        E.train(
            model,
            tok,
            texts,
            wanted,
            positives=((1 - share) / share) ** 0.5 if run.heavier else None,
            epochs=args.epochs,
            lr=run.lr,
            batch=16,
            seed=run.seed,
            log_every=40,
            after_epoch=lambda model=model, tok=tok, unseen=unseen, said=said: said.append(
                E.predict(model, tok, unseen)
            ),
        )
        np.save(path(name), np.array(said))
        print(name, [scores(E.indicator(measured), chances) for chances in said], flush=True)

    header = "".join(f" | epoch {n + 1}: AP, macro-F1" for n in range(args.epochs))
    lines = [
        f"{args.labels:,} labelled sentences, measured on {MEASURED:,} real ones of other documents; learning rates 1e-4 "
        "(MiniLM) and 4e-5 (MPNet, embeddings frozen), batch 16.",
        "",
        f"| run{header} |",
        "|---" * (args.epochs + 1) + "|",
    ]

    def cells(values: np.ndarray) -> str:
        return " | ".join(f"{ap:.3f}, {f1:.3f}" for ap, f1 in values)

    for encoder in ("MiniLM-L6", "MPNet-base"):
        own = {name: np.load(path(name)) for name in RUNS if name.startswith(encoder) and path(name).exists()}
        table = {
            name: np.array([scores(E.indicator(parts[RUNS[name].fold][1]), p) for p in said])
            for name, said in own.items()
        }
        lines += [f"| {name} | {cells(values)} |" for name, values in table.items()]
        each = [values for name, values in table.items() if RUNS[name].fold == RUNS[name].seed]
        if len(each) == FOLDS:
            lines.append(f"| **{encoder}, mean of the folds** | {cells(np.mean(each, axis=0))} |")
        one = [name for name in own if RUNS[name].fold == 0]
        if len(one) == FOLDS:
            truth = E.indicator(parts[0][1])
            spread = np.array([table[name] for name in one]).std(axis=0, ddof=1)
            lines.append(f"| {encoder}, fold 0, deviation of the seeds | {cells(spread)} |")
            together = [scores(truth, np.mean([own[name][n] for name in one], axis=0)) for n in range(args.epochs)]
            lines.append(f"| {encoder}, fold 0, the three seeds' mean | {cells(np.array(together))} |")
    for name in SETTINGS:
        if path(name).exists():
            values = np.array([scores(E.indicator(parts[0][1]), p) for p in np.load(path(name))])
            lines.append(f"| {name} | {cells(values)} |")
    into_readme(__file__, "folds", "\n".join(lines))


if __name__ == "__main__":
    main()
