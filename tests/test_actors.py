"""Mentions of actors: the table's size and truth, traps of names, masks that tell nothing, and properties."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetoric import actors
from rhetoric.actors import STAND_INS, MatchKind, codes, find, lookup, mask, mask_all, mask_tokens, mentions
from rhetoric.tokens import tokenize

ROOT = Path(__file__).parent.parent


def found(text: str) -> list[tuple[str, str]]:
    return [(mention.text, "+".join(mention.codes)) for mention in mentions(text)]


def found_codes(text: str) -> list[str]:
    return [code for mention in mentions(text) for code in mention.codes]


# --- the table


def test_counts() -> None:
    table = actors.actors()
    kinds = [actor.kind for actor in table]
    assert kinds.count("state") >= 240
    assert kinds.count("organisation") >= 150
    assert kinds.count("group") >= 150
    assert kinds.count("former state") >= 10
    seats = {name.casefold() for _, name in actors.names_of(MatchKind.SEAT)}
    assert len(seats) >= 400
    people = {name.casefold() for _, name in actors.names_of(MatchKind.LEADER)}
    assert len(people) >= 2000


def test_codes_are_unique_and_refer_to_codes() -> None:
    table = actors.actors()
    known = {actor.code for actor in table}
    assert len(known) == len(table)
    assert all(code in known for actor in table for code in actor.related)


def test_states_have_iso_codes_and_others_do_not() -> None:
    table = actors.actors()
    states = {actor.code for actor in table if actor.kind in ("state", "former state")}
    assert all(re.fullmatch("[A-Z]{3}", code) for code in states)
    assert not states & {actor.code for actor in table if actor.kind not in ("state", "former state")}
    assert all("-" in actor.code for actor in table if actor.kind == "region")


def test_former_states_have_years() -> None:
    soviet, czechoslovak = lookup("USSR"), lookup("Czechoslovakia")
    assert soviet is not None
    assert czechoslovak is not None
    assert (soviet.code, soviet.until, soviet.related) == ("SUN", 1991, ("RUS",))
    assert (czechoslovak.code, czechoslovak.until, czechoslovak.related) == ("CSK", 1992, ("CZE", "SVK"))


def test_data_files_match_the_lists() -> None:
    pytest.importorskip("babel")
    script = ROOT / "scripts" / "build_actors.py"
    if not script.exists():
        pytest.skip("the lists are not part of this installation")
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


NAMES = {
    "United States": "USA", "the United States of America": "USA", "USA": "USA", "U.S.": "USA", "U.S": "USA",
    "US": "USA",
    "America": "USA", "Washington, D.C.": "USA", "the White House": "USA", "Foggy Bottom": "USA", "the Pentagon": "USA",
    "Capitol Hill": "USA", "the State Department": "USA", "the United Kingdom": "GBR", "U.K.": "GBR", "Britain": "GBR",
    "Northern Ireland": "GBR", "Ireland": "IRL", "Downing Street": "GBR", "Whitehall": "GBR", "England": "GBR",
    "Scotland": "GBR", "the Kremlin": "RUS", "Moscow": "RUS", "the Russian Federation": "RUS", "the State Duma": "RUS",
    "the Elysee": "FRA", "Élysée": "FRA", "Quai d'Orsay": "FRA", "Matignon": "FRA", "Bankova": "UKR", "Kiev": "UKR",
    "Kyiv": "UKR", "the Verkhovna Rada": "UKR", "Zhongnanhai": "CHN", "PRC": "CHN", "Peking": "CHN",
    "People's Republic of China": "CHN", "Republic of China": "TWN", "Taiwan": "TWN", "Taipei": "TWN",
    "Hong Kong": "HKG",
    "Macau": "MAC", "the Blue House": "KOR", "Cheong Wa Dae": "KOR", "Planalto": "BRA", "Itamaraty": "BRA",
    "Casa Rosada": "ARG", "South Block": "IND", "Rashtrapati Bhavan": "IND", "Lok Sabha": "IND", "Palazzo Chigi": "ITA",
    "Farnesina": "ITA", "Knesset": "ISR", "Bundestag": "DEU", "West Germany": "DEU", "East Germany": "DDR",
    "GDR": "DDR",
    "Kantei": "JPN", "Los Pinos": "MEX", "Miraflores": "VEN", "La Moneda": "CHL", "Malacanang": "PHL",
    "Aso Rock": "NGA",
    "the Holy See": "VAT", "Vatican City": "VAT", "Kosovo": "XKX", "Pristina": "XKX", "Serbia": "SRB",
    "Palestine": "PSE",
    "Gaza": "PSE", "the West Bank": "PSE", "Ramallah": "PSE", "Crimea": "UKR-CRI", "Kashmir": "XXX-KAS",
    "Tibet": "CHN-TIB",
    "Chechnya": "RUS-CHE", "Abkhazia": "GEO-ABK", "Nagorno-Karabakh": "AZE-NKR", "Republika Srpska": "BIH-SRP",
    "Burma": "MMR", "Myanmar": "MMR", "Kampuchea": "KHM", "Upper Volta": "BFA", "Rhodesia": "ZWE", "Zaire": "COD",
    "Swaziland": "SWZ", "Ceylon": "LKA", "Ivory Coast": "CIV", "Côte d'Ivoire": "CIV", "Cote d’Ivoire": "CIV",
    "Byelorussia": "BLR", "East Timor": "TLS", "Macedonia": "MKD", "FYROM": "MKD", "Turkiye": "TUR", "Türkiye": "TUR",
    "Turkey": "TUR", "Yugoslavia": "YUG", "Serbia and Montenegro": "SCG", "South Yemen": "YMD", "Cabo Verde": "CPV",
    "Guinea": "GIN", "Guinea-Bissau": "GNB", "Equatorial Guinea": "GNQ", "Papua New Guinea": "PNG", "Congo": "COD",
    "the Democratic Republic of the Congo": "COD", "DRC": "COD", "the Republic of the Congo": "COG",
    "Congo-Brazzaville": "COG", "Republic of Korea": "KOR", "Korea": "KOR", "DPRK": "PRK", "North Korea": "PRK",
    "Democratic People's Republic of Korea": "PRK", "Niger": "NER", "Nigeria": "NGA", "Dominica": "DMA",
    "the Dominican Republic": "DOM", "Georgia": "GEO", "South Georgia": "SGS", "Jordan": "JOR", "Chad": "TCD",
    "Mali": "MLI",
    "Oman": "OMN", "the Isle of Man": "IMN", "Samoa": "WSM", "American Samoa": "ASM", "Sudan": "SDN",
    "South Sudan": "SSD",
    "Micronesia": "FSM", "St. Lucia": "LCA", "Saint Lucia": "LCA", "Trinidad and Tobago": "TTO",
    "São Tomé and Príncipe": "STP",
    "Sao Tome and Principe": "STP", "N'Djamena": "TCD", "The Hague": "NLD", "Réunion": "REU", "European Union": "EUU",
    "EU": "EUU", "the European Commission": "EUU", "United Nations": "UNO", "the UN": "UNO", "U.N.": "UNO",
    "the Security Council": "UNO", "NATO": "NAT", "Nato": "NAT", "North Atlantic Treaty Organization": "NAT",
    "WHO": "WHO",
    "the Arab League": "ARL", "OAU": "AFU", "African Union": "AFU", "ASEAN": "ASN", "IAEA": "IAEA", "OPCW": "OPCW",
    "the Warsaw Pact": "WARSAW", "Hamas": "HAMAS", "Hizbullah": "HEZBOLLAH", "Hezbollah": "HEZBOLLAH",
    "the Contras": "CONTRAS",
    "FMLN": "FMLN", "the Sandinistas": "FSLN", "UNITA": "UNITA", "RENAMO": "RENAMO", "Renamo": "RENAMO", "PLO": "PLO",
    "the Khmer Rouge": "KROUGE", "the Polisario Front": "POLISARIO", "the Tamil Tigers": "LTTE", "LTTE": "LTTE",
    "ETA": "ETA",
    "IRA": "IRA", "Shining Path": "SHINING", "FARC": "FARC", "the Taliban": "TALIBAN", "Taleban": "TALIBAN",
    "al-Qaida": "ALQAEDA", "Al Qaeda": "ALQAEDA", "ISIS": "ISIS", "Islamic State": "ISIS", "the Houthis": "HOUTHI",
    "the PKK": "PKK", "the two Koreas": "PRK+KOR", "Baltic states": "LTU+LVA+EST",
}  # fmt: skip


@pytest.mark.parametrize(("name", "code"), NAMES.items())
def test_names(name: str, code: str) -> None:
    actor = lookup(name)
    assert actor is not None, f"{name} is not in the table"
    assert actor.code == code
    assert found_codes(f"Critics say that {name} has failed.") == code.split("+")


NO_NAMES = [
    "us", "who", "turkey", "polish", "eta", "may", "male", "will", "chad smith", "reunion", "", " ", "the", "Man",
    "Ruritania",
    "no such place", "guinea pig", "march",
]  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES)
def test_lookup_of_what_is_no_name(name: str) -> None:
    assert lookup(name) is None


def test_lookup_by_code() -> None:
    actor = lookup("XKX")
    assert actor is not None
    assert (actor.code, actor.name, actor.kind) == ("XKX", "Kosovo", "state")


PEOPLES = {
    "Chinese": "CHN", "Americans": "USA", "British": "GBR", "Scottish": "GBR", "French": "FRA", "Dutch": "NLD",
    "Danes": "DNK",
    "Poles": "POL", "Polish": "POL", "Turks": "TUR", "Israelis": "ISR", "Palestinians": "PSE", "Kosovars": "XKX",
    "Serbs": "SRB", "Bosnian Serbs": "BIH-SRP", "North Korean": "PRK", "South Koreans": "KOR", "Nigerien": "NER",
    "Nigerian": "NGA", "Dominican": "DOM", "Congolese": "COD", "Guinean": "GIN", "Equatorial Guinean": "GNQ",
    "Soviet": "SUN",
    "East German": "DDR", "Chechens": "RUS-CHE", "Kurds": "IRQ-KUR", "Tibetan": "CHN-TIB", "Uighurs": "CHN-XIN",
    "South African": "ZAF", "Burmese": "MMR", "Zairian": "COD", "Filipino": "PHL", "Saudis": "SAU",
}  # fmt: skip


@pytest.mark.parametrize(("people", "code"), PEOPLES.items())
def test_peoples(people: str, code: str) -> None:
    assert found_codes(f"Yesterday the {people} delegates protested.") == [code]


# --- traps of case and context

TRAPS = [
    ("They told us that US troops had left.", [("US", "USA")]),
    ("Give us the text of the U.S. note.", [("U.S.", "USA")]),
    ("US SLAMS CHINA OVER TRADE", [("US", "USA"), ("CHINA", "CHN")]),
    ("LET US PRAY FOR PEACE", []),
    ("TALKS BETWEEN US AND IRAN COLLAPSE", [("US", "USA"), ("IRAN", "IRN")]),
    ("A turkey was served while Turkey protested.", [("Turkey", "TUR")]),
    ("TURKEY REJECTS CLAIM", [("TURKEY", "TUR")]),
    ("We had turkey.", []),
    ("russia says iran lied", [("russia", "RUS"), ("iran", "IRN")]),
    ("the envoy ate from fine china", [("china", "CHN")]),
    ("The Envoy ate from fine china.", []),
    ("Polish officials polish the text.", [("Polish", "POL")]),
    ("The WHO asked who had lied.", [("WHO", "WHO")]),
    ("WHO LIED AND WHO DID NOT", []),
    ("Male suspects fled to Male.", [("Male", "MDV")]),
    ("The guinea pigs of Guinea", [("Guinea", "GIN")]),
    ("Michael Jordan flew to Jordan.", [("Jordan", "JOR")]),
    ("Georgia and the state of Georgia", [("Georgia", "GEO")]),
    ("He moved from New Mexico to Mexico.", [("Mexico", "MEX")]),
    ("The Washington Post asked Washington.", [("Washington", "USA")]),
    ("ships in the South China Sea", []),
    ("the Gulf of Guinea and the Sea of Japan", []),
    ("Kosovo is not Serbia.", [("Kosovo", "XKX"), ("Serbia", "SRB")]),
    ("The EU is not Réunion.", [("EU", "EUU"), ("Réunion", "REU")]),
    ("Reunion of families; a reunion", []),
    ("Ireland, not Northern Ireland", [("Ireland", "IRL"), ("Northern Ireland", "GBR")]),
    ("Niger and Nigeria", [("Niger", "NER"), ("Nigeria", "NGA")]),
    ("North Korea, South Korea and Korea", [("North Korea", "PRK"), ("South Korea", "KOR"), ("Korea", "KOR")]),
    ("US-China talks", [("US", "USA"), ("China", "CHN")]),
    (
        "Sino-Indian and Indo-Pakistani borders",
        [("Sino", "CHN"), ("Indian", "IND"), ("Indo", "IND"), ("Pakistani", "PAK")],
    ),
    ("China's envoys and the United States' envoys", [("China", "CHN"), ("United States", "USA")]),
    ("Prime Minister Theresa May will speak in May.", [("Theresa May", "GBR")]),
    ("It may rain on May 5.", []),
    ("A bush burned near Mr. Bush.", [("Bush", "USA")]),
    ("The trump card of Trump", [("Trump", "USA")]),
    ("an un-American act", [("American", "USA")]),
    ("The UN and the U.N. agree.", [("UN", "UNO"), ("U.N.", "UNO")]),
    ("solidarity with all peoples", []),
    ("Native Americans and Latin Americans", []),
    ("African Union and South African troops", [("African Union", "AFU"), ("South African", "ZAF")]),
    ("the Paris Agreement and Paris", [("Paris", "FRA")]),
    ("Chile,Peru and Bolivia", [("Chile", "CHL"), ("Peru", "PER"), ("Bolivia", "BOL")]),
    ("Gaza’s port", [("Gaza", "PSE")]),
    ("“Iran,” he said", [("Iran", "IRN")]),
    ("(Ankara) and [Athens]", [("Ankara", "TUR"), ("Athens", "GRC")]),
    ("Indiana is not India", [("India", "IND")]),
    ("Omani, Romanian, Roman", [("Omani", "OMN"), ("Romanian", "ROU")]),
    ("The car maker and CAR forces", [("CAR", "CAF")]),
    ("He set the pace; the arena was full.", []),
    ("Bosnian Serbs, Serbs and Bosnians", [("Bosnian Serbs", "BIH-SRP"), ("Serbs", "SRB"), ("Bosnians", "BIH")]),
    ("Iranian Revolutionary Guards", [("Iranian", "IRN"), ("Revolutionary Guards", "IRGC")]),
    ("World War II", []),
    ("The aide said D'Aubuisson lied.", [("D'Aubuisson", "SLV")]),
]


@pytest.mark.parametrize(("text", "expected"), TRAPS)
def test_traps(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


# --- persons

PERSONS = [
    ("Foreign Minister Abel Tashkov spoke.", "Abel Tashkov"),
    ("President Ivo Brandvik-Lessing left.", "Ivo Brandvik-Lessing"),
    ("Mr. Quillfeather refused.", "Quillfeather"),
    ("Mr Quillfeather refused.", "Quillfeather"),
    ("spokeswoman Odalys T. Werring said", "Odalys T. Werring"),
    ("Gen. Tormund Askeladd fled.", "Tormund Askeladd"),
    ("Secretary-General Orlo Vantongeren called.", "Orlo Vantongeren"),
    ("Ambassador Piet van der Mork left.", "Piet van der Mork"),
    ("Defense Minister Hamdi al-Tarifi denied it.", "Hamdi al-Tarifi"),
    ("Senator Fintan O'Dorrigan objected.", "Fintan O'Dorrigan"),
    ("Prime Minister Jae-moon Ryongbak's aides", "Jae-moon Ryongbak"),
]


@pytest.mark.parametrize(("text", "name"), PERSONS)
def test_unknown_person_after_title(text: str, name: str) -> None:
    assert found(text) == [(name, "")]
    assert mask(text) == text.replace(name, STAND_INS[MatchKind.PERSON])


@pytest.mark.parametrize(
    "text",
    [
        "The president Monday said no.",
        "the president said",
        "President.",
        "Mr President, we agree.",
        "a minister. They",
    ],
)
def test_no_person_after_title(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("The aide said Vladimir Putin lied.", "Vladimir Putin", "RUS"),
        ("Russian President Alexander Putin", "Alexander Putin", "RUS"),
        ("Secretary-General Kofi Annan", "Kofi Annan", "UNO"),
        ("the Bush Administration", "Bush", "USA"),
        ("PRESIDENT FIDEL CASTRO SAID", "FIDEL CASTRO", "CUB"),
        ("UNITA leader Jonas Savimbi", "Jonas Savimbi", "UNITA"),
    ],
)
def test_leaders(text: str, name: str, code: str) -> None:
    assert (name, code) in found(text)


# --- codes of noun phrases


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("the UN envoy to Syria", ("UNO",)),
        ("a spokesman for the Syrian army", ("SYR",)),
        ("China and Russia", ("CHN", "RUS")),
        ("Chinese Foreign Ministry spokesman Abel Tashkov", ("CHN",)),
        ("Russian President Vladimir Putin", ("RUS",)),
        ("Iran-backed Hezbollah", ("HEZBOLLAH",)),
        ("the Palestinian movement Hamas", ("PSE", "HAMAS")),
        ("Palestinian Hamas", ("HAMAS",)),
        ("the German Foreign Office", ("DEU",)),
        ("the ambassador of Iran to the United Nations", ("IRN",)),
        ("the Russian ambassador in Berlin", ("RUS",)),
        ("both Koreas", ("PRK", "KOR")),
        ("Israeli prime minister", ("ISR",)),
        ("the president", ()),
        ("they", ()),
        ("", ()),
    ],
)
def test_codes(phrase: str, expected: tuple[str, ...]) -> None:
    assert codes(phrase) == expected


# --- masks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The United States accused China.", "Utopia accused Utopia."),
        ("China accused the United States.", "Utopia accused Utopia."),
        ("An American and a Chinese envoy", "A Utopia and a Utopia envoy"),
        ("the United States' envoys, China's envoys", "Utopia's envoys, Utopia's envoys"),
        ("US-China talks", "Utopia-Utopia talks"),
        ("the UN and Hamas", "Consortium and Faction"),
        ("no names here", "no names here"),
        ("", ""),
        ("“Iran’s” bomb", "“Utopia's” bomb"),
        ("They met in the U.S.", "They met in Utopia."),
        ('"We trust the U.S."', '"We trust Utopia."'),
        ("They met in the U.S. capital.", "They met in Utopia capital."),
    ],
)
def test_mask(text: str, expected: str) -> None:
    assert mask(text) == expected


TEMPLATES = [
    "Yesterday {} accused {} of arming the rebels.",
    "Officials said that {} had rejected {}'s claim, and called on {} to talk.",
    "\"We do not trust {},\" the minister said in {}.",
    "It is {} that must stop; talks with {} failed.",
]  # fmt: skip


def names(kind: MatchKind) -> list[str]:
    """Names of a kind; those that end in a bracket or a full stop take no possessive."""
    return sorted({name for _, name in actors.names_of(kind) if name[-1].isalnum()})


STATE_NAMES, PEOPLE_NAMES, SEAT_NAMES = (names(kind) for kind in (MatchKind.STATE, MatchKind.PEOPLE, MatchKind.SEAT))


@pytest.mark.parametrize("article", ["", "the "])
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_state_leaves_the_same_mask(template: str, article: str) -> None:
    reference = mask(template.replace("{}", "Iran"))
    masked = mask_all([template.replace("{}", article + name) for name in STATE_NAMES])
    different = [name for name, one in zip(STATE_NAMES, masked, strict=True) if one != reference]
    assert different == []


def masked_items(texts: list[str]) -> list[list[int]]:
    items = mask_tokens(tokenize(texts))
    return [items.hash[items.indptr[i] : items.indptr[i + 1]].tolist() for i in range(len(texts))]


@pytest.mark.parametrize(
    ("several", "template"),
    [
        (STATE_NAMES, "Yesterday {} accused the envoys of {}'s rebels."),
        (PEOPLE_NAMES, "Yesterday the {} government accused an envoy."),
        (SEAT_NAMES, "Yesterday {} accused the envoys of {}'s rebels."),
    ],
)
def test_every_name_leaves_the_same_items(several: list[str], template: str) -> None:
    items = masked_items([template.replace("{}", name) for name in ["China", *several]])
    different = [name for name, one in zip(several, items[1:], strict=True) if one != items[0]]
    assert different == []


def test_masked_items_keep_their_tokens() -> None:
    text = "The United States' envoys met an Iranian envoy."
    tokens = tokenize([text, "No one."])
    items = mask_tokens(tokens)
    starts, ends = tokens.char_spans(items.first, items.last)
    n = int(items.indptr[1])
    spans = [text[start:end] for start, end in zip(starts[:n].tolist(), ends[:n].tolist(), strict=True)]
    assert spans == ["The United States", "'", "envoys", "met", "an", "Iranian", "envoy", "."]
    assert items.indptr.tolist() == [0, 8, 11]


# --- properties

WORDS = st.sampled_from(
    ["the", "an", "US", "us", "U.S.", "Iran", "Côte d’Ivoire", "Mr.", "President", "Smith", "O'Neill", "al-Assad",
    "'", "’s",
     "-", ".", ",", "\n", "Democratic", "Republic", "of", "Congo", "KOREA", "北京", "😀", "W.", "Gen.", "Monday"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(WORDS, max_size=15).map(" ".join), st.lists(WORDS, max_size=15).map("".join)
)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_any_text_gives_exact_offsets(text: str) -> None:
    end = 0
    for mention in mentions(text):
        assert mention.start >= end
        assert mention.end > mention.start
        assert text[mention.start : mention.end] == mention.text
        end = mention.end
    mask(text)
    codes(text)
    lookup(text)


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_batch_equals_one_by_one(texts: list[str]) -> None:
    tokens = tokenize(texts)
    matches = find(tokens)
    assert bool(np.all(matches.end_token[:-1] <= matches.first_token[1:]))
    together = list(
        zip(
            tokens.sentence[matches.first_token].tolist(),
            (matches.first_token - tokens.indptr[tokens.sentence[matches.first_token]]).tolist(),
            (matches.end_token - matches.first_token).tolist(),
            matches.actor.tolist(),
            matches.kind.tolist(),
            strict=True,
        )
    )
    alone = []
    for i, text in enumerate(texts):
        one = find(tokenize([text]))
        rows = (one.first_token, one.end_token - one.first_token, one.actor, one.kind)
        alone += [(i, *row) for row in zip(*(r.tolist() for r in rows), strict=True)]
    assert together == alone
    assert masked_items(texts) == [masked_items([text])[0] for text in texts]
    assert mask_all(texts) == [mask(text) for text in texts]


FRAMES = st.lists(
    st.sampled_from(
        ["accused", "the envoys of", "denied that", "and", ",", "with", "an ally of", "said", "in", "over", "lied"]
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(FRAMES, st.data())
def test_swapping_states_changes_no_mask(frame: list[str], data: st.DataObject) -> None:
    def fill() -> str:
        names = [data.draw(st.sampled_from(STATE_NAMES)) for _ in frame]
        return "Officials said " + " ".join(f"{piece} {name}" for piece, name in zip(frame, names, strict=True)) + "."

    one, other = fill(), fill()
    assert mask(one) == mask(other)
    assert masked_items([one]) == masked_items([other])


def test_remembered_codes_are_those_found_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    phrases = ["China", "the ministry", "the UN envoy to Syria", "China", "a spokesman for Syria", "x" * 500, ""]
    fresh = [actors._codes_of([phrase])[0] for phrase in phrases]
    monkeypatch.setattr(actors, "_known_codes", {})
    for _ in range(2):
        assert actors.codes_all(phrases) == fresh
    assert actors.codes_all(phrases[3:]) == fresh[3:]
    assert set(actors._known_codes) == {phrase for phrase in phrases if len(phrase) < 100}


def test_not_too_many_codes_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actors, "_known_codes", {})
    monkeypatch.setattr(actors, "_MOST_KNOWN", 5)
    for i in range(20):
        assert actors.codes_all([f"China {i}", "Russia"]) == [("CHN",), ("RUS",)]
        assert len(actors._known_codes) <= 5
