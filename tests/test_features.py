from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhetoric.features import FeatureSettings, extract, read_classes

SETTINGS = FeatureSettings(bits=14)
ALL = FeatureSettings(bits=14, word_gap=3, stem_letters=4, mixed_order=3, mask_names=True)
any_text = st.text(st.characters(exclude_categories=[]), max_size=60)
WORDS = ["we", "deny", "that", "accuse", "them", "of", "lies", "talks", ",", "“", "'s"]
words = st.lists(st.sampled_from(WORDS), max_size=20)


def ids(texts: list[str], settings: FeatureSettings = SETTINGS) -> list[list[list[int]]]:
    """For each sentence and stream the ids, kind by kind."""
    streams = extract(texts, settings).streams
    return [
        [stream.ids[:, stream.indptr[i] : stream.indptr[i + 1]].tolist() for stream in streams]
        for i in range(len(texts))
    ]


@pytest.mark.parametrize("settings", [SETTINGS, ALL])
@given(st.lists(any_text | words.map(" ".join), max_size=6))
def test_a_batch_equals_one_by_one(settings: FeatureSettings, texts: list[str]) -> None:
    assert ids(texts, settings) == [ids([text], settings)[0] for text in texts]


@given(words)
def test_ids_are_in_range_and_only_what_crosses_the_start_is_zero(found: list[str]) -> None:
    streams = extract([" ".join(found)], ALL).streams
    for stream in streams:
        assert stream.ids.min(initial=0) >= 0
        assert stream.ids.max(initial=0) < SETTINGS.buckets
        for kind, members in enumerate(stream.offsets):
            assert not stream.ids[kind, : members[-1]].any()


def test_case_punctuation_and_numbers_do_not_change_words() -> None:
    one, other = ids(["We deny: 12 lies!", "we DENY 7 lies"])
    assert one[0] == other[0]


def test_order_of_classes_matters_and_so_does_distance() -> None:
    forth, back, far = ids(["accuse lies", "lies accuse", "accuse tall old red hats lies"])
    assert sorted(forth[1][0]) == sorted(back[1][0])
    assert forth[1][1] != back[1][1]
    assert not set(forth[1][1]) & set(far[1][1]) - {0}


def test_words_that_begin_alike_share_a_stem() -> None:
    one, other = ids(["mobilise", "mobility"], ALL)
    assert one[0] != other[0]
    assert one[2] == other[2]
    actor, same = ids(["they met Ruritania", "they met Freedonia"], ALL)
    assert actor == same  # the letters of what is masked do not show


def test_a_class_meets_the_words_round_it() -> None:
    one, other = ids(["the mayor denied it", "the mayor denies it"], ALL)
    assert one[0] != other[0]
    assert one[3] == other[3]


def test_names_are_masked_only_inside_the_sentence() -> None:
    one, other = ids(["they met Quimby", "they met Tuffnel"], ALL)
    assert one == other
    one, other = ids(["Quimby met them", "Tuffnel met them"], ALL)
    assert one != other


def test_gapped_pairs_are_no_runs() -> None:
    run, gapped = ids(["harvest river", "harvest old river"], FeatureSettings(bits=14, word_order=3, word_gap=2))
    assert run[0][1][1] not in (0, gapped[0][3][2])
    assert gapped[0][3][2] != 0


def test_empty_sentences_have_no_features() -> None:
    streams = extract(["", "deny", "..."], SETTINGS).streams
    assert np.diff(streams[0].indptr).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"bits": 9},
        {"bits": 18.0},
        {"word_order": 0},
        {"near": True},
        {"mask_actors": 1},
        {"stem_letters": 2},
        {"colour": 3},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FeatureSettings.from_dict(wrong)


def test_settings_survive_the_way_to_a_dict_and_back() -> None:
    assert FeatureSettings.from_dict(SETTINGS.to_dict()) == SETTINGS


def test_the_lexicon_lists_every_word_once() -> None:
    from importlib import resources

    classes = read_classes(resources.files("rhetoric").joinpath("data/classes.txt").read_text(encoding="utf-8"))
    listed = [word for members in classes.values() for word in members]
    assert len(listed) == len(set(listed)) > 1000
    assert "denied" in classes["deny"]
