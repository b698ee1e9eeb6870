"""Reading whole texts: many threads at once, and cost that grows with the text alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
from counting import steps

import rhetoric
from rhetoric import roles
from rhetoric.model import StanceClassifier
from rhetoric.sentences import split

# Eight threads whose first calls meet in tables that are not built yet, against one thread afterwards.
THREADS = """
import sys, threading
sys.setswitchinterval(1e-5)
import rhetoric
texts = [
    "Ruritania accused Graustark of shelling the port. “We deny this,” said Ivan Roe, a spokesperson for the ministry.",
    "date 2024-05-05 The United States rejected China's claim. It called for talks with Beijing.\\n\\nThey met.",
    "Moscow said it was ready for negotiations. He accused Kyiv of lying: “They attacked us. We reject it.”",
    "",
]
barrier = threading.Barrier(8)
found = {}

def work(number):
    barrier.wait()
    found[number] = [[rhetoric.classify(text).to_dict() for text in texts] for _ in range(3)]

threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
alone = [rhetoric.classify(text).to_dict() for text in texts]
assert any(sentence["claims"] for reading in alone for sentence in reading["sentences"])
assert len(found) == 8
assert all(once == alone for each in found.values() for once in each)
"""


def test_eight_threads_read_what_one_reads() -> None:
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def fast() -> StanceClassifier:
    model = rhetoric.load("fast")
    assert isinstance(model, StanceClassifier)
    return model


@pytest.mark.parametrize(
    "unit",
    [
        "China denied it. ", "“We deny it,” he said. ", "“We deny it. ", "” ", "He denied it, ", "President ",
        "\n\n“Never. ", "al-Roe ", "the ministry of the ministry ", "U.S. ", "d'",
    ],
)  # fmt: skip
def test_work_of_reading_grows_with_length_only(unit: str, fast: StanceClassifier) -> None:
    fast.read(unit * 3)  # tables
    small, large = (steps(lambda n=n: fast.read(unit * n)) for n in (150, 300))
    assert large <= 2.2 * small + 400


@pytest.mark.parametrize("unit", ["“We deny it,” he said, and ", "“No”, ", '"a" '])
def test_what_is_read_round_quotations_is_bounded(unit: str) -> None:
    """A sentence with many quotations is not read once for each of them."""
    text = unit * 500
    spans = split(text)
    pieces = roles.quoted_pieces(text, spans)
    assert sum(end - start for start, end in pieces) <= 2 * len(text)


def test_quoted_pieces_are_what_roles_ask_for(fast: StanceClassifier) -> None:
    """One text at a time, quoted pieces are read with the sentences; in a larger batch later: the same roles."""
    texts = [
        "“Graustark attacked us. It denied it. We accuse it of war,” said Ivan Roe, envoy of Ruritania, on Friday.",
        "The envoy of Ruritania said: “Graustark attacked us. They lied.”",
        "“We reject this.\n\n“We call for talks,” the Chinese ministry said.",
    ]
    assert any(roles.quoted_pieces(text, split(text)) for text in texts)
    together = fast.read_many(texts * 3)
    assert together == [fast.read(text) for text in texts] * 3
