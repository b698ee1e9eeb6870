"""Choose which sentences `accurate` need not read because `fast` rules them out, and write that into its config.

    python experiments/accurate/screen.py [--scores scores-accurate.npy] [--lost 0.005]

Run it after `fast` was trained (train.py, then parts.py), and after finish.py. The floor is the highest probability at
which no more than the share `--lost`, rounded, of what the encoder finds in the held-out documents is lost; there,
models of the same kind as `fast` that learned from other labels take its place. (In the pool hardly anything is lost:
`fast` learned what the encoder said of those sentences.) Writes the table into the README, and the model's reference file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("teacher", "")]
import data
from common import ROOT, arguments, gold, indicator, into_readme, labelled, pool, precision
from encoder_reference import write as write_reference
from read_pool import BY_CHANCE, by_chance

import rhetoric
from rhetoric.encoder import EncoderModel, Screen
from rhetoric.evaluate import evaluate
from rhetoric.model import sigmoid

FLOORS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.07)
SPARING = (0.0075, 0.01, 0.0115, 0.0125, 0.0135, 0.015)  # floors, were the network as sparing as in `fast` alone
SHARES = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
SAMPLE = 20_000


def macro(model: EncoderModel, truth: np.ndarray, chances: np.ndarray) -> float:
    return evaluate(truth, chances >= model.thresholds_, chances).macro_f1


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--scores", default="scores-accurate.npy", help="what the encoder said of the pool")
    parser.add_argument("--lost", type=float, default=0.005)
    args = parser.parse_args()
    folder = ROOT / "rhetoric/models/accurate"
    model, quick = EncoderModel.load(folder), rhetoric.load("fast")
    assert isinstance(quick, rhetoric.StanceClassifier)
    thorough = quick.thorough()

    def calibrated(raw: np.ndarray) -> np.ndarray:
        return sigmoid(raw * model.slope_ + model.intercept_)

    sentences = pool(args.cache)
    scores = np.load(args.cache / args.scores).astype(float)
    chance, _ = by_chance(sentences, BY_CHANCE)  # the others that were read are the likeliest to bear a stance
    speech = np.array([sentences[i]["corpus"] == "ungd" for i in chance])
    rows = np.concatenate([chance[~speech][: SAMPLE // 2], chance[speech][: SAMPLE // 2]])
    speech = np.repeat([False, True], [len(rows) - SAMPLE // 2, SAMPLE // 2])
    raw = np.log(np.clip(scores[rows], 1e-6, 1 - 1e-6) / (1 - np.clip(scores[rows], 1e-6, 1 - 1e-6)))
    drawn = [sentences[i]["text"] for i in rows]
    offered = thorough.predict_proba(drawn).max(axis=1)

    held = [r for r in labelled(args.shared, args.cache) if data.held_out(r)]
    dev = gold(args.shared)
    sets = [("held out", held), ("dev", dev)]
    # `fast` learned from the held-out documents' labels: what models of its kind say that did not stands in for it there
    own_kind = np.load(args.cache / "fast-held-out.npz")
    number = {text: i for i, text in enumerate(own_kind["texts"].tolist())}
    unseen = {
        name: sigmoid(own_kind[name][[number[r["text"]] for r in held]] * quick.slope_ + quick.intercept_)
        for name in ("everywhere", "logits")
    }
    quickly = {
        "held out": unseen["everywhere"],
        "dev": thorough.predict_proba([r["text"] for r in dev]),
    }
    read = {name: calibrated(model.read_whole([r["text"] for r in own])) for name, own in sets}

    lines: list[str] = [
        "| floor | of news read | of speeches | findings lost, held out: accusation | denial | call_to_negotiate "
        f"| held out (n={len(held):,}) macro-F1 | dev (n={len(dev)}) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    chosen = 0.0
    found = read["held out"] >= model.thresholds_
    for floor in FLOORS:
        shares = [f"{(offered[which] >= floor).mean():.1%}" for which in (~speech, speech)]
        missed = found & ~(quickly["held out"] >= floor).any(axis=1)[:, None]
        if missed.sum() <= round(args.lost * found.sum()):
            chosen = max(chosen, floor)
        f1 = []
        for name, own in sets:
            screened = np.where((quickly[name] >= floor).any(axis=1)[:, None], read[name], 0.0)
            f1.append(macro(model, indicator(own) > 0, screened))
        lost = [f"{n} of {of}" for n, of in zip(missed.sum(axis=0), found.sum(axis=0))]
        lines.append(f"| {floor:g} | " + " | ".join([*shares, *lost, *(f"{value:.3f}" for value in f1)]) + " |")
    lines += ["", "With a network as sparing as in `fast` alone:", "", "| floor | read | findings lost |", "|---|---|---|"]
    sparingly = quick.predict_proba(drawn).max(axis=1)
    for floor in SPARING:
        missed = found & ~(unseen["logits"] >= floor).any(axis=1)[:, None]
        lines.append(f"| {floor:g} | {(sparingly >= floor).mean():.1%} | {missed.sum()} of {found.sum()} |")
    lines += ["", "Averaging both models' log odds instead, on the held-out documents, mean average precision:", ""]
    lines += [
        "| share of `fast` | " + " | ".join(f"{share:g}" for share in SHARES) + " |",
        "|---" * (len(SHARES) + 1) + "|",
    ]
    odds = [np.log(p / (1 - p)) for p in (read["held out"], quickly["held out"])]
    mixed = [precision(indicator(held), (1 - share) * odds[0] + share * odds[1]).mean() for share in SHARES]
    lines.append("| | " + " | ".join(f"{value:.3f}" for value in mixed) + " |")
    rest = np.median(raw[offered < max(chosen, FLOORS[1])], axis=0)
    model.screen_ = Screen(quick, np.full(len(rest), chosen), rest.round(4)) if chosen else None
    model._hash = None
    chances = model.predict_proba([r["text"] for r in dev])
    table = evaluate(indicator(dev) > 0, chances >= model.thresholds_, chances).table()
    card = (folder / "README.md").read_text(encoding="utf-8")
    card, n = re.subn(r"\| stance \|.*?\n\n", lambda _: f"{table}\n\n", card, count=1, flags=re.DOTALL)
    assert n == 1, "the card has no table of scores"
    model.save(folder, card=card)
    write_reference(EncoderModel.load(folder))
    into_readme(
        __file__,
        "screen",
        "\n".join(lines) + f"\n\nChosen: {chosen:g}.",
    )


if __name__ == "__main__":
    main()
