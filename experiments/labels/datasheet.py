"""Fill the marked tables of labels/README.md from the files of labels/.

    python experiments/labels/datasheet.py [--labels labels]

Counts and agreement come from the labelled files, the table of corpora from `rhetoric.labels.CORPORA`, the rounds from
`experiments/labels/rounds.json` where it is: a list of objects whose keys are the columns.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

from rhetoric import labels
from rhetoric.stances import STANCES


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [list(head), ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join("" if cell is None else str(cell) for cell in line) + " |" for line in lines)


def number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "–" if value is None else f"{value:.2f}"


def counts(folder: Path) -> str:
    n_real = len(labels.read_standoff(folder / "real.jsonl"))
    records = labels.read_any(folder / "real.jsonl", folder / "composed.jsonl")
    head = ["source", "sentences", *STANCES, "none", "unsure", "implied accusations"]
    real, made = labels.stats(records[:n_real]), labels.stats(records[n_real:])
    rows = [
        [name, *map(number, (c.records, *(c.stances[s] for s in STANCES), c.none, c.unsure, c.implied))]
        for name, c in [
            *((c.source, c) for c in real[:-1]),
            ("all real", real[-1]),
            ("composed", made[-1]),
            ("real and composed", labels.stats(records)[-1]),
            ("articles", labels.stats(labels.read(folder / "articles.jsonl"))[-1]),
        ]
    ]
    return table(head, rows)


def corpora() -> str:
    rows = [[c.name, c.title, c.content, c.source, c.licence] for c in labels.CORPORA.values()]
    return table(["name", "corpus", "what", "from", "terms"], rows).replace("---:", "---")


def agreement(folder: Path) -> str:
    if not (folder / "second-reading").exists():
        return "Not measured yet."
    first, second = (labels.read_any(folder / f"second-reading/{name}.jsonl") for name in ("first", "second"))
    found = labels.agreement(first, second)
    stances = table(
        ["stance", "Krippendorff's alpha", "Cohen's kappa", "F1", "both", "first alone", "second alone"],
        [
            [s.stance, *map(number, (s.alpha, s.kappa, s.f1, s.both, s.only_first, s.only_second))]
            for s in found.stances
        ],
    )
    roles = table(
        ["role", "sentences", "overlap F1", "same span"],
        [[f"{r.role} of {r.stance}", number(r.sentences), number(r.f1), number(r.exact)] for r in found.roles],
    )
    return (
        f"{found.sentences:,} sentences were read twice; {len(found.disagreements):,} got different stances.\n\n"
        f"{stances}\n\nRoles, where both readers give the stance and at least one names the role "
        f"(characters that both spans cover):\n\n{roles}"
    )


def rounds() -> str:
    path = Path(__file__).parent / "rounds.json"
    if not path.exists():
        return "Not measured yet."
    rows = json.loads(path.read_text("utf-8"))
    return table(list(rows[0]), [[row.get(name) for name in rows[0]] for row in rows])


def fill(text: str, name: str, content: str) -> str:
    pattern = rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"
    filled, n = re.subn(pattern, lambda m: f"{m[1]}{content}\n{m[2]}", text, flags=re.DOTALL)
    if n != 1:
        raise SystemExit(f"the datasheet has {n} places marked {name}, wanted 1")
    return filled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=Path, default=Path("labels"))
    args = parser.parse_args()
    readme = args.labels / "README.md"
    text = readme.read_text("utf-8")
    parts = {"counts": counts(args.labels), "corpora": corpora(), "agreement": agreement(args.labels)}
    parts["rounds"] = rounds()
    for name, content in parts.items():
        text = fill(text, name, content)
        print(f"{content}\n")
    readme.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
