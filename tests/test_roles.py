"""Roles: who speaks, at whom it is aimed, across sentences; offsets; hostile texts."""

from __future__ import annotations

import json
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rhetoric
from rhetoric.actors import find
from rhetoric.records import Mention
from rhetoric.roles import (
    _F,
    _FEATURES,
    _RECIPE,
    MAX_ITEMS,
    RoleModel,
    Roles,
    candidates,
    choose,
    find_roles,
    items_of,
    quotations,
    role_model,
    run_scores,
    vocabulary_hash,
)
from rhetoric.sentences import split
from rhetoric.stances import STANCES
from rhetoric.tokens import tokenize


def roles(text: str, *stances: str) -> list[tuple[Roles, ...]]:
    """Roles of every sentence of a text, each taken to bear the stances of its place, "" for none."""
    spans = split(text)
    names = [tuple(filter(None, own.split(" "))) for own in stances]
    assert len(names) == len(spans), f"{len(spans)} sentences"
    return find_roles([text], [spans], [names])[0]


def one(text: str, stance: str) -> tuple[str, str]:
    """Words of speaker and target of one sentence."""
    ((pair,),) = find_roles([text], [[(0, len(text))]], [[(stance,)]])[0]
    return tuple("" if mention is None else mention.text for mention in pair)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("text", "stance", "speaker", "target"),
    [
        ("Ruritania accused Graustark of arming the rebels.", "accusation", "Ruritania", "Graustark"),
        ("China accused the United States of arming the rebels.", "accusation", "China", "the United States"),
        ("The United States accused China of arming the rebels.", "accusation", "The United States", "China"),
        ("China was accused by the United States of arming the rebels.", "accusation", "the United States", "China"),
        (
            "The Iranian foreign minister denied the report that Tehran had recalled its envoy.",
            "denial",
            "The Iranian foreign minister",
            "",
        ),
        ('"Graustark must stop the shelling," the Kenyan envoy said.', "accusation", "the Kenyan envoy", "Graustark"),
        ("France and Germany called on Serbia to resume talks.", "call_to_negotiate", "France and Germany", "Serbia"),
        ("There must be dialogue.", "call_to_negotiate", "", ""),
    ],
)
def test_one_sentence(text: str, stance: str, speaker: str, target: str) -> None:
    assert one(text, stance) == (speaker, target)


def test_codes_of_joint_speakers_and_spokespersons() -> None:
    ((speaker, target),) = roles("China and Russia accused the United States of lying.", "accusation")[0]
    assert speaker is not None
    assert (speaker.codes, speaker.resolved) == (("CHN", "RUS"), False)
    assert target is not None
    assert target.code == "USA"
    ((speaker, _),) = roles("Japan's foreign ministry spokesman denied the report.", "denial")[0]
    assert speaker is not None
    assert speaker.code == "JPN"


def test_pronoun_takes_the_last_speaker() -> None:
    text = "Chinese officials met reporters on Monday. They accused the United States of spreading lies."
    (speaker, _) = roles(text, "", "accusation")[1][0]
    assert speaker == Mention("They", text.index("They"), text.index("They") + 4, ("CHN",), True)


def test_surname_and_office_take_the_code_of_the_full_name() -> None:
    text = (
        "Lin Bo, a spokesperson for the Chinese foreign ministry, spoke to reporters. "
        "The spokesperson denied the report. "
        "Lin accused the United States of bad faith."
    )
    found = roles(text, "", "denial", "accusation")
    assert [pair[0].codes for (pair,) in found[1:] if pair[0] is not None] == [("CHN",), ("CHN",)]
    assert [pair[0].resolved for (pair,) in found[1:] if pair[0] is not None] == [True, True]


def test_quotation_over_sentences_takes_its_speaker_from_its_end() -> None:
    text = (
        "“The blockade is a crime against the people of this region and a breach of the treaty. "
        "It has starved whole towns,” said the Egyptian foreign minister."
    )
    first, second = roles(text, "accusation", "accusation")
    for ((speaker, _),) in (first, second):
        assert speaker is not None
        assert speaker.code == "EGY"
    assert first[0][0] is not None
    assert first[0][0].resolved
    assert text[first[0][0].start : first[0][0].end] == first[0][0].text


