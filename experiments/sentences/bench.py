"""Speed of sentencex alone and of rhetoric.sentences in one run, and their answers on the tricky cases.

python experiments/sentences/bench.py [ARCHIVE.jsonl.gz] [--cases]

ARCHIVE: one JSON object a line with a field ``text``; without one, the five articles are repeated to 20 MB.
``--cases`` prints the cases of tests/test_sentences.py that either of the two gets wrong, as a table.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import sentencex

from rhetoric.sentences import split

ROOT = Path(__file__).resolve().parents[2]


def alone(text: str) -> list[str]:
    """What sentencex says, blanks stripped; lone surrogates and panics are its own affair."""
    return [piece.strip() for piece in sentencex.segment("en", text) if piece.strip()]


def doubtful(found: Iterable[list[str]]) -> str:
    """Counts that need no labels: sentences that begin with a small letter, and that break off before another."""
    total = small = broken = 0
    for pieces in found:
        total += len(pieces)
        small += sum(piece[0].islower() for piece in pieces)
        broken += sum(piece[-1].isalpha() for piece in pieces[:-1])
    return f"{small / total:.2%} begin with a small letter, {broken / total:.2%} end in a letter, of {total}"


def speed(texts: list[str]) -> None:
    characters = sum(map(len, texts))
    size = sum(len(text.encode("utf-8", "replace")) for text in texts) / 1e6
    split("Warm up. Now.")
    start = time.perf_counter()
    theirs = sum(len(sentencex.segment("en", text)) for text in texts)
    middle = time.perf_counter()
    ours = sum(len(split(text)) for text in texts)
    end = time.perf_counter()
    print(f"{len(texts)} texts, {characters} characters, {size:.1f} MB")
    print(f"sentencex alone     {size / (middle - start):7.1f} MB/s  {theirs} pieces")
    print(f"rhetoric.sentences  {size / (end - middle):7.1f} MB/s  {ours} sentences")
    print(f"ratio of times      {(end - middle) / (middle - start):7.1f}")
    print(f"doubtful, sentencex alone:   {doubtful(alone(text) for text in texts)}")
    print(f"doubtful, rhetoric.sentences: {doubtful([text[a:b] for a, b in split(text)] for text in texts)}")


def cases() -> None:
    spec = importlib.util.spec_from_file_location("cases", ROOT / "tests" / "test_sentences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    right = {"sentencex": 0, "ours": 0}
    print("| case | sentencex alone | ours |\n|---|---|---|")
    for name, marked in module.CASES.items():
        text = marked.replace("|", "")
        wanted = [sentence.strip() for sentence in marked.split("|")]
        theirs, ours = alone(text), [text[start:end] for start, end in split(text)]
        right["sentencex"] += theirs == wanted
        right["ours"] += ours == wanted
        if theirs != wanted or ours != wanted:
            shown = " ⏐ ".join(theirs).replace("\n", "⏎").replace("\r", "␍")
            shown = shown if len(shown) < 110 else shown[:107] + "..."
            print(f"| {name} | {'right' if theirs == wanted else shown} | {'right' if ours == wanted else 'wrong'} |")
    print(f"\nof {len(module.CASES)} cases: sentencex alone {right['sentencex']}, ours {right['ours']}")


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--cases"]
    if "--cases" in sys.argv[1:]:
        cases()
        return
    if arguments:
        with gzip.open(arguments[0], "rt", encoding="utf-8") as lines:
            texts = [json.loads(line)["text"] for line in lines]
    else:
        articles = [path.read_bytes().decode("utf-8") for path in sorted((ROOT / "seeds").glob("*.txt"))]
        texts = articles * (20_000_000 // sum(map(len, articles)))
    speed(texts)


if __name__ == "__main__":
    main()
