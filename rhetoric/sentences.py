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
    masked, links = _mask(text)
    spans: list[tuple[int, int]] = []
    for start, end in _blocks(text, begin, links):
        spans.extend(_sentences(text, masked, start, end))
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
_BLANK = re.compile(r"[^\S ]")
# A Markdown link or image whose text may run over a line break but not over a blank line; bounded, so linear.
_LINK = re.compile(r"\[(?:[^\[\]\n]|\n(?!\s*\n)){0,500}\]\((?:[^()\n]|\([^()\n]{0,200}\)){0,1000}\)")
_NOT_WORD = re.compile(r"\W")
_QUOTES: Final = '"“”„‟«»‹›‘'
# Marks that are quotation marks or brackets only in this company; every pair keeps its length.
_PAIRS: Final = (
    (" '", "  "),
    ("' ", "  "),
    (".'", ". "),
    ("!'", "! "),
    ("?'", "? "),
    (".)", ". "),
    ("!)", "! "),
    ("?)", "? "),
    (".]", ". "),
    (". )", ".  "),
    (" (", "  "),
    (" [", "  "),
)
_PAIRS_BEYOND_ASCII: Final = (("’ ", "  "), (".’", ". "), ("!’", "! "), ("?’", "? "), ("…’", "… "), ("…)", "… "))


def _mask(text: str) -> tuple[str, list[tuple[int, int]]]:
    """A copy of equal length to show to sentencex, and the spans of the links in ``text``."""
    links: list[tuple[int, int]] = []
    masked = text
    if "](" in text:
        links = [match.span() for match in _LINK.finditer(text)]
        masked = _LINK.sub(lambda match: _NOT_WORD.sub("x", match[0]), text)
    # sentencex raises a Rust panic on white space of several bytes after an initial, and refuses lone surrogates.
    masked = _BLANK.sub(" ", masked)
    if masked.isascii():
        masked = masked.replace('"', " ")
    else:
        masked = _SURROGATE.sub("\ufffd", masked)
        for mark in _QUOTES:
            masked = masked.replace(mark, " ")
        for pair, blank in _PAIRS_BEYOND_ASCII:
            masked = masked.replace(pair, blank)
    for pair, blank in _PAIRS:
        masked = masked.replace(pair, blank)
    return masked, links


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


def _blocks(text: str, begin: int, links: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of ``text`` that no sentence crosses, in order, without their line markup."""
    rows = _rows(text, begin)
    link_starts = [start for start, _ in links]
    blocks: list[tuple[int, int]] = []
    last = len(rows) - 1
    page_glue = -1  # row that a page number before it has been judged to continue
    running = False  # the row above goes on a sentence of the row before it
    for i, row in enumerate(rows):
        end = row.start + len(row.text)
        if i == 0:
            joined = False
        elif i == page_glue or _inside(link_starts, links, row.start):
            joined = True
        elif row.blanks <= 2 and i < last and row.page and _runs_over_page(rows, i):
            joined, page_glue = True, i + 1
        elif row.page or rows[i - 1].page:
            joined = False
        elif row.blanks == 0:
            joined = _same_block(rows, i, running)
        else:
            joined = row.blanks <= 3 and _continues(rows[i - 1], row, text[blocks[-1][0]])
        running = joined and rows[i - 1].ending not in _TERMINATORS
        if joined:
            blocks[-1] = (blocks[-1][0], end)
        else:
            blocks.append((row.start + row.marker, end))
    return [(start, end) for start, end in blocks if start < end]


def _rows(text: str, begin: int) -> list[_Row]:
    rows: list[_Row] = []
    position, blanks = begin, 0
    for line in (text[begin:] if begin else text).splitlines(keepends=True):
        content = line.strip()
        marker = 0
        if content and content[0] in _MARKER_FIRST:
            if _RULE.fullmatch(content):
                content, blanks = "", blanks + 2  # a rule parts more than one blank line does
            else:
                match = _MARKER.match(content)
                marker = match.end() if match else 0
                content = content if marker < len(content) else ""
        if content:
            start = position if line[0] == content[0] else position + line.index(content[0])
            ending = content[-1]
            if not ending.isalnum():
                ending = content.rstrip(_CLOSERS)[-1:]
            hard = "  " in line[-4:] and line.rstrip("\r\n").endswith("  ")
            rows.append(_Row(start, content, blanks, marker, hard, ending, len(content) <= 4 and content.isdecimal()))
            blanks = 0
        else:
            blanks += 1
        position += len(line)
    return rows


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
    width = max(len(rows[k].text) for k in range(max(i - 2, 0), min(i + 2, len(rows))) if _adjacent(rows, i, k))
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


def _adjacent(rows: list[_Row], i: int, k: int) -> bool:
    """Whether row ``k`` (``i - 2`` to ``i + 1``) stands in one run of lines with the rows ``i - 1`` and ``i``."""
    if k == i - 2:
        return rows[i - 1].blanks == 0
    return k != i + 1 or rows[k].blanks == 0


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


def _sentences(text: str, masked: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Spans of the sentences of the block ``text[begin:end]``, which has no white space at its ends."""
    ends = _proposed_ends(masked, begin, end)
    spans: list[tuple[int, int]] = []
    start = begin
    brackets = _mid_sentence_brackets(text, begin, end) if ends else []
    bracket_starts = [opening for opening, _ in brackets]
    for stop in ends:
        if stop <= start or _inside(bracket_starts, brackets, stop):
            continue
        tail = _TAIL.match(text, stop, end)
        if tail is None or tail.end() >= end or not _is_end(text, start, stop, tail, end):
            continue
        _append(spans, text, start, tail.end("closers"))
        start = tail.end()
    _append(spans, text, start, end)
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    """Add a span; a scrap without a letter or digit joins the sentence before it."""
    if spans and end - start < 12 and not any(char.isalnum() for char in text[start:end]):
        spans[-1] = (spans[-1][0], end)
    else:
        spans.append((start, end))


def _proposed_ends(masked: str, begin: int, end: int) -> list[int]:
    """Positions just after the full stops (or other terminators) that may end a sentence, ascending."""
    block = masked[begin:end]
    ends = set()
    for match in _BEFORE_CAPITAL.finditer(block):
        before = block[max(match.start() - 4, 0) : match.start()]
        if (len(before) == 4 and before.isalpha()) or _PLAIN_WORD.search(before) or match[0] not in ".!?":
            ends.add(begin + match.end())
    ends.update(begin + offset for offset in _library_ends(block))
    return sorted(ends)


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
    if text.find("(", begin, end) < 0 and text.find("[", begin, end) < 0:
        return found
    for match in _BRACKETED.finditer(text, begin, end):
        opening = match.start()
        before = text[max(begin, opening - 8) : opening].rstrip().rstrip(_CLOSERS)
        if opening > begin and before[-1:] not in _LATIN_END:
            found.append((opening, match.end() - 1))
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
    token = text[max(cut, start) : stop]
    word = token.rstrip(".!?…").lstrip(_OPENERS)
    if after == tail.end("closers"):  # no white space
        return _is_glued_end(token, word, text[after:end][:1], following_word)
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
