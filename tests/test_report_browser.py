"""The page in a real browser: it works without a network, its filters filter, its numbers open the right sentences, and
axe-core finds no serious fault. Needs Debian's packages chromium and chromium-driver.

The same checks run on the report of a whole archive, scored by the default model, where the environment variable
RHETORIC_TEST_ARCHIVE names one: any input of ``rhetoric score`` with thousands of dated documents, such as the UN
General Debate Corpus. Scoring its 300,000 sentences takes about half a minute of one core.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import report_rows

import rhetoric
from rhetoric.report import write_report
from rhetoric.scored import ScoredTable, actor_name, actor_of, claims_of

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="no chromium or chromedriver: apt-get install chromium-driver"
    ),
]

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage "
    "--disable-background-networking --disable-component-update --disable-sync --disable-extensions --hide-scrollbars"
)
ROWS = list(report_rows.rows(4_000, days=900, actors=9))
ARCHIVE = os.environ.get("RHETORIC_TEST_ARCHIVE")
HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\x00\u202e\"quoted\""


class Browser:
    """A page in a Chromium of a given size, and what a reader can do with it."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        self.driver.set_script_timeout(120)
        self.driver.get("about:blank")  # away from the page that the browser itself opens with

    def open(self, page: Path, width: int = 1440) -> Browser:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(page.as_uri())
        self.wait("document.documentElement.dataset.ready === 'yes'")
        return self

    def js(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: str) -> None:
        deadline = time.monotonic() + 60
        while not self.js(f"return {condition}"):
            assert time.monotonic() < deadline, f"waited in vain for {condition}: {self.logged()}"
            time.sleep(0.05)

    def choose(self, select: str, text: str) -> None:
        self.js(
            "const s = document.getElementById(arguments[0]);"
            "const o = [...s.options].find((o) => o.textContent === arguments[1]);"
            "s.value = o.value; s.dispatchEvent(new Event('change', {bubbles: true}));",
            select,
            text,
        )

    def table(self, selector: str) -> list[list[str]]:
        script = (
            "return [...document.querySelector(arguments[0]).rows].map((r) => [...r.cells].map((c) => c.innerText))"
        )
        return [[cell.strip() for cell in line] for line in self.js(script, selector)]

    def press(self, selector: str) -> list[str]:
        """Presses a number; gives the sentences that it opens, the first few hundred of them at the least."""
        self.js("document.querySelector(arguments[0]).click()", selector)
        self.wait("document.querySelector('#behind ol') !== null")
        for _ in range(20):
            if self.js("const b = document.querySelector('#behind-list > button'); if (!b.hidden) b.click();"
                       "return b.hidden"):  # fmt: skip
                break
        return list(self.js("return [...document.querySelectorAll('#behind .sentence')].map((s) => s.textContent)"))

    def close(self) -> None:
        self.js("document.getElementById('close').click()")

    def logged(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requested(self) -> set[str]:
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [m for m in messages if m["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")]
        return {m["params"].get("request", m["params"])["url"] for m in sent}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.driver.quit()


class Claim(NamedTuple):
    stance: str
    speaker: str
    target: str
    period: str
    text: str


@dataclass(frozen=True)
class Case:
    """A page, and what the table under it says: documents by period and claims, repeats left out.

    ``small``: so few that every actor has a name of its own in the page, and every sentence can be opened.
    """

    page: Path
    small: bool
    documents: dict[str, str]
    sentences: int
    repeated: int
    rejected: int
    claims: tuple[Claim, ...]

    def of(self, stance: str) -> list[Claim]:
        return [claim for claim in self.claims if claim.stance == stance]

    def alike(self, actor: str, shown: str) -> bool:
        """Whether an actor stands under this name in the page."""
        return actor == shown if self.small else shown in actor

    def check(self, opened: list[str], wanted: list[str]) -> None:
        """The sentences that a number opened are those that it counts, as far as the page holds them."""
        if self.small:
            assert sorted(opened) == sorted(wanted)
        else:
            assert opened
            assert set(opened) <= {text.replace("\x00", "\ufffd") for text in wanted}


def case_of(scores: Path, page: Path, *, small: bool, period: int) -> Case:
    documents: dict[str, str] = {}
    found, sentences, repeated = [], 0, set()
    for row in ScoredTable.open(scores).rows():
        if row["duplicate_of"] is not None:
            repeated.add(row["document"])
            continue
        when = documents.setdefault(row["document"], row["date"][:period])
        sentences += 1
        for claim in claims_of(row) if row["stances"] else ():
            names = (actor_name(actor_of(mention)) for mention in (claim.speaker, claim.target))
            found.append(Claim(claim.stance, *names, when, row["text"]))
    rejected = scores.with_name(f"{scores.stem}.rejected.jsonl")
    bad = len(rejected.read_text(encoding="utf-8").splitlines()) if rejected.exists() else 0
    return Case(page, small, documents, sentences, len(repeated), bad, tuple(found))


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("report")
    scores = report_rows.write(folder / "scores.jsonl", ROWS)
    rejected = {"file": "a.jsonl", "line": 3, "reason": "broken JSON: x", "size": 5, "record": "{brok"}
    (folder / "scores.rejected.jsonl").write_text(json.dumps(rejected) + "\n")
    card = folder / "card.md"
    card.write_text("# toy\n\nReads invented sentences.\n\n## Limits\n\nNo irony.\n")
    write_report(scores, folder / "report.html", title="Invented wire", card=card)
    return case_of(scores, folder / "report.html", small=True, period=7)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Case:
    if not ARCHIVE:
        pytest.skip("RHETORIC_TEST_ARCHIVE names no archive")
    folder = tmp_path_factory.mktemp("archive")
    rhetoric.score([ARCHIVE], str(folder / "scores.jsonl"))
    report = write_report(folder / "scores.jsonl", folder / "report.html", title="A whole archive")
    assert report.size < 5_000_000
    length = {"year": 4, "month": 7, "day": 10}[report.unit]
    return case_of(folder / "scores.jsonl", folder / "report.html", small=False, period=length)


@pytest.fixture(scope="module", params=["invented", "archive"])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def page(invented: Case) -> Path:
    return invented.page


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_it_opens_without_an_error_or_a_request(browser: Browser, case: Case) -> None:
    browser.requested()  # what came before
    browser.open(case.page)
    browser.press("#tiles button")
    browser.close()
    assert browser.logged() == []
    assert {url for url in browser.requested() if not url.startswith("data:")} == {case.page.as_uri()}


def test_the_tiles_count_what_was_scored(browser: Browser, case: Case) -> None:
    browser.open(case.page)
    tiles = browser.js(
        "return [...document.querySelectorAll('#tiles li')].map((t) => t.innerText.trim().split(/\\n+/))"
    )
    told = {name.strip(): number(value.strip()) for value, name in tiles}
    assert told["documents"] == len(case.documents)
    assert told["sentences read"] == case.sentences
    for stance, label in zip(report_rows.STANCES, ("accusation", "denial", "call to negotiate"), strict=True):
        assert told[label] == len(case.of(stance)) > 0
    assert told.get("repeated documents, left out", 0) == case.repeated
    assert told.get("rejected records", 0) == case.rejected


def test_the_table_of_periods_and_the_sentences_behind_it(browser: Browser, case: Case) -> None:
    browser.open(case.page)
    browser.js("document.querySelector('#time-table').open = true")
    browser.wait("document.querySelector('#time-table table') !== null")
    lines = {line[0]: line for line in browser.table("#time-table table")[1:]}
    found = case.of("denial")
    for period, line in lines.items():
        assert number(line[1]) == sum(when == period for when in case.documents.values())
        assert number(line[3]) == sum(claim.period == period for claim in found)
    at = len(lines) // 2
    opened = browser.press(f"#time-table tbody tr:nth-child({at + 1}) td:nth-of-type(3) button")
    wanted = [claim.text for claim in found if claim.period == list(lines)[at]]
    case.check(opened, wanted)
    evidence = browser.js("return [...document.querySelectorAll('#behind mark')].map((m) => m.textContent)")
    assert evidence
    if case.small:
        assert set(evidence) == {"rejected as baseless"}
    shown = browser.js("return document.querySelector('#behind .quiet').textContent")
    assert shown.startswith("Showing ")
    assert f" of {len(wanted):,} sentences" in shown
    browser.close()


def test_a_click_on_a_line_opens_its_period(browser: Browser, case: Case) -> None:
    browser.open(case.page)
    x, y = browser.js(
        "const o = document.querySelector('#time-chart .u-over'); o.scrollIntoView({block: 'center'});"
        "const r = o.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]"
    )
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
        browser.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    browser.wait("document.querySelector('#behind[open] ol') !== null")
    heading = browser.js("return document.getElementById('behind-title').textContent")
    count, _, rest = heading.partition(" ")
    stance, _, period = rest.rpartition(", ")
    wanted = [claim for claim in case.of(stance.replace(" ", "_")) if claim.period == period]
    assert number(count) == len(wanted) > 0
    browser.close()


def test_the_matrix_and_its_sentences(browser: Browser, case: Case) -> None:
    browser.open(case.page)
    browser.choose("who-stance", "call to negotiate")
    heads, *lines = browser.table("#matrix table")
    titles = browser.js(
        "return [...document.querySelector('#matrix table').rows[0].cells].slice(1)"
        ".map((c) => c.querySelector('abbr')?.title ?? c.innerText.trim())"
    )
    assert len(titles) == len(heads) - 1
    found = case.of("call_to_negotiate")
    for speaker, *cells in lines:
        for target, cell in zip(titles, cells, strict=True):
            pairs = sum((claim.speaker, claim.target) == (speaker, target) for claim in found)
            shown = 0 if cell == "·" else number(cell)
            # in a larger page joint actors stand with the first of theirs that has a name
            assert shown == pairs if case.small else shown >= pairs
    row, column = next((i, j) for i, line in enumerate(lines) for j, cell in enumerate(line[1:]) if cell != "·")
    opened = browser.press(f"#matrix tbody tr:nth-child({row + 1}) button")
    pair = lines[row][0], titles[column]
    case.check(opened, [c.text for c in found if case.alike(c.speaker, pair[0]) and case.alike(c.target, pair[1])])
    browser.close()


def test_filters_by_date_actor_and_stance(browser: Browser, case: Case) -> None:
    browser.open(case.page)
    periods = sorted(set(case.documents.values()))
    first, last = periods[len(periods) // 3], periods[len(periods) // 2]
    browser.choose("from", first)
    browser.choose("to", last)
    inside = [claim for claim in case.of("accusation") if first <= claim.period <= last]
    count = "return document.querySelector('#tiles li:nth-child(3) button').textContent"
    assert number(browser.js(count)) == len(inside)
    actor = next(claim.speaker for claim in inside if claim.target in {c.speaker for c in inside})
    browser.choose("actor", next(
        label for label in browser.js("return [...document.getElementById('actor').options].map((o) => o.textContent)")
        if label.rpartition(" (")[0] == actor or label == actor))  # fmt: skip
    browser.js("document.querySelectorAll('#stances input')[1].click()")
    shown = browser.js("return [...document.querySelectorAll('#tiles .name')].map((n) => n.textContent.trim())")
    assert "denial" not in shown
    opened = browser.press("#tiles li:nth-child(3) button")
    case.check(opened, [c.text for c in inside if case.alike(c.speaker, actor) or case.alike(c.target, actor)])
    browser.close()
    status = browser.js("return document.getElementById('status').textContent")
    assert f"by or about {actor}" in status
    assert f"{first} to {last}" in status
    documents = sum(first <= when <= last for when in case.documents.values())
    assert f"in {documents:,} documents" in status
    browser.js("document.getElementById('reset').click()")
    assert number(browser.js(count)) == len(case.of("accusation"))


def test_turns_of_a_pair(browser: Browser, invented: Case) -> None:
    browser.open(invented.page)
    sides = [
        browser.js(f"return document.getElementById('{side}').selectedOptions[0].textContent").rsplit(" (", 1)[0]
        for side in ("side-a", "side-b")
    ]
    answers = browser.table("#turns .scroll table")
    months = {
        way: {stance: {c.period for c in invented.of(stance) if c[1:3] == pair} for stance in report_rows.STANCES}
        for way, pair in enumerate((tuple(sides), tuple(reversed(sides))))
    }
    following = dict(zip(sorted(all_months := {r["date"][:7] for r in ROWS}), sorted(all_months)[1:], strict=False))
    for line, stance in zip(answers[1:], report_rows.STANCES, strict=True):
        moves = months[0][stance]
        assert number(line[1]) == len(moves)
        for cell, reply in zip(line[2:], report_rows.STANCES, strict=True):
            replies = months[1][reply]
            assert number(cell) == sum(m in replies or following.get(m) in replies for m in moves)
    opened = browser.press("#turns figure button")
    invented.check(opened, [claim.text for claim in invented.of("accusation") if claim[1:3] == tuple(sides)])
    browser.close()


def test_the_strongest_sentences_come_first(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.choose("top-stance", "denial")
    browser.choose("top-period", "2010-03")
    browser.wait("document.querySelector('#top .told').textContent.startsWith('denial')")
    shown = browser.js("return [...document.querySelectorAll('#top li')].map((l) => l.innerText.split('\\n'))")
    counted = [r for r in ROWS if r["duplicate_of"] is None]
    best = sorted(
        (-r["denial"], r["text"]) for r in counted if r["stances"] == ["denial"] and r["date"][:7] == "2010-03"
    )
    assert [lines[0].strip() for lines in shown[:5]] == [text for _, text in best[:5]]
    first = next(r for r in counted if r["text"] == best[0][1] and r["denial"] == -best[0][0])
    assert f"{first['document']}, characters {first['start']}–{first['end']}" in shown[0][-1]


def test_keys_alone_open_and_close(browser: Browser, page: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(page)
    browser.js("document.querySelector('#tiles button').focus()")
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.wait("document.querySelector('#behind[open] ol') !== null")
    assert browser.js("return document.getElementById('behind').contains(document.activeElement)")
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    browser.wait("!document.getElementById('behind').open")
    assert browser.js("return document.activeElement === document.querySelector('#tiles button')")


def test_hostile_text_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    mention = {"text": HOSTILE, "start": 0, "end": len(HOSTILE), "codes": []}
    span = {"text": HOSTILE[:9], "start": 0, "end": 9, "weight": 1.0}
    rows = []
    for r in report_rows.rows(400, actors=4, share=1):
        for claim in r["claims"]:
            claim |= {"speaker": mention, "target": mention, "evidence": [span]}
        rows.append(r | {"text": HOSTILE, "document": HOSTILE + r["document"], "start": 0, "end": len(HOSTILE)})
    scores = report_rows.write(tmp_path / "scores.jsonl", rows)
    write_report(scores, tmp_path / "report.html", title=HOSTILE)
    browser.open(tmp_path / "report.html")
    opened = browser.press("#tiles button")
    safe = HOSTILE.replace("\x00", "\ufffd").replace("\u202e", "\ufffd")
    assert set(opened) == {safe}
    assert browser.js("return document.querySelector('#behind mark').textContent") == HOSTILE[:9]
    assert browser.js("return document.querySelector('h1').textContent") == safe
    assert browser.js("return window.hacked") is None
    assert browser.js("return document.images.length") == 0
    browser.close()
    assert browser.logged() == []


@pytest.mark.parametrize("width", [390, 1440])
def test_no_serious_fault_for_those_who_can_not_see(browser: Browser, case: Case, width: int) -> None:
    axe = (Path(__file__).parent / "data" / "axe" / "axe.min.js").read_text(encoding="utf-8")
    browser.open(case.page, width)
    browser.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    browser.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    browser.js(axe)
    for opened in (False, True):
        if opened:
            browser.press("#tiles button")
        outcome = browser.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations), (e) => done(String(e)))"
        )
        faults = [(v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in outcome]
        assert [fault for fault in faults if fault[1] in ("serious", "critical")] == []
    browser.close()


def test_a_phone_needs_no_sideways_scrolling(browser: Browser, case: Case) -> None:
    browser.open(case.page, 390)
    assert browser.js("return document.documentElement.scrollWidth") <= 390
    small = browser.js(
        "return [...document.querySelectorAll('main button, main select')].map((b) => b.getBoundingClientRect())"
        ".filter((r) => r.width && (r.height < 24 || r.width < 24)).length"
    )
    assert small == 0, "targets below 24 px"


@pytest.mark.parametrize("case", ["undated", "one", "document", "nothing", "many_stances"])
def test_unusual_tables_open_too(browser: Browser, tmp_path: Path, case: str) -> None:
    rows = list(report_rows.rows(200, actors=3, days=40))
    if case == "undated":
        rows = [r | {"date": None} for r in rows]
    elif case == "one":
        rows = [r for r in rows if r["claims"]][:1]
    elif case == "nothing":
        rows = [r | {"stances": [], "claims": [], "unsure": []} for r in rows]
    elif case == "many_stances":
        rows = [{("s" + k if k in report_rows.STANCES else k): v for k, v in r.items()} for r in rows]
        renamed = []
        for r in rows:
            extra = {f"extra{i}": 0.6 for i in range(6)}
            before = dict(list(r.items())[: list(r).index("stances")])
            renamed.append(before | extra | r | {"stances": list(extra), "unsure": [], "claims": []})
        rows = renamed
    elif case == "document":
        kept = ("document", "date", *report_rows.STANCES, "duplicate_of", "model", "model_hash")
        rows = [
            {k: r[k] for k in kept[:2]}
            | {"sentences": 9}
            | {k: r[k] for k in report_rows.STANCES}
            | {f"{s}_sentences": 4 * (s in r["stances"]) for s in report_rows.STANCES}
            | {k: r[k] for k in ("stances", "unsure", *kept[-3:])}
            for r in rows[::20]
        ]
    write_report(report_rows.write(tmp_path / "scores.jsonl", rows), tmp_path / "report.html")
    browser.open(tmp_path / "report.html")
    if case != "nothing":
        browser.js("document.querySelector('#tiles button').click()")
        browser.wait("document.querySelector('#behind ol') !== null")
        assert browser.js("return document.querySelector('#behind .told').textContent") != ""
        browser.close()
    assert browser.logged() == []


def test_it_prints_with_its_tables(browser: Browser, case: Case) -> None:
    browser.open(case.page)
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"]
    assert len(printed) > 20_000
    assert browser.js("return [...document.querySelectorAll('details')].every((d) => d.open)")
