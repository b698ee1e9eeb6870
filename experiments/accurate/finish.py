"""Make the exported encoder a model folder: calibrate it, choose thresholds and the band of doubt, write its card.

    python experiments/accurate/finish.py EXPORTED rhetoric/models/accurate [--trained-on "..."]

Thresholds are those of the best expected F1 under the calibrated probabilities: the best on the labels themselves move by
0.09 to 0.12 (standard deviation) from one bootstrap sample of the held-out sentences to the next, which `--spread` prints.
Calibration and thresholds come from the held-out twentieth of the labels, which no encoder was trained on; the gold
set is only measured, at the end.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "teacher"), str(Path(__file__).resolve().parents[1])]
import data
from common import PREVALENCE, ROOT, breakdowns
from encoder import read_jsonl
from encoder_reference import write as write_reference

from rhetoric.encoder import GRAPH, PIECES, EncoderModel
from rhetoric.evaluate import evaluate
from rhetoric.fitting import at_prevalence, calibrate, decide
from rhetoric.stances import STANCES


def card(result, size: float, trained_on: str, held: str, worse: str) -> str:
    lines = [
        "# accurate",
        "",
        "The slower, better model: a six-layer transformer encoder in int8, run by onnxruntime from the extra `[accurate]`.",
        "",
        "- **Reads** one English sentence of news or diplomatic speech, names of actors masked; gives three calibrated",
        "  probabilities, thresholds and a band of doubt (`config.json`). Longer sentences are read in windows.",
        f"- **Learned from** {trained_on}.",
        f"- **Size** {size:.1f} MB. **Explanations** by occlusion: what the logit loses when a word is left out.",
        "- **Asks `fast` first**: a sentence to which `fast` gives less than the floors in `config.json` is not read",
        "  (`experiments/accurate/screen.py`).",
        "- **Must not be used** to judge people, or as the only ground of any decision; it reports what a sentence says,",
        "  not whether it is true.",
        "",
        "Scores on the development set of real sentences that nobody on this project wrote (never trained or tuned on):",
        "",
        result.table(),
        "",
        "## Where it is worse",
        "",
        "On the held-out documents, every sentence of them read, which no encoder was trained on (calibration and thresholds were chosen on them, so these",
        "figures flatter the model a little). F1, in brackets the number of sentences that bear the stance; sources with few",
        "say little.",
        "",
        held,
        "",
        worse,
    ]
    return "\n".join(lines) + "\n"


def uncalibrated(exported: Path) -> EncoderModel:
    """What export.py wrote, every sentence read, with thresholds of 0.5."""
    model = EncoderModel((exported / GRAPH).read_bytes(), (exported / PIECES).read_bytes(), max_pieces=96, where=exported)
    k = len(STANCES)
    model.name, model.classes_ = "accurate", np.array(STANCES, dtype=object)
    model.slope_, model.intercept_ = np.ones(k), np.zeros(k)
    model.thresholds_, model.unsure_ = np.full(k, 0.5), np.tile([0.4, 0.6], (k, 1))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exported", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--spread", action="store_true", help="how much thresholds move over bootstrap samples")
    parser.add_argument("--trained-on", default="the labelled set and a teacher's probabilities")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    args = parser.parse_args()
    model, k = uncalibrated(args.exported), len(STANCES)
    held = [r for r in data.labelled(args.shared, args.cache) if data.held_out(r)]
    y = np.array([[s in r["stances"] for s in STANCES] for r in held])
    weights = np.array([0.5 if r.get("unsure") else 1.0 for r in held])
    logits = model.decision_function([r["text"] for r in held])  # not calibrated yet
    chances = np.empty_like(logits)
    for j in range(k):
        counted = at_prevalence(y[:, j].astype(float), weights, PREVALENCE[STANCES[j]])
        model.slope_[j], model.intercept_[j] = calibrate(logits[:, j], y[:, j].astype(float), counted)
        p = chances[:, j] = 1 / (1 + np.exp(-(logits[:, j] * model.slope_[j] + model.intercept_[j])))
        decision = decide(p, y[:, j], counted, expected=True)
        model.thresholds_[j], model.unsure_[j] = decision.threshold, (decision.low, decision.high)
        if args.spread:
            draws = np.random.default_rng(0).integers(0, len(y), (200, len(y)))
            for expected in (False, True):
                moved = [decide(p[i], y[i, j], counted[i], expected=expected).threshold for i in draws]
                print(STANCES[j], "expected" if expected else "on the labels", np.mean(moved), "+-", np.std(moved))
        print(STANCES[j], "slope", model.slope_[j], "intercept", model.intercept_[j], decision)
    gold = read_jsonl(args.shared / "gold/dev.jsonl")
    truth = np.array([[s in r["stances"] for s in STANCES] for r in gold])
    p = model.predict_proba([r["text"] for r in gold])
    result = evaluate(truth, p >= model.thresholds_, p)
    size = sum((args.exported / name).stat().st_size for name in (GRAPH, PIECES)) / 1e6
    found = chances >= model.thresholds_
    text = card(result, size, args.trained_on, evaluate(y, found, chances).table(), breakdowns(held, found))
    model.save(args.out, card=text)
    if args.out.resolve() == ROOT / "rhetoric/models/accurate":
        write_reference(EncoderModel.load(args.out))
    print(text)


if __name__ == "__main__":
    main()
