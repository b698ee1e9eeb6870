"""Rows as ``score`` writes them, of invented sentences about invented and real states; the same for the same seed.

Used by the tests of the report and by ``experiments/report/``.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

STANCES = ("accusation", "denial", "call_to_negotiate")
SPEAKERS = ("Foreign Ministry", "President", "Parliament", "spokesman", "delegation", "Defence Minister")
PLACES = ("port", "border", "strait", "northern province", "airfield", "dam", "fishing grounds", "pipeline")
DEEDS = ("shelling", "mining", "blockading", "jamming radio traffic over", "arming gangs near", "spying on")

_FORMS = {
    "accusation": ("{speaker} accused {target} of {deed} the {place}", "accused", "of {deed}"),
    "denial": ("{speaker} rejected as baseless {target}'s claim of {deed} the {place}", "rejected as baseless", ""),
    "call_to_negotiate": ("{speaker} called on {target} to open talks on the {place}", "called on", "open talks"),
}
_PLAIN = ("The {place} was quiet in the {number}th week.", "Ships passed the {place} as before, {number} of them.")


def codes(n: int) -> list[tuple[str, str]]:
    """The first n states of the actor table, as code and name."""
    from rhetoric.actors import actors

    return [(actor.code, actor.name) for actor in actors() if actor.kind == "state"][:n]


def rows(
    n: int,
    *,
    seed: int = 1,
    first: date = date(2010, 1, 1),
    days: int = 3650,
    actors: int = 60,
    share: float = 0.22,
    sentences: int = 20,
) -> Iterator[dict[str, Any]]:
    """``n`` rows, ``sentences`` to a document, documents in the order of their dates over ``days``.

    ``share`` of the rows bear a stance; actors are drawn as in the news: a few speak most of the time, and mostly to
    or about the same three.
    """
    draw = random.Random(seed)
    names = codes(actors)
    weights = [1 / (i + 1) for i in range(len(names))]
    for number in range(n):
        document, index = divmod(number, sentences)
        if index == 0:
            day = first + timedelta(days=document * sentences * days // max(n, 1))
            copy = f"wire/{document - 1:07}" if document and draw.random() < 0.03 else None
            start = 0
        stance = draw.choice(STANCES) if draw.random() < share else None
        row, start = _row(draw, names, weights, stance, f"wire/{document:07}", str(day), index, start)
        yield row | {"duplicate_of": copy, "model": "fast", "model_hash": "0" * 64}


def _row(
    draw: random.Random,
    names: list[tuple[str, str]],
    weights: list[float],
    stance: str | None,
    document: str,
    day: str,
    index: int,
    start: int,
) -> tuple[dict[str, Any], int]:
    place, number = draw.choice(PLACES), draw.randrange(1000)
    chances = {name: round(draw.betavariate(1, 30), 4) for name in STANCES}
    claims: list[dict[str, Any]] = []
    if stance is None:
        text = draw.choice(_PLAIN).format(place=place, number=number)
    else:
        at = draw.choices(range(len(names)), weights)[0]
        rival = at + draw.choice((1, 2, 3)) if draw.random() < 0.7 else at + draw.randrange(1, len(names))
        speaker, target = names[at], names[rival % len(names)]
        speaking = f"The {speaker[1]} {draw.choice(SPEAKERS)}"
        form, *cues = _FORMS[stance]
        deed = draw.choice(DEEDS)
        text = form.format(speaker=speaking, target=target[1], deed=deed, place=place) + f" (note {number})."
        chances[stance] = round(0.5 + draw.random() / 2, 4)

        def mention(words: str, code: str) -> dict[str, Any]:
            at = start + text.index(words)
            return {"text": words, "start": at, "end": at + len(words), "codes": [code], "resolved": False}

        spans = []
        for cue in filter(None, (cue.format(deed=deed) for cue in cues)):
            at = text.index(cue)
            spans.append({"text": cue, "start": start + at, "end": start + at + len(cue), "weight": 1.5})
        claims = [
            {
                "stance": stance,
                "probability": chances[stance],
                "speaker": mention(speaking, speaker[0]),
                "target": mention(target[1], target[0]) if draw.random() < 0.8 else None,
                "evidence": spans,
            }
        ]
    foremost = claims[0] if claims else {"speaker": None, "target": None}
    row: dict[str, Any] = {
        "document": document,
        "date": day,
        "sentence": index,
        "start": start,
        "end": start + len(text),
        "text": text,
        **chances,
        "stances": [stance] if stance else [],
        "unsure": [stance] if stance and chances[stance] < 0.55 else [],
        "claims": claims,
    }
    for role in ("speaker", "target"):
        held = foremost[role]
        row |= {role: held and held["text"], f"{role}_code": held and held["codes"][0]}
    return row, start + len(text) + 1


def write(path: Path, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> Path:
    """The rows as JSONL."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return path
