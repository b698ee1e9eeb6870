"""How good predictions are: precision, recall and F1 of each stance with intervals, calibration, baselines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rhetoric.stances import STANCES

__all__ = [
    "Evaluation",
    "StanceScore",
    "always_none",
    "brier_score",
    "calibration_error",
    "evaluate",
    "keyword_rule",
    "reliability",
]

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class StanceScore:
    """Scores of one stance, each in 0..1; ``f1_interval`` is the 95 % bootstrap interval over sentences.

    ``ece`` and ``brier`` are None where no probabilities were given. ``support`` counts the sentences that have it.
    """

    stance: str
    precision: float
    recall: float
    f1: float
    f1_interval: tuple[float, float]
    support: int
    ece: float | None = None
    brier: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of all stances; ``macro_f1`` is the mean of their F1."""

    scores: tuple[StanceScore, ...]
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    n: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "macro_f1": self.macro_f1,
            "macro_f1_interval": list(self.macro_f1_interval),
            "stances": {
                s.stance: {
                    "precision": s.precision,
                    "recall": s.recall,
                    "f1": s.f1,
                    "f1_interval": list(s.f1_interval),
                    "support": s.support,
                    "ece": s.ece,
                    "brier": s.brier,
                }
                for s in self.scores
            },
        }

    def table(self) -> str:
        """A Markdown table, one row for each stance and one for the mean."""
        lines = [
            "| stance | precision | recall | F1 (95 % interval) | n | ECE | Brier |",
            "|---|---|---|---|---|---|---|",
        ]
        for s in self.scores:
            ece = "" if s.ece is None else f"{s.ece:.3f}"
            brier = "" if s.brier is None else f"{s.brier:.3f}"
            low, high = s.f1_interval
            lines.append(
                f"| {s.stance} | {s.precision:.2f} | {s.recall:.2f} | {s.f1:.2f} ({low:.2f}-{high:.2f}) | {s.support} "
                f"| {ece} | {brier} |"
            )
        low, high = self.macro_f1_interval
        lines.append(f"| macro | | | {self.macro_f1:.3f} ({low:.3f}-{high:.3f}) | {self.n} | | |")
        return "\n".join(lines)


