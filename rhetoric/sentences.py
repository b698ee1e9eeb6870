"""Text in, sentences out, with exact character offsets. Pure functions; nothing is stored, printed or downloaded.

``sentencex`` proposes where sentences end; this module decides. It does four things around the library:

1. *Blocks.* The text is cut into blocks that no sentence crosses: paragraphs, headlines, headings, list items,
   footer lines. A single line break inside hard-wrapped prose, a page number between two halves of a sentence and a
   stray blank line inside one do not end a block.
2. *Masking.* The library is shown a copy of the block of equal length in which quotation marks, line breaks,
   the insides of links and characters it can not take are neutral. It therefore also finds the ends of sentences
   inside quotations, which it would otherwise pass over whole.
3. *Mends.* Every proposed end is judged against the words around it (abbreviations, datelines, initials, enumerators,
   ellipses, attributions after a quoted question), and plain ends that the library passed over are added.
4. *Fitting.* Closing quotation marks and brackets go with the sentence they close, opening ones with the next.

Most of a text is plain, and plain cases are decided by two searches for one character each: a line break that every
sentence runs over, or that stands between two, makes no row; a full stop after a common word and before a capital
letter needs no mask. The library is asked only where its answer decides (``_Prose``).

The copy is only ever a source of hints: spans are positions in the text that was given, so ``text[start:end]`` is exact
whatever the library returns. What lies outside all spans is white space, a leading date line (``date 2024-05-05``), a
leading byte order mark, and line markup: ``#``, ``>``, bullets, horizontal rules. An enumerator such as ``1.`` or
``(a)`` is prose and stays inside its sentence. The rules are those of English; text in other scripts is cut at its
own full stops where the library knows them, and is never altered or lost.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date as _date
from itertools import product
from typing import Final, NamedTuple

__all__ = ["Document", "parse", "split"]


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


@dataclass(frozen=True, slots=True)
class Document:
    """A text cut into sentences.

    ``date``: the document's own date, ``YYYY-MM-DD``, where the text leads with ``date YYYY-MM-DD``; else None.
    ``spans``: (start, end) of each sentence in code points, end exclusive; ordered, not overlapping, not empty, with
    no white space at either end.
    """

    date: str | None = None
    spans: tuple[tuple[int, int], ...] = ()


def split(text: str) -> list[tuple[int, int]]:
    """Offsets (start, end) of each sentence of the prose of ``text``; see :func:`parse`.

    >>> text = 'The envoy met U.S. Ambassador Roe. "We came. We talked," he said.'
    >>> [text[start:end] for start, end in split(text)]
    ['The envoy met U.S. Ambassador Roe.', '"We came.', 'We talked," he said.']

    Raises:
        TypeError: ``text`` is not a ``str``.
    """
    return list(parse(text).spans)


def parse(text: str) -> Document:
    """The leading date and the sentences of ``text``. Any ``str`` is fine; blank text has no sentences.

    A leading ``date YYYY-MM-DD`` counts only at the very start (after white space) and only if the day exists;
    otherwise it is prose.

    >>> parse("date 2024-05-05 PORT ROE (Agency) -- Talks began.")
    Document(date='2024-05-05', spans=((16, 49),))

    Raises:
        TypeError: ``text`` is not a ``str``.
    """
    if not isinstance(text, str):
        raise TypeError(f"parse() and split() take one text as str, got {type(text).__name__}; decode or join it first")
    day, begin = _leading_date(text)
    links = _links(text)
    blocks, sure = _blocks(text, begin, links)
    prose = _Prose(text, links, sure)
    spans: list[tuple[int, int]] = []
    for start, end in blocks:
        prose.split(start, end, spans)
    return Document(day, tuple(spans))


# --- the leading date -------------------------------------------------------------------------------------------------

_LEAD = re.compile(r"\ufeff?(?:\s*date\s+(\d{4}-\d\d-\d\d)(?!\S))?", re.ASCII)


def _leading_date(text: str) -> tuple[str | None, int]:
    """The date the text leads with, and where its prose begins."""
    match = _LEAD.match(text)
    day = match[1] if match else None
    if match and day:
        try:
            return _date.fromisoformat(day).isoformat(), match.end()
        except ValueError:
            pass
    return None, 1 if text.startswith("\ufeff") else 0


# --- masking ----------------------------------------------------------------------------------------------------------

_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANKS: Final = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f"
_BLANKS_BEYOND_ASCII: Final = (
    "\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
# A Markdown link or image whose text may run over a line break but not over a blank line; bounded, so linear.
_LINK = re.compile(r"\[(?:[^\[\]\n]|\n(?!\s*\n)){0,500}\]\((?:[^()\n]|\([^()\n]{0,200}\)){0,1000}\)")
_NOT_WORD = re.compile(r"\W")
_QUOTES: Final = '"“”„‟«»‹›‘'
# Marks that are quotation marks or brackets only in this company; every pair keeps its length.
_PAIRS: Final = (
    ("'", ((" '", "  "), ("' ", "  "), (".'", ". "), ("!'", "! "), ("?'", "? "))),
    (")", ((".)", ". "), ("!)", "! "), ("?)", "? "))),
    ("]", ((".]", ". "),)),
    (")", ((". )", ".  "),)),
    ("(", ((" (", "  "),)),
    ("[", ((" [", "  "),)),
)
_PAIRS_BEYOND_ASCII: Final = (("’ ", "  "), (".’", ". "), ("!’", "! "), ("?’", "? "), ("…’", "… "), ("…)", "… "))


def _links(text: str) -> list[tuple[int, int]]:
    """The spans of the links in ``text``."""
    return [match.span() for match in _LINK.finditer(text)] if "](" in text else []


def _mask(text: str) -> str:
    """A copy of equal length to show to sentencex."""
    masked = text
    if "](" in text:
        masked = _LINK.sub(lambda match: _NOT_WORD.sub("x", match[0]), text)
    # sentencex raises a Rust panic on white space of several bytes after an initial, and refuses lone surrogates.
    for blank in _BLANKS:
        masked = masked.replace(blank, " ")
    if masked.isascii():
        masked = masked.replace('"', " ")
    else:
        masked = _SURROGATE.sub("\ufffd", masked)
        for blank in _BLANKS_BEYOND_ASCII:
            masked = masked.replace(blank, " ")
        for mark in _QUOTES:
            masked = masked.replace(mark, " ")
        for pair, neutral in _PAIRS_BEYOND_ASCII:
            masked = masked.replace(pair, neutral)
    for mark, pairs in _PAIRS:
        if mark in masked:
            for pair, neutral in pairs:
                masked = masked.replace(pair, neutral)
    return masked


# --- blocks -----------------------------------------------------------------------------------------------------------


class _Row(NamedTuple):
    """One line that is not blank."""

    start: int  # of its content, after white space and before any marker
    text: str  # its content, stripped
    blanks: int  # blank lines before it
    marker: int  # length of the line markup it begins with
    hard: bool  # ends in two or more spaces: a Markdown line break
    ending: str  # its last character, closing marks aside; may be empty
    page: bool  # it may be a page number
    joined: bool  # it is known to go on the row above


# A leading dash is a bullet only where the line before does not run on into it; see _same_block.
_MARKER = re.compile(r"(?:(?:#{1,6}|>+|[-*+–—•‣◦▪●])(?:\s+|$))+")
_RULE = re.compile(r"([-=_*#~])(?:\s*\1){2,}")
_MARKER_FIRST: Final = frozenset("#>-*+–—•‣◦▪●_=~")
_DASHES: Final = frozenset("-–—")
_ITEM = re.compile(r"\(?(?:\d{1,3}|[ivxlIVXL]{1,6}|[A-Za-z])[.)]\s")
_CLOSERS: Final = "\"'”’»)]*_」』）】》〉"
_TERMINATORS: Final = frozenset(".!?…。！？．｡।॥؟۔։።")
# Words that can not end a headline or a paragraph, so that the line runs on.
_RUN_ON: Final = _words(
    "a an the of to in on for and or nor but with by from at as that which who whose whom its their our his her "
    "my your this these those is are was were be been being has have had not will would shall should may might "
    "can could must into over under between among against through upon than if when while because all each every "
    "both such no"
)
_NOT_CONTINUED = re.compile(
    r"(?:by|via|from)\s|\S*[@/\\]|www\.|(?:al|el|ul)-|(?:de|van|von|bin|ibn|el|al)\s+[A-Z]|i[A-Z]"
)
_TITLE_FIRST = re.compile(r"(?:Mr|Mrs|Ms|Dr)\.\s")
_INNER_END = re.compile(r"[a-z]{2}[.!?][\"”’')]*\s+[\"“‘(]?[A-Z]")
_UNWRAPPED: Final = 200  # characters; longer lines are paragraphs, not lines of a printed column
_COLUMN: Final = 45  # characters; narrower lines are headlines or verse rather than a column of prose
_RAGGED: Final = 0.9  # share of the column that a full line fills at least


# Line breaks, but for those that every sentence runs over: between a character that may not end a page number or a
# rule, and a small letter that opens no item of a list. Group 1: after a full stop that ends a sentence wherever the
# block ends. Group 2: before a capital letter in running prose; group 3: and after a comma or hyphen.
_MARKS: Final = r"\-#>*+–—•‣◦▪●=_~"
_BREAK = re.compile(
    rf"""\n(?:
    (?=[A-Z])(?:(?:(?<=[a-z]{{4}}\.\n)|(?<=[a-z]{{4}}\.\ \n))()
        |(?=.[a-z])(?:(?:(?<=[a-z]\n)|(?<=[a-z]\ \n))()|(?<=[a-z][,-]\n)()))
    |(?![a-z])\s*
    |(?<=\d\n)|(?<![A-Za-z][{_MARKS}]\n)(?<=[{_MARKS}]\n)|(?<=[\s\d{_MARKS}]\s\n)|(?<=[^\S\ ]\n)
    |(?=(?:[ivxl]{{1,6}}|[a-z])[.)]\s))""",
    re.VERBOSE,
)
_ANY_BREAK = re.compile(r"\n\s*")
_LINE_ENDS: Final = "\r\x0b\x0c\x1c\x1d\x1e"
_LINE_ENDS_BEYOND_ASCII: Final = "\x85\u2028\u2029"


def _blocks(text: str, begin: int, links: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[int]]:
    """Stretches of ``text`` that no sentence crosses, in order, without their line markup; and the places inside them
    where, after a line break, a sentence is sure to begin."""
    rows, sure = _rows(text, begin)
    link_starts = [start for start, _ in links]
    blocks: list[tuple[int, int]] = []
    last = len(rows) - 1
    page_glue = -1  # row that a page number before it has been judged to continue
    running = False  # the row above goes on a sentence of the row before it
    for i, row in enumerate(rows):
        end = row.start + len(row.text)
        if i == 0:
            joined = False
        elif row.joined or i == page_glue or _inside(link_starts, links, row.start):
            joined = True
        elif row.blanks <= 2 and i < last and row.page and _runs_over_page(rows, i):
            joined, page_glue = True, i + 1
        elif row.page or rows[i - 1].page:
            joined = False
        elif row.blanks == 0:
            joined = _same_block(rows, i, running)
        else:
            before = bisect_right(sure, row.start) - 1
            opening = max(blocks[-1][0], sure[before] if before >= 0 else 0)
            joined = row.blanks <= 3 and _continues(rows[i - 1], row, text[opening])
        running = joined and rows[i - 1].ending not in _TERMINATORS
        if joined:
            blocks[-1] = (blocks[-1][0], end)
        else:
            blocks.append((row.start + row.marker, end))
    return [(start, end) for start, end in blocks if start < end], sure


def _rows(text: str, begin: int) -> tuple[list[_Row], list[int]]:
    """The rows on either side of every line break that has to be judged, and their neighbours; and where sentences are
    sure to begin with their line."""
    lines = _with_plain_line_ends(text)
    start, stop = len(lines) - len(lines[begin:].lstrip()), len(lines.rstrip())
    rows: list[_Row] = []
    blanks = 0
    breaks, sure = _breaks(lines, start, stop)
    for end, following in [*breaks, (stop, stop)]:
        before = len(rows)
        first_end = lines.find("\n", start, end)
        if first_end < 0:
            blanks = _add_row(rows, lines, start, end, blanks, False)
        else:
            blanks = _add_row(rows, lines, start, first_end, blanks, False)
            last = lines.rfind("\n", first_end, end)
            if last > first_end:
                second = first_end + 1
                second_end = lines.find("\n", second, end)
                _add_row(rows, lines, second, second_end, 0, True)
                if second_end < last:
                    _add_row(rows, lines, lines.rfind("\n", second_end, last) + 1, last, 0, True)
            _add_row(rows, lines, last + 1, end, 0, True)
        if len(rows) > before:
            blanks = 0
        blanks += lines.count("\n", end, following) - 1
        start = following
    return rows, sure


def _with_plain_line_ends(text: str) -> str:
    """A copy of equal length in which every line ends in ``\\n``."""
    if "\r" in text:
        text = text.replace("\r\n", "\x1f\n")  # a blank that ends no line
    for end in _LINE_ENDS if text.isascii() else _LINE_ENDS + _LINE_ENDS_BEYOND_ASCII:
        text = text.replace(end, "\n")
    return text


def _breaks(lines: str, begin: int, end: int) -> tuple[list[tuple[int, int]], list[int]]:
    """The line breaks of ``lines[begin:end]`` that have to be judged, each with the blanks behind it; and where lines
    begin that a sentence is sure to begin with.

    The plain cases of what ``_same_block`` says are seen from the characters round the break alone; a sentence ends at
    a sure end wherever the block does."""
    found: list[tuple[int, int]] = []
    sure: list[int] = []
    if "#" in lines:  # a heading ends with its line
        return [match.span() for match in _ANY_BREAK.finditer(lines, begin, end)], sure
    known, running = -1, False  # the last break that was looked at, and whether the line below it goes on a sentence
    narrow: bool | None = None
    for match in _BREAK.finditer(lines, begin, end):
        at = match.start()
        case = match.lastindex
        if case == 1:
            stop = at - 1 if lines[at - 1] == " " else at
            if lines[stop - 5 : stop - 1] not in _SHORT_ENDS and not _maybe_bracketed(lines, at):
                known, running = at, False
                sure.append(at + 1)
                continue
        elif case is not None:
            above = lines.rfind("\n", begin, at)
            if (
                case == 3
                or (running if above == known else "a" <= lines[above - 1] <= "z" or lines[above - 1] == ",")
                or lines[lines.rfind(" ", begin, at) + 1 : at] in _RUN_ON
            ):
                if narrow is None:
                    narrow = _is_narrow(lines)
                if narrow:
                    known, running = at, True
                    continue
        known, running = lines.rfind("\n", at, match.end()), False
        found.append(match.span())
    return found, sure


def _is_narrow(lines: str) -> bool:
    """Whether no line is longer than those of a printed column."""
    begin, last = 0, len(lines) - _UNWRAPPED
    while begin < last:
        begin = lines.rfind("\n", begin, begin + _UNWRAPPED + 1) + 1
        if not begin:
            return False
    return True


def _maybe_bracketed(text: str, at: int) -> bool:
    """Whether brackets may enclose a position."""
    begin = max(at - 302, 0)
    for opening, closing in ("()", "[]"):
        opened = text.rfind(opening, begin, at)
        if opened >= 0 and text.find(closing, opened, at) < 0:
            return True
    return False


def _add_row(rows: list[_Row], lines: str, start: int, end: int, blanks: int, joined: bool) -> int:
    """Append a line, unless it is markup alone; returns the blank lines before the next one."""
    content = lines[start:end].strip()
    marker = 0
    if content and content[0] in _MARKER_FIRST:
        if _RULE.fullmatch(content):
            return blanks + 3  # a rule parts more than one blank line does
        match = _MARKER.match(content)
        marker = match.end() if match else 0
        content = content if marker < len(content) else ""
    if not content:
        return blanks + 1
    begin = start if lines[start] == content[0] else lines.index(content[0], start)
    ending = content[-1]
    if not ending.isalnum():
        ending = content.rstrip(_CLOSERS)[-1:]
    hard = lines.endswith(("  ", "  \x1f"), start, end)
    page = len(content) <= 4 and content.isdecimal()
    rows.append(_Row(begin, content, blanks, marker, hard, ending, page, joined))
    return 0


def _inside(starts: list[int], spans: list[tuple[int, int]], position: int) -> bool:
    """Whether ``position`` lies in one of the ordered ``spans``, past its first character."""
    if not spans:
        return False
    i = bisect_right(starts, position) - 1
    return i >= 0 and spans[i][0] < position < spans[i][1]


def _same_block(rows: list[_Row], i: int, running: bool) -> bool:
    """Whether the line break before row ``i``, with no blank line, may lie inside a sentence.

    ``running``: the row above is itself the continuation of a sentence.
    """
    above, row = rows[i - 1], rows[i]
    first, ending = row.text[0], above.ending
    if first in "\"'“‘«":
        first = row.text[1:2] or first
    if not above.marker and not row.marker and first.islower() and (ending.islower() or ending == ","):
        return not _opens_item(above, row, ending)
    if above.text[0] == "#" and above.marker:
        return False
    ended = ending in _TERMINATORS
    if row.marker and not (first in _DASHES and not ended and ending not in ":;" and not above.marker):
        return False
    if _opens_item(above, row, ending):
        return False
    if first.islower():
        return True
    if above.hard:
        return False
    last_word = _last_word(above.text)
    if ended and ending == "." and last_word.rstrip(".").lower() in _TITLES:
        return True
    width = max(len(above.text), len(row.text))
    if i > 1 and not above.blanks:
        width = max(width, len(rows[i - 2].text))
    if i + 1 < len(rows) and not rows[i + 1].blanks:
        width = max(width, len(rows[i + 1].text))
    if width > _UNWRAPPED:
        return not ended and _is_run_on(above.text, last_word)
    if above.text.isupper() != row.text.isupper() and above.text.upper() != above.text.lower():
        return False
    if not ended and _is_run_on(above.text, last_word):
        return True
    if not ended and ending not in ":;" and (running or _is_prose(above.text) or _TITLE_FIRST.match(row.text)):
        return True
    return _is_full(above, row, width)


def _is_full(above: _Row, row: _Row, width: int) -> bool:
    """Whether the line break was forced: the first word of ``row`` would not have fitted into the column."""
    word = row.text.find(" ")
    needed = len(above.text) + 1 + (min(word, 20) if word >= 0 else min(len(row.text), 20))
    return width >= _COLUMN and needed > _RAGGED * width


def _is_prose(line: str) -> bool:
    """Whether a sentence ends and another begins inside the line, so that it is no headline."""
    return _INNER_END.search(line) is not None


def _opens_item(above: _Row, row: _Row, ending: str) -> bool:
    """Whether ``row`` is an item of an enumeration that begins on its own line."""
    return (ending in _TERMINATORS or ending in ":;") and _ITEM.match(row.text) is not None


def _is_run_on(line: str, last_word: str) -> bool:
    return line[-1] in ",-–—“(/" or last_word.lower() in _RUN_ON


def _last_word(line: str) -> str:
    return line[line.rfind(" ") + 1 :]


def _runs_over_page(rows: list[_Row], i: int) -> bool:
    """Whether a sentence runs over the page number in row ``i``."""
    above, below = rows[i - 1], rows[i + 1]
    if below.blanks > 3 or below.marker or above.ending in _TERMINATORS:
        return False
    if below.text[0].islower() or _is_run_on(above.text, _last_word(above.text)):
        return True
    return above.ending.islower() and _is_full(above, below, max(len(above.text), min(len(below.text), _UNWRAPPED)))


def _continues(above: _Row, row: _Row, block_first: str) -> bool:
    """Whether blank lines between two rows lie inside a sentence, as where a machine wrapped or paged the text."""
    if row.marker or above.marker:
        return False
    last_word = _last_word(above.text)
    if last_word.lower() in _RUN_ON and len(above.text) >= 30:
        return True
    if not row.text[0].islower() or _NOT_CONTINUED.match(row.text):
        return False
    if not (above.text[-1].islower() or above.text[-1] in ",-–—"):
        return False
    if _is_run_on(above.text, last_word) or _is_prose(above.text):
        return True
    return len(above.text) >= 30 and not block_first.islower()


# --- sentences of a block ---------------------------------------------------------------------------------------------

# Before a name or a title: never the end of a sentence.
_TITLES: Final = _words(
    "mr mrs ms mx dr prof messrs mme mlle gen sen rep gov lt col maj capt cmdr cdr comdr adm vadm amb brig sgt "
    "cpl pvt rev hon pres supt insp atty sr-col h.e ven fr st ft mt mts dep asst lieut reps sens gens cols profs "
    "drs"
)
# In the middle of a sentence by nature.
_MIDDLE: Final = _words("e.g i.e viz cf vs v approx ca esp incl a.k.a")
# Before a number.
_COUNTED: Final = _words(
    "no nos art arts para paras p pp vol vols fig figs sec secs sect res ch chap ver ed eds doc docs op"
)
_REFERENCE: Final = _COUNTED - {"no"}
_MONTHS: Final = _words("jan feb mar apr jun jul aug sep sept oct nov dec")
# Mid-sentence where the text goes on in small letters or digits.
_SHORTENED: Final = _words(
    "inc ltd co corp bros plc dept govt govts etc al jr sr min est univ assn intl natl min ave blvd rd hq avg max ext"
)
_CLOCK: Final = frozenset(("a.m", "p.m"))
_AFTER_CLOCK: Final = _words(
    "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun january february march "
    "april may june july august september october november december gmt utc est edt cst cdt pst pdt cet cest bst "
    "jst hkt eastern pacific central local beijing moscow washington"
)
# Words that open a sentence far more often than they follow an abbreviated name such as "U.S.".
_OPENING: Final = _words(
    "the this that these those there they he she it we i you his her its their our my but and or so yet however "
    "moreover furthermore meanwhile nevertheless nonetheless therefore thus hence instead also although though "
    "while when where what who whose which why how if in on at by for from with without as after before during "
    "since until despite because according asked both all some many most no not now then today earlier later last"
)
_SPEECH: Final = (
    "said|says|asked|asks|added|adds|told|replied|wrote|writes|declared|demanded|exclaimed|shouted|wondered|insisted|"
    "continued|warned|noted|stressed|remarked|responded|retorted|quipped|went on"
)
_ATTRIBUTION = re.compile(rf"(?:[A-Z][\w'’.-]*\s+|(?:of|the|for)\s+){{0,5}}[A-Z][\w'’.-]*,?\s+(?:{_SPEECH})\b")
# What goes with a sentence after its full stop, then the white space to the next one. A straight quote after a
# blank closes only if another blank follows it.
_TAIL = re.compile(
    r"(?P<closers>(?:[\"'”’»)\]*_」』）】》〉]|[“«](?=\s|$)|\[\d{1,3}\](?!\())*(?:\s{1,3}(?:[”»)\]]+(?=\s|$)|\"(?=\s|$)))?)(?P<gap>\s*)"
)
_OPENERS: Final = "\"'“‘„‟«‹([*_"
_NEXT_WORD = re.compile(r"[^\W_]{1,40}(?:[.'’-][^\W_]{1,40}){0,5}")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]|(?:[A-Za-z]+-)?(?:[A-Z]\.)+[A-Z]|Ph\.D")
_ENUMERATOR = re.compile(r"[\"“‘]?\(?(?:\d{1,3}|[ivxIVX]{1,5}|[A-Za-z])\.")
# A terminator before a capital letter: sentencex passes over some where it believes to be inside a pair of marks.
_BEFORE_CAPITAL = re.compile(r"[.!?…]{1,8}+(?=[\"'”’»)\]*_]*+\s++[\"'“‘«(\[*_]*+(?:[A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁ]|[a-z]\)\s))")
_PLAIN_WORD = re.compile(
    r"[^\W\d_]{4}$|\d\d$|[)\]%”\"]$|\b[a-z]{2,3}$|\b(?:Jan|Feb|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)$|\b[A-Z]\.[A-Z]$|…$"
)
_BRACKETED = re.compile(r"\([^()]{0,300}\)|\[[^\[\]]{0,300}\]")
_LATIN_END: Final = frozenset(".!?…")
_LONGEST_WORD: Final = 1000  # characters; of a longer one only the end is looked at


# The last four letters before a full stop, or all, that may be the end of an abbreviation or of a numeral of its own.
_SHORT_ENDS: Final = frozenset(word[-4:] for word in _TITLES | _MIDDLE | _COUNTED | _MONTHS | _SHORTENED) | frozenset(
    map("".join, product("ivx", repeat=4))
)
# Where a sentence may end, all marks written as full stops: a search for one character is the fastest. Group 1 is the
# gap after a plain word or year and one mark, before a capital letter.
_STOP = re.compile(
    r"\.\.*(?:(?:(?<=[a-z]{4}\.)|(?<=[ \n][a-z]{3}\.)|(?<=[ \n][a-z]{2}\.)|(?<=[ \n]\d{4}\.))(?=(\s+)[A-Z]))?"
)
# After a full stop, and after the blanks behind one: the library may have views on them.
_ODD: Final = frozenset("[]{}<>`*_'")
_ORPHANS: Final = frozenset("'’")
# sentencex ends sentences of Latin text at no other marks than those of _STOP, but for items of a list.
_FOREIGN = re.compile("[^\xa0-\u024f\u0388-\u052f\u2010-\u201f\u2020\u2021\u2026\u2030-\u203a\u20ac]")
_ASCII: Final = bytes(range(0x80)).replace(b"`", b"")
_LIST_ITEM = re.compile(r"(?<!\w)(?:\d{1,3}|[A-Za-z]|[ivxlIVXL]{1,6})\Z")
# Where masking changes nothing that _is_plain_end looks at.
_BARE = re.compile(r"[^\W_][\w\s]{3}[.!?…]{1,8}+(?=\s+[A-Z])")


class _Prose:
    """A text and what is found out about it where it matters: the masked copy, and where sentencex would cut it."""

    def __init__(self, text: str, links: list[tuple[int, int]], sure: list[int]) -> None:
        self.text = text
        self.sure = sure
        # else every block is shown to the library
        odd = text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
        self.stops = text.replace("!", ".").replace("?", ".").replace("…", ".")
        self.plain = not links and _FOREIGN.search(odd) is None

    def masked(self, begin: int, end: int) -> str:
        """The masked copy of ``text[begin:end]``, which white space or line markup surrounds."""
        before = max(begin - 8, 0)
        return _mask(self.text[before : end + 2])[begin - before : end - before]

    def split(self, begin: int, end: int, spans: list[tuple[int, int]]) -> None:
        """Add the sentences of the block ``text[begin:end]``, which has no white space at its ends."""
        if self.plain and self._split_plain(begin, end, spans):
            return
        while begin < end:
            piece_end, following = self._piece_end(begin, end)
            self._split_all(begin, piece_end, spans)
            begin = following

    def _piece_end(self, begin: int, end: int) -> tuple[int, int]:
        """Where what begins at ``begin`` ends with a line, and the next sentence begins."""
        after = bisect_right(self.sure, begin)
        if after == len(self.sure) or self.sure[after] >= end:
            return end, end
        following = self.sure[after]
        return following - (2 if self.text[following - 2] == " " else 1), following

    def _hints(self, begin: int, end: int, stop: int) -> tuple[range, frozenset[int]]:
        """Where the library ends sentences round ``stop``, and the stretch that it was shown."""
        before = bisect_right(self.sure, stop) - 1
        begin = max(begin, self.sure[before] if before >= 0 else 0)
        end, _ = self._piece_end(begin, end)
        return range(begin, end), frozenset(begin + offset for offset in _library_ends(self.masked(begin, end)))

    def _split_plain(self, begin: int, end: int, spans: list[tuple[int, int]]) -> bool:
        """``_split_all`` for most blocks: the library is asked only where its answer would decide. False, and nothing
        added, where it might see an end that this does not look at."""
        text = self.text
        bracketed = text.find("(", begin, end) >= 0 or text.find("[", begin, end) >= 0
        brackets = _mid_sentence_brackets(text, begin, end) if bracketed else []
        closing = text.find(")", begin, end)
        while closing >= 0:
            if _LIST_ITEM.search(text, max(closing - 8, begin), closing):
                return False
            closing = text.find(")", closing + 1, end)
        bracket_starts = [opening for opening, _ in brackets]
        first = len(spans)
        start = begin
        masked = ""
        shown, hints = range(0), frozenset[int]()
        for match in _STOP.finditer(self.stops, begin, end):
            stop = match.end()
            if stop <= start or (brackets and _inside(bracket_starts, brackets, stop)):
                continue
            if match.lastindex and stop - start > 8 and text[stop - 5 : stop - 1].split()[-1] not in _SHORT_ENDS:
                spans.append((start, stop))
                start = match.end(1)
                continue
            tail = _TAIL.match(text, stop, end)
            if text[stop : stop + 1] in _ODD or (tail and text[tail.end() : tail.end() + 1] in _ORPHANS):
                del spans[first:]
                return False
            if tail is None or tail.end() >= end or not _is_end(text, start, stop, tail, end):
                continue
            at = max(match.start(), stop - 8)
            if not (at - 4 >= begin and _BARE.match(text, at - 4, end) and _is_plain_end(text, at, begin, end)):
                masked = masked or self.masked(begin, end)
                if not _is_plain_end(masked, at - begin, 0, end - begin):
                    if stop not in shown:
                        shown, hints = self._hints(begin, end, stop)
                    if stop not in hints:
                        continue
            _append(spans, first, text, start, tail.end("closers"))
            start = tail.end()
        _append(spans, first, text, start, end)
        return True

    def _split_all(self, begin: int, end: int, spans: list[tuple[int, int]]) -> None:
        text = self.text
        ends = [begin + offset for offset in _proposed_ends(self.masked(begin, end))]
        brackets = _mid_sentence_brackets(text, begin, end) if ends else []
        bracket_starts = [opening for opening, _ in brackets]
        first = len(spans)
        start = begin
        for stop in ends:
            if stop <= start or _inside(bracket_starts, brackets, stop):
                continue
            tail = _TAIL.match(text, stop, end)
            if tail is None or tail.end() >= end or not _is_end(text, start, stop, tail, end):
                continue
            _append(spans, first, text, start, tail.end("closers"))
            start = tail.end()
        _append(spans, first, text, start, end)


def _append(spans: list[tuple[int, int]], first: int, text: str, start: int, end: int) -> None:
    """Add a span; a scrap without a letter or digit joins the sentence before it, if that is one from ``first`` on."""
    if len(spans) > first and end - start < 12 and not any(char.isalnum() for char in text[start:end]):
        spans[-1] = (spans[-1][0], end)
    else:
        spans.append((start, end))


def _proposed_ends(block: str) -> list[int]:
    """Positions in a masked block just after the full stops (or other terminators) that may end a sentence."""
    ends = {
        match.end()
        for match in _BEFORE_CAPITAL.finditer(block)
        if _is_plain_end(block, match.start(), 0, len(block))
    }
    ends.update(_library_ends(block))
    return sorted(ends)


def _is_plain_end(masked: str, at: int, begin: int, end: int) -> bool:
    """Whether the terminators at ``at`` stand after a word that is no abbreviation, and before a capital letter."""
    match = _BEFORE_CAPITAL.match(masked, at, end)
    if match is None:
        return False
    before = masked[max(at - 4, begin) : at]
    return (
        (len(before) == 4 and before.isalpha()) or _PLAIN_WORD.search(before) is not None or match[0] not in ".!?"
    )


_WINDOW: Final = 2048  # characters; sentencex takes quadratic time on long text without blanks


def _library_ends(block: str) -> list[int]:
    """Where sentencex ends sentences in ``block``, shown in windows of which each begins where a sentence does."""
    ends: list[int] = []
    start, length = 0, len(block)
    while start < length:
        stop = min(start + _WINDOW, length)
        position = start
        for piece in _segment(block[start:stop])[:-1]:
            position += len(piece)
            ends.append(position - len(piece) + len(piece.rstrip(" ")))
        if stop == length:
            break
        if position == start:  # no end in the whole window: go on from its last word
            position = block.rfind(" ", start + 1, stop) + 1 or stop
        start = position
    return ends


def _segment(block: str) -> list[str]:
    """What sentencex makes of the block; the block whole if the library fails on it."""
    import sentencex  # imported late: `import rhetoric` must stay light

    try:
        pieces: list[str] = sentencex.segment("en", block)
    except BaseException as error:  # a Rust panic is no Exception; one bad text must not end an archive's run
        if type(error).__name__ != "PanicException":
            raise
        return [block]
    return pieces


def _mid_sentence_brackets(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Short bracketed stretches that do not open a sentence: what they hold belongs to the sentence round them."""
    found: list[tuple[int, int]] = []
    following = {mark: text.find(mark, begin, end) for mark in "(["}
    while openings := [at for at in following.values() if at >= 0]:
        opening = min(openings)
        match = _BRACKETED.match(text, opening, end)
        position = match.end() if match else opening + 1
        before = text[max(begin, opening - 8) : opening].rstrip().rstrip(_CLOSERS)
        if match and opening > begin and before[-1:] not in _LATIN_END:
            found.append((opening, position - 1))
        for mark, at in following.items():
            if 0 <= at < position:
                following[mark] = text.find(mark, position, end)
    return found


