"""The labels that every peer learns from: those that the shipped `fast` learns from (experiments/fast/train.py)."""

from __future__ import annotations

import gzip
import itertools
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import ROOT, read

OPEN_SOURCES = ("articles", "composed", "ungd", "muc4", "wikinews")
"""Sources whose text may be passed on: ours, public domain, CC0 or CC BY."""


def labelled(shared: Path, cache: Path) -> list[dict[str, Any]]:
    """All labelled sentences, the first of those with the same text, each with its ``register``.

    What was adjudicated replaces the first reading; a second reading counts where there is no first one.
    """
    paths = [ROOT / "labels/articles.jsonl", shared / "labelled/real.jsonl"]
    for pattern in ("labelled-round-[0-9]*.jsonl", "labelled-round-second-*.jsonl"):
        paths += sorted(cache.glob(pattern))
    paths += [shared / "labelled/composed.jsonl", *sorted(cache.glob("composed-*.jsonl"))]
    amended = {r["id"]: r for path in sorted(cache.glob("amended-*.jsonl")) for r in read(path)}
    seen: set[str] = set()
    records = []
    for path in paths:
        for record in read(path) if path.exists() else ():
            if record["text"] not in seen:
                seen.add(record["text"])
                record |= amended.get(record.get("id"), {})
                record["register"] = "articles" if path.stem == "articles" else record.get("corpus") or "composed"
                records.append(record)
    return records


def pool(cache: Path, n: int) -> list[str]:
    """Unlabelled sentences of news and UN speeches, spread evenly over the pool, to measure speed on."""
    with gzip.open(cache / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in itertools.islice(lines, 0, None, 10)]
    return texts[:: max(len(texts) // n, 1)][:n]
