from __future__ import annotations

import numpy as np
import pytest

from rhetoric.evaluate import (
    always_none,
    brier_score,
    calibration_error,
    evaluate,
    keyword_rule,
    reliability,
)


def test_scores_agree_with_scikit_learn() -> None:
    from sklearn.metrics import f1_score, precision_score, recall_score

    random = np.random.default_rng(1)
    truth, found = random.random((200, 3)) < 0.3, random.random((200, 3)) < 0.4
    result = evaluate(truth, found)
    assert np.allclose([s.f1 for s in result.scores], f1_score(truth, found, average=None))
    assert np.allclose([s.precision for s in result.scores], precision_score(truth, found, average=None))
    assert np.allclose([s.recall for s in result.scores], recall_score(truth, found, average=None))
    assert result.macro_f1 == pytest.approx(f1_score(truth, found, average="macro"))
    assert result == evaluate(truth, found)
    for score in result.scores:
        low, high = score.f1_interval
        assert low < score.f1 < high
        assert high - low < 0.3
    assert "| accusation |" in result.table()
    assert result.to_dict()["stances"]["denial"]["support"] == truth[:, 1].sum()


def test_perfect_and_empty() -> None:
    truth = np.eye(3)
    assert evaluate(truth, truth).macro_f1 == 1
    assert evaluate(truth, np.zeros((3, 3))).macro_f1 == 0
    with pytest.raises(ValueError, match=r"shape \(3, 2\), expected \(3, 3\)"):
        evaluate(truth, truth[:, :2])
    with pytest.raises(ValueError, match="no sentences"):
        evaluate(np.zeros((0, 3)), np.zeros((0, 3)))


def test_calibration_measures() -> None:
    chances = np.repeat([0.1, 0.7], 100)
    truth = np.concatenate([np.arange(100) < 10, np.arange(100) < 70])
    assert calibration_error(truth, chances) == pytest.approx(0)
    assert calibration_error(~truth, chances) == pytest.approx(0.6)
    repeated = calibration_error(np.append(~truth, ~truth[:1]), np.append(chances, chances[:1]))
    assert calibration_error(~truth, chances, weights=[2, *[1] * (len(truth) - 1)]) == pytest.approx(repeated)
    assert repeated != pytest.approx(0.6)
    assert brier_score(truth, truth) == 0
    assert brier_score(~truth, truth) == 1
    assert reliability(truth, chances) == [(pytest.approx(0.1), 0.1, 100), (pytest.approx(0.7), 0.7, 100)]
    assert reliability([1], [1.0]) == [(1.0, 1.0, 1)]


def test_baselines() -> None:
    sentences = [
        "Ruritania accused Freedonia of lying.",
        "Ruritania denied the report.",
        "Ruritania called for talks.",
        "Talks were held.",
        "A denizen met a calligrapher.",
    ]
    assert keyword_rule(sentences).astype(int).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert not always_none(sentences).any()
    assert keyword_rule([]).shape == always_none([]).shape == (0, 3)