def _is_end(text: str, start: int, stop: int, tail: re.Match[str], end: int) -> bool:
    """Whether the sentence that began at ``start`` ends at the terminator before ``stop``."""
    terminator = text[stop - 1]
    if terminator not in _LATIN_END:
        return True
    after = tail.end()
    closed = tail.end("closers") > stop
    following = text[after]
    word_at = after
    while word_at < end and text[word_at] in _OPENERS:
        word_at += 1
    match = _NEXT_WORD.match(text, word_at, end)
    following_word = match[0] if match else ""
    cut = max(text.rfind(" ", max(start, stop - 40), stop), text.rfind("\n", max(start, stop - 40), stop)) + 1
    token = text[max(cut, start, stop - _LONGEST_WORD) : stop]
    word = token.rstrip(".!?…").lstrip(_OPENERS)
    if after == tail.end("closers"):  # no white space
        return _is_glued_end(token, word, following, following_word)
    if following in ",;:" or following_word in _REFERENCE:
        return False
    if following in "-–—" and (word[-1:].isdigit() or _is_abbreviation(word)):
        return False  # PORT ROE, Sept. 3. -- The
    small = following_word[:1].islower()
    if small and (closed or token.endswith(("..", "…"))):
        return False  # "What?" he asked; well... perhaps
    if small and terminator in "!?" and not text[start].islower():
        return False  # unless the text has no capitals at all
    if terminator in "!?":
        return not (closed and _ATTRIBUTION.match(text, word_at, end))
    if terminator == "…" or token.endswith(".."):
        return bool(word) or following_word.lower() in _OPENING  # the ... States: words left out
    if not closed and _ENUMERATOR.fullmatch(text, start, stop):
        return False
    if closed and not word:
        return True
    return not _is_abbreviated(word, following_word, small)


