"""The report: its numbers equal those counted by hand, whatever the format; nothing from a text becomes markup."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import json
import re
from collections import Counter
from datetime import date
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import report_rows
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetoric import report as reports
from rhetoric.archive import tables
from rhetoric.archive.tables import Layout
from rhetoric.cli import main
from rhetoric.errors import RhetoricError
from rhetoric.records import Claim, Mention, Reading, Sentence, Span
from rhetoric.report import write_report
from rhetoric.scored import ScoredTable, actor_name, actor_of, claims_of, day_of

STANCES = report_rows.STANCES


class _Scripts(HTMLParser):
    """What a browser takes the page's scripts, styles and attributes to be."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)


def page_of(path: Path) -> _Scripts:
    parser = _Scripts()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def facts_of(path: Path) -> dict[str, Any]:
    return json.loads(next(text for attrs, text in page_of(path).scripts if attrs.get("id") == "data"))


def sentences_of(path: Path) -> dict[str, Any]:
    packed = next(text for attrs, text in page_of(path).scripts if attrs.get("id") == "sentences")
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def cells_of(facts: dict[str, Any]) -> Counter[tuple[int, str, str, str]]:
    """(stance, period, speaker, target) -> count; stances beyond the last are those in doubt."""
    n, periods = len(facts["actors"]), len(facts["periods"])
    cells: Counter[tuple[int, str, str, str]] = Counter()
    key = 0
    for step, count in zip(facts["keys"], facts["counts"], strict=True):
        key += step
        rest, target = divmod(key, n)
        rest, speaker = divmod(rest, n)
        stance, period = divmod(rest, periods)
        cells[stance, facts["periods"][period], facts["actors"][speaker][0], facts["actors"][target][0]] += count
    return cells


def row(text: str = "A.", stances: tuple[str, ...] = (), **values: Any) -> dict[str, Any]:
    return {
        "document": "d",
        "date": "2001-02-03",
        "sentence": 0,
        "start": 0,
        "end": len(text),
        "text": text,
        **{stance: 0.9 if stance in stances else 0.1 for stance in STANCES},
        "stances": list(stances),
        "unsure": [],
        "claims": [{"stance": s, "probability": 0.9, "speaker": None, "target": None, "evidence": []} for s in stances],
        **dict.fromkeys(("speaker", "speaker_code", "target", "target_code")),
        "duplicate_of": None,
        "model": "toy",
        "model_hash": "abc",
        **values,
    }


