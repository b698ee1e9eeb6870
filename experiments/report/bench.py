"""Build the report of generated rows and open it: time, memory, size, time to first interaction.

    python experiments/report/bench.py [--rows 1000000]

Needs Debian's chromium and chromium-driver and the package selenium for the second half. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

import report_rows

CACHE = Path(__file__).parents[1] / ".cache" / "report"


def generate(rows: int) -> Path:
    scores = CACHE / f"rows-{rows}.jsonl"
    if not scores.exists():
        report_rows.write(scores.with_suffix(".tmp"), report_rows.rows(rows))
        scores.with_suffix(".tmp").rename(scores)
    return scores


def build(scores: str, page: str, queue: multiprocessing.Queue) -> None:
    """In a process of its own, so that the memory measured is its own."""
    from rhetoric.report import write_report

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    made = write_report(scores, page)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    queue.put((time.perf_counter() - wall, time.process_time() - cpu, peak / 1024, (peak - before) / 1024, made))


def first_interaction(page: Path, width: int) -> list[float]:
    """Seconds from navigation until filters answer, until sentences are shown; for a filter; for a number."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as profile:
        for flag in (
            *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-dev-shm-usage"),
            *("disable-background-networking", "disable-component-update", "disable-sync", f"user-data-dir={profile}"),
            f"window-size={width},900",
        ):
            options.add_argument(f"--{flag}")
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            driver.set_script_timeout(300)
            driver.get(page.as_uri())
            times = driver.execute_async_script(
                """
                const done = arguments[arguments.length - 1];
                const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
                (async () => {
                  while (document.documentElement.dataset.ready !== "yes") await pause();
                  const [drawn, ready] = ["rhetoric-drawn", "rhetoric-ready"].map(
                    (name) => performance.getEntriesByName(name)[0].startTime);
                  let began = performance.now();
                  const actor = document.getElementById("actor");
                  actor.selectedIndex = 1;
                  actor.dispatchEvent(new Event("change"));
                  const applied = performance.now() - began;
                  began = performance.now();
                  document.querySelector("#tiles button").click();
                  while (!document.querySelector("#behind ol")) await pause();
                  done([drawn, ready, applied, performance.now() - began]);
                })();
                """
            )
            return [milliseconds / 1000 for milliseconds in times]
        finally:
            driver.quit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    CACHE.mkdir(parents=True, exist_ok=True)
    scores, page = generate(rows), CACHE / f"report-{rows}.html"
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue()
    builder = spawn.Process(target=build, args=(str(scores), str(page), queue))
    builder.start()
    wall, cpu, peak, grown, made = queue.get()
    builder.join()
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    print("| | |\n|---|---|")
    print(f"| load while it ran | {load:.1f} processes for each processor |")
    print(f"| rows | {rows:,} ({scores.stat().st_size / 1e6:.0f} MB of JSONL) |")
    print(f"| documents, repeats | {made.documents:,}, {made.duplicates:,} |")
    print(f"| stances | {', '.join(f'{count:,} {name}' for name, count in made.stances.items())} |")
    print(f"| build | {cpu:.1f} s of processor, {wall:.1f} s by the clock: {rows / cpu:,.0f} rows a second |")
    print(f"| memory | {peak:.0f} MB at the peak, {grown:.0f} MB above the start |")
    print(f"| page | {made.size / 1e6:.2f} MB, by {made.unit}, {made.actors} actors by name, {made.cells:,} counts |")
    print(f"| sentences in it | {made.kept:,} |")
    if shutil.which("chromium") and shutil.which("chromedriver"):
        for width in (1440, 390):
            drawn, ready, applied, opened = first_interaction(page, width)
            print(f"| first interaction at {width} px | {drawn:.2f} s; with the first sentences {ready:.2f} s |")
            print(f"| at {width} px | a filter takes {applied:.2f} s, a number opens in {opened:.2f} s |")


if __name__ == "__main__":
    main()
