"""Readings in notebooks: all of the text, nothing but the text, marked where the reading says."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhetoric.html import PALETTE, reading_to_html, visible
from rhetoric.records import Claim, Mention, Reading, Sentence, Span


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self.styled: list[tuple[str, str]] = []
        self._styles: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}
        if tag not in ("br",):
            self._styles.append(dict(attrs).get("style") or "")

    def handle_endtag(self, tag: str) -> None:
        self._styles.pop()

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._styles:
            self.styled.append((data, self._styles[-1]))


def reading(text: str, *, offset: int = 0) -> Reading:
    names = ("accusation", "denial", "call_to_negotiate")
    speaker = Mention(text, offset, offset + len(text), ("FRA", "DEU"))
    claim = Claim("denial", 0.9, speaker, None, (Span(text, offset, offset + len(text), 1.0),))
    probabilities = dict(zip(names, (0.1, 0.9, 0.2), strict=True))
    sentence = Sentence(text, offset, offset + len(text), probabilities, ("denial",), ("denial",), (claim,))
    plain = Sentence(text, offset, offset + len(text), probabilities, (), ("accusation",))
    return Reading((sentence, plain), "2001-02-03", "toy", text)


@given(st.text(min_size=1, max_size=50))
def test_text_stays_text(text: str) -> None:
    page = _Page(reading_to_html(reading(text)))
    assert set(page.tags) <= {"div", "p", "span", "ol", "li", "bdi", "small", "b", "br", "em"}
    assert page.names <= {"style"}
    # the sentence twice, and once more as the name of the speaker
    assert page.text.count(visible(text)) >= 3


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '" onload="x', "\u202eabc", "a\x00b", "&lt;b&gt;"])
def test_hostile_text_is_shown_as_it_is(text: str) -> None:
    html = reading_to_html(reading(text))
    assert "<script" not in html
    assert not re.search("[\x00\u202e]", html)
    assert visible(text) in _Page(html).text


def test_evidence_and_roles_are_marked_where_they_stand() -> None:
    text = "Ruritania denied mining the strait."
    start = 40
    speaker = Mention("Ruritania", start, start + 9)
    spans = (Span("denied", start + 10, start + 16, 1.0), Span("mining", start + 17, start + 23, -1.0))
    outside = Mention("Zembla", 3, 9)
    claim = Claim("denial", 0.93, speaker, outside, spans)
    sentence = Sentence(text, start, start + len(text), {"accusation": 0.1, "denial": 0.93}, ("denial",), (), (claim,))
    page = _Page(reading_to_html(Reading((sentence,), None, "toy")))
    marked = dict(reversed(page.styled))  # the first of each: names are told once more below the sentence
    assert marked["denied"] == f"background:{PALETTE[1]}2e"
    assert marked["Ruritania"] == "font-weight:bold"
    assert marked[" mining the strait."] == "", "what speaks against the stance is no evidence for it"
    assert "denial 0.93" in page.text
    assert "target Zembla" in page.text


def test_an_empty_reading_says_so() -> None:
    assert "empty reading" in reading_to_html(Reading())


def test_very_long_readings_are_cut_and_counted() -> None:
    (sentence, _) = reading("x")
    assert "and 1,700 more sentences" in reading_to_html(Reading((sentence,) * 2_000))


def test_readings_show_themselves() -> None:
    one = reading("Ruritania denied it.")
    assert one._repr_html_() == reading_to_html(one)