def made(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> Path:
    report_rows.write(tmp_path / "scores.jsonl", rows)
    write_report(tmp_path / "scores.jsonl", tmp_path / "report.html", **options)
    return tmp_path / "report.html"


def test_counts_equal_those_counted_by_hand(tmp_path: Path) -> None:
    rows = list(report_rows.rows(3_000, days=700, actors=12))
    expected: Counter[tuple[int, str, str, str]] = Counter()
    documents: dict[str, set[str]] = {}
    for r in rows:
        if r["duplicate_of"] is not None:
            continue
        documents.setdefault(r["date"][:7], set()).add(r["document"])
        for claim in r["claims"]:
            sides = [actor_name(actor_of(claim[role])) for role in ("speaker", "target")]
            expected[STANCES.index(claim["stance"]), r["date"][:7], *sides] += 1
        for stance in r["unsure"]:
            expected[STANCES.index(stance) + 3, r["date"][:7], "not stated", "not stated"] += 1
    facts = facts_of(made(tmp_path, rows))
    assert facts["unit"] == "month"
    assert cells_of(facts) == expected
    counted = dict(zip(facts["periods"], facts["documents"], strict=True))
    assert {p: n for p, n in counted.items() if n} == {p: len(found) for p, found in documents.items()}
    assert facts["duplicates"]["documents"] == len({r["document"] for r in rows if r["duplicate_of"]}) > 0


def test_every_count_has_its_most_probable_sentence(tmp_path: Path) -> None:
    path = made(tmp_path, list(report_rows.rows(3_000, days=300, actors=8)))
    facts, kept = facts_of(path), sentences_of(path)
    best: dict[int, int] = {}
    cell = 0
    for step, _, probability, _, _ in kept["items"]:
        cell += step
        best.setdefault(cell, probability)
        assert probability <= best[cell], "not in falling order"
    assert sorted(best) == list(range(len(facts["keys"])))


def test_sentences_stand_where_the_row_says(tmp_path: Path) -> None:
    """Places within a sentence count UTF-16 units, as JavaScript does; those of the document stay as they are."""
    text = "𝔊 Ruritania 𝔊 accused Zembla of it."
    at = text.index("accused")
    mention = {
        "text": "Zembla",
        "start": 100 + text.index("Zembla"),
        "end": 100 + text.index("Zembla") + 6,
        "codes": [],
    }
    claim = {
        "stance": "accusation",
        "probability": 0.9,
        "speaker": None,
        "target": mention,
        "evidence": [
            {"text": "accused", "start": 100 + at, "end": 107 + at, "weight": 2.0},
            {"text": "of", "start": 100 + text.index("of"), "end": 102 + text.index("of"), "weight": -1.0},
            {"text": "not there", "start": 100, "end": 109, "weight": 1.0},
        ],
    }
    made_row = row(text, ("accusation",), claims=[claim], start=100, end=100 + len(text))
    kept = sentences_of(made(tmp_path, [made_row]))
    units = text.encode("utf-16-le")

    def sliced(start: int, end: int) -> str:
        return units[2 * start : 2 * end].decode("utf-16-le")

    _, target, evidence = kept["items"][0][4]
    assert sliced(*target[1:3]) == "Zembla"
    assert [sliced(*evidence)] == ["accused"]
    assert kept["texts"][0][2:4] == [100, 100 + len(text)]


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "'\"`${alert(1)}&lt;&amp;",
    "\x00\x01\x1b[31m",
    "\u202egnp.exe\u202c \u2066x",
    "\ud800 half of a pair",
    "\u2028\u2029]]>",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_that_comes_from_a_text_becomes_markup(tmp_path: Path, hostile: str) -> None:
    mention = {"text": hostile, "start": 0, "end": len(hostile), "codes": [hostile]}
    claim = {"stance": "denial", "probability": 0.9, "speaker": mention, "target": mention, "evidence": []}
    values = {"document": hostile, "date": hostile, "model": hostile, "model_hash": hostile, "claims": [claim]}
    rows = [
        row(hostile, ("denial",), **values),
        row(hostile, **values | {"document": hostile + "2", "duplicate_of": hostile}),
    ]
    (tmp_path / "scores.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    rejected = {"file": hostile, "line": 1, "reason": hostile, "size": 3, "record": hostile}
    (tmp_path / "scores.rejected.jsonl").write_text(json.dumps(rejected) + "\n")
    write_report(tmp_path / "scores.jsonl", tmp_path / "plain.html", title="plain")
    write_report(tmp_path / "scores.jsonl", tmp_path / "report.html", title=hostile)
    plain, page = page_of(tmp_path / "plain.html"), page_of(tmp_path / "report.html")
    assert page.attributes[:] == plain.attributes[:]
    assert [attrs for attrs, _ in page.scripts] == [attrs for attrs, _ in plain.scripts]
    raw = (tmp_path / "report.html").read_bytes()
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", raw)
    assert "\u202e" not in raw.decode()
    told = facts_of(tmp_path / "report.html")
    assert told["rejected"]["count"] == told["duplicates"]["documents"] == 1
    shown = json.dumps([told, sentences_of(tmp_path / "report.html")], ensure_ascii=False)
    assert not re.search("[\x00-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_text_is_shown_at_its_length(text: str) -> None:
    from rhetoric.html import escape, visible

    assert len(visible(text)) == len(text)
    assert not set(escape(text)) & set("<>\"'\x00\u202e")


def test_the_policy_allows_its_own_scripts_and_nothing_else(tmp_path: Path) -> None:
    page = page_of(made(tmp_path, [row("Ruritania denied it.", ("denial",))]))
    policy = next(a["content"] or "" for _, a in page.attributes if a.get("http-equiv") == "Content-Security-Policy")
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert "https:" not in policy
    run = [text for attrs, text in page.scripts if "type" not in attrs]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run]
    assert allowed["script-src"] == " ".join(f"'sha256-{digest}'" for digest in hashes)
    for tag, attrs in page.attributes:
        assert not [name for name in attrs if name.startswith("on") or name == "style"], tag
        assert tag not in ("iframe", "object", "img", "form")
        assert tag != "link" or attrs["href"] == "data:,"


def test_the_drawing_library_is_the_one_that_is_named() -> None:
    folder = resources.files("rhetoric").joinpath("data", "report")
    named = dict(re.findall(r"([0-9a-f]{64})  (\S+)", folder.joinpath("README.md").read_text(encoding="utf-8")))
    assert len(named) == 2
    for digest, name in named.items():
        assert hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest() == digest
    assert "MIT" in folder.joinpath("uPlot.LICENSE").read_text(encoding="utf-8")


# ---- formats


def readings() -> list[tuple[str, str, Reading]]:
    found = []
    for number, (stance, words) in enumerate((("accusation", "=Zembla's ministry"), ("denial", "France"), (None, "x"))):
        text = f'{words} spoke, "he" said;\nsecond line {number}.'
        speaker = Mention(words, 0, len(words), ("FRA",) if words == "France" else ())
        claims = (Claim(stance, 0.87654, speaker, None, (Span("spoke", 0, 5, 0.5),)),) if stance else ()
        probabilities = {name: 0.87654 if name == stance else 0.01 for name in STANCES}
        sentence = Sentence(text, 0, len(text), probabilities, (stance,) if stance else (), ("denial",), claims)
        found.append((f"doc;{number}", f"199{number}-05-06", Reading((sentence,), None, "toy", text)))
    return found


def write_table(path: Path, format: str, level: str = "sentence") -> Path:
    layout = Layout(format, level, False, STANCES, "toy", "abc")
    rows = [r for document, day, reading in readings() for r in tables.rows_of(document, day, reading, layout)]
    data, header = tables.encode(rows, layout)
    data, _ = tables.mark(data, header, [1, 1, 1], {2: "doc;0"}, layout)
    path.write_bytes(data)
    return path


def normalised(path: Path) -> list[dict[str, Any]]:
    rows = []
    for r in ScoredTable.open(path).rows():
        rows.append(dict(r) | {"claims": [(c.stance, c.probability, c.speaker, c.evidence) for c in claims_of(r)]})
    return rows


@pytest.mark.parametrize("level", ["sentence", "document"])
@pytest.mark.parametrize("format", ["csv", "csv.gz", "jsonl.bz2", "jsonl.zst", "parquet"])
def test_all_formats_read_the_same(tmp_path: Path, format: str, level: str) -> None:
    wanted = write_table(tmp_path / "scores.jsonl", "jsonl", level)
    given_ = write_table(tmp_path / f"scores.{format}", format, level)
    assert normalised(given_) == normalised(wanted)
    assert len(normalised(given_)) == 3
    one, other = tmp_path / "one.html", tmp_path / "other.html"
    first = write_report(wanted, one, title="t")
    second = write_report(given_, other, title="t")
    assert first.stances == second.stances == {"accusation": 1, "denial": 1, "call_to_negotiate": 0}
    assert first.level == level
    assert (first.documents, first.duplicates) == (2, 1)
    assert facts_of(one) | {"table": ""} == facts_of(other) | {"table": ""}
    assert sentences_of(one) == sentences_of(other)


def test_a_folder_of_parts_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "scores"
    (folder / "_manifests").mkdir(parents=True)
    rows = list(report_rows.rows(200, actors=5))
    report_rows.write(folder / "part-0000000-000000.jsonl", rows[:100])
    report_rows.write(folder / "part-0000001-000000.jsonl", rows[100:])
    (folder / "_manifests" / "part-0000000-000000.json").write_text("{}")
    (folder / "_rejected.jsonl").write_text('{"file": "a.csv", "line": 7, "reason": "broken CSV: x"}\n')
    parts = write_report(folder, tmp_path / "parts.html")
    report_rows.write(tmp_path / "whole.jsonl", rows)
    whole = write_report(tmp_path / "whole.jsonl", tmp_path / "whole.html")
    assert (parts.sentences, parts.stances, parts.documents) == (whole.sentences, whole.stances, whole.documents)
    assert parts.rejected == 1
    assert facts_of(tmp_path / "parts.html")["rejected"]["examples"] == [["a.csv", 7, "broken CSV: x"]]


def test_rows_that_can_not_be_read_are_counted_and_listed(tmp_path: Path) -> None:
    good = json.dumps(row("Ruritania denied it.", ("denial",)))
    lines = [good, "{broken", "[1]", '{"document": "x"}', good, '{"cut": "off']
    (tmp_path / "scores.jsonl").write_text("\n".join(lines))
    made_ = write_report(tmp_path / "scores.jsonl", tmp_path / "report.html")
    assert (made_.sentences, made_.unreadable) == (2, 4)
    examples = facts_of(tmp_path / "report.html")["unreadable"]["examples"]
    assert [line for _, line, _ in examples] == [2, 3, None, 6]
    outcome = CliRunner().invoke(main, ["report", str(tmp_path / "scores.jsonl"), "-o", str(tmp_path / "cli.html")])
    assert outcome.exit_code == 3
    assert (tmp_path / "cli.html").read_bytes() == (tmp_path / "report.html").read_bytes()


def test_half_a_gzip_gives_what_it_holds(tmp_path: Path) -> None:
    data = gzip.compress("".join(json.dumps(r) + "\n" for r in report_rows.rows(2_000)).encode())
    (tmp_path / "scores.jsonl.gz").write_bytes(data[: len(data) // 2])
    half = write_report(tmp_path / "scores.jsonl.gz", tmp_path / "report.html")
    assert 100 < half.sentences < 1_900
    assert half.unreadable >= 1


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("scores.txt", "x", "expected a name that ends in .jsonl, .csv, .parquet"),
        ("scores.jsonl", "", "no row that can be read"),
        ("scores.jsonl", '{"id": 1, "text": "x"}\n', "lacks the columns document, date, start, end, stances"),
        ("scores.csv", "document,date,start,end,text,stances\nd,2001,0,1,x,\n", "no column of probabilities"),
    ],
)
def test_what_is_no_table_is_told_so(tmp_path: Path, name: str, content: str, told: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(RhetoricError, match=re.escape(told)):
        write_report(tmp_path / name, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_table_that_is_missing_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(RhetoricError, match="does not exist"):
        write_report(tmp_path / "none.jsonl", tmp_path / "report.html")


def test_a_page_that_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    report_rows.write(tmp_path / "scores.jsonl", [row()])
    with pytest.raises(RhetoricError, match="can not be written"):
        write_report(tmp_path / "scores.jsonl", tmp_path / "nowhere" / "report.html")


def test_old_csv_without_claims_takes_the_roles_of_the_row(tmp_path: Path) -> None:
    columns = ["document", "date", "start", "end", "text", *STANCES, "stances", "speaker", "speaker_code", "target"]
    with (tmp_path / "scores.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerow(["d", "2001", 0, 2, "A.", 0.9, 0.1, 0.1, "accusation", "Paris", "FRA", "the rebels"])
    write_report(tmp_path / "scores.csv", tmp_path / "report.html")
    assert cells_of(facts_of(tmp_path / "report.html")) == {(0, "2001", "France", "rebels"): 1}


# ---- periods


@pytest.mark.parametrize(
    ("dates", "unit", "first", "last", "undated"),
    [
        (["2001-02-03", "2001-03-04"], "day", "2001-02-03", "2001-03-04", 0),
        (["2001-02-03", "2003-03-04", None], "month", "2001-02", "2003-03", 1),
        (["2001-02", "2001-03"], "month", "2001-02", "2001-03", 0),
        (["1905-02-03", "2003-03-04"], "quarter", "1905-Q1", "2003-Q1", 0),
        (["1990", "2004", "soon"], "year", "1990", "2004", 1),
        (["1990-05-05", "1991"], "year", "1990", "1991", 0),
        (["soon", None, "99"], "all", "all documents", "all documents", 3),
    ],
)
def test_periods_are_as_fine_as_the_dates(
    tmp_path: Path, dates: list[str | None], unit: str, first: str, last: str, undated: int
) -> None:
    rows = [row("Ruritania denied it.", ("denial",), date=day, document=str(i)) for i, day in enumerate(dates)]
    facts = facts_of(made(tmp_path, rows))
    assert facts["unit"] == unit
    assert (facts["periods"][0], facts["periods"][-2]) == (first, last)
    assert facts["undated"] == undated
    assert sum(facts["documents"]) == sum(facts["counts"]) == len(dates)


def test_few_vague_dates_count_as_undated(tmp_path: Path) -> None:
    days = [f"2001-{month:02}-01" for month in range(1, 13)] * 2 + ["2001"]
    rows = [row("Ruritania denied it.", ("denial",), date=day, document=str(i)) for i, day in enumerate(days)]
    facts = facts_of(made(tmp_path, rows))
    assert (facts["unit"], facts["vague"]) == ("month", 1)
    assert facts["documents"][-1] == 1


@given(st.dates(date(1500, 1, 1), date(2200, 12, 31)))
def test_dates_are_read_in_the_usual_spellings(day: date) -> None:
    number = day.year * 10_000 + day.month * 100 + day.day
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%dT10:00:00Z", " %Y.%m.%d"):
        assert day_of(day.strftime(form).replace(day.strftime("%Y"), f"{day.year:04}")) == number


@given(st.one_of(st.none(), st.text(max_size=20), st.from_regex(r"\d{0,12}")))
def test_any_date_is_a_day_or_none(text: str | None) -> None:
    day = day_of(text)
    assert day == 0 or (1500 <= day // 10_000 <= 2200 and day // 100 % 100 <= 12 and day % 100 <= 31)


# ---- actors


def test_joint_actors_count_once_and_fold_to_the_first_that_is_named() -> None:
    assert actor_name(actor_of({"text": "China and Russia", "codes": ["CHN", "RUS"]})) == "China and Russia"
    assert actor_of({"text": "He", "codes": []}) == actor_of({"text": "my Government", "codes": []}) == ("",)
    assert actor_of({"text": "the  Rebels", "codes": []}) == actor_of({"text": "rebels", "codes": []})
    assert actor_of(None) != actor_of({"text": "he", "codes": []})


def test_rare_actors_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "_ACTORS", (2,))
    names = ["FRA"] * 5 + ["DEU"] * 4 + ["ITA", "ESP"]
    rows = []
    for i, code in enumerate(names):
        mention = {"text": code, "start": 0, "end": 3, "codes": [code]}
        both = {"text": "x", "start": 0, "end": 1, "codes": ["ITA", "DEU"]}
        claim = {"stance": "denial", "probability": 0.9, "speaker": mention, "target": both, "evidence": []}
        rows.append(row(f"{code} denied it.", ("denial",), claims=[claim] if i else [claim | {"target": None}]))
    facts = facts_of(made(tmp_path, rows))
    speakers: Counter[str] = Counter()
    for (_, _, speaker, _), count in cells_of(facts).items():
        speakers[speaker] += count
    assert sum(speakers.values()) == len(names)
    assert speakers["France"] == 5
    assert speakers["all other actors"] == 6
    assert facts["actorsInAll"] == 5


# ---- size


def test_small_pages_keep_exact_counts_and_fewer_sentences(tmp_path: Path) -> None:
    report_rows.write(tmp_path / "scores.jsonl", report_rows.rows(20_000, actors=30))
    large = write_report(tmp_path / "scores.jsonl", tmp_path / "large.html")
    small = write_report(tmp_path / "scores.jsonl", tmp_path / "small.html", max_mb=0.275)
    assert small.size <= 275_000 < large.size
    assert small.stances == large.stances
    assert small.kept < large.kept
    facts, kept = facts_of(tmp_path / "small.html"), sentences_of(tmp_path / "small.html")
    assert cells_of(facts) == cells_of(facts_of(tmp_path / "large.html"))
    at, cells = 0, set()
    for step, text, _, _, claim in kept["items"]:
        at += step
        cells.add(at)
        assert claim == 0 or kept["texts"][text][0]
    assert len(cells) == len(facts["keys"]), "a number without even the place of its sentence"
    with pytest.raises(RhetoricError, match="--max-mb"):
        write_report(tmp_path / "scores.jsonl", tmp_path / "tiny.html", max_mb=0.05)


def test_periods_grow_when_there_are_too_many_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "_MOST_CELLS", 400)
    report_rows.write(tmp_path / "scores.jsonl", report_rows.rows(5_000, actors=30))
    made_ = write_report(tmp_path / "scores.jsonl", tmp_path / "report.html")
    assert made_.unit == "year"
    assert made_.actors < 30


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    report_rows.write(tmp_path / "scores.jsonl", report_rows.rows(500))
    for name in ("one.html", "two.html"):
        write_report(tmp_path / "scores.jsonl", tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


# ---- links and card


@pytest.mark.parametrize(
    ("document", "link", "wanted"),
    [
        ("https://example.org/a?b=c", None, "https://example.org/a?b=c#:~:text={words}"),
        ('https://example.org/"><b>', None, "https://example.org/%22%3E%3Cb%3E#:~:text={words}"),
        ("javascript:alert(1)", None, None),
        ("speeches.jsonl:12", None, None),
        (
            "a b/ü",
            "https://example.org/{document}#char={start},{end}",
            "https://example.org/a%20b/%C3%BC#char={start},{end}",
        ),
        ("//evil.example/x", "texts/{document}", "texts///evil.example/x"),
        ("javascript:x", "{document}", "javascript%3Ax"),
    ],
)
def test_links_are_safe(tmp_path: Path, document: str, link: str | None, wanted: str | None) -> None:
    kept = sentences_of(made(tmp_path, [row("Denied.", ("denial",), document=document)], link=link))
    assert [href for _, href in kept["documents"]] == [wanted]


@pytest.mark.parametrize("link", ["javascript:{document}", "data:text/html,{document}", "//x.org/{document}", "plain"])
def test_unsafe_links_are_refused(tmp_path: Path, link: str) -> None:
    report_rows.write(tmp_path / "scores.jsonl", [row()])
    with pytest.raises(RhetoricError, match="can not be used"):
        write_report(tmp_path / "scores.jsonl", tmp_path / "report.html", link=link)


def test_files_that_lie_here_are_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a b.txt").write_text("Ruritania denied it.")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").mkdir()
    report_rows.write(tmp_path / "scores.jsonl", [row("Denied.", ("denial",), document="texts/a b.txt")])
    write_report("scores.jsonl", "pages/report.html")
    (entry,) = sentences_of(tmp_path / "pages" / "report.html")["documents"]
    assert entry[1] == "../texts/a%20b.txt#char={start},{end}"


def test_the_card_is_quoted_in_part(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("---\nlicense: x\n---\n# toy\n\nWhat it is.\n\n## Numbers\n\nmany\n\n## Limits\n\n- <b>irony\n")
    facts = facts_of(made(tmp_path, [row()], card=card))
    assert facts["card"]["text"] == "# toy\n\nWhat it is.\n\n## Limits\n\n- <b>irony"
    unknown = facts_of(made(tmp_path, [row()]))
    assert unknown["card"]["text"] == ""
    assert "not installed" in unknown["card"]["note"]
