"""The pipe says what classify says, at the right places, however the pipeline is run or stored."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rhetoric

spacy = pytest.importorskip("spacy")

from spacy.tokens import Doc, DocBin  # noqa: E402

from rhetoric.spacy import StancePipe  # noqa: E402

TEXT = (
    "date 2024-05-05 PORT ROE (Agency) -- Moscow rejected Kyiv's claim that it had shelled the port. "
    "The harvest was good. Iran accused Israel of lies, and China urged both sides to return to the negotiating table."
)
TEXTS = [TEXT, "", "  \n\n ", "The harvest was good.", "Ruritania denied it.This was in earnest….Moscow denied it too."]


@pytest.fixture(scope="module")
def nlp() -> Any:
    nlp = spacy.blank("en")
    nlp.add_pipe("rhetoric")
    return nlp


def test_the_pipe_is_found_by_its_entry_point() -> None:
    code = (
        "import spacy; nlp = spacy.blank('en'); nlp.add_pipe('rhetoric');"
        "print(nlp('Ruritania denied that it had mined the strait.')._.stances)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "('denial',)"


@pytest.mark.parametrize("text", TEXTS)
def test_a_doc_has_the_reading_that_classify_gives(nlp: Any, text: str) -> None:
    doc = nlp(text)
    reading = rhetoric.classify(text)
    assert doc._.rhetoric == reading
    assert doc._.stances == reading.stances
    claims = [(sentence, claim) for sentence in reading for claim in sentence.claims]
    spans = list(doc.spans["rhetoric"])
    assert [span.label_ for span in spans] == [claim.stance for _, claim in claims]
    for span, (sentence, claim) in zip(spans, claims, strict=True):
        assert sentence.text in span.text
        assert span._.claims == sentence.claims
        for role in ("speaker", "target"):
            mention, found = getattr(claim, role), getattr(span._, role)
            assert (mention is None) == (found is None)
            if mention is not None:
                assert (found.label_, found.kb_id_) == (role, mention.code or "")
                assert mention.text in found.text
    roles = {(m.start, role) for _, c in claims for role in ("speaker", "target") if (m := getattr(c, role))}
    assert len(doc.spans["rhetoric_roles"]) == len(roles)


def test_offsets_are_exact_where_tokens_allow(nlp: Any) -> None:
    doc = nlp(TEXT)
    assert len(doc.spans["rhetoric"]) >= 3
    places = {(span.start_char, span.end_char) for span in doc.spans["rhetoric"]}
    assert places == {(s.start, s.end) for s in rhetoric.classify(TEXT) if s.stances}
    speakers = {(span.start_char, span.text, span.kb_id_) for span in doc.spans["rhetoric_roles"]}
    assert (TEXT.index("Moscow"), "Moscow", "RUS") in speakers
    assert (TEXT.index("Israel"), "Israel", "ISR") in speakers


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_keeps_its_places(text: str) -> None:
    doc = _EVERYTHING(text)
    reading = doc._.rhetoric
    assert reading == _EVERYTHING.get_pipe("rhetoric").reader.read(text)
    spans = list(doc.spans["rhetoric"])
    sentences = [sentence for sentence in reading for _ in sentence.claims]
    assert len(spans) == len(sentences)
    for span, sentence in zip(spans, sentences, strict=True):
        assert span.start_char <= sentence.start < sentence.end <= span.end_char


def _everything() -> Any:
    """A pipeline whose model finds all stances in every sentence."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("rhetoric")
    pipe.reader.thresholds_[:] = 0
    return nlp


_EVERYTHING = _everything()


def test_sentences_of_other_components_have_stances() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("rhetoric")
    doc = nlp("The harvest was good. Ruritania denied that it had mined the strait.")
    assert [sent._.stances for sent in doc.sents] == [(), ("denial",)]
    assert doc[:]._.stances == ("denial",)
    assert doc[0:4]._.claims == ()
    second = list(doc.sents)[1]
    assert second._.speaker.text == "Ruritania"
    assert [claim.stance for claim in second[2:3]._.claims] == ["denial"]


