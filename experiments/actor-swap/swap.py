"""Do predictions stay when the actors of a sentence are exchanged for others?

    python experiments/actor-swap/swap.py [--limit N]

Takes the labelled real sentences of ../shared and puts other actors of the same kind in the place of those it names
(state for state, adjective for adjective, capital for capital, leader for leader, organisation for organisation, group
for group; the same actor always by the same other one within a sentence), then counts the predictions that stay.
Prints tables and writes them into the README beside this script; of the sentences only kinds and counts are shown.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, into_readme, read, shipped

from rhetoric.actors import MatchKind, actors, find, mask_all
from rhetoric.tokens import tokenize

TARGET = 0.99
SEED = 7
SWAPPED = {
    MatchKind.STATE: "state",
    MatchKind.PEOPLE: "people",
    MatchKind.SEAT: "seat",
    MatchKind.ORGANISATION: "organisation",
    MatchKind.GROUP: "group",
    MatchKind.LEADER: "leader",
}
UNKNOWN = ("Ruritania", "Zubrowka", "Genovia", "Freedonia", "Sylvania", "Elbonia", "Latveria", "Wadiya", "Krakozhia")
SLOW_LIMIT = 1000  # sentences for models that are no linear ones, hundreds of times slower


class Names:
    """The table's names by kind of name and by the kind of actor that bears them."""

    def __init__(self) -> None:
        self.by: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for actor in actors():
            for kind, names in actor.names.items():
                # abbreviations apart: in lower case many of them are other words, and the table rightly ignores them
                kept = [name for name in names if not name.isupper()]
                if kept:
                    self.by[kind, actor.kind][actor.code] += kept

    def other(self, kind: str, actor_kind: str, code: str, plural: bool, chooser: random.Random) -> str | None:
        """A name of another actor; for peoples of the same number (Chileans, Chilean)."""
        bearers = self.by[kind, actor_kind]
        codes = [c for c in bearers if c != code]
        chooser.shuffle(codes)
        for c in codes:
            fitting = [n for n in bearers[c] if kind != "people" or n.endswith("s") == plural]
            if fitting:
                return chooser.choice(fitting)
        return None


def swap(texts: list[str], only: MatchKind | None = None, unknown: bool = False) -> tuple[list[str], list[set[str]]]:
    """The texts with other actors, and the kinds of names exchanged in each (empty where there are none).

    ``unknown``: put in names that the table does not know.
    """
    names, table = Names(), actors()
    tokens = tokenize(texts)
    starts, ends = tokens.char_spans()
    matches = find(tokens)
    places: list[list[tuple[int, int, int, int]]] = [[] for _ in texts]
    for first, end, actor, kind in zip(
        matches.first_token.tolist(),
        matches.end_token.tolist(),
        matches.actor.tolist(),
        matches.kind.tolist(),
        strict=True,
    ):
        if kind in SWAPPED and actor >= 0 and (only is None or kind == only):
            places[int(tokens.sentence[first])].append((int(starts[first]), int(ends[end - 1]), actor, kind))
    out, kinds = [], []
    for i, (text, found) in enumerate(zip(texts, places, strict=True)):
        chooser = random.Random(SEED * 1_000_003 + i)
        chosen: dict[tuple[int, int, bool], str | None] = {}
        pieces, done, exchanged = [], 0, set()
        for start, end, actor, kind in found:
            old, which = text[start:end], SWAPPED[MatchKind(kind)]
            key = (actor, kind, old.lower().endswith("s"))
            if key not in chosen and unknown:
                chosen[key] = chooser.choice(UNKNOWN)
            elif key not in chosen:
                chosen[key] = names.other(which, table[actor].kind, table[actor].code, key[2], chooser)
            new = chosen[key]
            if new is None:
                continue
            if text.isupper():
                new = new.upper()
            elif text.islower():
                new = new.lower()
            pieces += [text[done:start], new]
            done = end
            exchanged.add(which)
        out.append("".join([*pieces, text[done:]]))
        kinds.append(exchanged)
    return out, kinds


def written(text: str) -> str:
    return "all capitals" if text.isupper() else "lower case" if text.islower() else "mixed case"


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--limit", type=int, default=None, help="sentences, for all models")
    args = parser.parse_args()
    texts = [r["text"] for r in read(args.shared / "labelled/real.jsonl")]
    random.Random(SEED).shuffle(texts)
    lines = [
        "| model | exchanged | sentences | stances stay | probabilities within 0.05 | stances stay where any |",
        "|---|---|---|---|---|---|",
    ]
    verdicts, broken_lines = [], []
    for name, model in shipped():
        limit = args.limit or (len(texts) if model.kind == "linear" else SLOW_LIMIT)
        rounds: list[tuple[str, MatchKind | None, bool]] = [("all kinds", None, False)]
        if model.kind == "linear":
            rounds += [(SWAPPED[kind], kind, False) for kind in SWAPPED]
        rounds.append(("state, for an invented one", MatchKind.STATE, True))
        for what, only, unknown in rounds:
            swapped, kinds = swap(texts[:limit], only, unknown)
            used = [i for i, k in enumerate(kinds) if k]
            before_texts, after_texts = [texts[i] for i in used], [swapped[i] for i in used]
            before, after = model.predict_proba(before_texts), model.predict_proba(after_texts)
            held = before >= model.thresholds_
            same = (held == (after >= model.thresholds_)).all(axis=1)
            near = (np.abs(before - after) <= 0.05).all(axis=1)
            bearing = held.any(axis=1)
            shares = f"{same.mean():.2%} | {near.mean():.2%} | {same[bearing].mean():.2%}"
            lines.append(f"| `{name}` | {what} | {len(used)} | {shares} |")
            if only is None:
                met = "met" if same.mean() >= TARGET else "missed"
                verdicts.append(f"`{name}`: {same.mean():.2%} unchanged, target {TARGET:.0%}: {met}.")
                masked_alike = np.array(
                    [a == b for a, b in zip(mask_all(before_texts), mask_all(after_texts), strict=True)]
                )
                rows: dict[tuple[str, str], int] = defaultdict(int)
                totals: dict[str, int] = defaultdict(int)
                for text, alike, kept in zip(before_texts, masked_alike, same, strict=True):
                    totals[written(text)] += 1
                    if not kept:
                        rows[written(text), "alike" if alike else "different"] += 1
                for case, n in sorted(totals.items()):
                    broken_lines.append(
                        f"| `{name}` | {case} | {n} | {rows[case, 'different']} | {rows[case, 'alike']} |"
                    )
    broken = [
        "Changed predictions, by how the sentence is written and by whether the masked text differs (then the table of "
        "actors read the new name otherwise) or not (then the model itself changed its mind):",
        "",
        "| model | written in | sentences | changed, masked differently | changed, masked alike |",
        "|---|---|---|---|---|",
    ]
    into_readme(__file__, "table", "\n".join([*verdicts, "", *lines, "", *broken, *broken_lines]))


if __name__ == "__main__":
    main()
