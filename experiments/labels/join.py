"""Measure how many of the standoff labels are found again in the corpora, and with the text and roles that were read.

    python experiments/labels/join.py [--shared ../shared] [--labels labels]

Joins labels/real.jsonl (1) with the sentences one a line, (2) with whole speeches and running text in which the news
sentences stand without line breaks, so that no sentence boundary is given, and compares with the readings.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from readings import read_jsonl

from rhetoric import labels


def roles(label: labels.Label) -> list[str]:
    return [labels.normalise(label.role(stance, role)) for stance in label.stances for role in ("speaker", "target")]


def show(name: str, result: labels.JoinResult, seconds: float, known: dict[str, labels.Label]) -> None:
    pairs = [(record, known[record.key]) for record in result.records if record.key in known]
    print(f"{name}: found {len(result.records)}, missing {len(result.missing)}, {seconds:.0f} s")
    exact = [(a, b) for a, b in pairs if a.sentence == b.sentence]
    print(f"  of {len(pairs)} with a known text {len(exact)} are the same to the last mark,", end=" ")
    print(f"{sum(a.roles == b.roles for a, b in exact)} of them with the same role offsets;", end=" ")
    print(f"in all {sum(roles(a) == roles(b) for a, b in pairs)} have the same role words")
    print("  missing:", dict(Counter(missing.record.corpus for missing in result.missing)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--labels", type=Path, default=Path("labels"))
    args = parser.parse_args()
    rows = read_jsonl(args.shared / "labelled/real.jsonl")
    known = {(label := labels.Label.from_dict(row)).key: label for row in rows}
    standoff = labels.read_standoff(args.labels / "real.jsonl")
    news = args.shared / "corpora/news-sentences.jsonl.gz"
    speeches = args.shared / "archive/ungd-1990-2004.jsonl.gz"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / news.name).symlink_to(news.resolve())
        (folder / speeches.name).symlink_to(speeches.resolve())
        started = time.perf_counter()
        show("sentences and speeches", labels.join(folder, standoff), time.perf_counter() - started, known)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        running = defaultdict(list)
        with gzip.open(news, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                running[row["corpus"]].append(row["text"])
        for corpus, texts in running.items():
            for k in range(0, len(texts), 200):  # no punctuation between: the split must fail, the search must not
                text = " ".join(t.rstrip(".!?") for t in texts[k : k + 200])
                (folder / f"{corpus}-{k:06d}.txt").write_text(text, "utf-8")
        (folder / speeches.name).symlink_to(speeches.resolve())
        started = time.perf_counter()
        show("running text without sentence ends", labels.join(folder, standoff), time.perf_counter() - started, known)


if __name__ == "__main__":
    main()
