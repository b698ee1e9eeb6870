"""Which method finds the roles best: cross-validation over the labelled claims, stances given, near-duplicates and
sentences of one document on one side.

    python experiments/roles/compare.py              # methods
    python experiments/roles/compare.py --settings   # the runs with fewer labels, fewer and more buckets

Prints Markdown. Nothing here looks at the sentences that ``measure.py`` uses.
"""

from __future__ import annotations

from argparse import ArgumentParser

import numpy as np
from baselines import ItemTagger, first_last, named, quotation_rules
from fitting import FAVOUR, claims_of, decode, fit, folds_of, groups_of, labelled, measure

FOLDS = 5
FAVOURS = ((1.0, 1.0), (0.85, 0.85), (0.7, 0.7), (0.5, 0.5))


COLUMNS = ["speaker", "target", "mean", "accusation", "denial", "call_to_negotiate"]
SETTINGS = {  # rounds of labels that are learned from, bits of a bucket
    "6 rounds of labels, 2^15 buckets": (6, 15),
    "all labels, 2^15 buckets": (None, 15),
    "all labels, 2^16 buckets": (None, 16),
    "all labels, 2^17 buckets": (None, 17),
}


def settings() -> None:
    """All claims are read; of those of the other folds a model learns from the first rounds' alone, or from all."""
    labels = labelled()
    fold_of = folds_of(groups_of(labels), FOLDS)
    print("| runs, favour 0.7 | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))
    for name, (rounds, bits) in SETTINGS.items():
        claims = claims_of(labels, bits)
        fold = fold_of[claims.sentence]
        early = {label.sentence for label in (labels if rounds is None else labelled(rounds))}
        known = np.array([claims.sentences[sentence] in early for sentence in claims.sentence])
        found: dict[int, tuple[str, str]] = {}
        for k in range(FOLDS):
            weights = fit(claims, np.flatnonzero((fold != k) & known), bits=bits)
            found.update(decode(claims, np.flatnonzero(fold == k), weights, FAVOUR))
        result = measure(claims, found)
        print(f"| {name} | " + " | ".join(f"{result[column]:.3f}" for column in COLUMNS) + " |", flush=True)


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", action="store_true", help="fewer labels, fewer and more buckets")
    if parser.parse_args().settings:
        settings()
        return
    labels = labelled()
    claims = claims_of(labels)
    fold = folds_of(groups_of(labels), FOLDS)[claims.sentence]
    everything = np.arange(len(fold))
    found: dict[str, dict[int, tuple[str, str]]] = {}
    names = named(claims)
    own = claims.sentence
    found["first and last actor"] = {int(c): first_last(names[own[c]]) for c in everything}
    found["quotation rules"] = {int(c): quotation_rules(claims.sentences[own[c]], names[own[c]]) for c in everything}
    for k in range(FOLDS):
        inside, outside = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        found.setdefault("tagger of single items", {}).update(ItemTagger(claims, inside).find(claims, outside))
        weights = fit(claims, inside)
        for favour in FAVOURS:
            name = f"runs, favour {favour[0]:g}"
            found.setdefault(name, {}).update(decode(claims, outside, weights, favour))
    print(f"{len(everything)} claims of {len(labels)} sentences, {FOLDS} folds\n")
    print("| method | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))
    for name, roles in found.items():
        result = measure(claims, roles)
        print(f"| {name} | " + " | ".join(f"{result[column]:.3f}" for column in COLUMNS) + " |")


if __name__ == "__main__":
    main()
