"""Build the actor table: ``python scripts/build_actors.py [--check]``.

Reads the lists in ``scripts/actors/`` and the English territory names of the Unicode CLDR through Babel, and writes
``rhetoric/data/actors.json`` and ``rhetoric/data/actors.npy``. The output is the same byte for byte for the same input.
``--check`` writes nothing and exits 1 if the files in the package differ from what would be written.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from babel import Locale
from babel.core import get_global

from rhetoric.actors import CASE_MARKS, KINDS, NAME_DTYPE, MatchKind, combine_hashes
from rhetoric.tokens import tokenize

LISTS = Path(__file__).parent / "actors"
DATA = Path(__file__).parent.parent / "rhetoric" / "data"

# CLDR's alpha-3 aliases that are not today's ISO 3166-1 codes, and territories that have no ISO 3166-1 code.
CLDR_ALPHA3 = {"XK": "XKX", "CD": "COD", "TL": "TLS", "FR": "FRA", "MM": "MMR"}
NOT_ISO = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
# CLDR's display names that no text writes.
CLDR_UNUSED = {"Congo - Kinshasa", "Congo - Brazzaville", "Hong Kong SAR China", "Macao SAR China", "Myanmar (Burma)"}
# CLDR names that are common words or other people's names in part.
CLDR_MARKS = {"Turkey": "!", "Georgia": "~", "Jordan": "~", "Chad": "~", "China": "~", "Guinea": "~", "Jersey": "~",
              "Japan": "~", "Réunion": "^"}  # fmt: skip

# Names that go by the first name, and peoples whose family name stands first: the last word is no surname.
ROYAL = {
    "King",
    "Queen",
    "Prince",
    "Princess",
    "Pope",
    "Emperor",
    "Sheikh",
    "Sultan",
    "Lord",
    "Crown",
    "Mullah",
    "Shah",
}
SURNAME_FIRST = {"VNM", "KHM", "LAO", "MMR", "CHN", "HKG"}


@dataclass
class Entry:
    """An actor as the lists tell of it; ``names`` maps (name, kind) to its case mark, in the order first met."""

    code: str
    kind: str
    name: str = ""
    since: int | None = None
    until: int | None = None
    related: list[str] = field(default_factory=list)
    names: dict[tuple[str, MatchKind], str] = field(default_factory=dict)

    def add(self, name: str, kind: MatchKind, mark: str = "") -> None:
        name = name.strip()
        if name and name[0] in CASE_MARKS:
            mark, name = name[0], name[1:]
        if not name:
            return
        for variant in spellings(name):
            self.names.setdefault((variant, kind), mark)
        if not self.name:
            self.name = name


def spellings(name: str) -> list[str]:
    """The name and how else it is written: without accents, with Saint for St., with and for &, Al-X for al-X."""
    found = [name]
    for old, new in ((" & ", " and "), ("St. ", "Saint "), ("St. ", "St "), ("Saint ", "St. "), ("Saint ", "St ")):
        found += [variant.replace(old, new) for variant in found if old in variant]
    found += [plain for variant in found if (plain := without_accents(variant)) != variant]
    return list(dict.fromkeys(found))


def without_accents(text: str) -> str:
    text = (
        text.replace("ø", "o")
        .replace("Ø", "O")
        .replace("ß", "ss")
        .replace("ı", "i")
        .replace("đ", "dj")
        .replace("ł", "l")
    )
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def plurals(people: str) -> list[str]:
    """``Afghan`` -> ``Afghans``; peoples in -ese, -ish, -ch, -ss, -men have none. A needless plural does no harm."""
    if people.endswith(("ese", "ish", "ch", "s", "x", "z", "sh", "men", "man")) or not people[-1].isalpha():
        return []
    return [people + "s"]


def rows(name: str) -> list[list[str]]:
    """The lines of a list, split at bars, comments and blank lines left out."""
    lines = (LISTS / name).read_text(encoding="utf-8").splitlines()
    return [[part.strip() for part in line.split("|")] for line in lines if line.strip() and not line.startswith("#")]


def items(cell: str) -> list[str]:
    return [item.strip() for item in cell.split(";") if item.strip()]


def cldr_names() -> dict[str, str]:
    """ISO 3166-1 alpha-3 code -> English name in the CLDR."""
    alpha3 = {
        targets[0]: alias
        for alias, targets in get_global("territory_aliases").items()
        if len(alias) == 3 and alias.isalpha() and len(targets) == 1
    } | CLDR_ALPHA3
    names = Locale("en").territories
    return {alpha3[a2]: names[a2] for a2 in names if len(a2) == 2 and a2.isalpha() and a2 not in NOT_ISO}


def people_names(entry: Entry, cell: str) -> None:
    for people in items(cell):
        entry.add(people, MatchKind.PEOPLE)
        mark = people[0] if people[0] in CASE_MARKS else ""
        for plural in plurals(people.lstrip("".join(CASE_MARKS))):
            entry.add(mark + plural, MatchKind.PEOPLE)


def read_lists() -> list[Entry]:
    """All entries, actors first, in the order of the lists.

    Raises:
        ValueError: a code is given twice, unknown, or an ISO code where it must not be one.
    """
    entries: dict[str, Entry] = {}

    def new(code: str, kind: str, **facts: Any) -> Entry:
        if code in entries:
            raise ValueError(f"the code {code} is given twice")
        if kind not in KINDS:
            raise ValueError(f"{code}: unknown kind {kind!r}")
        entries[code] = Entry(code, kind, **facts)
        return entries[code]

    cldr = cldr_names()
    listed = {row[0] for row in rows("states.txt")}
    unlisted = set(cldr) - listed
    if unlisted:
        raise ValueError(f"states.txt lacks the ISO 3166-1 codes {sorted(unlisted)}")
    for code, names, peoples, seats in padded("states.txt", 4):
        if code not in cldr and code != "ASC":
            raise ValueError(f"states.txt: {code} is no ISO 3166-1 code known to the CLDR")
        if code not in cldr:
            continue
        entry = new(code, "state")
        display = cldr[code]
        if display not in CLDR_UNUSED:
            entry.add(CLDR_MARKS.get(display, "") + display, MatchKind.STATE)
        for name in items(names):
            entry.add(name, MatchKind.STATE)
        people_names(entry, peoples)
        for seat in items(seats):
            entry.add(seat, MatchKind.SEAT)
    for code, years, successors, names, peoples, seats in padded("former.txt", 6):
        since, until = years.split("-")
        entry = new(code, "former state", since=int(since), until=int(until), related=successors.split(","))
        for name in items(names):
            entry.add(name, MatchKind.STATE)
        people_names(entry, peoples)
        for seat in items(seats):
            entry.add(seat, MatchKind.SEAT)
    for code, names, peoples, seats in padded("regions.txt", 4):
        state = code.split("-")[0]
        entry = new(code, "region", related=[] if state == "XXX" else [state])
        for name in items(names):
            entry.add(name, MatchKind.STATE)
        people_names(entry, peoples)
        for seat in items(seats):
            entry.add(seat, MatchKind.SEAT)
    for code, names, seats in padded("organisations.txt", 3):
        entry = new(code, "organisation")
        # the first name that is no acronym is the display name
        entry.name = next(
            (n for n in items(names) if n[0] not in CASE_MARKS and not n.isupper()), items(names)[0].lstrip("+=~")
        )
        for name in items(names):
            entry.add(name, MatchKind.ORGANISATION)
        for seat in items(seats):
            entry.add(seat, MatchKind.SEAT)
    for code, home, names, members, seats in padded("groups.txt", 5):
        entry = new(code, "group", related=[] if home == "-" else [home])
        for name in items(names) + items(members):
            entry.add(name, MatchKind.GROUP)
            if " " not in name and name[1:].islower():
                for plural in plurals(name):
                    entry.add(plural, MatchKind.GROUP)
        for seat in items(seats):
            entry.add(seat, MatchKind.SEAT)
    unnamed = Entry("", "none")
    for row in padded("places.txt", 3):
        if row[0] in ("place", "none"):
            kind = MatchKind.PLACE if row[0] == "place" else MatchKind.NONE
            for name in items(row[1]):
                unnamed.add(name, kind)
            continue
        entry = new(row[0], "joint", related=row[0].split("+"))
        for name in items(row[1]):
            entry.add(name, MatchKind.STATE)
        people_names(entry, row[2])
    for row in padded("titles.txt", 2):
        kind = MatchKind.TITLE if row[0] == "name" else MatchKind.OFFICE
        for name in items(row[1]):
            unnamed.add(name, kind)
            for plural in plurals(name):
                unnamed.add(plural, kind)
    common = frozenset(word for row in rows("common_names.txt") for word in without_accents(row[0]).split())
    leaders = [(code, name) for code, names in padded("leaders.txt", 2) for name in items(names)]
    # Who stands twice belongs where the list gives the bare surname too: Ban Ki-moon to the United Nations, not Korea.
    owner = {name.split("/")[0]: code for code, name in reversed(leaders) if not name.split("/")[0].endswith("!")}
    for code, name in leaders:
        if owner.get(name.split("/")[0].rstrip("!"), code) == code:
            add_leader(unnamed if code == "-" else entries[code], name, common)
    for entry in entries.values():
        for code in entry.related:
            if code not in entries:
                raise ValueError(f"{entry.code} refers to {code}, which is no code of the lists")
    return [*entries.values(), unnamed]


def padded(name: str, n: int) -> list[list[str]]:
    result = []
    for row in rows(name):
        if len(row) > n:
            raise ValueError(f"{name}: {row[0]} has {len(row)} columns, at most {n} are wanted")
        result.append(row + [""] * (n - len(row)))
    return result


def add_leader(entry: Entry, given: str, common: frozenset[str]) -> None:
    """Add a leader's full name, the forms after slashes, and the bare surname where it can only be theirs."""
    full, *forms = given.split("/")
    alone = full.endswith("!")
    full = full.rstrip("!")
    words = full.split()
    surname = words[-1]
    by_first_name = words[0] in ROYAL or entry.code in SURNAME_FIRST
    if not forms and not alone and not by_first_name and len(words) > 1 and len(surname) > 3:
        forms = [] if without_accents(surname).lower() in common else [surname]
    for name in [full, *forms]:
        entry.add("~" + name, MatchKind.LEADER)


