"""What fitting a model takes beside its features: folds, logistic regression with soft targets, calibration,
thresholds. scipy is imported only when something is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Decision", "at_prevalence", "calibrate", "decide", "fit_logistic", "spread_folds"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


_PULL = 1.0  # of calibration towards its prior, in units of the curvature that a sentence or so adds


def spread_folds(groups: Ints, targets: Floats, folds: int, seed: int = 0) -> Ints:
    """Deal whole groups to folds, the rarer stances first, so that each fold holds its share of each.

    Args:
        groups: (n,) group numbers.
        targets: (n, k) in 0..1, NaN where not known.

    Returns:
        (n,) fold numbers, 0..folds-1.
    """
    n_groups = int(groups.max(initial=-1)) + 1
    known = np.nan_to_num(targets)
    amount = np.column_stack([np.bincount(groups, known[:, k], n_groups) for k in range(known.shape[1])])
    amount = np.column_stack([amount, np.bincount(groups, minlength=n_groups)])
    amount = amount / np.maximum(amount.sum(axis=0), 1e-9)
    order = np.random.default_rng(seed).permutation(n_groups)
    order = order[np.argsort(-amount[order].max(axis=1), kind="stable")]
    load = np.zeros((folds, amount.shape[1]))
    fold_of = np.zeros(n_groups, dtype=np.int64)
    for group in order:
        # the fold that has least of what this group brings
        cost = load @ amount[group] + 1e-6 * load[:, -1]
        fold_of[group] = int(np.argmin(cost))
        load[fold_of[group]] += amount[group]
    return fold_of[groups]


def fit_logistic(
    matrix: csr_matrix,
    targets: Floats,
    weights: Floats,
    *,
    strength: float,
    prior: Floats | None = None,
    prior_bias: float = 0.0,
    bias_strength: float = 1e3,
    offset: Floats | None = None,
    start: tuple[Floats, float] | None = None,
    max_iter: int = 200,
) -> tuple[Floats, float]:
    """L2-regularised logistic regression with soft targets, by L-BFGS. Deterministic.

    Minimises ``sum_i weights_i * cross_entropy(targets_i, sigmoid(x_i w + b)) + |w - prior|^2 / (2 * strength)``.

    Args:
        matrix: (n, d); of half the size where it is float32.
        targets: (n,) probabilities in 0..1.
        weights: (n,) at least 0.
        strength: as scikit-learn's ``C``: larger fits the targets closer.
        prior, prior_bias: where weights and bias are drawn to, zero if left out.
        bias_strength: as ``strength``, for the bias; nearly free if left out.
        offset: (n,) added to every logit, fixed.
        start: weights and bias where the search starts; the prior if left out.

    Returns:
        (d,) weights and the bias.
    """
    from scipy.optimize import minimize

    d = matrix.shape[1]
    centre = np.zeros(d) if prior is None else prior
    fixed = np.zeros(matrix.shape[0]) if offset is None else offset
    transposed, precision = matrix.T.tocsr(), matrix.dtype

    def loss(point: Floats) -> tuple[float, Floats]:
        w, b = point[:d], point[d]
        z = matrix @ w.astype(precision) + (b + fixed)
        value = weights @ (np.logaddexp(0, z) - targets * z)
        residual = weights * (1 / (1 + np.exp(-np.clip(z, -500, 500))) - targets)
        away = w - centre
        gradient = np.empty(d + 1)
        gradient[:d] = transposed @ residual.astype(precision) + away / strength
        gradient[d] = residual.sum() + (b - prior_bias) / bias_strength
        penalty = away @ away / (2 * strength) + (b - prior_bias) ** 2 / (2 * bias_strength)
        return float(value + penalty), gradient

    weights_at, bias_at = (centre, prior_bias) if start is None else start
    options = {"maxiter": max_iter, "ftol": 1e-6, "gtol": 1e-4}
    found: Any = minimize(loss, np.append(weights_at, bias_at), jac=True, method="L-BFGS-B", options=options)
    return found.x[:d], float(found.x[d])


def calibrate(
    logits: Floats, targets: Floats, weights: Floats, prior: tuple[float, ...] = (1.0, 0.0)
) -> tuple[float, float]:
    """Platt scaling: slope and intercept that make ``sigmoid(slope * logit + intercept)`` a probability.

    Two-parameter logistic regression by Newton's method, drawn to the slope and intercept of ``prior`` as strongly as
    a few sentences would; that keeps it finite where the targets are few or perfectly separated. The slope is at
    least 0.05.
    """
    centre = np.array(prior)
    point = centre.copy()
    design = np.column_stack([logits, np.ones(len(logits))])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ point, -500, 500)))
        gradient = design.T @ (weights * (p - targets)) + _PULL * (point - centre)
        hessian = (design * (weights * p * (1 - p))[:, None]).T @ design + _PULL * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))  # far from the optimum Newton overshoots
        point = point - step
        if np.abs(step).max() < 1e-9:
            break
    return max(float(point[0]), 0.05), float(point[1])


def at_prevalence(targets: Floats, weights: Floats, prevalence: float) -> Floats:
    """Weights under which the share ``prevalence`` of the sentences bears the stance.

    Labels that active learning chose hold far more of a stance than the texts they came from. Reweighted so, they
    calibrate for texts in which the stance is as rare as it is (prior shift: Saerens, Latinne and Decaestecker 2002).
    The sum of the weights stays as it was.

    Args:
        targets: (n,) in 0..1.
        weights: (n,) at least 0.
        prevalence: above 0 and below 1.

    Raises:
        ValueError: ``prevalence`` is out of range.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence is {prevalence!r}, expected a share above 0 and below 1")
    total = float(weights.sum())
    bearing = float(weights @ targets)
    if not 0 < bearing < total:
        return weights
    factors = targets * (prevalence * total / bearing) + (1 - targets) * ((1 - prevalence) * total / (total - bearing))
    return weights * factors


