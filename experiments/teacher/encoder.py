"""An encoder with a multi-label head: read data, train, predict. Shared by the teacher's and the student's scripts.

Needs torch and transformers (see README.md here); the package itself never imports them.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer

STANCES = ("accusation", "denial", "call_to_negotiate")
MAX_TOKENS = 96


def read_jsonl(path: Path) -> list[dict]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def indicator(rows: list[dict]) -> np.ndarray:
    return np.array([[float(s in r["stances"]) for s in STANCES] for r in rows], dtype=np.float32)


class Encoder(nn.Module):
    """Mean-pooled transformer with one logit per stance."""

    def __init__(self, body: nn.Module, dropout: float = 0.1) -> None:
        super().__init__()
        self.body = body
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(body.config.hidden_size, len(STANCES))

    @staticmethod
    def start(folder: str | Path, layers: int | None = None, freeze_embeddings: bool = True) -> Encoder:
        body = AutoModel.from_pretrained(folder, add_pooling_layer=False)
        if layers is not None:
            cut(body, layers)
        if freeze_embeddings:
            for p in body.embeddings.parameters():
                p.requires_grad = False
        return Encoder(body)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return self.head(self.drop((hidden * weight).sum(1) / weight.sum(1)))


def cut(body: nn.Module, layers: int) -> None:
    """Keep `layers` layers at even distances, the first and the last among them."""
    stack = body.encoder.layer
    keep = np.linspace(0, len(stack) - 1, layers).round().astype(int)
    body.encoder.layer = nn.ModuleList([stack[i] for i in keep])
    body.config.num_hidden_layers = layers


def tokenizer(folder: str | Path):
    return AutoTokenizer.from_pretrained(folder)


def encode(tok, texts: list[str]) -> list[list[int]]:
    return tok(texts, truncation=True, max_length=MAX_TOKENS)["input_ids"]


def pad(ids: list[list[int]], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, ids))
    out = torch.full((len(ids), width), pad_id)
    mask = torch.zeros((len(ids), width), dtype=torch.long)
    for i, x in enumerate(ids):
        out[i, : len(x)] = torch.tensor(x)
        mask[i, : len(x)] = 1
    return out, mask


def length_batches(lengths: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Random batches of like lengths: shuffle, sort inside windows of 50 batches, shuffle the batches."""
    order = rng.permutation(len(lengths))
    batches = []
    for i in range(0, len(order), size * 50):
        window = order[i : i + size * 50]
        window = window[np.argsort(lengths[window], kind="stable")]
        batches += [window[j : j + size] for j in range(0, len(window), size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def train(
    model: Encoder,
    tok,
    texts: list[str],
    targets: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    epochs: float = 2,
    lr: float = 4e-5,
    batch: int = 16,
    warmup: float = 0.1,
    seed: int = 0,
    layer_decay: float = 1.0,
    head_lr: float | None = None,
    log_every: int = 50,
    checkpoint: Path | None = None,
    positives: np.ndarray | None = None,
    after_epoch: Callable[[], None] | None = None,
) -> None:
    """Binary cross-entropy on (soft) targets, AdamW, linear warm-up and decay, bfloat16 where the CPU has it.

    ``positives``: (n_stances,) what each stance's positives weigh. ``after_epoch`` is called whenever all sentences have
    been seen once more.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    ids = encode(tok, texts)
    lengths = np.array([len(x) for x in ids])
    y = torch.tensor(targets, dtype=torch.float32)
    w = None if weights is None else torch.tensor(weights, dtype=torch.float32)
    groups = [{"params": list(model.head.parameters()), "lr": head_lr or lr * 5}]
    stack = model.body.encoder.layer
    for depth, layer in enumerate(stack):
        groups.append({"params": list(layer.parameters()), "lr": lr * layer_decay ** (len(stack) - 1 - depth)})
    named = {id(p) for g in groups for p in g["params"]}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in named]
    if rest:
        groups.append({"params": rest, "lr": lr * layer_decay ** len(stack)})
    opt = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    plan: list[np.ndarray] = []
    for _ in range(math.ceil(epochs)):
        plan += length_batches(lengths, batch, rng)
    each = len(plan) // math.ceil(epochs)
    heavier = None if positives is None else torch.tensor(positives, dtype=torch.float32)
    plan = plan[: int(len(plan) * epochs / math.ceil(epochs))]
    total = len(plan)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda s: min((s + 1) / max(1, warmup * total), max(0.0, (total - s) / max(1, total * (1 - warmup))))
    )
    model.train()
    began, running = time.time(), 0.0
    for step, rows in enumerate(plan):
        x, mask = pad([ids[i] for i in rows], tok.pad_token_id)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(x, mask)
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), y[rows], reduction="none", pos_weight=heavier).sum(1)
        loss = loss.mean() if w is None else (loss * w[rows]).sum() / w[rows].sum()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        schedule.step()
        if after_epoch is not None and (step + 1) % each == 0:
            after_epoch()
            model.train()
        running = running * 0.98 + float(loss) * 0.02 if step else float(loss)
        if step % log_every == 0:
            rate = (step + 1) * batch / (time.time() - began)
            print(
                f"step {step}/{total} loss {running:.4f} {rate:.1f} sentences/s {(total - step) * batch / rate / 60:.1f} min left",
                flush=True,
            )
            if checkpoint is not None and step and step % (log_every * 10) == 0:
                torch.save(model.state_dict(), checkpoint)
    model.eval()


@torch.no_grad()
def predict(model: Encoder, tok, texts: list[str], batch: int = 64, log: bool = False) -> np.ndarray:
    """Probabilities (n, 3), sorted by length inside for speed."""
    model.eval()
    out = np.zeros((len(texts), len(STANCES)), dtype=np.float32)
    began = time.time()
    for lo in range(0, len(texts), 20_000):
        part = texts[lo : lo + 20_000]
        ids = encode(tok, part)
        order = np.argsort([len(x) for x in ids], kind="stable")
        for i in range(0, len(order), batch):
            rows = order[i : i + batch]
            x, mask = pad([ids[r] for r in rows], tok.pad_token_id)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(x, mask)
            out[lo + rows] = torch.sigmoid(logits.float()).numpy()
        if log:
            print(
                f"{lo + len(part)}/{len(texts)} {(lo + len(part)) / (time.time() - began):.0f} sentences/s", flush=True
            )
    return out


def save(model: Encoder, folder: Path, tok) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model.body.config.save_pretrained(folder)
    tok.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "state.pt")


def load(folder: Path) -> tuple[Encoder, object]:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder)
    model = Encoder(AutoModel.from_config(config, add_pooling_layer=False))
    model.load_state_dict(torch.load(folder / "state.pt", weights_only=True))
    model.eval()
    return model, tokenizer(folder)


def f1_table(p: np.ndarray, y: np.ndarray, thresholds=(0.5, 0.5, 0.5)) -> dict[str, float]:
    result = {}
    for j, stance in enumerate(STANCES):
        hit = p[:, j] >= thresholds[j]
        tp = int((hit & (y[:, j] > 0.5)).sum())
        result[stance] = 2 * tp / max(1, int(hit.sum()) + int((y[:, j] > 0.5).sum()))
    result["macro"] = sum(result[s] for s in STANCES) / len(STANCES)
    return result
