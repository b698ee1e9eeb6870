"""Writes the table of all claims of the five articles into ``seeds/README.md``, between two comments.

python experiments/roles/seed_claims.py
"""

from __future__ import annotations

import re

from fitting import ROOT

import rhetoric
from rhetoric.records import Mention

BEGIN, END = "<!-- claims: written by experiments/roles/seed_claims.py -->", "<!-- end of claims -->"
README = ROOT / "seeds" / "README.md"


def cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def role(mention: Mention | None) -> str:
    if mention is None:
        return ""
    codes = " ".join(mention.codes)
    return f"{cell(mention.text)}{f' ({codes})' if codes else ''}{'*' if mention.resolved else ''}"


def table() -> str:
    lines = [
        "All claims that the default model finds in the articles. `*`: the code comes from elsewhere in the article.",
        "",
        "| article | sentence | stance | probability | speaker | target | begins |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in sorted((ROOT / "seeds").glob("*.txt")):
        for i, sentence in enumerate(rhetoric.classify(path.read_text(encoding="utf-8"))):
            for claim in sentence.claims:
                begins = cell(sentence.text)
                begins = begins if len(begins) <= 60 else begins[:57] + "..."
                cells = [
                    path.name[:3],
                    i,
                    claim.stance,
                    f"{claim.probability:.2f}",
                    role(claim.speaker),
                    role(claim.target),
                ]
                lines.append("| " + " | ".join(map(str, [*cells, begins])) + " |")
    return "\n".join(lines)


def main() -> None:
    text = README.read_text(encoding="utf-8") if README.exists() else f"# The five articles\n\n{BEGIN}\n{END}\n"
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n## Claims\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
