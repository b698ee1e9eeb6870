"""The role model on sentences that nothing was tuned on: ``gold/dev``.

    python experiments/roles/measure.py

Overlap F1 where the stance is given, beside the baselines; and end to end: the stances that the default model finds,
where a stance that it misses or invents counts as a miss. Prints Markdown.
"""

from __future__ import annotations

import numpy as np
from baselines import first_last, named, quotation_rules
from fitting import SHARED, claims_of, measure, words_f1, words_of

import rhetoric
from rhetoric.labels import read
from rhetoric.roles import find_roles, role_model

COLUMNS = ("speaker", "target", "mean", "accusation", "denial", "call_to_negotiate")


def main() -> None:
    labels = read(SHARED / "gold/dev.jsonl")
    bearing = [label for label in labels if label.stances and label.roles]
    claims = claims_of(bearing)
    everything = np.arange(len(claims.stance))
    names = named(claims)
    runs = role_model().runs(claims.items, claims.sentence, claims.stance)
    sentences = claims.sentences
    found = {
        "first and last actor": {int(c): first_last(names[claims.sentence[c]]) for c in everything},
        "quotation rules": {
            int(c): quotation_rules(sentences[claims.sentence[c]], names[claims.sentence[c]]) for c in everything
        },
        "role model": {int(c): words_of(claims, int(c), r) for c, r in zip(everything, runs, strict=True)},
    }
    print(f"{len(everything)} claims of {len(bearing)} sentences\n")
    print("| stance given | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))
    for name, roles in found.items():
        result = measure(claims, roles)
        print(f"| {name} | " + " | ".join(f"{result[column]:.3f}" for column in COLUMNS) + " |")

    model = rhetoric.load("fast")
    texts = [label.sentence for label in labels]
    held = model.predict(texts).astype(bool)
    stances = [tuple(np.array(model.stance_names)[row]) for row in held]
    roles = find_roles(texts, [[(0, len(text))] for text in texts], [[row] for row in stances])
    scores = np.zeros(2)
    hits = wanted = given = 0
    for label, own, ((*pairs,),) in zip(labels, stances, roles, strict=True):
        given += len(own)
        wanted += len(label.stances)
        for stance, pair in zip(own, pairs, strict=True):
            if stance in label.stances:
                hits += 1
                words = ["" if mention is None else mention.text for mention in pair]
                gold = [label.role(stance, role) for role in ("speaker", "target")]
                scores += [words_f1(a, b) for a, b in zip(words, gold, strict=True)]
    print(f"\nEnd to end, model `fast`: {given} claims found, {wanted} labelled, {hits} right\n")
    print("| | speaker | target | mean |\n|---|---|---|---|")
    for name, total in (("where the stance is right", hits), ("F1 over all claims", (given + wanted) / 2)):
        print(f"| {name} | " + " | ".join(f"{v:.3f}" for v in [*scores / total, scores.mean() / total]) + " |")


if __name__ == "__main__":
    main()
