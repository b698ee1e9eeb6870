"""Build the pool of unlabelled real sentences that labelling rounds and teachers draw from.

    python experiments/labels/pool.py [--shared ../shared] [--cache experiments/.cache]

Writes `pool.jsonl.gz` into the cache (never into the repository): every sentence of the public news corpora and of
the UN General Debate, once, without those already labelled, without near-twins of the development gold set
(Jaccard 0.4 over words), 5 to 80 words long. Deterministic.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import defaultdict
from pathlib import Path

from readings import read_jsonl
from sentencex import segment

WORD = re.compile(r"\w+")
WORDS = "the a an of to in and that for on with is are was were by as at it its be has have had this which"
STOP = frozenset(WORDS.split())


def words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def key(text: str) -> str:
    return " ".join(words(text))


class Twins:
    """Find near-twins of a small set of sentences: Jaccard of word sets at or above `floor`."""

    def __init__(self, texts: list[str], floor: float = 0.4) -> None:
        self.floor = floor
        self.sets = [frozenset(words(t)) for t in texts]
        self.index: dict[str, list[int]] = defaultdict(list)
        for i, ws in enumerate(self.sets):
            for w in ws - STOP:
                self.index[w].append(i)

    def has_twin(self, text: str) -> bool:
        ws = frozenset(words(text))
        hits: dict[int, int] = defaultdict(int)
        for w in ws - STOP:
            for i in self.index.get(w, ()):
                hits[i] += 1
        return any(n >= 3 and len(ws & self.sets[i]) >= self.floor * len(ws | self.sets[i]) for i, n in hits.items())


def sentences(shared: Path):
    with gzip.open(shared / "corpora/news-sentences.jsonl.gz", "rt", encoding="utf-8") as lines:
        for n, line in enumerate(lines):
            r = json.loads(line)
            yield r["corpus"], str(n), r["text"]
    with gzip.open(shared / "archive/ungd-1990-2004.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            r = json.loads(line)
            for paragraph in re.split(r"\n\s*\n", r["text"]):
                for s in segment("en", " ".join(paragraph.split())):
                    yield "ungd", r["id"], s.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    gold = [row["text"] for row in read_jsonl(args.shared / "gold/dev.jsonl")]
    seen = {key(row["text"]) for row in read_jsonl(args.shared / "labelled/real.jsonl")}
    twins = Twins(gold)
    kept = defaultdict(int)
    dropped = defaultdict(int)
    with gzip.open(args.cache / "pool.jsonl.gz", "wt", encoding="utf-8") as out:
        for corpus, document, text in sentences(args.shared):
            k = key(text)
            n = len(k.split())
            if not 5 <= n <= 80:
                dropped["length"] += 1
            elif k in seen:
                dropped["labelled or repeated"] += 1
            elif twins.has_twin(text):
                dropped["near-twin of gold"] += 1
            else:
                seen.add(k)
                kept[corpus] += 1
                out.write(json.dumps({"corpus": corpus, "document": document, "text": text}, ensure_ascii=False) + "\n")
    print("kept", dict(kept), sum(kept.values()), "dropped", dict(dropped))


if __name__ == "__main__":
    main()