def test_quotation_takes_its_speaker_from_the_sentence_before() -> None:
    text = (
        "The Egyptian foreign minister spoke to reporters after the meeting. "
        "“We have never broken the treaty. These reports are pure fiction.”"
    )
    spans = split(text)
    found = find_roles([text], [spans], [[()] + [("denial",)] * (len(spans) - 1)])[0]
    speakers = [pair[0] for own in found[1:] for pair in own]
    assert {speaker.codes for speaker in speakers if speaker is not None} == {("EGY",)}


def test_first_person_without_a_speaker_stays_open() -> None:
    (speaker, _) = roles("We condemn the attacks of Ruritania on our ships.", "accusation")[0][0]
    assert speaker is not None
    assert (speaker.text, speaker.codes, speaker.resolved) == ("We", (), False)


def test_who_speaks_does_not_decide() -> None:
    def with_names(a: str, b: str) -> tuple[str, str]:
        return one(f"The government of {a} accused {b} of violating the ceasefire.", "accusation")

    for a, b in (("France", "Kenya"), ("Kenya", "France"), ("the United States", "China")):
        assert with_names(a, b) == (f"The government of {a}", b)


def test_claims_of_classify() -> None:
    reading = rhetoric.classify("China accused the United States of spreading lies about its envoys.")
    (claim,) = [c for c in reading.claims if c.stance == "accusation"]
    assert claim.speaker is not None
    assert claim.target is not None
    assert (claim.speaker.code, claim.target.code) == ("CHN", "USA")


def test_a_stance_it_was_not_taught() -> None:
    assert one("Iran thanked Oman for its hospitality.", "gratitude")[0] == "Iran"


def test_a_batch_equals_one_by_one() -> None:
    texts = [
        "China and Russia accused Japan of lying. They denied the reports.",
        "",
        "“We deny it,” he said. The Kenyan minister called for talks with Somalia.",
    ]
    spans = [split(text) for text in texts]
    stances = [[("accusation", "denial")] * len(own) for own in spans]
    together = find_roles(texts, spans, stances)
    assert together == [find_roles([t], [s], [n])[0] for t, s, n in zip(texts, spans, stances, strict=True)]


