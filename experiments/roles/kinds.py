"""Targets that are no actors ("space dominance"): would a rule help that a target must hold one?

    python experiments/roles/kinds.py

The targets that the role model finds where the stance is given, by what their words hold: a name of the table of actors,
a pronoun, an office or another head noun of a political actor (the words of ``rhetoric/roles.py``), an abstract noun or
a measure of time at the end, or none of these. For
each kind the overlap F1 as it is, as it would be if the target were left out, and if the next best run took its place. On ``gold/dev``, and on the labels, which the
model has learned from: those figures flatter what is. Prints Markdown.
"""

from __future__ import annotations

import re

import numpy as np
from fitting import SHARED, claims_of, labelled, words_f1, words_of

from rhetoric.actors import codes_all
from rhetoric.labels import read
from rhetoric.roles import _FIRST_PERSON, _MANY, _OFFICE, _PERSONS, _THINGS, role_model

PRONOUNS = _FIRST_PERSON | _PERSONS | _THINGS | _MANY
KINDS = ("a name of the table", "a pronoun", "an office or head noun", "an abstract noun or a time", "none of these")
ABSTRACT = re.compile(r"(?:[aei]nce|[ts]ion|ment|ity|ness|ism|ship|acy|ures?|tions|ments|ities|days?|weeks?|months?|years?|times?)$", re.I)


def main() -> None:
    print("| sentences | target holds | claims | F1 | left out | next best |\n|---|---|---|---|---|---|")
    for name, labels in (("gold/dev", read(SHARED / "gold/dev.jsonl")), ("the labels", labelled())):
        claims = claims_of([label for label in labels if label.stances and label.roles])
        runs = role_model().runs(claims.items, claims.sentence, claims.stance)
        found = [words_of(claims, c, run)[1] for c, run in enumerate(runs)]
        other = [words_of(claims, c, run[[0, 2]])[1] for c, run in enumerate(runs)]
        gold = [target for _, target in claims.words]
        kinds = []
        for words, codes in zip(found, codes_all(found)):
            pronoun = not PRONOUNS.isdisjoint(re.findall(r"\w+", words.casefold()))
            kinds.append(0 if codes else 1 if pronoun else 2 if _OFFICE.search(words) else 3 if ABSTRACT.search(words) else 4)
        is_, without, instead = (
            np.array([words_f1(words, target) for words, target in zip(given, gold)])
            for given in (found, [""] * len(found), other)
        )
        for kind, told in enumerate(KINDS):
            chosen = np.array([k == kind and bool(words) for k, words in zip(kinds, found)])
            if chosen.any():
                values = " | ".join(f"{value[chosen].mean():.3f}" for value in (is_, without, instead))
                print(f"| {name} | {told} | {chosen.sum()} | {values} |")


if __name__ == "__main__":
    main()
