"""What the linear model gains from more of the pool, other settings, other features: one quick fit for each variant.

    python experiments/fast/variants.py [--scores scores-v3.npy scores-v2.npy] [--only NAME ...] [--clusters TEACHER]

Three folds over the labelled sentences, near-duplicates together; the pool, as teachers read it, is always trained on.
The teachers learned from the same labels, so that the folds flatter whatever leans on the pool; the last columns are the
development set, at the folds' thresholds and, as a mean of average precisions, at none. Writes the table into the README.
`--clusters FOLDER` adds a stream of word clusters, 700 of them, of a teacher's word vectors (needs torch).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from train import grouped

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, gold, indicator, into_readme, labelled, opinion, pool

from rhetoric import features
from rhetoric.actors import mask_tokens
from rhetoric.features import FeatureSettings
from rhetoric.fitting import fit_logistic, spread_folds
from rhetoric.model import feature_matrix
from rhetoric.tokens import DIGIT, PUNCTUATION, hash_word, hash_words, tokenize

OPEN = ("articles", "composed", "ungd", "muc4", "wikinews")


@dataclass(frozen=True)
class Variant:
    settings: FeatureSettings = field(default_factory=FeatureSettings)
    C: float = 0.1
    balance: float = 0.5
    min_count: int = 4
    pool: int = 10**9
    sources: tuple[str, ...] | None = None
    news_weight: float = 1.0
    clusters: bool = False


VARIANTS = {
    "as shipped": Variant(),
    "no pool": Variant(pool=0),
    "pool 15,000": Variant(pool=15_000),
    "pool 30,000": Variant(pool=30_000),
    "C 0.05": Variant(C=0.05),
    "C 0.2": Variant(C=0.2),
    "balance 0": Variant(balance=0),
    "balance 0.75": Variant(balance=0.75),
    "features from 2 sentences on": Variant(min_count=2),
    "news labels count double": Variant(news_weight=2),
    "2^21 buckets": Variant(FeatureSettings(bits=21)),
    "mixed runs to 3": Variant(FeatureSettings(mixed_order=3)),
    "openly licensed text alone": Variant(sources=OPEN),
    "word clusters": Variant(clusters=True),
}


class Clusters:
    """Words -> clusters of a teacher's word vectors, as a stream of runs of up to three."""

    def __init__(self, folder: Path, texts: list[str]) -> None:
        import torch
        from sklearn.cluster import MiniBatchKMeans
        from transformers import AutoTokenizer

        counts = Counter(word for text in texts for word in re.findall(r"[a-z]{2,}", text.lower()))
        words = [word for word, n in counts.items() if n >= 15]
        table = torch.load(folder / "state.pt", weights_only=True)["body.embeddings.word_embeddings.weight"].numpy()
        pieces = AutoTokenizer.from_pretrained(folder)(words, add_special_tokens=False)["input_ids"]
        vectors = np.array([table[ids].mean(axis=0) for ids in pieces])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        found = MiniBatchKMeans(700, random_state=0, n_init=1, batch_size=4096, max_iter=30).fit(vectors).labels_
        hashes = np.array([hash_word(word) for word in words], dtype=np.uint64)
        order = np.argsort(hashes)
        self.words, self.cluster = hashes[order], found[order]
        self.codes = hash_words(f"\x03{k}" for k in range(700))

    def matrix(self, texts: list[str]) -> sp.csr_matrix:
        parts = []
        for lo in range(0, len(texts), 4000):
            tokens = tokenize(texts[lo : lo + 4000])
            masked = mask_tokens(tokens)
            items = np.where((masked.flags & DIGIT) != 0, features._NUMBER, masked.hash)
            classes = features._lexicon().classify(items)
            at = np.searchsorted(self.words, items)
            at[at == len(self.words)] = 0
            items = np.where(self.words[at] == items, self.codes[self.cluster[at]], items)
            items = np.where(classes > 0, features._lexicon().codes[classes], items)
            word = np.flatnonzero((masked.flags & PUNCTUATION) == 0)
            where = masked.first[word], masked.last[word], np.searchsorted(word, masked.indptr)
            stream = features._stream(items[word], ((0,), (0, 1), (0, 1, 2)), *where, 18, seed=5)
            owner = np.repeat(np.arange(len(tokens.indptr) - 1), np.diff(stream.indptr))
            rows, ids = np.tile(owner, len(stream.ids)), stream.ids.ravel()
            kept = ids > 0
            shape = (len(tokens.indptr) - 1, 1 << 18)
            parts.append(sp.csr_matrix((np.ones(kept.sum(), np.float32), (rows[kept], ids[kept])), shape=shape))
        return sp.vstack(parts, format="csr")