def name_table(entries: list[Entry]) -> np.ndarray[Any, Any]:
    """One row per name, sorted by hash.

    Raises:
        ValueError: two actors share a name with no rule which one is meant.
    """
    found: dict[tuple[str, ...], tuple[int, MatchKind, int, str]] = {}
    marks = {mark: i for i, mark in enumerate(CASE_MARKS)} | {"": 0}
    clashes = []
    todo = [(i, name, kind, mark) for i, entry in enumerate(entries) for (name, kind), mark in entry.names.items()]
    # State names and organisations go before leaders' surnames; blocking phrases before all.
    todo.sort(key=lambda row: (row[2] == MatchKind.LEADER, row[2] != MatchKind.NONE))
    tokens = tokenize([row[1] for row in todo])
    built = []
    for row, (i, name, kind, mark) in enumerate(todo):
        hashes = tokens.hash[tokens.indptr[row] : tokens.indptr[row + 1]]
        key = tuple(hashes.tolist())
        if key in found:
            j, other_kind, *_ = found[key]
            both_leaders = kind == other_kind == MatchKind.LEADER
            if j != i and not both_leaders and kind != MatchKind.LEADER:
                clashes.append(f"{name!r}: {entries[j].code or other_kind.name} and {entries[i].code or kind.name}")
            continue
        found[key] = (i, kind, marks[mark], name)
        actor = i if entries[i].code else -1
        built.append((combine_hashes(hashes), combine_hashes(hashes[:2]), actor, int(kind), marks[mark], len(hashes)))
    if clashes:
        raise ValueError("names given to two actors:\n  " + "\n  ".join(clashes))
    table = np.array(built, dtype=NAME_DTYPE)
    table.sort(order="key")
    if (table["key"][1:] == table["key"][:-1]).any():
        raise ValueError("two names have the same hash")
    return table


