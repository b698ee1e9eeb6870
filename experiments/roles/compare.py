"""Which method finds the roles best: cross-validation over the labelled claims, stances given, near-duplicates and
sentences of one document on one side.

    python experiments/roles/compare.py

Prints Markdown. Nothing here looks at the sentences that ``measure.py`` uses.
"""

from __future__ import annotations

import numpy as np
from baselines import ItemTagger, first_last, named, quotation_rules
from fitting import claims_of, decode, fit, folds_of, groups_of, labelled, measure

FOLDS = 5
FAVOURS = ((1.0, 1.0), (0.85, 0.85), (0.7, 0.7), (0.5, 0.5))


def main() -> None:
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
    columns = ["speaker", "target", "mean", "accusation", "denial", "call_to_negotiate"]
    print("| method | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for name, roles in found.items():
        result = measure(claims, roles)
        print(f"| {name} | " + " | ".join(f"{result[column]:.3f}" for column in columns) + " |")


if __name__ == "__main__":
    main()
