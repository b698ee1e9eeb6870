"""The page in a real browser: it works without a network, its filters filter, its numbers open the right sentences, and
axe-core finds no serious fault. Needs Debian's packages chromium and chromium-driver."""

from __future__ import annotations

import importlib.util
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rhetoric.report import write_report
from rhetoric.scored import actor_name, actor_of

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

_spec = importlib.util.spec_from_file_location("report_rows", Path(__file__).parent / "report_rows.py")
assert _spec is not None
assert _spec.loader is not None
report_rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(report_rows)

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
COUNTED = [r for r in ROWS if r["duplicate_of"] is None]
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
        """Presses a number; gives the sentences that it opens, all of them."""
        self.js("document.querySelector(arguments[0]).click()", selector)
        self.wait("document.querySelector('#behind ol') !== null")
        while self.js("const b = document.querySelector('#behind-list > button'); if (!b.hidden) b.click();"
                      "return !b.hidden"):  # fmt: skip
            pass
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


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    scores = report_rows.write(folder / "scores.jsonl", ROWS)
    rejected = {"file": "a.jsonl", "line": 3, "reason": "broken JSON: x", "size": 5, "record": "{brok"}
    (folder / "scores.rejected.jsonl").write_text(json.dumps(rejected) + "\n")
    card = folder / "card.md"
    card.write_text("# toy\n\nReads invented sentences.\n\n## Limits\n\nNo irony.\n")
    write_report(scores, folder / "report.html", title="Invented wire", card=card)
    return folder / "report.html"


def claims(stance: str, rows: list[dict[str, Any]] = COUNTED) -> list[tuple[str, str, str, str]]:
    """(speaker, target, month, text) of the claims of a stance."""
    return [
        (actor_name(actor_of(c["speaker"])), actor_name(actor_of(c["target"])), r["date"][:7], r["text"])
        for r in rows
        for c in r["claims"]
        if c["stance"] == stance
    ]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_it_opens_without_an_error_or_a_request(browser: Browser, page: Path) -> None:
    browser.requested()  # what came before
    browser.open(page)
    browser.press("#tiles button")
    browser.close()
    assert browser.logged() == []
    assert {url for url in browser.requested() if not url.startswith("data:")} == {page.as_uri()}


def test_the_tiles_count_what_was_scored(browser: Browser, page: Path) -> None:
    browser.open(page)
    tiles = browser.js(
        "return [...document.querySelectorAll('#tiles li')].map((t) => t.innerText.trim().split(/\\n+/))"
    )
    told = {name.strip(): number(value.strip()) for value, name in tiles}
    assert told["documents"] == len({r["document"] for r in COUNTED})
    assert told["sentences read"] == len(COUNTED)
    for stance, label in zip(report_rows.STANCES, ("accusation", "denial", "call to negotiate"), strict=True):
        assert told[label] == len(claims(stance))
    assert told["repeated documents, left out"] == len({r["document"] for r in ROWS if r["duplicate_of"]})
    assert told["rejected records"] == 1


