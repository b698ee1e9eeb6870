"""Could single words rule sentences out before names are looked for and features made?

    python experiments/speed/prescreen.py

Learns from 120,000 sentences of the pool which bear a stance, as the shipped `fast` has it, from their words (and pairs
of words) alone, and measures on 40,000 others how many must be read in full so that hardly any of what `fast` finds is
lost. Writes the table into the README.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, into_readme, pool

import rhetoric
from rhetoric.features import FeatureSettings
from rhetoric.model import feature_matrix

READ, LEARNED = 160_000, 120_000
PLAIN = {"class_order": 1, "class_gap": 0, "mask_actors": False}  # what costs nothing but a look into a table


def main() -> None:
    from sklearn.linear_model import LogisticRegression

    args = arguments(__doc__).parse_args()
    sentences = pool(args.cache)
    chosen = np.random.default_rng(0).permutation(len(sentences))[:READ]
    texts = [sentences[i]["text"] for i in chosen]
    speech = np.array([sentences[i]["corpus"] == "ungd" for i in chosen])[LEARNED:]
    model = rhetoric.load("fast")
    found = (model.predict_proba(texts) >= model.thresholds_).any(axis=1)
    lines = [
        "| words alone | findings kept | sentences of news that must be read in full | of speeches |",
        "|---|---|---|---|",
    ]
    for name, order in (("single words and their classes", 1), ("and pairs of words", 2)):
        matrix = feature_matrix(texts, FeatureSettings(word_order=order, **PLAIN))
        judge = LogisticRegression(C=0.3, max_iter=300, class_weight="balanced").fit(matrix[:LEARNED], found[:LEARNED])
        score = judge.decision_function(matrix[LEARNED:])
        for share in (0.99, 0.995, 0.999):
            kept = score >= np.quantile(score[found[LEARNED:]], 1 - share)
            lines.append(f"| {name} | {share:.1%} | {kept[~speech].mean():.0%} | {kept[speech].mean():.0%} |")
    into_readme(__file__, "prescreen", "\n".join(lines))


if __name__ == "__main__":
    main()
