"""Every statement on speed, measured in one run beside its yardstick; rewrites the tables of the README beside it.

    OMP_NUM_THREADS=1 python experiments/speed/speed.py [--documents 134] [--largest 1000000] [--longest 1000000]
        [--only NAME ...] [--dry]

Needs scikit-learn, fastText (`pip install fasttext-wheel`) and, for `accurate`, the extra of that name. CPU seconds of
one core (user and system), the best of a few rounds in which the calls take turns, so that ratios hold on a machine that
others use; only the table of processes needs the wall clock.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sentencex

import rhetoric
from rhetoric import actors, features, sentences, tokens

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import ROOT, into_readme

ARCHIVE = ROOT.parent / "shared/archive/ungd-1990-2004.jsonl.gz"
NEWS = ROOT.parent / "shared/corpora/news-sentences.jsonl.gz"
DATELINE = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, [A-Z][a-z]+ \d{1,2}, \d{4} ")  # opens an article
ROUNDS = 5
SENTENCE = "Ruritania denied that it had mined the strait."
# What a regex or a rule might go over again and again: one long sentence, or none that ends.
ADVERSARIAL = [
    "a ", "x" * 60 + "\n", "no stop at all ", "Mr. ", "U.S. ", "A.", "1. ", "(", "[", "[a](", "[a](b", '"A. (', "“", "” ",
    ".", "...", "…", "? ", "?\" he ", "!\n", "\n", " \n", "# ", "- \n", "---\n", "7\n", "the\n\n", "word,\nWord ",
    "said so.\nThe ", "5)\n", "x, a ", "of the the ", "President ", "al-", "d'", "O'R", "$ ", "中", "。", "\u2028", "é",
]  # fmt: skip

Table = list[list[str]]


def cpu(call: Callable[[], object]) -> float:
    begin = time.process_time()
    call()
    return time.process_time() - begin


def race(calls: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """CPU seconds of each call, the best of some rounds in which they take turns; the first round warms up."""
    best = dict.fromkeys(calls, float("inf"))
    for number in range(rounds + 1):
        for name, call in calls.items():
            seconds = cpu(call)
            if number:
                best[name] = min(best[name], seconds)
    return best


def evenly(texts: list[str], count: int) -> list[str]:
    return texts[:: max(len(texts) // count, 1)][:count]


def documents(count: int) -> list[str]:
    """Speeches of the UN's general debate, evenly over the years."""
    with gzip.open(ARCHIVE, "rt", encoding="utf-8") as lines:
        return evenly([json.loads(line)["text"] for line in lines], count)


def news_articles(count: int) -> list[str]:
    """Whole articles of Wikinews, evenly over the corpus."""
    articles: list[list[str]] = []
    with gzip.open(NEWS, "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if record["corpus"] == "wikinews":
                if DATELINE.match(record["text"]) or not articles:
                    articles.append([])
                articles[-1].append(record["text"])
    return evenly([" ".join(article) for article in articles], count)


def rate(number: float) -> str:
    return f"{number:,.0f}"


# ---------------------------------------------------------------------------------------------- the tables


def cold_start(args: argparse.Namespace) -> Table:
    """CPU of a new process, median of 15."""
    programs = {
        "python": "pass",
        "import numpy": "import numpy",
        "import rhetoric; classify": f"import rhetoric; rhetoric.classify({SENTENCE!r})",
    }
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    spent: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(15):
        for name, program in programs.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", program], check=True, env=environment)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    middle = {name: statistics.median(values) for name, values in spent.items()}
    yardstick = middle["import numpy"]
    rows = [[name, f"{1e3 * seconds:.0f}", f"{seconds / yardstick:.2f}"] for name, seconds in middle.items()]
    return [["process", "ms of CPU", "times import numpy (target: at most 2)"], *rows]


def predicting(args: argparse.Namespace) -> Table:
    """Sentences that are split already: ours, TF-IDF (1, 2) and logistic regression, fastText."""
    import fasttext
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline

    model = rhetoric.load("fast")
    texts = [" ".join(s.text.split()) for reading in model.read_many(documents(args.documents)) for s in reading]
    few = texts[:4000]
    truth = model.predict_proba(few) > 0.1
    linear = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), OneVsRestClassifier(LogisticRegression()))
    linear.fit(few, truth)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for text, row in zip(few, truth, strict=True):
            names = [f"__label__{k}" for k in np.flatnonzero(row)] or ["__label__none"]
            print(*names, text, file=file)
        file.flush()
        fast_text = fasttext.train_supervised(
            file.name, loss="ova", wordNgrams=2, epoch=3, thread=1, verbose=0, bucket=200_000
        )
    took = race(
        {
            "rhetoric": lambda: model.predict_proba(texts),
            "scikit-learn": lambda: linear.predict_proba(texts),
            "fastText": lambda: [fast_text.f.predict(text + "\n", 4, 0.0, "strict") for text in texts],
        }
    )
    return [
        ["predict_proba", "sentences/s", "ours is so many times as fast (target: 4, 1)"],
        *([name, rate(len(texts) / seconds), f"{seconds / took['rhetoric']:.1f}"] for name, seconds in took.items()),
    ]


