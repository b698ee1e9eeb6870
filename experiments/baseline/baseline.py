"""The shipped models on the development gold set, beside a keyword rule and always-none.

    python experiments/baseline/baseline.py

Prints a table and writes it into the README beside this script.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, gold, indicator, into_readme, shipped

from rhetoric.evaluate import always_none, evaluate, keyword_rule
from rhetoric.stances import STANCES


def main() -> None:
    args = arguments(__doc__).parse_args()
    everything = gold(args.shared)
    parts = {"all sentences": everything, "not marked unsure": [r for r in everything if not r["unsure"]]}
    lines = []
    for part, records in parts.items():
        texts, truth = [r["text"] for r in records], indicator(records)
        rows = {"always none": (always_none(texts), None), "keyword rule": (keyword_rule(texts), None)}
        rows |= {f"`{name}`": (model.predict(texts), model.predict_proba(texts)) for name, model in shipped()}
        support = ", ".join(f"{int(n)} {s}" for s, n in zip(STANCES, truth.sum(axis=0), strict=True))
        lines += [
            f"**{part}**: {len(records)} ({support})",
            "",
            "| | stance | precision | recall | F1 (95 % interval) | ECE |",
            "|---|---|---|---|---|---|",
        ]
        for row, (found, chances) in rows.items():
            result = evaluate(truth, found, chances)
            for s in result.scores:
                ece = "" if s.ece is None else f"{s.ece:.3f}"
                lines.append(
                    f"| {row} | {s.stance} | {s.precision:.2f} | {s.recall:.2f} "
                    f"| {s.f1:.2f} ({s.f1_interval[0]:.2f}-{s.f1_interval[1]:.2f}) | {ece} |"
                )
            low, high = result.macro_f1_interval
            lines.append(f"| {row} | **macro** | | | **{result.macro_f1:.3f}** ({low:.3f}-{high:.3f}) | |")
        lines.append("")
    into_readme(__file__, "table", "\n".join(lines))


if __name__ == "__main__":
    main()