@dataclass(frozen=True, slots=True)
class Decision:
    """When a probability is a stance, and when the model is unsure."""

    threshold: float
    low: float
    high: float


def decide(
    probabilities: Floats,
    truth: NDArray[np.bool_],
    weights: Floats | None = None,
    *,
    most_unsure: float = 0.1,
    expected: bool = False,
) -> Decision:
    """Choose threshold and band of doubt for one stance from held-out probabilities.

    The threshold is the middle of the widest reach of thresholds whose F1 is within 0.005 of the best, kept in
    0.2..0.8. The band is the narrowest one round it, symmetric in log odds, that holds half of the errors, but not
    more than ``most_unsure`` of the sentences. With no positive or no negative example the threshold is 0.5.
    ``weights``, (n,), say how much a sentence counts; all alike if left out. With ``expected`` the threshold is the
    best in expectation if the probabilities are right, whatever the labels: steadier where the labels are few.
    """
    if truth.all() or not truth.any():
        return Decision(0.5, 0.4, 0.6)
    weight = np.ones(len(truth)) if weights is None else weights
    grid = np.linspace(0.2, 0.8, 121)
    over = probabilities[:, None] >= grid
    bearing = weight * (probabilities if expected else truth)
    f1 = 2 * (bearing @ over) / (weight @ over + bearing.sum())
    good = f1 >= f1.max() - 0.005
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int)))
    low, high = edges[::2], edges[1::2] - 1
    widest = int(np.argmax(high - low))
    threshold = float(grid[(low[widest] + high[widest]) // 2])

    def log_odds(p: Any) -> Any:
        p = np.clip(p, 1e-9, 1 - 1e-9)
        return np.log(p / (1 - p))

    def quantile(values: Floats, weight: Floats, share: float) -> float:
        order = np.argsort(values, kind="stable")
        below = np.cumsum(weight[order])
        return float(values[order][np.searchsorted(below, share * below[-1])])

    distance = np.abs(log_odds(probabilities) - log_odds(threshold))
    wrong = ((probabilities >= threshold) != truth) & (weight > 0)
    reach = quantile(distance[wrong], weight[wrong], 0.5) if wrong.any() else 0.1
    reach = min(reach, quantile(distance, weight, most_unsure))
    middle = float(log_odds(threshold))
    return Decision(
        round(threshold, 4),
        round(float(1 / (1 + np.exp(reach - middle))), 4),
        round(float(1 / (1 + np.exp(-reach - middle))), 4),
    )