def test_a_doc_that_was_not_read() -> None:
    doc = spacy.blank("en")("Ruritania denied it.")
    assert doc._.rhetoric is None
    assert (doc._.stances, doc[:]._.stances, doc[:]._.claims, doc[:]._.speaker) == ((), (), (), None)


@pytest.mark.parametrize("options", [{}, {"batch_size": 2}, {"n_process": 2, "batch_size": 2}])
def test_batches_are_like_one_by_one(nlp: Any, options: dict[str, int]) -> None:
    docs = list(nlp.pipe(TEXTS * 2, **options))
    for doc, text in zip(docs, TEXTS * 2, strict=True):
        alone = nlp(text)
        assert doc._.rhetoric == alone._.rhetoric
        for key in ("rhetoric", "rhetoric_roles"):
            assert _places(doc, key) == _places(alone, key)


def _places(doc: Any, key: str) -> list[tuple[int, int, str, str]]:
    return [(span.start_char, span.end_char, span.label_, span.kb_id_) for span in doc.spans[key]]


def test_docs_are_stored_with_their_reading(nlp: Any) -> None:
    fresh = nlp(TEXT)
    box = DocBin(store_user_data=True, docs=[fresh])
    (doc,) = DocBin(store_user_data=True).from_bytes(box.to_bytes()).get_docs(nlp.vocab)
    assert doc._.rhetoric == rhetoric.classify(TEXT)
    assert _places(doc, "rhetoric") == _places(fresh, "rhetoric")
    for stored, span in zip(doc.spans["rhetoric"], fresh.spans["rhetoric"], strict=True):
        assert stored._.claims == span._.claims
        assert str(stored._.target) == str(span._.target)
    (bare,) = DocBin(docs=[fresh]).get_docs(nlp.vocab)  # without user data: the spans alone
    assert _places(bare, "rhetoric") == _places(fresh, "rhetoric")
    assert [span._.claims for span in bare.spans["rhetoric"]] == [()] * len(bare.spans["rhetoric"])
    assert Doc(nlp.vocab).from_bytes(fresh.to_bytes())._.stances == fresh._.stances


def test_a_stored_pipeline_carries_its_model(tmp_path: Path) -> None:
    model = rhetoric.load("fast")
    model.thresholds_[:] = 0
    model.name = "mine"
    model.save(tmp_path / "mine")
    nlp = spacy.blank("en")
    nlp.add_pipe("rhetoric", config={"model": str(tmp_path / "mine"), "spans_key": "stances"})
    expected = nlp(TEXT)._.rhetoric
    assert expected.model == "mine"
    assert all(len(sentence.stances) == 3 for sentence in expected)
    nlp.to_disk(tmp_path / "pipeline")
    as_bytes = nlp.to_bytes()
    (tmp_path / "mine").rename(tmp_path / "moved")
    again = spacy.load(tmp_path / "pipeline")
    assert again(TEXT)._.rhetoric == expected
    assert list(again(TEXT).spans) == ["stances", "stances_roles"]
    other = spacy.blank("en")
    other.add_pipe("rhetoric")
    assert other.from_bytes(as_bytes)(TEXT)._.rhetoric == expected


def test_a_model_that_is_not_there() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("rhetoric", config={"model": "nowhere"})
    with pytest.raises(rhetoric.ModelError, match="nowhere"):
        nlp("Ruritania denied it.")


def test_what_the_pipe_says_of_itself(nlp: Any) -> None:
    meta = nlp.get_pipe_meta("rhetoric")
    assert "doc._.stances" in meta.assigns
    assert isinstance(nlp.get_pipe("rhetoric"), StancePipe)
    assert nlp.get_pipe_config("rhetoric") == {"factory": "rhetoric", "model": "fast", "spans_key": "rhetoric"}


def test_without_spacy() -> None:
    code = "import sys; sys.modules['spacy'] = None; import rhetoric.spacy"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "diplomatic-rhetoric[spacy]" in done.stderr
