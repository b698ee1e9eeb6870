"""The labelled sentences as the encoders read them: one list, soft targets for close calls, a held-out twentieth by document."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from encoder import STANCES, read_jsonl


def labelled(shared: Path, cache: Path, *, composed: bool = True, articles: Path | None = None) -> list[dict]:
    """Real, composed, round-by-round and article labels, in that order. Adjudicated records replace first readings."""
    rows = read_jsonl(shared / "labelled/real.jsonl")
    for path in sorted(cache.glob("labelled-round-[0-9]*.jsonl")):
        rows += read_jsonl(path)
    if composed:
        rows += read_jsonl(shared / "labelled/composed.jsonl")
        for path in sorted(cache.glob("composed-*.jsonl")):
            rows += read_jsonl(path)
    if articles is not None and articles.exists():
        rows += read_jsonl(articles)
    amended = {}
    for path in sorted(cache.glob("amended-*.jsonl")):
        amended.update({r["id"]: r for r in read_jsonl(path)})
    return [{**r, **amended.get(r["id"], {})} for r in rows]


def document_digest(row: dict) -> str | None:
    """The hash of the document that a real sentence stands in, in hexadecimal; None for composed ones."""
    if row.get("source") == "composed" or "corpus" not in row:
        return None
    return hashlib.sha256((row.get("document") or row["text"]).encode()).hexdigest()


def held_out(row: dict, parts: int = 20) -> bool:
    """A fixed twentieth of the real sentences, whole documents at a time; never trained on by an encoder."""
    digest = document_digest(row)
    return digest is not None and int(digest, 16) % parts == 0


def targets(rows: list[dict], *, unsure: float = 0.25) -> np.ndarray:
    """0/1 targets (n, 3); a close call pulls its positive stances towards one half by `unsure`."""
    y = np.array([[float(s in r["stances"]) for s in STANCES] for r in rows], dtype=np.float32)
    for i, r in enumerate(rows):
        if r.get("unsure"):
            y[i] = np.where(y[i] > 0.5, 1 - unsure, y[i])
    return y