def to_json(entries: list[Entry]) -> str:
    """One actor a line, so that a change to the lists shows as a small difference."""
    lines = []
    for entry in entries:
        if not entry.code:
            continue
        record: dict[str, Any] = {"code": entry.code, "name": entry.name, "kind": entry.kind}
        if entry.since is not None:
            record |= {"since": entry.since, "until": entry.until}
        if entry.related:
            record["related"] = entry.related
        names: dict[str, list[str]] = {}
        for name, kind in entry.names:
            names.setdefault(kind.name.lower(), []).append(name)
        record["names"] = names
        lines.append(json.dumps(record, ensure_ascii=False))
    return '{"format": 1, "actors": [\n' + ",\n".join(lines) + "\n]}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the package's files differ")
    check = parser.parse_args().check
    entries = read_lists()
    array = io.BytesIO()
    np.lib.format.write_array(array, name_table(entries), allow_pickle=False)
    files = {"actors.json": to_json(entries).encode(), "actors.npy": array.getvalue()}
    stale = []
    for name, content in files.items():
        path = DATA / name
        if not path.exists() or path.read_bytes() != content:
            stale.append(name)
            if not check:
                path.write_bytes(content)
    print(
        f"{len(entries) - 1} actors, {sum(len(e.names) for e in entries)} names; changed: {', '.join(stale) or 'none'}"
    )
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
