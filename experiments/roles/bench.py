"""How fast whole articles are read, roles included, on one core, in processor time: what others run does not count.

    python experiments/roles/bench.py [FOLDER]

Reads the articles of ``seeds/`` many times over, or the ``.txt`` files of FOLDER, in batches as ``score`` does and one
by one as ``classify`` does. Prints Markdown.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from fitting import ROOT

import rhetoric
from rhetoric import model as model_module
from rhetoric.records import Reading

REPEATS = 7
NEUTRAL = "The harvest was good this year and the river stayed within its banks for most of the spring season."


def best(run: Callable[[], list[Reading]]) -> tuple[float, list[Reading]]:
    run()
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        readings = run()
        seconds.append(time.process_time() - began)
    return min(seconds), readings


def without_roles(texts, spans, stances, named=None):
    return [[tuple((None, None) for _ in names) for names in document] for document in stances]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "seeds"
    articles = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))][:2000]
    reader = rhetoric.load("fast")
    batch = articles * max(1, 100 // len(articles))
    # news of all kinds: the share of sentences with a stance is what the work of roles depends on
    diluted = [text + "\n\n" + " ".join([NEUTRAL] * 24) for text in batch]
    print("| texts | sentences | with a stance | without roles | with roles, in batches | one by one |")
    print("|---|---|---|---|---|---|")
    for name, texts in (("articles", batch), ("articles and as much neutral prose", diluted)):
        seconds, readings = best(lambda texts=texts: reader.read_many(texts))
        single, _ = best(lambda texts=texts: [reader.read(text) for text in texts])
        with patch.object(model_module, "find_roles", without_roles):
            bare, _ = best(lambda texts=texts: reader.read_many(texts))
        n = sum(map(len, readings))
        bearing = sum(bool(sentence.stances) for reading in readings for sentence in reading)
        rates = " | ".join(f"{n / value:,.0f}/s" for value in (bare, seconds, single))
        print(f"| {name} | {n:,} | {bearing / n:.0%} | {rates} |")


if __name__ == "__main__":
    main()