def whole_documents(args: argparse.Namespace) -> Table:
    """Speeches as they are, against sentencex and predict_proba together."""
    model = rhetoric.load("fast")
    texts = documents(args.documents)
    split = [s.text for reading in model.read_many(texts) for s in reading]
    took = race(
        {
            "sentencex.segment": lambda: [sentencex.segment("en", text) for text in texts],
            "predict_proba": lambda: model.predict_proba(split),
            "sentences.parse": lambda: [sentences.parse(text) for text in texts],
            "classify, a call for each": lambda: [model.read(text) for text in texts],
            "read_many": lambda: model.read_many(texts),
        }
    )
    both = took["sentencex.segment"] + took["predict_proba"]
    size = sum(len(text.encode()) for text in texts) / 1e6
    rows = [
        [name, rate(len(split) / seconds), f"{size / seconds:.1f}", f"{both / seconds:.0%}"]
        for name, seconds in [("the first two together", both), *took.items()]
    ]
    return [[f"{len(texts)} speeches", "sentences/s", "MB/s", "as fast as both (target: 60 %)"], *rows]


def short_texts(args: argparse.Namespace) -> Table:
    """One call for each text, roles included."""
    model = rhetoric.load("fast")
    articles = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "seeds").glob("*.txt"))]
    passages = []
    for text in documents(40):
        spans = sentences.split(text)[20:35]
        if spans:
            passages.append(text[spans[0][0] : spans[-1][1]])
    news = news_articles(100)
    calls: dict[str, tuple[list[str], Callable[[list[str]], object]]] = {
        "100 articles of Wikinews, classify": (news, lambda texts: [model.read(text) for text in texts]),
        "100 articles of Wikinews, read_many": (news, model.read_many),
        "the five articles, classify": (articles, lambda texts: [model.read(text) for text in texts]),
        "the five articles, 40 times, read_many": (articles * 40, model.read_many),
        "15 sentences of a speech, classify": (passages, lambda texts: [model.read(text) for text in texts]),
        "one sentence, classify": ([SENTENCE] * 40, lambda texts: [model.read(text) for text in texts]),
    }
    took = race({name: (lambda texts=texts, call=call: call(texts)) for name, (texts, call) in calls.items()}, 9)
    rows = []
    for name, (texts, _) in calls.items():
        count = sum(len(sentences.split(text)) for text in texts)
        rows.append([name, rate(count / took[name]), f"{1e3 * took[name] / len(texts):.2f}"])
    return [["short texts", "sentences/s (target: 8,000)", "ms of a text"], *rows]


def accurate_model(args: argparse.Namespace) -> Table:
    """`accurate` beside `fast`, the same sentences."""
    fast, accurate = rhetoric.load("fast"), rhetoric.load("accurate")
    speeches = fast.read_many(documents(40))  # four of them, as before, hold too few to stand for the archive
    texts = [s.text for reading in speeches for s in reading][::2][:2000]
    took = race({"fast": lambda: fast.predict_proba(texts), "accurate": lambda: accurate.predict_proba(texts)}, 2)
    rows = [[name, rate(len(texts) / seconds), f"{1e3 * seconds / len(texts):.2f}"] for name, seconds in took.items()]
    return [["model", "sentences/s (target: 400 for accurate)", "ms of a sentence"], *rows]


def _work(texts: list[str]) -> float:
    begin = time.process_time()
    rhetoric.load("fast").read_many(texts)
    return time.process_time() - begin


def processes(args: argparse.Namespace) -> Table:
    """Half of the texts in each of two processes, against all in one: the wall clock, of which others take their part;
    and what all processes spent together."""
    texts = documents(12 * args.documents)
    halves = [texts[0::2], texts[1::2]]
    rows = []
    walls = {}
    for name, parts in (("1 process", [texts]), ("2 processes", halves)):
        best, spent = float("inf"), float("inf")
        for _ in range(3):
            with get_context("spawn").Pool(len(parts)) as pool:
                pool.map(_work, [part[:2] for part in parts], chunksize=1)  # imports and tables
                begin = time.perf_counter()
                seconds = sum(pool.map(_work, parts, chunksize=1))
                best, spent = min(best, time.perf_counter() - begin), min(spent, seconds)
        walls[name] = best
        rows.append([name, f"{best:.2f}", f"{walls['1 process'] / best:.2f}", f"{spent:.2f}"])
    load = os.getloadavg()[0]
    rows.append([f"load of the machine {load:.1f} on {os.cpu_count()} cores", "", "", ""])
    return [["read_many in", "seconds", "times as fast (target: 1.9)", "CPU seconds of all"], *rows]


def many_sentences(args: argparse.Namespace) -> Table:
    """Does a sentence cost the same however many there are?"""
    model = rhetoric.load("fast")
    base = [s.text for reading in model.read_many(documents(40)) for s in reading]
    rows = []
    size = 1000
    while size <= args.largest:
        texts = list(itertools.islice(itertools.cycle(base), size))
        seconds = min(cpu(lambda texts=texts: model.predict_proba(texts)) for _ in range(3 if size < 10**6 else 1))
        rows.append([rate(size), f"{1e6 * seconds / size:.2f}"])
        size *= 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [["sentences at once", "µs of a sentence"], *rows, [f"most memory: {peak:,.0f} MB", ""]]


