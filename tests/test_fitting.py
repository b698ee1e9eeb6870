from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from rhetoric.fitting import at_prevalence, calibrate, decide, fit_logistic, spread_folds


def problem(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(300, 5))
    y = (random.random(300) < 1 / (1 + np.exp(-(x @ [2.0, -1, 0, 0, 0.5] - 0.3)))).astype(float)
    return x, y


def test_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    x, y = problem()
    weights = np.linspace(0.5, 2, len(y))
    found, bias = fit_logistic(csr_matrix(x), y, weights, strength=0.7)
    theirs = LogisticRegression(C=0.7, tol=1e-8).fit(x, y, weights)
    assert np.allclose(found, theirs.coef_[0], atol=2e-3)
    assert bias == pytest.approx(theirs.intercept_[0], abs=2e-3)


def test_soft_targets_are_the_mixture_of_hard_ones() -> None:
    x, y = problem()
    soft = 0.8 * y + 0.1
    twice, ys = np.vstack([x, x]), np.concatenate([np.ones(len(x)), np.zeros(len(x))])
    weights = np.concatenate([soft, 1 - soft])
    one = fit_logistic(csr_matrix(x), soft, np.ones(len(x)), strength=1.0)
    other = fit_logistic(csr_matrix(twice), ys, weights, strength=1.0)
    assert np.allclose(one[0], other[0], atol=2e-3)


def test_a_strong_prior_wins_and_an_offset_counts() -> None:
    x, y = problem()
    prior = np.array([0.0, 0, 3, 0, 0])
    found, _ = fit_logistic(csr_matrix(x), y, np.ones(len(y)), strength=1e-6, prior=prior)
    assert np.allclose(found, prior, atol=1e-2)
    offset = x @ [2.0, -1, 0, 0, 0.5] - 0.3
    found, bias = fit_logistic(csr_matrix(x), y, np.ones(len(y)), strength=1.0, offset=offset)
    assert np.abs(found).max() < 0.5
    assert abs(bias) < 0.3


def test_calibration_recovers_slope_and_intercept() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(scale=3, size=20_000)
    truth = (random.random(len(logits)) < 1 / (1 + np.exp(-(0.5 * logits - 1)))).astype(float)
    slope, intercept = calibrate(logits, truth, np.ones(len(truth)))
    assert slope == pytest.approx(0.5, abs=0.03)
    assert intercept == pytest.approx(-1, abs=0.06)


@pytest.mark.parametrize("truth", [np.zeros(4), np.ones(4), np.array([0.0, 0, 1, 1])])
def test_calibration_stays_finite(truth: np.ndarray) -> None:
    slope, intercept = calibrate(np.array([-2.0, -1, 1, 2]), truth, np.ones(4))
    assert 0.05 <= slope < 100
    assert np.isfinite(intercept)
    assert calibrate(np.zeros(0), np.zeros(0), np.zeros(0), (0.7, 0.2)) == pytest.approx((0.7, 0.2))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_decisions_are_in_order_and_in_range(rows: list[tuple[float, bool]]) -> None:
    chosen = decide(np.array([p for p, _ in rows]), np.array([t for _, t in rows]))
    assert 0 <= chosen.low <= chosen.threshold <= chosen.high <= 1
    assert 0.2 <= chosen.threshold <= 0.8


def test_the_threshold_separates_what_can_be_separated() -> None:
    p = np.array([0.05] * 50 + [0.3] * 50 + [0.45] * 20)
    truth = np.array([False] * 100 + [True] * 20)
    assert 0.3 < decide(p, truth).threshold <= 0.45


@pytest.mark.parametrize("prevalence", [0.02, 0.3, 0.9])
def test_calibration_at_another_prevalence(prevalence: float) -> None:
    """What a balanced sample teaches, told the true share, is what a sample of that share teaches."""
    random = np.random.default_rng(1)

    def sample(share: float, n: int) -> tuple[np.ndarray, np.ndarray]:
        y = (random.random(n) < share).astype(float)
        return random.normal(size=n) + 2 * y, y

    z, y = sample(0.5, 40_000)
    weights = at_prevalence(y, np.ones(len(y)), prevalence)
    assert weights @ y / weights.sum() == pytest.approx(prevalence)
    assert weights.sum() == pytest.approx(len(y))
    slope, intercept = calibrate(z, y, weights)
    # of two unit normals two apart: slope 2, intercept log odds of the prevalence minus 2
    assert slope == pytest.approx(2, abs=0.1)
    assert intercept == pytest.approx(np.log(prevalence / (1 - prevalence)) - 2, abs=0.15)
    plain = decide(1 / (1 + np.exp(-(slope * z + intercept))), y >= 0.5, weights)
    raw_cut = (np.log(plain.threshold / (1 - plain.threshold)) - intercept) / slope
    z, y = sample(prevalence, 40_000)
    natural = decide(1 / (1 + np.exp(-(slope * z + intercept))), y >= 0.5)
    assert raw_cut == pytest.approx((np.log(natural.threshold / (1 - natural.threshold)) - intercept) / slope, abs=0.25)


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1])
def test_a_prevalence_out_of_range_is_refused(prevalence: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1"):
        at_prevalence(np.array([0.0, 1.0]), np.ones(2), prevalence)


def test_the_expected_threshold_is_that_of_many_labels() -> None:
    random = np.random.default_rng(2)
    p = random.beta(0.3, 2, size=60_000)
    truth = random.random(len(p)) < p
    few = decide(p[:200], truth[:200], expected=True).threshold
    assert few == decide(p[:200], ~truth[:200], expected=True).threshold  # the labels have no part in it
    assert decide(p, truth, expected=True).threshold == pytest.approx(decide(p, truth).threshold, abs=0.05)


@given(st.integers(2, 5), st.integers(0, 1000))
@settings(deadline=None)
def test_folds_keep_groups_whole_and_are_even(folds: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = np.unique(random.integers(0, 60, size=100), return_inverse=True)[1]
    targets = (random.random((100, 2)) < 0.2).astype(float)
    targets[random.random((100, 2)) < 0.1] = np.nan
    fold = spread_folds(groups, targets, folds)
    assert all(len(set(fold[groups == g])) == 1 for g in np.unique(groups))
    assert set(fold) == set(range(folds))
    assert np.bincount(fold).max() <= 2.5 * len(groups) / folds