def best(p: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The best F1 over thresholds, and the threshold."""
    order = np.argsort(-p, kind="stable")
    f1 = 2 * np.cumsum(y[order]) / (np.arange(1, len(y) + 1) + y.sum())
    return float(f1.max()), float(p[order][f1.argmax()])


def main() -> None:
    from sklearn.metrics import average_precision_score

    parser = arguments(__doc__)
    parser.add_argument("--scores", nargs="+", default=["scores-v3.npy", "scores-v2.npy"])
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--clusters", type=Path, help="a teacher's folder")
    args = parser.parse_args()
    records = labelled(args.shared, args.cache)
    texts, truth = [r["text"] for r in records], indicator(records)
    source = np.array([r["register"] for r in records])
    fold = spread_folds(np.unique(grouped(texts, args.cache), return_inverse=True)[1], truth, 3)
    sentences = pool(args.cache)
    thought, known = opinion([args.cache / name for name in args.scores]), set(texts)
    read = [i for i in np.flatnonzero(~np.isnan(thought).any(axis=1)) if sentences[i]["text"] not in known]
    read = np.random.default_rng(0).permutation(read)
    pool_texts, pool_source = [sentences[i]["text"] for i in read], np.array([sentences[i]["corpus"] for i in read])
    thought = thought[read]
    on_gold = gold(args.shared)
    gold_truth = indicator(on_gold)
    sets = texts, pool_texts, [r["text"] for r in on_gold]
    clusters = Clusters(args.clusters, [*texts, *pool_texts]) if args.clusters else None
    lines = [
        "| variant | labels | pool | folds: macro-F1 | accusation | denial | call_to_negotiate | mean over sources (AP) | dev macro-F1 | dev AP |",
        "|---" * 10 + "|",
    ]
    kept: dict[Any, list[sp.csr_matrix]] = {}
    for name in args.only:
        variant = VARIANTS[name]
        if variant.clusters and clusters is None:
            continue
        key = variant.settings, variant.clusters
        if key not in kept:
            kept.clear()
            kept[key] = [feature_matrix(part, variant.settings) for part in sets]
            if variant.clusters and clusters is not None:
                kept[key] = [sp.hstack([own, clusters.matrix(part)], format="csr") for own, part in zip(kept[key], sets)]
        row = measure(variant, kept[key], truth, fold, source, thought, pool_source, gold_truth, average_precision_score)
        lines.append(f"| {name} | {row}")
        print(lines[-1], flush=True)
    into_readme(__file__, "variants", "\n".join(lines))


def measure(variant, matrices, truth, fold, source, thought, pool_source, gold_truth, average_precision) -> str:
    own, lesson, on_gold = matrices
    used = np.isin(source, variant.sources) if variant.sources else np.ones(len(truth), dtype=bool)
    taught = np.flatnonzero(np.isin(pool_source, variant.sources)) if variant.sources else np.arange(lesson.shape[0])
    taught = taught[: variant.pool]
    weight = np.where(np.isin(source, ("composed", "ungd", "articles")), 1.0, variant.news_weight)
    logits, on_dev = np.full_like(truth, np.nan), np.zeros_like(gold_truth)
    for part in (0, 1, 2, None):
        rows = np.flatnonzero(used & (fold != part)) if part is not None else np.flatnonzero(used)
        matrix = sp.vstack([own[rows], lesson[taught]], format="csr")
        columns = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]) >= variant.min_count)
        matrix = matrix[:, columns]
        for k in range(truth.shape[1]):
            y = np.concatenate([truth[rows, k], thought[taught, k]])
            w = np.concatenate([weight[rows], np.ones(len(taught))])
            w = w * (1 + y * ((w @ (1 - y) / (w @ y)) ** variant.balance - 1))
            found, bias = fit_logistic(matrix, y, w, strength=variant.C, max_iter=60)
            if part is None:
                on_dev[:, k] = on_gold[:, columns] @ found + bias
            else:
                logits[fold == part, k] = own[fold == part][:, columns] @ found + bias
    real = source != "composed"
    ks = range(truth.shape[1])
    cut = [best(logits[real, k], truth[real, k]) for k in ks]
    by_source = [
        average_precision(truth[real & (source == name), k], logits[real & (source == name), k])
        for name in sorted(set(source[real]))
        for k in ks
        if truth[real & (source == name), k].sum() >= 20
    ]
    hit = on_dev >= [threshold for _, threshold in cut]
    dev = 2 * (hit * gold_truth).sum(axis=0) / (hit.sum(axis=0) + gold_truth.sum(axis=0))
    dev_ap = np.mean([average_precision(gold_truth[:, k], on_dev[:, k]) for k in ks])
    scores = " | ".join(f"{f1:.3f}" for f1 in (np.mean([f1 for f1, _ in cut]), *(f1 for f1, _ in cut)))
    return f"{used.sum():,} | {len(taught):,} | {scores} | {np.mean(by_source):.3f} | {dev.mean():.3f} | {dev_ap:.3f} |"


if __name__ == "__main__":
    main()