def long_sentences(args: argparse.Namespace) -> Table:
    """Does a character cost the same however long the text? The worst of the adversarial units."""
    rows = []
    worst: list[tuple[float, float, float, str]] = []
    for unit in ["The parties met and talked and ", *ADVERSARIAL]:
        costs = []
        for length in (args.longest // 100, args.longest // 10, args.longest):
            text = unit * (length // len(unit))
            rounds = 1 if length == args.longest else 2
            costs.append(1e9 * min(cpu(lambda text=text: rhetoric.classify(text)) for _ in range(rounds)) / len(text))
        worst.append((costs[2] / costs[1], costs[1], costs[2], unit))
        if unit == "The parties met and talked and ":
            rows.append(["prose without a full stop", *(f"{cost:.0f}" for cost in costs)])
    for ratio, small, large, unit in sorted(worst, reverse=True)[:5]:
        rows.append([f"{unit[:14]!r}, {ratio:.1f} times", "", f"{small:.0f}", f"{large:.0f}"])
    ratio, _, large, unit = max(worst, key=lambda row: row[2])
    rows.append([f"dearest: {unit[:14]!r}", "", "", f"{large:.0f}"])
    lengths = [rate(args.longest // part) for part in (100, 10, 1)]
    return [[f"classify, ns of a character; {len(worst)} units; length", *lengths], *rows]


def the_limit(args: argparse.Namespace) -> Table:
    """Where predict_proba spends its time, and how many bytes it moves at least."""
    model = rhetoric.load("fast")
    assert isinstance(model, rhetoric.StanceClassifier)
    network = model.network_
    assert network is not None
    texts = [s.text for reading in model.read_many(documents(60)) for s in reading][:4000]
    found = tokens.tokenize(texts)
    names = actors.find(found)
    masked = actors.mask_tokens(found, names)
    items = features.items_of(found, masked, model.settings_)
    streams = features.streams_of(found, items, model.settings_)
    linear = model._sum(streams, len(texts))
    took = race(
        {
            "tokenize": lambda: tokens.tokenize(texts),
            "actors.find": lambda: actors.find(found),
            "actors.mask_tokens": lambda: actors.mask_tokens(found, names),
            "features.items_of": lambda: features.items_of(found, masked, model.settings_),
            "features.streams_of": lambda: features.streams_of(found, items, model.settings_),
            "sum of the weights": lambda: model._sum(streams, len(texts)),
            "the network": lambda: network.read(items, linear),
            "predict_proba": lambda: model.predict_proba(texts),
        }
    )
    block = np.ones(1 << 24)
    copied = race({"copy": lambda: block.copy()})["copy"]
    bandwidth = 2 * block.nbytes / copied
    text_bytes = sum(len(text.encode()) for text in texts)
    looked_up = sum(stream.ids.size for stream in streams)
    # the weights of a feature, of three stances together, are a line of 64 bytes; words are read and written once, their
    # hash and place
    moved = text_bytes * 2 + len(found) * 2 * 33 + looked_up * (2 * 4 + 64 * -(-len(model.classes_) // 3))
    rows = [[name, f"{1e6 * s / len(texts):.2f}", f"{s / took['predict_proba']:.0%}"] for name, s in took.items()]
    per = f"{moved / len(texts):,.0f} bytes of a sentence at {bandwidth / 1e9:.1f} GB/s"
    rows.append([f"least traffic: {per}", f"{1e6 * moved / bandwidth / len(texts):.2f}", ""])
    rows.append([f"features looked up: {looked_up / len(texts):.0f} of {len(found) / len(texts):.0f} words", "", ""])
    return [["part", "µs of a sentence", "share"], *rows]


TABLES: dict[str, Callable[[argparse.Namespace], Table]] = {
    "cold-start": cold_start,
    "predicting": predicting,
    "whole-documents": whole_documents,
    "short-texts": short_texts,
    "accurate": accurate_model,
    "processes": processes,
    "many-sentences": many_sentences,
    "long-sentences": long_sentences,
    "limit": the_limit,
}


def markdown(table: Table) -> Iterator[str]:
    for number, row in enumerate(table):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
        if not number:
            yield "|" + "---|" * len(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=134, help="speeches of the archive")
    parser.add_argument("--largest", type=int, default=10**6, help="sentences of the largest batch")
    parser.add_argument("--longest", type=int, default=10**6, help="characters of the longest text")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--dry", action="store_true", help="leave the README as it is")
    args = parser.parse_args()
    for name in args.only:
        try:
            table = "\n".join(markdown(TABLES[name](args)))
        except (ImportError, rhetoric.MissingExtraError, rhetoric.ModelError) as error:
            print(f"{name}: left out, {error}\n", file=sys.stderr)
            continue
        if args.dry:
            print(table)
        else:
            into_readme(__file__, name, table)
        print(flush=True)
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}")


if __name__ == "__main__":
    main()
