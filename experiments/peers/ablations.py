"""What each part of the labels and of the features is worth to the linear model, without a teacher.

    python experiments/peers/ablations.py [--again]

Fits ``StanceClassifier`` on parts of the labels, and with parts of its features left out, and measures on the
development gold set; default settings, but for calibration and thresholds by folds, which would take six times as long:
the thresholds are 0.5 throughout, so that only differences count. Those come with 95 % intervals of a paired bootstrap
over sentences. Fitted variants are kept in the cache. Prints a table and writes it into the README beside this script.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import OPEN_SOURCES, arguments, gold, indicator, into_readme
from data import labelled

from rhetoric.evaluate import evaluate
from rhetoric.model import StanceClassifier

FEATURES: dict[str, dict[str, Any]] = {
    "actors not masked": {"mask_actors": False},
    "classes without their order": {"class_order": 1, "class_gap": 0, "near": 0},
    "words 1-3 and classes": {"word_order": 3},
}


def macro_difference(truth: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Macro-F1 of ``other`` less that of ``one``, and its 95 % interval, sentences resampled together."""
    draws = np.random.default_rng(0).multinomial(len(truth), np.full(len(truth), 1 / len(truth)), size=1000)
    draws = np.concatenate([np.ones((1, len(truth)), dtype=draws.dtype), draws])

    def macro(found: np.ndarray) -> np.ndarray:
        return (2 * (draws @ (truth & found)) / np.maximum(draws @ truth + draws @ found, 1)).mean(axis=1)

    values = macro(other) - macro(one)
    return float(values[0]), *np.quantile(values[1:], [0.025, 0.975]).tolist()


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--again", action="store_true", help="fit all variants anew")
    args = parser.parse_args()
    records = labelled(args.shared, args.cache)
    registers = np.array([r["register"] for r in records])
    texts = np.array([r["text"] for r in records], dtype=object)
    truth = indicator(records)
    everything = np.ones(len(records), dtype=bool)
    is_open = np.isin(registers, OPEN_SOURCES)
    same_size = np.random.default_rng(0).permutation(len(records)) < is_open.sum()
    variants: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "all": (everything, {}),
        "openly licensed text only": (is_open, {}),
        "as many, of all sources": (same_size, {}),
        "without composed": (registers != "composed", {}),
        "composed alone": (registers == "composed", {}),
        "half, at random": (np.random.default_rng(1).permutation(len(records)) < len(records) // 2, {}),
    }
    variants |= {name: (everything, settings) for name, settings in FEATURES.items()}
    variants |= {
        f"without {register}": (registers != register, {})
        for register in sorted(set(registers))
        if register not in ("composed", "articles")
    }
    on_gold = gold(args.shared)
    gold_texts, gold_truth = [r["text"] for r in on_gold], indicator(on_gold) > 0
    file = args.cache / "peers/ablations.json"
    done: dict[str, Any] = {} if args.again or not file.exists() else json.loads(file.read_text(encoding="utf-8"))
    for name, (used, settings) in variants.items():
        if done.get(name, {}).get("of") == len(records):
            continue
        begin = time.process_time()
        model = StanceClassifier(folds=0, **settings).fit(texts[used].tolist(), truth[used])
        found = model.predict(gold_texts)
        done[name] = {"n": int(used.sum()), "of": len(records), "found": found.tolist()}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(done), encoding="utf-8")
        print(f"{name}: {time.process_time() - begin:.0f} CPU s", flush=True)
    whole = np.array(done["all"]["found"]) > 0
    lines = [
        "| labels or features | labels | accusation | denial | call_to_negotiate | macro-F1 | less than all by |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in variants:
        found = np.array(done[name]["found"]) > 0
        scores = evaluate(gold_truth, found)
        difference, low, high = macro_difference(gold_truth, whole, found)
        apart = "" if name == "all" else f"{-difference:+.3f} ({-high:+.3f} to {-low:+.3f})"
        cells = " | ".join(f"{s.f1:.2f}" for s in scores.scores)
        lines.append(f"| {name} | {done[name]['n']} | {cells} | {scores.macro_f1:.3f} | {apart} |")
    into_readme(__file__, "ablations", "\n".join(lines))


if __name__ == "__main__":
    main()
