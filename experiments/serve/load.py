"""What `rhetoric serve` adds to `classify`, and whether anything is lost under load.

    python experiments/serve/load.py

One server process and its clients on one machine, over loopback: the five articles of `seeds/` and their sentences, each
answer compared with what `classify` gives. Bounded: some 2,000 requests.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "experiments"))

from common import into_readme

import rhetoric

ATTEMPTS = 200  # of one request against a full server


@dataclass
class Server:
    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(concurrency: int) -> Iterator[Server]:
    command = [sys.executable, "-m", "rhetoric", "serve", "--port", "0", "--concurrency", str(concurrency)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Server(int(re.search(r":(\d+),", process.stderr.readline())[1]), process.pid)
        finally:
            process.terminate()
            if (status := process.wait()) != 0:
                raise SystemExit(f"the server ended with status {status}")


@dataclass
class Tally:
    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    different: int = 0
    seconds: list[float] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.sent + other.sent,
            self.statuses + other.statuses,
            self.different + other.different,
            self.seconds + other.seconds,
        )


class Client:
    """One connection that is kept, as pools do."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.tally = Tally()

    def ask(self, text: str, expected: bytes | None = None) -> bytes:
        """The answer; a refused request is sent again when the server says."""
        self.tally.sent += 1
        for _ in range(ATTEMPTS):
            began = time.perf_counter()
            self.connection.request("POST", "/classify", text.encode(), {"Content-Type": "text/plain"})
            response = self.connection.getresponse()
            body = response.read()
            self.tally.statuses[response.status] += 1
            if response.status != 503:
                break
            time.sleep(int(response.headers["Retry-After"]))
        self.tally.seconds.append(time.perf_counter() - began)
        self.tally.different += expected is not None and body != expected
        return body


def as_sent(text: str) -> bytes:
    import json

    return json.dumps(rhetoric.classify(text).to_dict(), ensure_ascii=False, separators=(",", ":")).encode()


def alone(texts: list[str], rounds: int) -> tuple[Tally, float, float, float]:
    """One client, direct calls and requests by turns: tally, ratio of latencies, direct ms, ratio of CPU. A latency
    is the best of the rounds for each text, which other programs disturb least, and the median over the texts."""
    with serving(16) as server:
        client = Client(server.port)
        expected = {text: as_sent(text) for text in texts}
        for text in texts:
            client.ask(text)
        client.tally = Tally()
        direct: dict[str, list[float]] = {text: [] for text in texts}
        own = spent = 0.0
        for _ in range(rounds):
            for text in texts:
                began, cpu = time.perf_counter(), time.process_time()
                rhetoric.classify(text)
                direct[text].append(time.perf_counter() - began)
                own += time.process_time() - cpu
            before = server.cpu()
            for text in texts:
                client.ask(text, expected[text])
            spent += server.cpu() - before
        seconds = client.tally.seconds
        http_best = median(min(seconds[i :: len(texts)]) for i in range(len(texts)))
        best = median(map(min, direct.values()))
        return client.tally, http_best / best, 1000 * best, spent / own


def together(texts: list[str], clients: int, concurrency: int, each: int) -> Tally:
    expected = {text: as_sent(text) for text in texts}
    with serving(concurrency) as server:

        def work(first: int) -> Tally:
            client = Client(server.port)
            for i in range(each):
                text = texts[(first + i) % len(texts)]
                client.ask(text, expected[text])
            return client.tally

        with ThreadPoolExecutor(clients) as pool:
            return sum(pool.map(work, range(clients)), Tally())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--each", type=int, default=20, help="requests of each client under load")
    arguments = parser.parse_args()
    articles = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "seeds").glob("*.txt"))]
    sentences = [sentence.text for article in articles for sentence in rhetoric.classify(article)]
    rows = []

    def row(what: str, tally: Tally, *ratios: str) -> None:
        answered = tally.statuses[200]
        late = quantiles(tally.seconds, n=100)[98] / median(tally.seconds)
        cells = (what, tally.sent, answered, tally.sent - answered, tally.statuses[503], tally.different, f"{late:.1f}")
        rows.append("| " + " | ".join([*(f"{c:,}" if isinstance(c, int) else c for c in cells), *ratios]) + " |")

    for what, texts in (("sentences", sentences[::3]), ("articles", articles)):
        tally, ratio, ms, cpu = alone(texts, arguments.rounds)
        row(f"one client, {what} (direct: {ms:.1f} ms)", tally, f"{ratio:.2f}", f"{cpu:.2f}")
    for clients, concurrency in ((8, 16), (32, 4)):
        tally = together(articles + sentences, clients, concurrency, arguments.each)
        row(f"{clients} clients, --concurrency {concurrency}", tally, "", "")
    head = [
        "what",
        "requests sent",
        "answered",
        "lost",
        "503, then sent again",
        "other than `classify`",
        "slowest of 100 / median",
        "latency / direct call",
        "server's CPU / direct call's",
    ]
    into_readme(__file__, "load", "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *rows]))
    print(f"load of the machine: {os.getloadavg()[0]:.1f}", file=sys.stderr)


if __name__ == "__main__":
    main()
