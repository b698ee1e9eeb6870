"""Settings of an encoder's fine-tuning, one at a time: seeds, learning rates, epochs, the loss of rare stances, masking.

    python experiments/teacher/grid.py [--labels 8000] [--only NAME ...]

MiniLM-L6 on labelled sentences drawn by chance, each setting measured on the same documents that none learned from
(average precision, and macro-F1 at 0.5), after every epoch, so that the table shows where to stop. The order of the
settings says more than the figures: a teacher is larger and learns from three times as many labels. Rows are kept in the
cache as they come; the table goes into the README.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import data
import encoder as E
from common import arguments, into_readme, minilm
from sklearn.metrics import average_precision_score

from rhetoric.actors import mask_all


@dataclass(frozen=True)
class Setting:
    """One row: what differs from the others."""

    epochs: int = 2
    lr: float = 1e-4
    seed: int = 0
    balance: float = 0.0  # a stance's positives weigh (negatives / positives) ** balance
    mask: bool = True


SETTINGS = {
    "base: 2 epochs, 1e-4, plain loss, masked, seed 0": Setting(),
    "seed 1": Setting(seed=1),
    "seed 2": Setting(seed=2),
    "learning rate 5e-5": Setting(lr=5e-5),
    "learning rate 2e-4": Setting(lr=2e-4),
    "3 epochs": Setting(epochs=3),
    "positives weigh more (root of the odds)": Setting(balance=0.5),
    "names not masked": Setting(mask=False),
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--labels", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=list(SETTINGS))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    kept = args.cache / "grid.json"
    rows = json.loads(kept.read_text()) if kept.exists() else {}
    records = data.labelled(args.shared, args.cache, articles=Path("labels/articles.jsonl"))
    held = [r for r in records if data.held_out(r)]
    learned = [r for r in records if not data.held_out(r)]
    learned = [learned[i] for i in np.random.default_rng(0).permutation(len(learned))[: args.labels]]
    truth = E.indicator(held)
    for name, setting in SETTINGS.items():
        if name in rows or (args.only and name not in args.only):
            continue
        mask = mask_all if setting.mask else list
        texts, unseen = mask([r["text"] for r in learned]), mask([r["text"] for r in held])
        targets = data.targets(learned)
        bearing = targets.mean(axis=0)
        torch.manual_seed(setting.seed)
        model, tok = E.Encoder.start(minilm(), freeze_embeddings=False), E.tokenizer(minilm())
        path: list[list[float]] = []

        def measure(model=model, tok=tok, unseen=unseen, path=path) -> None:
            p = E.predict(model, tok, unseen)
            ap = np.mean([average_precision_score(truth[:, k], p[:, k]) for k in range(truth.shape[1])])
            path.append([float(ap), E.f1_table(p, truth)["macro"]])

        E.train(
            model,
            tok,
            texts,
            targets,
            epochs=setting.epochs,
            lr=setting.lr,
            batch=32,
            seed=setting.seed,
            log_every=10**9,
            positives=((1 - bearing) / bearing) ** setting.balance,
            after_epoch=measure,
        )
        rows[name] = path
        print(name, path, flush=True)
        kept.write_text(json.dumps(rows, indent=1))
    lines = [
        f"MiniLM-L6 on {args.labels:,} labelled sentences, measured on {len(held):,} of other documents.",
        "",
        "| setting | AP after each epoch | macro-F1 at 0.5 after each epoch |",
        "|---|---|---|",
    ]
    for name in [name for name in SETTINGS if name in rows]:
        ap, f1 = (" ".join(f"{step[i]:.3f}" for step in rows[name]) for i in (0, 1))
        lines.append(f"| {name} | {ap} | {f1} |")
    into_readme(__file__, "grid", "\n".join(lines))


if __name__ == "__main__":
    main()
