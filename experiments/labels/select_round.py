"""Choose the sentences of one labelling round by active learning.

    python experiments/labels/select_round.py 1 [--size 500]

Reads the pool (pool.py), scores it with a words-and-bigrams model trained on everything labelled so far or, where
`scores.npy` (pool rows x 3, a teacher's probabilities) lies in the cache, with that, and writes
`round-N.jsonl` (the sentences, shuffled, without scores, so that the reader cannot see what the model thinks).
A tenth is random, a third uncertain, half likely positive; rare stances first; news and UN speeches in equal parts.
Accusations without a verb of accusing ("implied") get their own share. Seed: the round's number.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import common
from readings import numbered, read_jsonl

STANCES = ("accusation", "denial", "call_to_negotiate")
ACCUSING = re.compile(
    r"\b(accus\w*|blam\w+|denounc\w*|condemn\w*|alleg\w+|charg(?:e|es|ed|ing)|critici[sz]\w*|deplor\w+|decr(?:y|ied|ies)"
    r"|slam\w*|lambast\w*|assail\w*|castigat\w*|rebuk\w*|denunc\w+|reproach\w*|censur\w*|claim\w*|protest\w*)\b",
    re.IGNORECASE,
)


def load_labelled(shared: Path, cache: Path) -> tuple[list[str], np.ndarray]:
    rounds = numbered(cache.glob("labelled-round-[0-9]*.jsonl"))
    rows = read_jsonl(shared / "labelled/real.jsonl", shared / "labelled/composed.jsonl", *rounds)
    return [r["text"] for r in rows], np.array([[s in r["stances"] for s in STANCES] for r in rows], dtype=int)


def tfidf_scores(shared: Path, cache: Path, texts: list[str]) -> np.ndarray:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    train, y = load_labelled(shared, cache)
    vec = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    x, pool = vec.fit_transform(train), vec.transform(texts)
    return np.column_stack(
        [
            LogisticRegression(C=4, class_weight="balanced", max_iter=400).fit(x, y[:, j]).predict_proba(pool)[:, 1]
            for j in range(len(STANCES))
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("round", type=int)
    parser.add_argument("--size", type=int, default=500)
    parser.add_argument("--scores", default="scores.npy", help="a teacher's probabilities, in the cache")
    parser.add_argument("--news", action="store_true", help="news alone instead of news and UN speeches in equal parts")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    rng = np.random.default_rng(args.round)
    pool = common.pool(args.cache)
    texts = [r["text"] for r in pool]
    taken = set()
    for path in args.cache.glob("round-[0-9]*.jsonl"):
        taken |= {row["pool"] for row in read_jsonl(path)}
    stored = args.cache / args.scores
    p = np.load(stored).astype(float) if stored.exists() else tfidf_scores(args.shared, args.cache, texts)
    # a words model's ranking is kept almost as it is; among what a teacher is sure of, chance brings variety
    spread = 0.15 if stored.exists() else 0.03
    print("scores from", stored.name if stored.exists() else "words and bigrams")
    un = np.array([r["corpus"] == "ungd" for r in pool])
    explicit = np.array([bool(ACCUSING.search(t)) for t in texts])
    free = np.array([i not in taken for i in range(len(pool))]) & ~np.isnan(p).any(axis=1)
    chosen: dict[int, str] = {}

    def take(name: str, score: np.ndarray, count: int, floor: float = -np.inf) -> None:
        """The `count` best free sentences by `score`, equally of each side, with a little chance so rounds differ."""
        sides = (~un,) if args.news else (un, ~un)
        for side in sides:
            ok = np.flatnonzero(free & side & (score > floor))
            noisy = score[ok] + rng.gumbel(0, spread, len(ok))
            for i in ok[np.argsort(-noisy)][: count // len(sides)]:
                chosen[int(i)] = name
                free[i] = False

    n = args.size
    implied = np.where(explicit, -1, p[:, 0])
    take("likely denial", p[:, 1], n * 22 // 100)
    take("likely implied accusation", implied, n * 12 // 100, -0.5)
    take("likely accusation", np.where(explicit, p[:, 0], -1), n * 4 // 100, -0.5)
    take("likely call_to_negotiate", p[:, 2], n * 14 // 100)
    for j, share in ((0, 14), (1, 12), (2, 10)):
        take(f"uncertain {STANCES[j]}", -np.abs(p[:, j] - 0.5), n * share // 100)
    take("random", rng.random(len(pool)) * 100, n - len(chosen))
    order = rng.permutation(sorted(chosen))
    with open(args.cache / f"round-{args.round}.jsonl", "w", encoding="utf-8") as out:
        for k, i in enumerate(order):
            row = {"n": k, "pool": int(i), "chosen": chosen[int(i)], **pool[i]}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(len(order), "chosen")


if __name__ == "__main__":
    main()
