from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetoric import ModelError
from rhetoric.features import FeatureSettings
from rhetoric.model import StanceClassifier, feature_matrix
from rhetoric.replay import FILE, Replay

SETTINGS = FeatureSettings()
WHERE = Path("replay")
SENTENCES = [
    "Ruritania accused Syldavia of mining the strait.",
    "Ruritania denied that it had mined the strait.",
    "Both sides should return to talks on the strait.",
    "The weather was fine at the port.",
]


def replay_of(sentences: list[str]) -> Replay:
    n = len(sentences)
    targets = np.tile([1.0, 0.0, np.nan], (n, 1))
    beside = np.outer(np.linspace(-4, 4, n), [1.0, 0.5, 0.0])
    return Replay(feature_matrix(sentences, SETTINGS), targets, np.linspace(0.5, 1, n), beside)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([*SENTENCES, "", "the strait and the port " * 20 + "closed"]), min_size=1, max_size=8))
def test_what_two_sentences_share_comes_back(sentences: list[str]) -> None:
    replay = replay_of(sentences)
    again = Replay.from_bytes(replay.to_bytes(), WHERE, SETTINGS.buckets, 3)
    shared = np.flatnonzero(np.diff(replay.matrix.tocsc().indptr) > 1)
    assert abs(replay.matrix[:, shared] - again.matrix[:, shared]).sum() < 1e-3
    assert again.matrix.sum() == pytest.approx(replay.matrix[:, shared].sum(), rel=1e-5)
    assert np.array_equal(again.targets, replay.targets, equal_nan=True)
    assert np.allclose(again.weights, replay.weights)
    assert np.allclose(again.beside, replay.beside, rtol=1e-3)


def test_the_same_bytes_and_no_text() -> None:
    data = replay_of(SENTENCES).to_bytes()
    assert data == replay_of(SENTENCES).to_bytes()
    assert b"strait" not in lzma.decompress(data)


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "other model", "other stances"])
def test_damage_is_named(damage: str) -> None:
    data = replay_of(SENTENCES).to_bytes()
    buckets, stances = SETTINGS.buckets, 3
    if damage == "empty":
        data = b""
    elif damage == "cut":
        data = data[:-20]
    elif damage == "flipped":
        data = data[:100] + bytes([data[100] ^ 255]) + data[101:]
    elif damage == "other model":
        buckets = 1 << 12
    else:
        stances = 2
    with pytest.raises(ModelError, match="replay is damaged"):
        Replay.from_bytes(data, WHERE, buckets, stances)


def test_a_saved_model_carries_it(tmp_path: Path) -> None:
    model = StanceClassifier(["accusation"], folds=0).fit(SENTENCES, [1, 0, 0, 0])
    model.save(tmp_path / "model")
    replay = Replay.of_folder(tmp_path / "model", SETTINGS.buckets, 1)
    assert replay is not None
    assert replay.targets.ravel().tolist() == [1, 0, 0, 0]
    (tmp_path / "model" / FILE).unlink()
    assert Replay.of_folder(tmp_path / "model", SETTINGS.buckets, 1) is None


def test_thinning_keeps_every_stance_and_the_weight_of_the_rest() -> None:
    sentences = [f"{s} {i}" for i in range(30) for s in SENTENCES]
    targets = np.tile([[1.0], [0.0], [np.nan], [0.0]], (30, 1))
    n = len(sentences)
    replay = Replay(feature_matrix(sentences, SETTINGS), targets, np.linspace(0.5, 1, n), np.zeros((n, 1)))
    thin = replay.thinned(60)
    assert len(thin) == 60
    bearing = np.nan_to_num(targets[:, 0]) >= 0.5
    assert int((np.nan_to_num(thin.targets[:, 0]) >= 0.5).sum()) == bearing.sum() == 30
    rest = np.nan_to_num(thin.targets[:, 0]) < 0.5
    assert thin.weights[rest].sum() == pytest.approx(replay.weights[~bearing].sum())
    assert np.array_equal(thin.weights, replay.thinned(60).weights)
    assert replay.thinned(500) is replay
    assert len(replay.thinned(10)) == len(replay)  # nothing that bears a stance is left out
