"""Standoff labels: nothing of the text is in them, and the text is found again, however the corpus is cut."""

from __future__ import annotations

import gzip
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhetoric import labels
from rhetoric.errors import LabelError
from rhetoric.labels import Label, Standoff

SENTENCES = [
    "Ruritania's envoy, Mr. Zenda, accused the U.S. of arming the rebels of Syldavia.",
    "The Bordurian ministry didn't accept the charge and called it “baseless”.",
    "We urge both parties to return to the talks in Klow without delay.",
    "Rainfall in the lowlands was close to the average of the last thirty years.",
]
STANCES = [["accusation"], ["denial"], ["call_to_negotiate"], []]
ROLES = [
    {"accusation": {"speaker": "Ruritania's envoy, Mr. Zenda", "target": "the U.S."}},
    {"denial": {"speaker": "The Bordurian ministry", "target": ""}},
    {"call_to_negotiate": {"speaker": "We", "target": "both parties"}},
    {},
]


@pytest.fixture
def standoff() -> list[Standoff]:
    rows = zip(SENTENCES, STANCES, ROLES, strict=True)
    return [
        labels.to_standoff(
            Label.from_dict({"id": str(i), "text": t, "stances": s, "roles": r, "annotator": "a"}), "klow"
        )
        for i, (t, s, r) in enumerate(rows)
    ]


def roles(record: Label) -> list[str]:
    return [record.role(stance, role) for stance in record.stances for role in ("speaker", "target")]


def test_a_standoff_record_holds_no_word_of_its_sentence(standoff: list[Standoff]) -> None:
    for record, sentence in zip(standoff, SENTENCES, strict=True):
        line = json.dumps(record.to_dict()).casefold()
        for word in sentence.casefold().split():
            assert len(word) < 5 or word not in line
        assert Standoff.from_dict(json.loads(json.dumps(record.to_dict()))) == record


@pytest.mark.parametrize(
    "corpus",
    [
        pytest.param("\n".join(SENTENCES), id="one a line"),
        pytest.param("Klow Gazette -- " + " ".join(SENTENCES) + " (End)", id="running text"),
        pytest.param(" ".join(SENTENCES).replace(" ", "\n"), id="a word a line"),
        pytest.param("and so on " + " ".join(s.rstrip(".”") for s in SENTENCES) + " and so on", id="no sentence ends"),
        pytest.param(" ".join(SENTENCES).upper(), id="capitals"),
        pytest.param(" ".join(SENTENCES).replace("didn't", "did n't").replace(",", " ,"), id="tokenised"),
    ],
)
def test_sentences_are_found_however_the_text_is_cut(tmp_path: Path, standoff: list[Standoff], corpus: str) -> None:
    (tmp_path / "klow.txt").write_text(corpus, "utf-8")
    found = labels.join(tmp_path, standoff)
    assert [record.id for record in found.records] == ["0", "1", "2", "3"]
    assert not found.missing
    assert [record.stances for record in found.records] == [tuple(s) for s in STANCES]
    for record, wanted in zip(found.records, ROLES, strict=True):
        words = [words for named in wanted.values() for words in named.values()]
        assert [labels.normalise(role) for role in roles(record)] == [labels.normalise(role) for role in words]


def test_the_edition_that_was_read_is_preferred(tmp_path: Path, standoff: list[Standoff]) -> None:
    (tmp_path / "a.txt").write_text(" ".join(SENTENCES).upper(), "utf-8")
    (tmp_path / "b.txt").write_text("Klow -- " + " ".join(SENTENCES), "utf-8")
    assert [record.text for record in labels.join(tmp_path, standoff).records] == SENTENCES
    assert labels.join(tmp_path, standoff).records[0].role("accusation", "target") == "the U.S."


