"""Sentence splitting: tricky cases by hand, the five articles by eye, and properties that hold for any text."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from counting import steps
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rhetoric import sentences
from rhetoric.sentences import Document, parse, split

SEEDS = Path(__file__).resolve().parent.parent / "seeds"


def texts(text: str) -> list[str]:
    return [text[start:end] for start, end in split(text)]


# In each case "|" marks where a sentence ends and is taken out before splitting.
CASES = {
    # abbreviations, titles and names
    "plain": "The talks began.| They ended.",
    "title": "We met Mr. Roe and Mrs. Doe.| Dr. Poe came too.",
    "ranks": "Gen. Roe met Lt. Col. Doe and Maj. Gen. Poe.| Sen. Noe left.",
    "title in capitals": "GEN. ROE MET COL. DOE.| THEY TALKED.",
    "his excellency": "I thank H.E. Mr. Roe.| He did well.",
    "initials": "J. R. Roe and Ann B. Doe signed.| Nobody objected.",
    "initials without blanks": "The late J.R.R. Roe wrote it.| It was long.",
    "ambassador": "He replied to remarks by U.S. Ambassador to Ruritania Ann Roe.| She had spoken first.",
    "dialogue": "They set up the Ruritania-U.S. Civil Space Dialogue.| It never met.",
    "acronym inside": "The U.S. missile plan worries the U.N. Security Council.| It said so.",
    "acronym then comma": '"The U.S., however, sees a rival," he said.',
    "acronym at the end": "They left the U.S.| The talks had failed.",
    "acronym at the end, then pronoun": "It was bad for the U.S.| He said so.",
    "acronym starts": "It is over.| U.S. officials agree.",
    "acronym possessive": "The U.S.' plan is old.| The E.U.'s plan is new.",
    "number": "See No. 5 of the list.| Article No. 7 applies.",
    "no as a word": "The answer is no.| Five states agreed.",
    "paragraph number": "See para. 3 and Art. 5 of Res. 242.| They bind us.",
    "pages": "The record (A/9/PV.5, pp. 7 and 8) says so.| Read it.",
    "company": "Roe Inc. said it would pay.| Doe Ltd. did not.",
    "latin": "Some states, e.g. Ruritania, i.e. the larger ones, left.| Others (cf. Graustark) stayed.",
    "versus": "The case Roe v. Doe is old.| So is Poe vs. Noe.",
    "saint": "They met in St. Petersburg.| It was cold.",
    "junior": "John Roe Jr. was there.| His father was not.",
    "doctorate": "She has a Ph.D. in law.| He has none.",
    # dates, numbers and times
    "date glued": "PORT ROE, Dec.29 -- Ruritania urged calm.| It was heard.",
    "dateline": "PORT ROE, Dec. 22 (Agency) -- Ruritania has always been open.| So it says.",
    "dateline with full stop": "PORT ROE, Sept. 3. -- The envoy left.| He was tired.",
    "dateline of a wire": "LONDON (Agency) - The envoy left.| He was tired.",
    "month before the day": "On Jan. 5 and Feb. 6 they met.| In March they did not.",
    "month at the end": "They will meet in Dec.| Nobody knows where.",
    "decimal": "Output fell 3.5 percent to $1,000.50.| It rose later.",
    "year at the end": "It was signed in 1972.| It lapsed in 2002.",
    "clock": "They meet at 5 p.m. Friday and at 9 a.m. local time.| All come.",
    "clock at the end": "They met at 5 p.m.| The envoy was late.",
    "enumerator": "1. The parties shall meet.| 2. The parties shall talk.",
    "lettered enumerator": "(a) The parties shall meet.| (b) The parties shall talk.",
    "roman enumerator": "II. The parties shall meet.| They shall talk.",
    "footnote": "The talks failed.[1]| They will resume.",
    # quotations
    "quotation of two sentences": '"We came.| We talked," he said.| Then he left.',
    "curly quotation": "“We came.| We talked.”| Then he left.",
    "quotation closed after a full stop": 'He said: "We came."| Then he left.',
    "quotation opened": 'They were firm.| "We came," he said.',
    "nested straight quotes": '"They spread the "threat theory" here.| We object."| He left.',
    "question in a quotation": '"What do they want?" he asked.| Nobody knew.',
    "question and a name": '"What do they want?" Roe asked.| Nobody knew.',
    "shout in a quotation": "“Never!” the envoy of Ruritania said.| He meant it.",
    "exclamation, new sentence": '"Never!"| The hall fell silent.',
    "single quotes": "'We came.| We talked.'| Then he left.",
    "curly single quotes": "‘We came.| We talked.’| Then he left.",
    "apostrophes": "It's the states' right.| They're here, aren't they?| Yes.",
    "guillemets": "« Nous parlons.| Ils parlent. »| Il partit.",
    "german quotes": "„Wir reden.| Sie reden.“| Er ging.",
    "quotation never closed": '"We came.| We talked.| We left.',
    "altered capital": "It said so.| “[T]he true reason [is that the] Republic believes it can win.",
    "closing mark after a blank": "It is a threat. ”| They left.",
    # brackets
    "bracketed sentence": "(We came.| They left.)| Then we talked.",
    "bracket inside": "He left (see p. 5. It is short) at once.| She stayed.",
    "agency in brackets": "(AGENCY) In a recent statement, Ruritania objected.| It was late.",
    "plural in brackets": "It is the sole responsibility of the author(s).| The centre is not liable.",
    "stray bracket": "Agency) The envoy left.| He was tired.",
    "bracket never closed": "They left (and said so.| We stayed.| Others came.",
    # marks
    "ellipsis and no blank": "It is about to take off in earnest….|This race is as dangerous.",
    "full stop and no blank": "They talked for long.|Then they left.",
    "ellipsis inside": "Well... perhaps they will.| The ... Republic may not.",
    "ellipsis at the end": "They waited...| Then they left.",
    "curly ellipsis": "They waited…| Then they left.",
    "words left out": "The … United Republic agreed.| It signed.",
    "question and exclamation": "They did what?!| Yes.| Indeed!",
    "several shouts": "Never!!!| Not once...",
    "semicolon and colon": "They said this: we came; we left.| That was all.",
    "dash": "This time the trigger is in one hand – the U.S. establishment.| It may pull it.",
    "web address": "See www.example.org or http://example.org/a.b?c=D.Efg for more.| Write to a.Roe@example.org today.",
    "link": "Read [The end. Or not?](http://example.org/a. B) now.| Then act.",
    "link starts": "It is known.| [www.example.org](http://www.example.org) contains the text.",
    "bold": "**Note:** The text is free.| **Use it.**| Share it.",
    # kinds of text
    "lower case": "they came.| they saw.| they left?| yes.",
    "all capitals": "PORT ROE, 3 JAN 90 -- [TEXT] THE COMMAND REPORTED THAT 50 MEN FELL.| THE U.S. EMBASSY DENIED IT.",
    "russian": "Это неправда.| Мы готовы к переговорам.",
    "chinese": "中国坚决反对。|他们不同意！|是吗？",
    "hindi": "यह सच है।| हम तैयार हैं।",
    "arabic": "هل هذا صحيح؟| نعم.",
    "greek": "Δεν είναι αλήθεια.| Είμαστε έτοιμοι.",
    "french": "L'accusation est fausse.| À Genève, on parle.",
    # lines
    "headline": "Ruritania Seeks Talks|\n\nPORT ROE -- The envoy left.| He was tired.",
    "headline above its lead": "Ruritania Seeks Talks|\n"
    "The envoy left for the far shore of the lake on Friday, officials said.| He was tired.",
    "headline in capitals": "RURITANIA SEEKS TALKS WITH ALL ITS NEIGHBOURS NOW|\nThe envoy left for the far shore.",
    "wrapped": "The delegation of\nRuritania thanks the\nSecretary-\nGeneral.| It will\nalso speak.",
    "wrapped before a capital": "We convey our warmest and most heartfelt congratulations to the Kingdom of\n"
    "Graustark on its election to the presidency of this Assembly and of its many\ncommittees.| It is deserved.",
    "wrapped after a title": "I pay a warm tribute to his predecessor, Mr.\nRoe, and to his wife.",
    "wrapped before a title": "Let me thank\nMr. Roe of Graustark.",
    "blank line inside": "The text is free.| If you wish to use copyrighted\n\nmaterial elsewhere you must ask us.",
    "page number inside": "Our security and prosperity depend more\n28\n\nand more on trust.| So be it.",
    "page number between": "Our security depends on trust.|\n28|\n\nWe welcome the call.",
    "byline after a headline": "Ruritania seeks talks with its neighbours|\n\nby our correspondent",
    "footer": "Region: [Asia](#)|\n\nTheme: [Space](#)|\n\nAgency) 13:51, December 23, 2023|\n\nCopyright 2007",
    "hard break": "The source of this article is Agency  |\nCopyright 2007 [Agency](#)",
    "line ends": "They came.|\r\nThey left.|\r\rThey slept.|\u2029They woke.",
    "colon before a list": "The parties agree:|\n1. To meet.|\n2. To talk.",
    "several paragraphs on lines": "They came, " + "and came again, " * 15 + "it said:|\nWe left.|\nWe slept.",
}


@pytest.mark.parametrize("marked", CASES.values(), ids=CASES.keys())
def test_tricky_case(marked: str) -> None:
    text = marked.replace("|", "")
    assert texts(text) == [sentence.strip() for sentence in marked.split("|")]


def test_cases_are_many() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# China and Ruritania talk\n\nThey met.", ["China and Ruritania talk", "They met."]),
        ("### Talks. Again?\nThey met.", ["Talks.", "Again?", "They met."]),
        ("- They met.\n- They talked.", ["They met.", "They talked."]),
        ("* They met\n* They talked", ["They met", "They talked"]),
        ("They agreed to:\n• meet\n• talk", ["They agreed to:", "meet", "talk"]),
        ("> They met.\n> They talked.", ["They met.", "They talked."]),
        ("They met.\n\n---\n\nThey talked.", ["They met.", "They talked."]),
        ("Talks\n=====\nThey met.", ["Talks", "They met."]),
        ("- \nThey met.", ["They met."]),
        (
            "For a decade, the people of our far Ruritania\n- a landlocked country, as is known to all -\n"
            "has asked for help.",
            [
                "For a decade, the people of our far Ruritania\n- a landlocked country, as is known to all -\n"
                "has asked for help."
            ],
        ),
        ("#hashtags are prose.", ["#hashtags are prose."]),
    ],
)
def test_line_markup_lies_outside_the_spans(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("text", "day", "prose"),
    [
        ("date 2024-05-05 (AGENCY) They met.", "2024-05-05", ["(AGENCY) They met."]),
        (" date 2022-12-29 PORT ROE, Dec.29 -- They met.", "2022-12-29", ["PORT ROE, Dec.29 -- They met."]),
        ("\n\n date 2024-02-29\nThey met.", "2024-02-29", ["They met."]),
        ("\ufeffdate 2024-05-05 They met.", "2024-05-05", ["They met."]),
        ("date 2024-05-05", "2024-05-05", []),
        ("date 2023-02-29 They met.", None, ["date 2023-02-29 They met."]),
        ("date 2024-05-055 They met.", None, ["date 2024-05-055 They met."]),
        ("date 2024-05-05T10:00 They met.", None, ["date 2024-05-05T10:00 They met."]),
        ("Date 2024-05-05 was chosen.", None, ["Date 2024-05-05 was chosen."]),
        ("They met.\ndate 2024-05-05 It rained.", None, ["They met.", "date 2024-05-05 It rained."]),
        ("update 2024-05-05 They met.", None, ["update 2024-05-05 They met."]),
        ("date ٢٠٢٤-٠٥-٠٥ They met.", None, ["date ٢٠٢٤-٠٥-٠٥ They met."]),
    ],
)
def test_leading_date(text: str, day: str | None, prose: list[str]) -> None:
    document = parse(text)
    assert document.date == day
    assert [text[start:end] for start, end in document.spans] == prose


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\t", "\ufeff", "\u3000\u2028\xa0", "# ", "---", "- \n\n* "])
def test_nothing_to_read(text: str) -> None:
    assert parse(text) == Document(None, ())


@pytest.mark.parametrize("wrong", [None, b"They met.", ["They met."], 5])
def test_only_text_is_taken(wrong: object) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        split(wrong)  # type: ignore[arg-type]


def test_import_is_light() -> None:
    code = "import sys, rhetoric.sentences; sys.exit('sentencex' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- the five articles ------------------------------------------------------------------------------------------------

ARTICLES = {
    "000_912a0cd7722e9593.txt": (
        "2024-05-05",
        13,
        {0: "(MENAFN) In a recent statement", 1: "This assertion follows", 12: "The diverging perspectives"},
    ),
    "001_71e275a3687f9351.txt": (
        "2022-12-29",
        11,
        {
            0: "BEIJING, Dec.29 -- China urges",
            2: '"The US believes that',
            3: '"It is essentially an excuse',
            4: "China strongly opposes such sinister trick",
            5: "Then he added",
            7: "“This poses a sharp contrast",
            8: "The world sees clearly",
            9: "He stressed",
        },
    ),
    "002_524b9f928bb0f2e4.txt": (
        None,
        19,
        {
            0: "China, Russia Seek Treaty Banning Space Militarization",
            5: "The section of the joint communiqué",
            6: "The security of some states",
            10: "Media Monitors\xa0reports that the Russians",
            12: "“[T]he true reason",
            13: "“A frightening Cold-War-type arms race",
            14: "This arms race is perhaps",
            15: "This time, however",
            16: "“Unfortunately",
        },
    ),
    "003_4a608375ad0f1ff1.txt": (
        "2023-12-23",
        12,
        {
            0: "China urges U.S. to remove block to space cooperation",
            1: "Xinhua) 13:51, December 23, 2023",
            2: "BEIJING, Dec. 22 (Xinhua) -- China has always",
            4: "Wang said so at a daily press briefing",
            6: '"We have always been open',
            7: '"The U.S., however, views',
            8: "U.S. domestic legislation",
        },
    ),
    "004_950f01e5ad3dfa78.txt": (
        None,
        26,
        {
            0: "China, Russia actively promote signing",
            1: "By [Global Research](#)",
            4: "Region: [Asia, Russia and FSU](#)",
            5: "Theme: [Militarization and WMD](#)",
            11: "China will never participate",
            12: "The original source of this article is Xinhua",
            13: "Copyright © [Global Research](#), Xinhua, 2007",
            17: "**Disclaimer:** The contents",
            21: "[www.globalresearch.ca](http://www.globalresearch.ca) contains",
            24: "If you wish to use copyrighted\n\nmaterial for purposes other than",
            25: "For media inquiries: [publications",
        },
    ),
}


@pytest.mark.parametrize("name", ARTICLES)
def test_article(name: str) -> None:
    day, count, openings = ARTICLES[name]
    text = (SEEDS / name).read_bytes().decode("utf-8")
    document = parse(text)
    found = [text[start:end] for start, end in document.spans]
    assert document.date == day
    assert len(found) == count
    for index, opening in openings.items():
        assert found[index].startswith(opening)
    for sentence in found:  # no sentence begins with what closed another
        assert sentence[0] not in "”)].,;"
    check_cover(text)


def test_article_sentence_ends() -> None:
    text = (SEEDS / "004_950f01e5ad3dfa78.txt").read_bytes().decode("utf-8")
    found = texts(text)
    assert found[24].endswith('"fair use" you must request permission from the copyright owner.')
    assert found[0].endswith("prevent space arms race")
    text = (SEEDS / "002_524b9f928bb0f2e4.txt").read_bytes().decode("utf-8")
    assert texts(text)[13].endswith("about to take off in earnest….")
    assert texts(text)[6].endswith("missile defense systems.”")
    text = (SEEDS / "001_71e275a3687f9351.txt").read_bytes().decode("utf-8")
    assert texts(text)[4].endswith('in the space domain."')


# --- properties -------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "The talks failed. ", "They left", "U.S. ", "Mr. Roe ", "Dec. 5 ", "Dec.29", ". ", ".", "? ",
        "! ", "…", "... ", "….", '"', "“", "”", "'", "’", "(", ")", "[", "]", "[T]he ",
        "[a. B](http://c. d)", "\n", "\n\n", "\r\n", "\r", "  \n", "# ", "- ", "* ", "> ", "---\n",
        "date 2024-05-05 ", "1. ", "(a) ", "a ", "A", "b", "Zeta ", " ", "\t", "\xa0", "\u2028", "\x85",
        "\u3000", "\x00", "\ud800", "\udfff", "\ufeff", "\u200b", "。", "「", "」", "是", "؟", "।", "٣",
        "é", "😀", "28\n", "*", "**", "_", "-- ", "– ", "www.example.org", "a@b.org ", "p.m. ",
        "THE U.N. ", "\x1c", "\x0b", "\x0c", ",", ";", ":",
    ]
)  # fmt: skip
TEXT = st.one_of(
    st.lists(PIECES, max_size=40).map("".join),
    st.text(max_size=80),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=40),
)
MARKUP = re.compile(r"[\s#>*+\-–—•‣◦▪●=_~]*")
LEAD = re.compile(r"\ufeff?(?:\s*date \d{4}-\d\d-\d\d)?")


def check_cover(text: str) -> None:
    document = parse(text)
    position = 0
    for start, end in document.spans:
        assert position <= start < end <= len(text)
        sentence = text[start:end]
        assert sentence == sentence.strip()
        check_outside(text[position:start], position == 0, document)
        position = end
    check_outside(text[position:], position == 0, document)


def check_outside(gap: str, first: bool, document: Document) -> None:
    if first:
        lead = LEAD.match(gap)
        assert lead is not None
        assert document.date is None or document.date in lead[0]
        gap = gap[lead.end() :]
    assert MARKUP.fullmatch(gap), gap


@given(TEXT)
@example("S\u2028.")  # a Rust panic in sentencex when it is shown these as they are
@example("U\xa0. A")
@example("\ud800 They left. They came.")
@example("#\u3000\x85")
@settings(max_examples=400, deadline=None)
def test_spans_cover_all_prose_in_order(text: str) -> None:
    check_cover(text)


@given(TEXT)
@settings(max_examples=200, deadline=None)
def test_same_text_same_spans(text: str) -> None:
    assert split(text) == split(text) == list(parse(text).spans)


@given(TEXT)
@settings(max_examples=200, deadline=None)
def test_mask_keeps_the_length(text: str) -> None:
    masked, links = sentences._mask(text), sentences._links(text)
    assert len(masked) == len(text)
    masked.encode("utf-8")
    assert all(text[start] == "[" and text[end - 1] == ")" for start, end in links)


@given(TEXT)
@settings(max_examples=200, deadline=None)
def test_the_library_takes_every_masked_text(text: str) -> None:
    import sentencex

    masked = sentences._mask(text)
    assert "".join(sentencex.segment("en", masked)) == masked


@given(TEXT)
@settings(max_examples=200, deadline=None)
def test_a_link_is_never_cut(text: str) -> None:
    links = sentences._links(text)
    for start, end in split(text):
        assert not any(a < start < b or a < end < b for a, b in links)


@given(st.lists(st.sampled_from([marked.split("|")[0].strip() for marked in CASES.values()]), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_paragraphs_are_split_as_if_alone(paragraphs: list[str]) -> None:
    paragraphs = [p for p in paragraphs if p[-1] in ".!?" and p[0].isupper()]
    together = [sentence for paragraph in paragraphs for sentence in texts(paragraph)]
    assert texts("\n\n".join(paragraphs)) == together


@pytest.mark.parametrize("marked", CASES.values(), ids=CASES.keys())
def test_a_sentence_found_is_one_sentence_again(marked: str) -> None:
    for sentence in texts(marked.replace("|", "")):
        if len(sentence.split()) > 1:
            assert texts(sentence) == [sentence]


def test_line_ends_do_not_matter() -> None:
    for path in sorted(SEEDS.glob("*.txt")):
        text = path.read_bytes().decode("utf-8")
        assert [s.split() for s in texts(text)] == [s.split() for s in texts(text.replace("\n", "\r\n"))]


def test_foreign_failure_costs_hints_not_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    import sentencex

    class PanicException(BaseException):
        pass

    def panic(language: str, text: str) -> list[str]:
        raise PanicException

    monkeypatch.setattr(sentencex, "segment", panic)
    assert texts("They came here. They left.\n\nAgain.") == ["They came here.", "They left.", "Again."]


def test_interrupts_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    import sentencex

    def interrupt(language: str, text: str) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(sentencex, "segment", interrupt)
    with pytest.raises(KeyboardInterrupt):
        split("They came for e.g. Talks. They left (see 5).[1] Again.")


@pytest.mark.parametrize(
    "unit",
    [
        "a ", "Mr. ", "U.S. ", '"A. (', "[a](", "They left. ", "They left.\n", "They left.\n\n",
        "(", "[", ".", "… ", "# ", "- \n", "7\n", "the\n\n", "x" * 60 + "\n", "中", "。", "?\" he ",
        "A.", "is.A", "1. ", "*", "\r", "\u2028", "x.) ", "5)\n", "talks.\nThe ", "word,\nWord ", "---\nx\n", "a@",
        "[1]. ",
    ],
)  # fmt: skip
def test_work_grows_with_length_only(unit: str) -> None:
    """Twice the text, at most about twice the steps: counted, not timed."""
    small, large = (steps(lambda n=n: split(unit * n)) for n in (200, 400))
    assert large <= 2.2 * small + 100


@pytest.mark.parametrize("unit", ["A.", "a.b", "x" * 50, "www.a/"])
def test_what_is_looked_at_round_an_end_is_bounded(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words without blanks as long as the text: every end may look at so much of them and no more."""
    seen: list[int] = []

    def spy(name: str) -> None:
        inner = getattr(sentences, name)

        def wrapper(*given: object) -> object:
            seen.extend(len(one) for one in given if isinstance(one, str))
            return inner(*given)

        monkeypatch.setattr(sentences, name, wrapper)

    for name in ("_is_glued_end", "_is_abbreviated", "_is_abbreviation"):
        spy(name)
    split(unit * (20_000 // len(unit)) + ". The end. " + "(see " * 200)
    assert seen
    assert max(seen) <= 1000


@pytest.mark.parametrize("unit", ["The talks failed. ", "no stop ", "(", "wrapped line\n", "是。"])
def test_a_megabyte(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    spans = split(text)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text.rstrip())


def test_few_looks_give_what_the_library_asked_everywhere_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    words = """The minister said U.S. Mr. Roe No. 5 denied it. they "left" Sept. 3 (see a) Министр сказал т.е. В.И.
    Ленин отверг Россия Ο υπουργός είπε κ. Ελλάς Échec à Łódź 1. talks… began! why? end: J. K."""
    pieces = words.split()
    ends = [" "] * 8 + [". ", ".", "! ", "? ", "… ", "... ", '." ', ".\n", "\n\n", "\n", ") ", ".” ", "’ ", "; "]
    random = Random(7)
    made = [
        "".join(random.choice(pieces) + random.choice(ends) for _ in range(random.randrange(30))) for _ in range(1000)
    ]
    few = [split(text) for text in made]
    monkeypatch.setattr(sentences, "_FOREIGN", re.compile(""))
    assert [split(text) for text in made] == few


@given(st.lists(st.integers(0, 450), max_size=6))
def test_narrow_lines(lengths: list[int]) -> None:
    lines = "\n".join("x" * length for length in lengths)
    assert sentences._is_narrow(lines) == (max(lengths, default=0) <= 200)
