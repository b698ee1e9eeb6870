"""The labels that every peer learns from: those that the shipped `fast` learns from (experiments/fast/train.py)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import common
from common import labelled

__all__ = ["labelled", "pool"]

def pool(cache: Path, n: int) -> list[str]:
    """Unlabelled sentences of news and UN speeches, spread evenly over the pool, to measure speed on."""
    texts = [record["text"] for record in common.pool(cache)[::10]]
    return texts[:: max(len(texts) // n, 1)][:n]
