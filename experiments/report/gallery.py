"""The pictures in ``docs/gallery/``: charts only, no sentence of the UN archive can be read in them.

    python experiments/report/gallery.py UN_SCORES.jsonl.gz

UN_SCORES is what ``rhetoric score`` made of the UN General Debate archive (``../shared/archive``); the seeds are scored
here. Needs Debian's chromium and chromium-driver, the package selenium, and the extra ``plot``.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import tempfile
from pathlib import Path

from selenium import webdriver

import rhetoric
from rhetoric.report import write_report
from rhetoric.scored import ScoredTable

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "docs" / "gallery"
CACHE = ROOT / "experiments" / ".cache" / "report"
CHARTS = ("h-time", "h-who")


def photograph(page: Path, sections: tuple[str, ...], width: int, output: Path, prepare: str = "") -> None:
    """The sections of a page with these headings, from the first to the last, as one picture."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as profile:
        for flag in (
            *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-dev-shm-usage"),
            *("disable-background-networking", "disable-component-update", "disable-sync", "hide-scrollbars"),
            f"user-data-dir={profile}",
        ):
            options.add_argument(f"--{flag}")
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            driver.set_script_timeout(120)
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            driver.get(page.as_uri())
            driver.execute_async_script(
                "const done = arguments[arguments.length - 1]; const wait = () =>"
                "document.documentElement.dataset.ready === 'yes' ? setTimeout(done, 300) : setTimeout(wait, 20);"
                "wait();"
            )
            driver.execute_script(prepare)
            boxes = driver.execute_script(
                "return arguments[0].map((id) => { const box = document.getElementById(id).closest('section')"
                ".getBoundingClientRect(); return [box.left, box.top + scrollY, box.right, box.bottom + scrollY]; })",
                list(sections),
            )
            left, top = min(box[0] for box in boxes) - 12, min(box[1] for box in boxes)
            right, bottom = max(box[2] for box in boxes) + 12, max(box[3] for box in boxes) + 8
            clip = {"x": left, "y": top, "width": right - left, "height": bottom - top, "scale": 1}
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
            output.write_bytes(base64.b64decode(shot["data"]))
        finally:
            driver.quit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("un_scores", type=Path)
    un_scores = parser.parse_args().un_scores.resolve()
    os.chdir(ROOT)  # so that the picture names the seeds as a reader of the repository would
    GALLERY.mkdir(parents=True, exist_ok=True)
    CACHE.mkdir(parents=True, exist_ok=True)

    made = write_report(un_scores, CACHE / "un.html", title="UN General Debate, 1990 to 2004")
    print(made)
    names_only = "document.querySelectorAll('#pairs, #h-who ~ h3').forEach((one) => one.remove());"
    rate = "document.querySelector('input[value=rate]').click(); document.getElementById('filters').remove();"
    photograph(CACHE / "un.html", CHARTS, 1100, GALLERY / "un-general-debate.png", names_only + rate)

    rhetoric.score(["seeds"], str(CACHE / "seeds.jsonl"), restart=True)
    print(write_report(CACHE / "seeds.jsonl", CACHE / "seeds.html", title="Five articles"))
    photograph(
        CACHE / "seeds.html",
        ("h-top",),
        900,
        GALLERY / "five-articles.png",
        "document.getElementById('filters').remove();"
        "document.querySelectorAll('#top li:nth-child(n+5), #top button').forEach((one) => one.remove());",
    )

    from matplotlib import pyplot

    from rhetoric.plot import dyads, timeline

    rows = [row for row in ScoredTable.open(un_scores).rows() if row["stances"] or row["sentence"] == 0]
    frame = {name: [row[name] for row in rows] for name in ("document", "date", "stances", "claims", "duplicate_of")}
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(14, 5.5), layout="constrained")
    timeline(frame, stances=rhetoric.STANCES, per_document=True, ax=left)
    figure.suptitle("UN General Debate, 1990 to 2004")
    dyads(frame, top=10, ax=right)
    figure.savefig(GALLERY / "plot.png", dpi=80)
    print(json.dumps({path.name: path.stat().st_size for path in sorted(GALLERY.glob("*.png"))}, indent=1))


if __name__ == "__main__":
    main()
