"""Pass rates of the shipped models on the behaviour cases, by phenomenon, and the floors that the tests hold.

    python tests/behaviour/report.py            prints the table
    python tests/behaviour/report.py --floors   also rewrites floors.json from what was measured

The cases are composed: ``cases.jsonl`` (one sentence and the stances that the codebook gives it; cases that share a
``pair`` differ in few words and in their stances) and ``directions.jsonl`` (a change of a few words that must move the
probability of a stance one way).
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rhetoric
from rhetoric.actors import actors

if TYPE_CHECKING:
    from rhetoric.model import StanceModel

HERE = Path(__file__).parent
FLOORS = HERE / "floors.json"
OVERALL_MARGIN = 0.02


def read(name: str) -> list[dict[str, Any]]:
    """The records of a file beside this one."""
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def stances_of(model: StanceModel, sentences: Sequence[str]) -> list[tuple[str, ...]]:
    """The stances that hold in each sentence, in the model's order."""
    names = model.stance_names
    return [tuple(n for n, held in zip(names, row, strict=True) if held) for row in model.predict(sentences).tolist()]


# ---------------------------------------------------------------- changes that leave the stances as they are


def with_typo(text: str) -> str:
    """Two neighbouring inner letters of one word of five letters or more exchanged; which is fixed by the text."""
    chooser = random.Random(text)
    places = [
        m.start() + i
        for m in re.finditer(r"[^\W\d_]{5,}", text)
        for i in range(1, len(m[0]) - 2)
        if m[0][i] != m[0][i + 1]
    ]
    if not places:
        return text
    i = chooser.choice(places)
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


PERTURBATIONS: dict[str, Callable[[str], str]] = {
    "one typo": with_typo,
    "all capitals": str.upper,
    "lower case": str.lower,
    "no final stop": lambda text: text.rstrip(".!"),
    "typographic quotes": lambda text: re.sub(r'"([^"]*)"', r"“\1”", text).replace("'", "’"),
    "dateline": lambda text: "GENEVA, May 4 (Agency) - " + text,
    "two blanks": lambda text: text.replace(" ", "  "),
}

SWAP_TEMPLATES = (
    "{name} accused its neighbour of violating the ceasefire.",
    "The neighbours accused {name} of violating the ceasefire.",
    "{name} denied that its troops had crossed the border.",
    "The foreign minister of {name} urged both sides to resume negotiations.",
    "The report said that exports from {name} rose last year.",
    "The aggression of {name} must stop, the delegate said.",
    "The ministry in {name} dismissed the reports as baseless.",
    "{name} is ready for talks with its neighbour.",
    "My delegation congratulates {name} on its admission.",
    "A court in {name} convicted two officers of murder.",
)


def swap_rate(model: StanceModel) -> float:
    """Share of sentences, 0..1, in which the name of a state leaves the stances as the most common answer has them.

    Every state and territory of the table of actors in every template, every fifth where the model is a slow one.
    """
    names = [actor.name for actor in actors() if actor.kind == "state"][:: 1 if model.kind == "linear" else 5]
    found = stances_of(model, [t.format(name=name) for t, name in product(SWAP_TEMPLATES, names)])
    same = 0
    for start in range(0, len(found), len(names)):
        answers = found[start : start + len(names)]
        same += max(answers.count(answer) for answer in set(answers))
    return same / len(found)


# ---------------------------------------------------------------- measuring