def test_column_files_gzip_and_records_are_read(tmp_path: Path, standoff: list[Standoff]) -> None:
    columns = "-DOCSTART- -X- O O\n\n" + "\n".join(f"{w} NN I-NP O" for w in SENTENCES[0].split()) + "\n\n"
    (tmp_path / "eng.train").write_text(columns, "utf-8")
    with gzip.open(tmp_path / "news.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write(json.dumps({"corpus": "klow", "id": "d", "text": SENTENCES[1] + "\n" + SENTENCES[2]}) + "\n{\n[]\n")
    (tmp_path / "half.txt.gz").write_bytes(gzip.compress(SENTENCES[3].encode())[:-9])
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0")
    found = labels.join(tmp_path, standoff)
    assert [record.id for record in found.records] == ["0", "1", "2"]
    assert [missing.record.id for missing in found.missing] == ["3"]
    assert len(found.unread) == 4


def test_what_is_missing_is_told_with_its_reason(tmp_path: Path, standoff: list[Standoff]) -> None:
    (tmp_path / "klow.txt").write_text(SENTENCES[0], "utf-8")
    other = labels.to_standoff(Label("The border is closed to all traffic."), "ungd")
    placed = labels.to_standoff(Label("The pass is open to all traffic.", document="d9"), "klow")
    found = labels.join(tmp_path, [*standoff[:2], other, placed])
    reasons = [missing.reason for missing in found.missing]
    assert reasons[0] == "not found in the 1 texts of klow"
    assert "no file of the corpus ungd" in reasons[1]
    assert "Harvard Dataverse" in reasons[1]
    assert "CC0" in reasons[1]
    assert "document d9 is not among" in reasons[2]


def test_a_named_corpus_is_searched_in_its_own_files_only(tmp_path: Path, standoff: list[Standoff]) -> None:
    folder = tmp_path / "ungd"
    folder.mkdir()
    (folder / "speech.txt").write_text("so " + " ".join(s.rstrip(".") for s in SENTENCES) + " so", "utf-8")
    others = [labels.to_standoff(Label("The harbour was closed at noon."), "ungd")]
    assert len(labels.join(tmp_path, [*standoff, *others]).records) == 0
    assert (
        len(labels.join(tmp_path, standoff).records) == 4
    )  # no corpus of that name is looked for: the file may hold any


def test_join_refuses_what_is_no_folder_or_no_standoff_file(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no such folder"):
        labels.join(tmp_path / "absent", [])
    path = tmp_path / "x.jsonl"
    labels.write(path, [Label("One.")])
    with pytest.raises(LabelError, match=r"x\.jsonl:1: a standoff record holds no text"):
        labels.join(tmp_path, path)


def test_a_record_refuses_another_sentence(standoff: list[Standoff]) -> None:
    with pytest.raises(LabelError, match="another sentence"):
        standoff[0].with_text(SENTENCES[1])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"sha256": "12"}, "sha256 must be 64 hexadecimal digits"),
        ({"print": "XYZXYZ"}, "print must be 6"),
        ({"letters": 0}, "letters must be a count"),
        ({"corpus": None}, "corpus must name"),
        ({"roles": {"accusation": {"speaker": "Zenda"}}}, "must be offsets"),
        ({"roles": {}}, "do not name the same roles"),
        ({"letters": 20}, "ends after the sentence"),
    ],
)
def test_bad_standoff_records_are_refused(standoff: list[Standoff], change: dict[str, object], fault: str) -> None:
    with pytest.raises(LabelError, match=fault):
        Standoff.from_dict({**standoff[0].to_dict(), **change})


def test_sentences_and_roles_without_letters_have_no_hash() -> None:
    with pytest.raises(LabelError, match="without letters or digits"):
        labels.to_standoff(Label("..."), "ungd")
    odd = Label("Go -- now.", ("denial",), {"denial": labels.RoleSpans((3, 5))})
    with pytest.raises(LabelError, match="role without letters"):
        labels.to_standoff(odd, "ungd")


def test_normalisation_is_pinned() -> None:
    assert labels.normalise("  Perú’s “CAFÉ”—№ 5 did n't\nopen…  ") == "peruscafeno5didntopen"
    assert labels.sentence_hash("A b.") == "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"
    assert labels.to_standoff(Label("A b."), "ungd").print == labels.to_standoff(Label("a — B"), "ungd").print


@given(st.text(max_size=80))
def test_normalisation_ignores_form_case_and_blanks(text: str) -> None:
    for other in (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text), f" {text}\n"):
        assert labels.normalise(other) == labels.normalise(text)
    assert labels.normalise(labels.normalise(text)) == labels.normalise(text)


@given(
    st.lists(st.text("abcdé", min_size=1, max_size=5), min_size=3, max_size=40),
    st.data(),
)
def test_any_run_of_words_is_found(words: list[str], data: st.DataObject) -> None:
    from rhetoric.labels.standoff import Runs

    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first + 1, len(words)))
    record = labels.to_standoff(Label(" ".join(words[first:last])), "klow")
    folded = [labels.normalise(word) for word in words]
    starts, prints = Runs(folded).prints(record.letters)
    assert int(record.print, 16) in prints[starts == sum(map(len, folded[:first]))]
