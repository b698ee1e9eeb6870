"""Counts the verdicts of ``codes-checked.tsv``: is the code of a mention right?

    python experiments/roles/check_codes.py

``right``: the codes are those of the actor that the words stand for, or there are none and neither the words nor their
sentence tell one. ``wrong``: another actor's. ``missing``: none, where a reader of the sentence knows it.

Prints Markdown.
"""

from __future__ import annotations

import csv
from pathlib import Path


def main() -> None:
    path = Path(__file__).with_name("codes-checked.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    parts = {
        "all": rows,
        "with codes": [row for row in rows if row["codes"] != "-"],
        "of these resolved from elsewhere": [row for row in rows if row["codes"] != "-" and row["resolved"] == "yes"],
        "the five articles": [row for row in rows if row["source"].endswith(".txt")],
        "other real sentences": [r for r in rows if not r["source"].endswith(".txt") and r["source"] != "composed"],
        "invented sentences": [row for row in rows if row["source"] == "composed"],
    }
    print("| mentions | n | right | wrong | missing | accuracy |\n|---|---|---|---|---|---|")
    for name, part in parts.items():
        counts = [sum(row["verdict"] == verdict for row in part) for verdict in ("right", "wrong", "missing")]
        print(f"| {name} | {len(part)} | " + " | ".join(map(str, counts)) + f" | {counts[0] / len(part):.3f} |")


if __name__ == "__main__":
    main()