FRAGMENTS = st.sampled_from(
    [
        "China",
        " denied ",
        "“",
        "”",
        '"',
        "\n\n",
        ". ",
        ", ",
        "He",
        " said ",
        "the ministry",
        "we ",
        "é",
        "\U0001f600",
        "'s ",
        "?",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(FRAGMENTS, max_size=40).map("".join) | st.text(max_size=200))
def test_any_text_gives_mentions_that_slice_back(text: str) -> None:
    spans = split(text)
    stances = [("accusation", "denial")] * len(spans)
    (found,) = find_roles([text], [spans], [stances])
    assert [len(own) for own in found] == [2] * len(spans)
    for own in found:
        for mention in (mention for pair in own for mention in pair if mention is not None):
            assert mention.text
            assert text[mention.start : mention.end] == mention.text
            assert mention.codes or not mention.resolved or mention.text


@settings(max_examples=60, deadline=None)
@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_quotations_are_in_order_and_inside(text: str) -> None:
    end = 0
    for quotation in quotations(text):
        assert end <= quotation.start <= quotation.end <= len(text)
        assert quotation.first_start < quotation.start
        assert quotation.end <= quotation.last_end <= len(text)
        end = quotation.end


def test_quotations_nested_and_unclosed() -> None:
    text = 'He said: "They spread the "threat theory" again." It went on.'
    (whole,) = quotations(text)
    assert text[whole.start : whole.end] == 'They spread the "threat theory" again.'
    text = "“One.\n\n“Two,” she said.\n\nThree."
    found = quotations(text)
    assert [text[q.start : q.end] for q in found] == ["One.", "Two,"]
    assert {(q.first_start, text[: q.last_end]) for q in found} == {(0, "“One.\n\n“Two,”")}


def test_no_role_begins_at_a_participle_that_opens_its_sentence() -> None:
    texts = [
        "Echoing the charges, Beijing accused it.",
        "ECHOING THE CHARGES, BEIJING ACCUSED IT.",
        '"Citing rebels, France refused."',
        "Beijing, echoing the charges, accused it.",
        "The talks echoing these failed.",
        "Ring the bell.",
    ]
    tokens = tokenize(texts)
    items = items_of(tokens, find(tokens))
    barred = [items.barred[low:high].tolist() for low, high in pairwise(items.indptr.tolist())]
    assert [own.index(True) if any(own) else None for own in barred] == [0, 0, 1, None, None, None]
    assert items.barred.sum() == 3
    shape = role_model().weights.shape
    for seed in range(20):  # whatever the weights
        model = RoleModel.of(STANCES, np.random.default_rng(seed).normal(size=shape), (1.0, 1.0))
        runs = model.runs(items, np.arange(6), np.zeros(6, dtype=np.int64))
        begins = (runs[:, :, 0] + items.indptr[:-1, None])[runs[:, :, 0] >= 0]
        assert len(begins)
        assert not items.barred[begins].any()


def test_long_sentences_and_blank_ones() -> None:
    long = "China denied " + "the very long report " * 5000
    assert one(long, "denial")[0] == "China"
    assert find_roles(["   "], [[(0, 3)]], [[("denial",)]]) == [[((None, None),)]]
    assert find_roles([], [], []) == []


def test_features_are_hashes_of_their_parts() -> None:
    rng = np.random.default_rng(2)
    columns = rng.integers(0, 2**64, size=(len(_RECIPE.columns), 3), dtype=np.uint64)
    hashes = {tuple(row) for row in _RECIPE.hash(columns).tolist()}
    factors = [int(factor) for factor in _F]
    wanted = set()
    for seed, feature in enumerate(_FEATURES.split(","), 1):
        parts = [columns[_RECIPE.columns.index(name)].tolist() for name in feature.split()]
        row = []
        for values in zip(*parts, strict=True):
            total = (sum(value * factor for value, factor in zip(values, factors, strict=False)) + (seed << 40)) % 2**64
            row.append((total ^ (total >> 29)) * factors[3] % 2**64)
        wanted.add(tuple(row))
    assert len(wanted) == _RECIPE.n_features
    assert hashes == wanted


def test_run_scores_equal_their_definition() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(9, 4)).astype(np.float32)
    indptr = np.array([0, 4, 9])
    runs = run_scores(scores, indptr)
    for low, high in ((0, 4), (4, 9)):
        for i in range(low, high):
            for length in range(MAX_ITEMS):
                if i + length < high:
                    wanted = scores[i, 0] + scores[i + length, 1] + scores[i : i + length + 1, 2].sum()
                    assert runs[i, length] == pytest.approx(wanted, abs=1e-5)
                else:
                    assert runs[i, length] == -np.inf


def test_candidates_are_probabilities_and_roles_do_not_overlap() -> None:
    rng = np.random.default_rng(1)
    indptr = np.array([0, 7, 8, 30])
    speaker, target = (candidates(rng.normal(size=(30, 4)).astype(np.float32) * 3, indptr) for _ in range(2))
    assert (speaker.probability.sum(axis=1) + speaker.left_out <= 1 + 1e-5).all()
    assert (speaker.value <= 1 + 1e-5).all()
    chosen = choose(speaker, target)
    both = (chosen[:, :2, 0] >= 0).all(axis=1)
    assert ((chosen[both, 0, 1] < chosen[both, 1, 0]) | (chosen[both, 1, 1] < chosen[both, 0, 0])).all()


def test_weights_fit_the_vocabulary_they_were_made_with() -> None:
    config = json.loads(resources.files("rhetoric").joinpath("data/roles.json").read_text())
    assert config["vocabulary"] == vocabulary_hash(), "role_classes.txt has changed: run experiments/roles/train.py"
    assert role_model().weights.dtype == np.int8


def test_features_do_not_depend_on_the_neighbours_in_the_batch() -> None:
    sentences = ["China denied it.", "", "“No,” said the envoy of France.", "HE ACCUSED THE ARMY."]
    tokens = tokenize(sentences)
    together = items_of(tokens, find(tokens))
    for i, sentence in enumerate(sentences):
        tokens = tokenize([sentence])
        alone = items_of(tokens, find(tokens))
        assert np.array_equal(alone.ids, together.ids[together.indptr[i] : together.indptr[i + 1]])
