"""Draws the 200 mentions whose codes are checked by hand: every role found in the articles of ``seeds/``, filled up
with roles found in labelled sentences, half real ones, half invented ones.

    python experiments/roles/sample_codes.py > experiments/.cache/codes.tsv

The reader's verdicts are in ``codes-checked.tsv``: no text of a corpus, but the sentence's hash, the offsets of the
mention in it, the codes and whether they are right. ``check_codes.py`` counts them.
"""

from __future__ import annotations

import random

from fitting import ROOT, labelled

import rhetoric
from rhetoric.labels import sentence_hash
from rhetoric.roles import find_roles

TOTAL = 200


def main() -> None:
    rows = []
    for path in sorted((ROOT / "seeds").glob("*.txt")):
        reading = rhetoric.classify(path.read_text(encoding="utf-8"))
        for sentence in reading:
            for claim in sentence.claims:
                rows += [(path.name, sentence.text, sentence.start, m) for m in (claim.speaker, claim.target) if m]
    labels = [label for label in labelled() if not label.unsure]
    random.Random(7).shuffle(labels)
    texts = [label.sentence for label in labels]
    found = find_roles(texts, [[(0, len(t))] for t in texts], [[label.stances] for label in labels])
    pools: dict[bool, list] = {True: [], False: []}
    for label, (pairs,) in zip(labels, found, strict=True):
        for mention in (m for pair in pairs[:1] for m in pair if m is not None):
            invented = label.source == "composed"
            name = "composed" if invented else f"{label.extra.get('corpus')} {label.document}"
            pools[invented].append((name, label.sentence, 0, mention))
    rest = TOTAL - len(rows)
    rows += pools[False][: rest // 2] + pools[True][: rest - rest // 2]
    for source, sentence, offset, mention in rows:
        place = f"{mention.start - offset}:{mention.end - offset}"
        codes = "+".join(mention.codes) or "-"
        print(
            source,
            sentence_hash(sentence)[:16],
            place,
            codes,
            "resolved" if mention.resolved else "",
            mention.text,
            sentence.replace("\n", " "),
            sep="\t",
        )


if __name__ == "__main__":
    main()
