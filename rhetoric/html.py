"""A reading as HTML for notebooks; and what makes any text safe and visible in a page.

No scripts, no style sheet: colours and marks are attributes of the elements, so that they survive the sanitizers of
notebook viewers.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from itertools import chain, pairwise
from typing import Final

from rhetoric.records import Claim, Reading, Sentence

__all__ = ["PALETTE", "escape", "label", "reading_to_html", "visible"]

PALETTE: Final = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, told apart with any colour vision: one per stance, in the model's order, from the start
again beyond the seventh. (Okabe and Ito 2008, "Color Universal Design".)"""

_MOST_SENTENCES: Final = 300

# Controls that are no white space, and the marks that turn the direction of text around: each becomes U+FFFD, one for
# one, so that offsets hold, nothing is hidden, and no sentence can write over its neighbours. The plain direction marks
# (LRM, RLM, ALM), which real Arabic and Hebrew names need, stay.
_HIDDEN: Final = dict.fromkeys(
    chain(
        (c for c in range(0x20) if c not in (9, 10, 13)),
        range(0x7F, 0xA0),
        range(0x202A, 0x202F),
        range(0x2066, 0x206A),
        range(0xD800, 0xE000),
        (0xFEFF, 0xFFFE, 0xFFFF),
    ),
    "\ufffd",
)


def visible(text: str) -> str:
    """The text with controls, marks that reverse direction and lone surrogates as U+FFFD; of the same length.

    >>> visible("a\\x00b\\u202egnp.exe")
    'a�b�gnp.exe'
    """
    return text.translate(_HIDDEN)


def escape(text: str) -> str:
    """Text for an element or a quoted attribute of HTML.

    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(visible(text), quote=True)


def label(stance: str) -> str:
    """A stance's name for people.

    >>> label("call_to_negotiate")
    'call to negotiate'
    """
    return stance.replace("_", " ")


def reading_to_html(reading: Reading) -> str:
    """The sentences in order; those with a stance stand out, with their probabilities, roles and words of evidence.

    Everything that came from the text is escaped. Of very long readings the first 300 sentences are shown and the
    others counted.
    """
    if not len(reading):
        return "<p><em>An empty reading: there was no prose in the text.</em></p>"
    stances = tuple(reading[0].probabilities)
    colour = {stance: PALETTE[i % len(PALETTE)] for i, stance in enumerate(stances)}
    found = sum(bool(sentence.stances) for sentence in reading)
    about = [f"{len(reading):,} sentences, {found:,} with a stance"]
    about += [part for part in (reading.date, f"model {reading.model}" if reading.model else None) if part]
    key = " ".join(
        f'<span style="border-bottom:3px solid {colour[s]};margin-right:.8em">{escape(label(s))}</span>'
        for s in stances
    )
    rows = "".join(_sentence(sentence, colour) for sentence in reading[:_MOST_SENTENCES])
    left = len(reading) - _MOST_SENTENCES
    more = f"<p><em>and {left:,} more sentences</em></p>" if left > 0 else ""
    return (
        '<div style="max-width:50em;line-height:1.5;color:#1a1a1a;background:#fff;padding:.5em .8em">'
        f'<p style="margin:.2em 0;color:#555">{escape(" · ".join(about))}</p><p style="margin:.2em 0">{key}</p>'
        f'<ol style="list-style:none;padding:0;margin:0">{rows}</ol>{more}</div>'
    )


def _sentence(sentence: Sentence, colour: dict[str, str]) -> str:
    if not sentence.stances:
        doubt = f" <small>(unsure: {escape(', '.join(map(label, sentence.unsure)))})</small>" if sentence.unsure else ""
        return f'<li style="margin:.3em 0;color:#595959"><bdi>{escape(sentence.text)}</bdi>{doubt}</li>'
    edge = colour.get(sentence.stances[0], "#000000")
    badges = "".join(
        f'<small style="border:1px solid {colour.get(s, "#000000")};border-radius:3px;padding:0 .4em;'
        'margin-right:.4em">'
        f"{escape(label(s))} {sentence.probabilities[s]:.2f}{' (unsure)' if s in sentence.unsure else ''}</small>"
        for s in sentence.stances
    )
    roles = "".join(f"<br><small>{told}</small>" for claim in sentence.claims if (told := _roles(claim)))
    return (
        f'<li style="margin:.5em 0;border-left:4px solid {edge};padding-left:.6em">'
        f"<bdi>{_highlighted(sentence, colour)}</bdi><br>{badges}{roles}</li>"
    )


def _roles(claim: Claim) -> str:
    parts = []
    for role, mention in (("speaker", claim.speaker), ("target", claim.target)):
        if mention is not None:
            codes = f" ({escape(', '.join(mention.codes))})" if mention.codes else ""
            parts.append(f"{role} <bdi><b>{escape(mention.text)}</b></bdi>{codes}")
    return f"{escape(label(claim.stance))}: {', '.join(parts)}" if parts else ""


def _highlighted(sentence: Sentence, colour: dict[str, str]) -> str:
    """The sentence with its evidence marked in the stance's colour and its roles in bold."""
    size = len(sentence.text)
    spans: list[tuple[int, int, str]] = []
    for claim in sentence.claims:
        # only what speaks for the stance; a span that weighs against it is no evidence
        shown = [span for span in claim.evidence if span.weight > 0]
        mark = f"background:{colour.get(claim.stance, '#000000')}2e"
        spans += [(span.start - sentence.start, span.end - sentence.start, mark) for span in shown]
        roles = [mention for mention in (claim.speaker, claim.target) if mention is not None]
        spans += [(m.start - sentence.start, m.end - sentence.start, "font-weight:bold") for m in roles]
    spans = [(begin, end, style) for begin, end, style in spans if 0 <= begin < end <= size]
    pieces = []
    for begin, end in _pieces(size, spans):
        text = escape(sentence.text[begin:end])
        styles = list(dict.fromkeys(style for b, e, style in spans if b <= begin and end <= e))
        pieces.append(f'<span style="{";".join(styles)}">{text}</span>' if styles else text)
    return "".join(pieces)


def _pieces(size: int, spans: Iterable[tuple[int, int, str]]) -> Iterable[tuple[int, int]]:
    cuts = sorted({0, size, *(cut for begin, end, _ in spans for cut in (begin, end))})
    return pairwise(cuts)