def measure(model: StanceModel) -> dict[str, Any]:
    """Cases passed and counted: ``phenomena`` and ``perturbations`` map a name to [passed, of], ``failed`` lists ids.

    A case passes when the stances are exactly those expected, a pair when all its cases pass, a direction when the
    probability moves the right way by more than a hundredth, a perturbation when the stances stay as they were.
    """
    cases, directions = read("cases.jsonl"), read("directions.jsonl")
    texts = [case["text"] for case in cases]
    found = stances_of(model, texts)
    passed = [set(f) == set(case["stances"]) for f, case in zip(found, cases, strict=True)]
    phenomena: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    pairs: dict[str, list[bool]] = defaultdict(list)
    for case, good in zip(cases, passed, strict=True):
        phenomena[case["phenomenon"]][0] += good
        phenomena[case["phenomenon"]][1] += 1
        if case["pair"] is not None:
            pairs[case["pair"]].append(good)
    before = model.predict_proba([d["before"] for d in directions])
    after = model.predict_proba([d["after"] for d in directions])
    moved = []
    for d, row in zip(directions, (after - before).tolist(), strict=True):
        change = row[model.stance_names.index(d["stance"])]
        moved.append(change > 0.01 if d["direction"] == "rises" else change < -0.01)
    perturbations = {}
    for name, change_text in PERTURBATIONS.items():
        changed = [(i, change_text(text)) for i, text in enumerate(texts)]
        changed = [(i, text) for i, text in changed if text != texts[i]]
        again = stances_of(model, [text for _, text in changed])
        perturbations[name] = [sum(found[i] == a for (i, _), a in zip(changed, again, strict=True)), len(changed)]
    return {
        "phenomena": {name: list(count) for name, count in sorted(phenomena.items())},
        "overall": [sum(passed), len(passed)],
        "pairs": [sum(all(p) for p in pairs.values()), len(pairs)],
        "directions": [sum(moved), len(moved)],
        "perturbations": perturbations,
        "swaps": round(swap_rate(model), 4),
        "failed": [case["id"] for case, good in zip(cases, passed, strict=True) if not good]
        + [d["id"] for d, good in zip(directions, moved, strict=True) if not good],
    }


def rates(measured: dict[str, Any]) -> dict[str, float]:
    """Pass rates, 0..1, by the name of what was counted; ``overall``, ``pairs`` and ``directions`` are among them."""
    counts = {f"case: {name}": count for name, count in measured["phenomena"].items()}
    counts |= {name: measured[name] for name in ("overall", "pairs", "directions")}
    counts |= {f"unchanged by: {name}": count for name, count in measured["perturbations"].items()}
    return {name: passed / of for name, (passed, of) in counts.items()} | {"unchanged by: swaps": measured["swaps"]}


def floors_of(measured: dict[str, Any]) -> dict[str, float]:
    """What a later model must reach: one case less than measured for a phenomenon, two hundredths less for the rest.

    A floor is 0 only where nothing passes.
    """
    floors = {}
    for name, rate in rates(measured).items():
        _, _, phenomenon = name.partition("case: ")
        margin = 1 / measured["phenomena"][phenomenon][1] if phenomenon else OVERALL_MARGIN
        lowest = rate - margin
        if rate > 0 and lowest <= 0:
            lowest = rate / 2
        floors[name] = math.floor(max(lowest, 0.0) * 1e4) / 1e4
    return floors


def table(measured: dict[str, dict[str, Any]]) -> str:
    """A Markdown table: one row for each thing counted, one column for each model."""
    names = list(measured)
    all_rates = {name: rates(m) for name, m in measured.items()}
    first = next(iter(measured.values()))
    size = {f"case: {name}": count[1] for name, count in first["phenomena"].items()}
    size |= {name: first[name][1] for name in ("overall", "pairs", "directions")}
    size |= {f"unchanged by: {name}": count[1] for name, count in first["perturbations"].items()}
    lines = ["| | n | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    for row in all_rates[names[0]]:
        values = [f"{all_rates[n][row]:.2f}" + (" (none passes)" if all_rates[n][row] == 0 else "") for n in names]
        lines.append(f"| {row.removeprefix('case: ')} | {size.get(row, '')} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--floors", action="store_true", help="rewrite floors.json from what is measured now")
    parser.add_argument("--failed", action="store_true", help="list the cases that fail")
    args = parser.parse_args()
    measured = {}
    for name in rhetoric.models():
        try:
            measured[name] = measure(rhetoric.load(name))
        except rhetoric.MissingExtraError as error:
            print(f"{name} left out: {error}")
    print(table(measured))
    if args.failed:
        texts = {case["id"]: f"{case['stances']} {case['text']}" for case in read("cases.jsonl")}
        texts |= {
            d["id"]: f"{d['stance']} {d['direction']}: {d['before']} > {d['after']}" for d in read("directions.jsonl")
        }
        for name, m in measured.items():
            for case in m["failed"]:
                print(f"{name} {case}: {texts[case]}")
    if args.floors:
        old = json.loads(FLOORS.read_text(encoding="utf-8")) if FLOORS.exists() else {}
        new = old | {name: floors_of(m) for name, m in measured.items()}
        for name in measured:
            for row, floor in new[name].items():
                if floor < old.get(name, {}).get(row, 0.0):
                    print(f"lowered: {name}, {row}: {old[name][row]} -> {floor}")
        FLOORS.write_text(json.dumps(new, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"wrote {FLOORS}")


if __name__ == "__main__":
    main()
