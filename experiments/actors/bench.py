"""How fast, how much, how blind: the actor table measured on real sentences.

    python experiments/actors/bench.py [--shared ../shared] [-n 20000]

Prints counts and rates only, never text. Speed: processor time of the best of five runs on one core over the same
sentences. Coverage: the role strings of the labelled sentences. Blindness: states, peoples and seats of real sentences
are swapped for others of the table, drawn with a fixed seed; the masked sentence must not change.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from rhetoric import actors
from rhetoric.actors import MatchKind, codes, find, mask, mask_all, mask_tokens
from rhetoric.tokens import tokenize

BATCH = 4096
PRONOUNS = "i we you he she it they us them him her me who which that this these those both all some others themselves"


def best(work: Callable[[], object], runs: int = 5) -> float:
    """Seconds of the fastest of several runs."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def speed(texts: list[str]) -> None:
    batches = [texts[i : i + BATCH] for i in range(0, len(texts), BATCH)]
    tokens = [tokenize(batch) for batch in batches]
    matches = [find(one) for one in tokens]
    print(f"sentences: {len(texts)}, tokens: {sum(map(len, tokens))}, matches: {sum(map(len, matches))}")
    rows = {
        "tokenize": lambda: [tokenize(batch) for batch in batches],
        "find": lambda: [find(one) for one in tokens],
        "mask_tokens (find given)": lambda: [mask_tokens(a, b) for a, b in zip(tokens, matches, strict=True)],
    }
    for name, work in rows.items():
        print(f"{name}: {len(texts) / best(work):,.0f} sentences/s")
    print(f"mask_all: {len(texts) / best(lambda: [mask_all(batch) for batch in batches]):,.0f} sentences/s")
    few = texts[:2000]
    print(f"mask, one sentence a call: {len(few) / best(lambda: [mask(text) for text in few], 3):,.0f} sentences/s")


def cold() -> None:
    """Time of the first match in a new process, over the import of numpy."""
    code = (
        "import time; import numpy; from rhetoric import actors, tokens; t = time.process_time(); "
        "actors.find(tokens.tokenize(['The US accused China.'])); a = time.process_time(); actors.actors(); "
        "b = time.process_time(); print(a - t, b - a)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(5)]
    first, table = (min(float(run.stdout.split()[i]) for run in runs) for i in (0, 1))
    print(f"first match in a new process: {first * 1000:.1f} ms; reading who is who: {table * 1000:.1f} ms")


def coverage(shared: Path) -> None:
    counts: Counter[str] = Counter()
    with (shared / "labelled" / "real.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            for roles in json.loads(line)["roles"].values():
                for role in ("speaker", "target"):
                    phrase = roles.get(role)
                    if not phrase:
                        continue
                    counts[f"{role}s"] += 1
                    if codes(phrase):
                        counts[f"{role}s with a code"] += 1
                    elif actors.mentions(phrase):
                        counts[f"{role}s that are a named person unknown to the table"] += 1
                    elif phrase.lower() in PRONOUNS.split() or phrase.split()[0].lower() in PRONOUNS.split():
                        counts[f"{role}s that are pronouns"] += 1
                    elif phrase.isupper():
                        counts[f"{role}s in capitals throughout without a code"] += 1
                    elif not any(character.isupper() for character in phrase[1:]):
                        counts[f"{role}s without any capital after the first letter"] += 1
                    else:
                        counts[f"{role}s with some capitals and no code"] += 1
    for name in sorted(counts):
        total = counts[name.split()[0]]
        print(f"{name}: {counts[name]} ({counts[name] / total:.3f})")


def blindness(shared: Path) -> None:
    draw = random.Random(20)
    pools = {
        kind: [name for _, name in actors.names_of(kind) if name[-1].isalnum() and name[0].isupper()]
        for kind in (MatchKind.STATE, MatchKind.PEOPLE, MatchKind.SEAT)
    }
    swapped = same = same_items = 0
    with (shared / "labelled" / "real.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    for text in texts:
        if text.isupper() or text.islower():
            continue
        tokens = tokenize([text])
        matches = find(tokens)
        chosen = [i for i, kind in enumerate(matches.kind.tolist()) if kind in pools]
        if not chosen:
            continue
        starts, ends = tokens.char_spans(matches.first_token[chosen], matches.end_token[chosen] - 1)
        other, done = "", 0
        for start, end, i in zip(starts.tolist(), ends.tolist(), chosen, strict=True):
            other += text[done:start] + draw.choice(pools[MatchKind(int(matches.kind[i]))])
            done = end
        other += text[done:]
        swapped += 1
        same += mask(text) == mask(other)
        one, two = mask_tokens(tokenize([text])), mask_tokens(tokenize([other]))
        same_items += one.hash.tolist() == two.hash.tolist()
    print(f"sentences with a state, people or seat, all swapped for others of their kind: {swapped}")
    print(
        f"same masked text: {same} ({same / swapped:.4f}); same masked items: {same_items} ({same_items / swapped:.4f})"
    )


def table() -> None:
    kinds = Counter(actor.kind for actor in actors.actors())
    names = {
        kind.name.lower(): len({name.casefold() for _, name in actors.names_of(kind)})
        for kind in MatchKind
        if kind <= MatchKind.LEADER
    }
    print("actors:", dict(kinds))
    print("names by kind:", names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2].parent / "shared")
    parser.add_argument("-n", type=int, default=20000, help="number of news sentences for the speed")
    args = parser.parse_args()
    table()
    with gzip.open(args.shared / "corpora" / "news-sentences.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for _, line in zip(range(args.n), lines, strict=False)]
    speed(texts)
    cold()
    coverage(args.shared)
    blindness(args.shared)


if __name__ == "__main__":
    main()