def test_the_table_of_months_and_the_sentences_behind_it(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.js("document.querySelector('#time-table').open = true")
    browser.wait("document.querySelector('#time-table table') !== null")
    lines = {line[0]: line for line in browser.table("#time-table table")[1:]}
    found = claims("denial")
    for month, line in lines.items():
        assert number(line[1]) == len({r["document"] for r in COUNTED if r["date"].startswith(month)})
        assert number(line[3]) == sum(m == month for _, _, m, _ in found)
    at = list(lines).index("2011-05") + 1
    opened = browser.press(f"#time-table tbody tr:nth-child({at}) td:nth-of-type(3) button")
    assert sorted(opened) == sorted(text for _, _, month, text in found if month == "2011-05")
    evidence = browser.js("return [...document.querySelectorAll('#behind mark')].map((m) => m.textContent)")
    assert set(evidence) == {"rejected as baseless"}
    assert browser.js("return document.querySelector('#behind .quiet').textContent").startswith(
        f"Showing {len(opened)} of {len(opened)} sentences"
    )
    browser.close()


def test_a_click_on_a_line_opens_its_month(browser: Browser, page: Path) -> None:
    browser.open(page)
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
    stance, _, month = rest.rpartition(", ")
    wanted = [text for _, _, m, text in claims(stance.replace(" ", "_")) if m == month]
    assert number(count) == len(wanted) > 0
    browser.close()


def test_the_matrix_and_its_sentences(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.choose("who-stance", "call to negotiate")
    heads, *lines = browser.table("#matrix table")
    titles = browser.js("return [...document.querySelectorAll('#matrix abbr')].map((a) => a.title)")
    assert len(titles) == len(heads) - 1
    found = claims("call_to_negotiate")
    for speaker, *cells in lines:
        for target, cell in zip(titles, cells, strict=True):
            pairs = [1 for a, b, _, _ in found if (a, b) == (speaker, target)]
            assert cell == (str(len(pairs)) if pairs else "·")
    first = next(i for i, cell in enumerate(lines[0][1:]) if cell != "·")
    opened = browser.press("#matrix tbody tr:first-child button")
    wanted = [text for a, b, _, text in found if (a, b) == (lines[0][0], titles[first])]
    assert sorted(opened) == sorted(wanted)
    browser.close()


def test_filters_by_date_actor_and_stance(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.choose("from", "2011-01")
    browser.choose("to", "2011-06")
    actor = claims("accusation")[0][0]
    browser.choose("actor", next(
        label for label in browser.js("return [...document.getElementById('actor').options].map((o) => o.textContent)")
        if label.startswith(actor)))  # fmt: skip
    browser.js("document.querySelectorAll('#stances input')[1].click()")
    shown = browser.js("return [...document.querySelectorAll('#tiles .name')].map((n) => n.textContent.trim())")
    assert "denial" not in shown
    wanted = [text for a, b, month, text in claims("accusation") if actor in (a, b) and "2011-01" <= month <= "2011-06"]
    opened = browser.press("#tiles li:nth-child(3) button")
    assert sorted(opened) == sorted(wanted)
    browser.close()
    status = browser.js("return document.getElementById('status').textContent")
    assert f"by or about {actor}" in status
    assert "2011-01 to 2011-06" in status
    documents = len({r["document"] for r in COUNTED if "2011-01" <= r["date"][:7] <= "2011-06"})
    assert f"in {documents} documents" in status
    browser.js("document.getElementById('reset').click()")
    assert number(browser.js("return document.querySelector('#tiles li:nth-child(3) button').textContent")) == len(
        claims("accusation")
    )


def test_turns_of_a_pair(browser: Browser, page: Path) -> None:
    browser.open(page)
    sides = [
        browser.js(f"return document.getElementById('{side}').selectedOptions[0].textContent").rsplit(" (", 1)[0]
        for side in ("side-a", "side-b")
    ]
    answers = browser.table("#turns .scroll table")
    months = {
        way: {stance: {m for a, b, m, _ in claims(stance) if (a, b) == pair} for stance in report_rows.STANCES}
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
    assert sorted(opened) == sorted(t for a, b, _, t in claims("accusation") if (a, b) == tuple(sides))
    browser.close()


def test_the_strongest_sentences_come_first(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.choose("top-stance", "denial")
    browser.choose("top-period", "2010-03")
    browser.wait("document.querySelector('#top .told').textContent.startsWith('denial')")
    shown = browser.js("return [...document.querySelectorAll('#top li')].map((l) => l.innerText.split('\\n'))")
    best = sorted(
        (-r["denial"], r["text"]) for r in COUNTED if r["stances"] == ["denial"] and r["date"][:7] == "2010-03"
    )
    assert [lines[0].strip() for lines in shown[:5]] == [text for _, text in best[:5]]
    first = next(r for r in COUNTED if r["text"] == best[0][1] and r["denial"] == -best[0][0])
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
def test_no_serious_fault_for_those_who_can_not_see(browser: Browser, page: Path, width: int) -> None:
    axe = (Path(__file__).parent / "data" / "axe" / "axe.min.js").read_text(encoding="utf-8")
    browser.open(page, width)
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


def test_a_phone_needs_no_sideways_scrolling(browser: Browser, page: Path) -> None:
    browser.open(page, 390)
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


def test_it_prints_with_its_tables(browser: Browser, page: Path) -> None:
    browser.open(page)
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"]
    assert len(printed) > 20_000
    assert browser.js("return [...document.querySelectorAll('details')].every((d) => d.open)")