def _is_glued_end(token: str, word: str, following: str, following_word: str) -> bool:
    """Whether a sentence ends where no blank follows its full stop ("in earnest….This race")."""
    if not following.isupper() and following not in _OPENERS:
        return False
    if any(char in token for char in "/@\\") or token.lower().startswith("www."):
        return False
    if len(following_word) > 1 and not following_word[1:].islower() and not following_word.isupper():
        return False
    return len(word) > 2 and word[-2:].islower() and "." not in word and not _is_abbreviation(word)


def _is_abbreviation(word: str) -> bool:
    low = word.lower()
    return low in _TITLES or low in _MIDDLE or low in _COUNTED or low in _MONTHS or low in _SHORTENED


def _is_abbreviated(word: str, following_word: str, small: bool) -> bool:
    """Whether the full stop after ``word`` marks an abbreviation rather than the end of a sentence."""
    if len(word) > 7 and word.isalpha():
        return False
    low = word.lower()
    number = following_word[:1].isdigit()
    if low in _TITLES:
        return word != low or low in {"h.e", "sr-col"}
    if low in _MIDDLE:
        return word == low or word.isupper()
    if low in _COUNTED:
        return number or following_word in {"I", "II", "III", "IV", "V", "VI", "VII"}
    if low in _MONTHS:
        return number or (small and word != low)
    if low in _SHORTENED:
        return small or number
    if low in _CLOCK:
        return small or number or following_word.lower() in _AFTER_CLOCK
    if _DOTTED.fullmatch(word):  # U.S., China-U.S., U.N., J.R.R.
        return not following_word or following_word.lower() not in _OPENING or small
    if len(word) == 1 and word.isupper() and word != "I":
        return following_word[:1].isupper() and following_word.lower() not in _OPENING
    return False
