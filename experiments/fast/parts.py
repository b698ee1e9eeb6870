"""What each part of `fast` is worth, and where its network has to look: two tables of the README.

    python experiments/fast/parts.py

On the labelled sentences each part is read by models that did not learn from a sentence's fold; the linear part is fitted
here once more for that, the network's held-out logits are those that network.py left in the cache. Leaves there
`fast-held-out.npz`: the logits of the whole model, and those with a network that looks at everything (screen.py).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import FAST, arguments, gold, indicator, into_readme, labelled, pool, precision
from train import grouped, lesson
from variants import best as best_of_stance

from rhetoric.features import extract
from rhetoric.fitting import spread_folds
from rhetoric.model import StanceClassifier, feature_matrix

# of linear logits, already halved: the same for all stances, and others for denials, which are rare and hard to see
ALIKE = (-9.0, -2.0, -1.5, -1.25, -1.0, -0.8, -0.6, -0.4)
FLOORS = [(floor,) * 3 for floor in ALIKE] + [
    (accusation, denial, call)
    for denial in (-1.2, -0.9)
    for accusation in (-0.6, -0.4, -0.2)
    for call in (-0.6, -0.2, 0.2)
]


def best(logits: np.ndarray, truth: np.ndarray) -> float:
    """Macro-F1 at each stance's best threshold."""
    return float(np.mean([best_of_stance(z, y)[0] for z, y in zip(logits.T, truth.T)]))


def main() -> None:
    parser = arguments(__doc__)
    args = parser.parse_args()
    records = labelled(args.shared, args.cache)
    texts, truth = [r["text"] for r in records], indicator(records)
    real = np.array([r["register"] != "composed" for r in records])
    held = np.load(args.cache / "network-held-out.npz")
    fold = held["fold"]
    assert (fold == spread_folds(grouped(texts, args.cache), truth, 3)).all()
    model = StanceClassifier.load("fast")
    assert model.network_ is not None
    matrix = feature_matrix(texts, model.settings_)
    linear = np.zeros_like(truth)
    for number in np.unique(fold):
        inside = np.flatnonzero(fold != number)
        own = [texts[i] for i in inside]
        hidden = [texts[i] for i in np.flatnonzero(fold == number)]
        taught = lesson(args.cache, [args.cache / "scores-accurate.npy"], own, hidden)
        part = StanceClassifier(folds=0, **FAST).fit(own, truth[inside], taught=taught)
        linear[fold == number] = matrix[fold == number] @ part.weights_.T + part.bias_
    items = np.diff(extract(texts, model.settings_).items.indptr)
    unseen = linear / 2 + model.network_.screened(linear / 2, held["logits"] / 2, items)
    everywhere = (linear + held["logits"]) / 2
    np.savez(
        args.cache / "fast-held-out.npz", texts=np.array(texts), logits=unseen, everywhere=everywhere, linear=linear
    )
    measured = gold(args.shared)
    dev, dev_texts = indicator(measured), [r["text"] for r in measured]
    batch = extract(dev_texts, model.settings_)
    dev_linear = 2 * model._sum(batch.streams, len(dev))
    dev_network = 2 * model.network_.logits(batch.items)
    rows = {
        "linear part": (linear, dev_linear),
        "network": (held["logits"], dev_network),
        "both": ((linear + held["logits"]) / 2, (dev_linear + dev_network) / 2),
    }
    lines = [
        "| | accusation | denial | call_to_negotiate | mean AP | best macro-F1 | dev AP | dev best macro-F1 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, (own, theirs) in rows.items():
        ap = precision(truth[real], own[real])
        values = (*ap, ap.mean(), best(own[real], truth[real]), precision(dev, theirs).mean(), best(theirs, dev))
        lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    into_readme(__file__, "parts", "\n".join(lines))

    sentences = pool(args.cache)
    chance = np.random.default_rng(1).permutation(len(sentences))
    share = {}
    for name, speech in (("news", False), ("UN speeches", True)):
        chosen = [sentences[i]["text"] for i in chance if (sentences[i]["corpus"] == "ungd") == speech][:10_000]
        drawn = extract(chosen, model.settings_)
        share[name] = model._sum(drawn.streams, len(chosen)), np.diff(drawn.items.indptr)
    lines = [
        "| floors | words of news looked at | of UN speeches | mean AP | best macro-F1 | dev AP |",
        "|---|---|---|---|---|---|",
    ]
    for floor in FLOORS:
        model.network_.floors[:] = floor
        looked = [float(np.average(model.network_._admitted(*pair), weights=pair[1])) for pair in share.values()]
        own = linear / 2 + model.network_.screened(linear / 2, held["logits"] / 2, items)
        theirs = dev_linear / 2 + model.network_.read(batch.items, dev_linear / 2).logits
        values = (precision(truth[real], own[real]).mean(), best(own[real], truth[real]), precision(dev, theirs).mean())
        lines.append(
            f"| {', '.join(f'{value:g}' for value in floor)} | {looked[0]:.1%} | {looked[1]:.1%} | "
            + " | ".join(f"{value:.3f}" for value in values)
            + " |"
        )
    into_readme(__file__, "floors", "\n".join(lines))


if __name__ == "__main__":
    main()