def evaluate(
    truth: ArrayLike,
    predicted: ArrayLike,
    probabilities: ArrayLike | None = None,
    *,
    stances: Sequence[str] = STANCES,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Compare predictions with the truth.

    Args:
        truth, predicted: (n, n_stances) indicator matrices.
        probabilities: (n, n_stances) in 0..1, for ECE and Brier score.
        resamples: bootstrap resamples of sentences for the intervals.

    Raises:
        ValueError: the shapes do not fit each other and ``stances``, or there are no sentences.
    """
    true, found = np.asarray(truth, dtype=bool), np.asarray(predicted, dtype=bool)
    chances = None if probabilities is None else np.asarray(probabilities, dtype=np.float64)
    expected = (len(true), len(stances))
    for name, array in (("truth", true), ("predicted", found), ("probabilities", chances)):
        if array is not None and array.shape != expected:
            raise ValueError(f"{name} has the shape {array.shape}, expected {expected}")
    if not len(true):
        raise ValueError("got no sentences to evaluate on, expected at least one")
    random = np.random.default_rng(seed)
    # how often each sentence is drawn, (resamples, n): counts are sums, so each resample is one product
    drawn = random.multinomial(len(true), np.full(len(true), 1 / len(true)), size=resamples)
    samples = _f1(drawn @ (true & found), drawn @ found, drawn @ true)
    scores = []
    for k, stance in enumerate(stances):
        t, p = true[:, k], found[:, k]
        hits = int((t & p).sum())
        scores.append(
            StanceScore(
                stance,
                hits / max(int(p.sum()), 1),
                hits / max(int(t.sum()), 1),
                float(_f1(np.float64(hits), np.float64(p.sum()), np.float64(t.sum()))),
                _interval(samples[:, k]),
                int(t.sum()),
                None if chances is None else calibration_error(t, chances[:, k]),
                None if chances is None else brier_score(t, chances[:, k]),
            )
        )
    macro = float(np.mean([score.f1 for score in scores]))
    return Evaluation(tuple(scores), macro, _interval(samples.mean(axis=1)), len(true))


def _f1(hits: Any, found: Any, there: Any) -> Any:
    return 2 * hits / np.maximum(found + there, 1)


def _interval(samples: Floats) -> tuple[float, float]:
    low, high = np.quantile(samples, [0.025, 0.975])
    return float(low), float(high)


def reliability(truth: ArrayLike, probabilities: ArrayLike, bins: int = 10) -> list[tuple[float, float, int]]:
    """Mean probability, share of positives and count of each non-empty bin of equal width, for a reliability plot."""
    true, chances = np.asarray(truth, dtype=float), np.asarray(probabilities, dtype=float)
    which = _bin_of(chances, bins)
    rows = []
    for b in range(bins):
        inside = which == b
        if inside.any():
            rows.append((float(chances[inside].mean()), float(true[inside].mean()), int(inside.sum())))
    return rows


def calibration_error(
    truth: ArrayLike, probabilities: ArrayLike, bins: int = 10, *, weights: ArrayLike | None = None
) -> float:
    """Expected calibration error in 0..1: the bins' distance between probability and share, weighted by their size.

    Args:
        weights: (n,) how much each sentence counts; all alike if left out.
    """
    true, chances = np.asarray(truth, dtype=float), np.asarray(probabilities, dtype=float)
    weight = np.ones(len(true)) if weights is None else np.asarray(weights, dtype=float)
    gaps = np.bincount(_bin_of(chances, bins), weight * (true - chances), minlength=bins)
    return float(np.abs(gaps).sum() / (weight.sum() or 1))


def _bin_of(chances: Floats, bins: int) -> NDArray[np.intp]:
    return np.minimum((chances * bins).astype(np.intp), bins - 1)


def brier_score(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of probabilities from outcomes, 0..1, 0 is best."""
    return float(np.mean((np.asarray(probabilities, dtype=float) - np.asarray(truth, dtype=float)) ** 2))


# Every pattern of a stance must be found. Two plain searches instead of one with a gap: linear on any input.
_KEYWORDS: Final = {
    "accusation": (
        r"accus(?:e[ds]?|ing|ations?)|blam(?:e[ds]?|ing)|condemn(?:s|ed|ing|ation)?|denounc(?:e[ds]?|ing)"
        r"|alleg(?:e[ds]?|ing|ations?)|violat(?:e[ds]?|ing|ions?)|aggression",
    ),
    "denial": (
        r"den(?:y|ies|ied|ying|ials?)|refut(?:e[ds]?|ing)|rebut(?:s|ted|ting|tal)?|baseless|unfounded|groundless"
        r"|no evidence|nothing to do with|dismiss(?:es|ed|ing)?",
    ),
    "call_to_negotiate": (
        r"call(?:s|ed|ing)?|urg(?:e[ds]?|ing)|appeal(?:s|ed|ing)?|propos(?:e[ds]?|ing|als?)|offer(?:s|ed|ing)?|ready"
        r"|willing|readiness|must|should",
        r"talks|negotiat(?:e[ds]?|ing|ions?)|dialogue|diplomacy|political settlement|mediat(?:e[ds]?|ing|ion|or)",
    ),
}
_PATTERNS: Final = {
    stance: [re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for words in parts] for stance, parts in _KEYWORDS.items()
}


def keyword_rule(sentences: Iterable[str]) -> Flags:
    """Baseline: regular expressions for each of ``STANCES``. Indicator matrix (n, 3)."""
    rows = [[all(p.search(text) for p in _PATTERNS[stance]) for stance in STANCES] for text in sentences]
    return np.array(rows, dtype=bool).reshape(-1, len(STANCES))


def always_none(sentences: Iterable[str]) -> Flags:
    """Baseline: no stance at all. Indicator matrix (n, 3)."""
    return np.zeros((sum(1 for _ in sentences), len(STANCES)), dtype=bool)
