"""Train the shipped model `fast` and write it to rhetoric/models/fast.

    python experiments/fast/train.py [--teacher scores.npy ...] [--labelled-teacher labelled-scores.npz]

Learns from the labelled articles, the composed sentences, the labelled real sentences and the rounds of labels in the
cache; with --teacher (rows of the pool, 3; NaN where not read) also from what teachers think of the pool, several
being averaged in logits, and from the sentences that augment.py made; with
--labelled-teacher (arrays `texts` and `probabilities`) the target of a labelled sentence is half its label, half the
teacher's probability. Deterministic. Measure with OMP_NUM_THREADS=1 where others use the machine.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from reference import write as write_reference

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import FAST, PREVALENCE, breakdowns, indicator, load_network, opinion, pool, read
from common import labelled as training_records

from rhetoric.evaluate import evaluate
from rhetoric.labels.splits import group_near_duplicates
from rhetoric.model import StanceClassifier, Taught

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "experiments/.cache"
POOL_WEIGHT = 1.0
REWRITTEN_WEIGHT = 0.4  # 0.4 and 1 read the folds alike
FLOOR = 1e-4
REPLAYED = 12_000  # sentences that a retraining learns from again: the folder stays below 5 MB


def rewritten(cache: Path) -> list[dict]:
    """What augment.py made of sentences: text, the teacher's probabilities, the sentence that it was made of."""
    with gzip.open(cache / "augmented.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def lesson(
    cache: Path, scores: Sequence[Path], texts: Sequence[str], without: Sequence[str] = (), *, with_rewritten: bool = True
) -> Taught:
    """The sentences of the pool that a teacher read, and rewritten ones.

    Args:
        texts: the labelled sentences that a model learns from beside them. What was made of one is left out wherever it
            is held out.
        without: labelled sentences that the model must not know at all.
    """
    probabilities = opinion(scores)
    read_ones = np.flatnonzero(~np.isnan(probabilities).any(axis=1))
    unread = [record["text"] for record in pool(cache)]
    if len(unread) != len(probabilities):
        raise SystemExit(f"the scores have {len(probabilities)} rows, the pool {len(unread)} sentences")
    hidden, known = set(without), {*texts, *without}
    rows = [row for row in read_ones if unread[row] not in known]
    made = [record for record in rewritten(cache) if record["source"] not in hidden] if with_rewritten else []
    number = {text: i for i, text in enumerate(texts)}
    of = np.array([number.get(record["source"], -1) for record in made], dtype=np.int64)
    said = np.array([record["probabilities"] for record in made]).reshape(-1, probabilities.shape[1])
    told = np.vstack([probabilities[rows], np.clip(said, FLOOR, 1 - FLOOR)])

    def tell(labelled: NDArray[np.int64]) -> NDArray[np.float64]:
        allowed = np.zeros(len(texts) + 1, dtype=bool)
        allowed[labelled] = allowed[-1] = True  # the last: made of no labelled sentence
        out = told.copy()
        out[len(rows) :][~allowed[of]] = np.nan
        return out

    return Taught(
        [unread[row] for row in rows] + [record["text"] for record in made],
        tell,
        np.repeat([POOL_WEIGHT, REWRITTEN_WEIGHT], [len(rows), len(made)]),
    )


def grouped(texts: Sequence[str], cache: Path) -> np.ndarray:
    """Groups of near-duplicates, kept in the cache: finding them takes as long as several fits."""
    path = cache / "fast-groups.json"
    keys = [hashlib.sha256(text.encode()).hexdigest()[:20] for text in texts]
    known = json.loads(path.read_text()) if path.exists() else {}
    if not known.keys() >= set(keys):
        known = dict(zip(keys, group_near_duplicates(texts).tolist(), strict=True))
        path.write_text(json.dumps(known))
    return np.array([known[key] for key in keys])


def mixed(targets: np.ndarray, records: Sequence[dict], path: Path) -> np.ndarray:
    """Half label, half teacher, where the teacher read the sentence."""
    data = np.load(path)
    thought = dict(zip(data["texts"].tolist(), data["probabilities"], strict=True))
    return np.array([(y + thought.get(r["text"], y)) / 2 for y, r in zip(targets, records, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, default=ROOT / "rhetoric/models/fast")
    parser.add_argument("--teacher", type=Path, nargs="+")
    parser.add_argument("--labelled-teacher", type=Path)
    parser.add_argument("--no-network", action="store_true", help="the linear part alone")
    parser.add_argument("--no-gold", action="store_true", help="do not measure on the development set")
    args = parser.parse_args()
    records = training_records(args.shared, args.cache)
    texts, truth = [r["text"] for r in records], indicator(records)
    print(len(records), dict(Counter(r["register"] for r in records)), flush=True)
    targets = mixed(truth, records, args.labelled_teacher) if args.labelled_teacher else truth
    taught = lesson(args.cache, args.teacher, texts) if args.teacher else None
    model = StanceClassifier(folds=3, **FAST)
    model.name = "fast"
    beside: dict = {}
    if not args.no_network:
        held = np.load(args.cache / "network-held-out.npz")["logits"]
        beside = {"network": load_network(args.cache / "network"), "network_held_out": held}
    model.fit(texts, targets, taught=taught, groups=grouped(texts, args.cache), prevalence=PREVALENCE, **beside)
    assert model.replay_ is not None
    model.replay_ = model.replay_.thinned(REPLAYED)

    real = np.array([r["register"] != "composed" for r in records])
    held_out = model.held_out_[real]
    found = held_out >= model.thresholds_
    cv = evaluate(truth[real], found, held_out)
    own = [r for r in records if r["register"] != "composed"]
    worse = breakdowns(own, found)
    print(cv.table(), worse, sep="\n\n")
    dev = "not measured"
    if not args.no_gold:
        gold = read(args.shared / "gold/dev.jsonl")
        gold_texts = [r["text"] for r in gold]
        dev = evaluate(indicator(gold), model.predict(gold_texts), model.predict_proba(gold_texts)).table()
        print(dev, sep="\n\n")
    made = len(rewritten(args.cache)) if taught else 0
    card = (ROOT / "experiments/fast/CARD.md").read_text(encoding="utf-8")
    values = {
        "n": f"{len(records):,}",
        "composed": f"{int((~real).sum()):,}",
        "pool": f"{len(taught.sentences) - made:,}" if taught else "no",
        "made": f"{made:,}",
        "dev": dev,
        "cv": cv.table(),
        "breakdowns": worse,
    }
    for name, value in values.items():
        card = card.replace("{" + name + "}", value)
    model.save(args.out, card=card)
    if args.out.resolve() == ROOT / "rhetoric/models/fast":
        write_reference(StanceClassifier.load(args.out))
    size = sum(f.stat().st_size for f in args.out.iterdir())
    print(f"wrote {args.out}: {size / 1e6:.1f} MB, hash {model.hash[:12]}")


if __name__ == "__main__":
    main()
