from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from rhetoric.features import FeatureSettings, extract
from rhetoric.linear import LinearSum, length_scale, on_grid

SETTINGS = FeatureSettings(bits=12)
WORDS = ("ministers", "denied", "the", "claims", "and", "urged", "talks", "over", "a", "strait", "not", "Ruritania")


def weights(stances: int, seed: int = 0, largest: float = 1.3) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).normal(0, 0.1, (stances, SETTINGS.buckets)).astype(np.float32)
    drawn[:, 0] = 0
    drawn[0, 1] = -largest
    return on_grid(drawn, SETTINGS)


def sentences(n: int = 400) -> list[str]:
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(WORDS, size)) for size in rng.integers(1, 60, n)]
    # long ones, an empty one, and those that fill a piece to the last item
    return [*texts, "", "denied " * 32, "denied " * 33, "denied " * 5000, " ".join(rng.choice(WORDS, 700))]


@pytest.mark.parametrize("stances", [1, 2, 3, 4, 7])
def test_a_batch_adds_up_to_what_plain_addition_gives(stances: int) -> None:
    own = weights(stances)
    texts = sentences()
    streams = extract(texts, SETTINGS).streams
    found = LinearSum(own, SETTINGS)(streams, len(texts))
    right = np.zeros_like(found)
    for stream in streams:
        for i in range(len(texts)):
            ids = stream.ids[:, stream.indptr[i] : stream.indptr[i + 1]].ravel()
            right[i] += own[:, ids].astype(np.float64).sum(axis=1)
    right *= length_scale(streams)[:, None]
    assert found.tobytes() == right.tobytes()


def test_company_does_not_move_a_bit() -> None:
    total = LinearSum(weights(3), SETTINGS)
    texts = sentences()
    together = total(extract(texts, SETTINGS).streams, len(texts))
    alone = np.vstack([total(extract([text], SETTINGS).streams, 1) for text in texts])
    assert together.tobytes() == alone.tobytes()


def test_the_largest_weight_everywhere_does_not_overflow() -> None:
    for sign in (1, -1):
        most = on_grid(np.full((3, SETTINGS.buckets), sign * 0.7071, dtype=np.float32), SETTINGS)
        most[1] *= -1
        texts = ["the claims of talks " * 40] * 30
        streams = extract(texts, SETTINGS).streams
        found = LinearSum(most, SETTINGS)(streams, len(texts))
        features = sum(stream.ids.size for stream in streams) / len(texts)
        assert found[:, 0] == pytest.approx(features * most[0, 0] * length_scale(streams)[0])
        assert found[:, 1].tolist() == (-found[:, 0]).tolist()


def test_rounding_again_changes_nothing_and_half_precision_holds_it() -> None:
    half = np.random.default_rng(2).normal(0, 0.2, (3, SETTINGS.buckets)).astype(np.float16).astype(np.float32)
    once = on_grid(half, SETTINGS)
    assert np.abs(once - half).max() < np.abs(half).max() / 4000
    assert on_grid(once, SETTINGS).tobytes() == once.tobytes()
    assert once.astype(np.float16).astype(np.float32).tobytes() == once.tobytes()


def test_no_weights_give_nothing() -> None:
    nothing = on_grid(np.zeros((3, SETTINGS.buckets), dtype=np.float32), SETTINGS)
    assert not LinearSum(nothing, SETTINGS)(extract(sentences(), SETTINGS).streams, 405).any()


def test_what_is_soon_made_again_is_not_pickled() -> None:
    total = LinearSum(weights(3), SETTINGS)
    texts = sentences()
    streams = extract(texts, SETTINGS).streams
    before = pickle.dumps(total)
    right = total(streams, len(texts))
    assert pickle.dumps(total) == before
    assert pickle.loads(before)(streams, len(texts)).tobytes() == right.tobytes()


def test_threads_agree() -> None:
    texts = sentences()
    streams = extract(texts, SETTINGS).streams
    right = LinearSum(weights(3), SETTINGS)(streams, len(texts))
    for _ in range(10):
        total = LinearSum(weights(3), SETTINGS)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _, own=total: own(streams, len(texts)), range(4)))
        assert all(one.tobytes() == right.tobytes() for one in found)
