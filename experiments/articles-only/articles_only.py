"""What the five articles alone can teach: trained on four, measured on the fifth, in turn.

    python experiments/articles-only/articles_only.py

Prints a table and writes it into the README beside this script. Deterministic.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import ROOT, arguments, gold, indicator, into_readme, read

from rhetoric.evaluate import evaluate, keyword_rule
from rhetoric.model import StanceClassifier


def main() -> None:
    args = arguments(__doc__).parse_args()
    records = read(ROOT / "labels/articles.jsonl")
    texts, truth = [r["text"] for r in records], indicator(records)
    documents = np.array([r["document"] for r in records])
    found, chances = np.zeros_like(truth), np.zeros_like(truth)
    for document in np.unique(documents):
        out = documents == document
        model = StanceClassifier().fit([t for t, o in zip(texts, out, strict=True) if not o], truth[~out])
        held_out = [t for t, o in zip(texts, out, strict=True) if o]
        found[out], chances[out] = model.predict(held_out), model.predict_proba(held_out)
    on_gold = gold(args.shared)
    gold_texts, gold_truth = [r["text"] for r in on_gold], indicator(on_gold)
    model = StanceClassifier().fit(texts, truth)
    lines = [f"Leave one article out, {len(records)} sentences of {len(np.unique(documents))} articles:", ""]
    lines += [evaluate(truth, found, chances).table(), "", "The keyword rule on the same sentences:", ""]
    lines += [evaluate(truth, keyword_rule(texts)).table(), ""]
    lines += [f"Trained on all five, on the development gold set ({len(on_gold)} sentences):", ""]
    lines += [evaluate(gold_truth, model.predict(gold_texts), model.predict_proba(gold_texts)).table()]
    into_readme(__file__, "table", "\n".join(lines))


if __name__ == "__main__":
    main()
