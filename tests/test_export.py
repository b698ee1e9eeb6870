from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rhetoric
from rhetoric.export import feature_ids, to_onnx, to_sklearn
from rhetoric.model import StanceClassifier

SENTENCES = [
    "Ruritania accused Syldavia of mining the strait.",
    "The ministry denied that it had done so.",
    "Both sides should return to the negotiating table.",
    "",
    "the talks " * 80,
    "Die Wahrheit — 真相 — ليس هنا.",
]


@pytest.fixture(scope="module", params=["fast", "linear alone"])
def model(request: pytest.FixtureRequest) -> StanceClassifier:
    model = StanceClassifier.load("fast")
    if request.param == "linear alone":
        model.network_ = None
    return model


def test_pipeline_says_the_same(model: StanceClassifier) -> None:
    from sklearn.base import clone

    pipeline = to_sklearn(model)
    assert np.abs(pipeline.predict_proba(SENTENCES) - model.predict_proba(SENTENCES)).max() < 1e-6
    assert np.array_equal(pipeline.predict(SENTENCES) > 0, model.predict_proba(SENTENCES) >= 0.5)
    truth = np.eye(len(SENTENCES), 3, dtype=int)
    assert clone(pipeline).fit(SENTENCES, truth).predict_proba(SENTENCES).shape == (len(SENTENCES), 3)


def test_pipeline_of_one_stance() -> None:
    model = StanceClassifier(["denial"], folds=0).fit(SENTENCES, [0, 1, 0, 0, 0, 0])
    assert np.abs(model.to_sklearn().predict_proba(SENTENCES)[:, 1:] - model.predict_proba(SENTENCES)).max() < 1e-6


def test_graph_says_the_same(model: StanceClassifier, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    to_onnx(model, tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    ids, scale = feature_ids(SENTENCES, model.settings_)
    inputs = {"ids": ids, "scale": scale}
    if model.network_ is not None:
        inputs["beside"] = model.network_logits(SENTENCES).astype(np.float32)
    probabilities, stances = session.run(None, inputs)
    assert np.abs(probabilities - model.predict_proba(SENTENCES)).max() < 1e-6
    assert np.array_equal(stances, model.predict(SENTENCES) > 0)
    meta = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(meta["stances"])) == model.stance_names
    assert json.loads(meta["model_hash"]) == model.hash


def test_only_linear_models() -> None:
    class Other:
        kind = "encoder"

    with pytest.raises(rhetoric.ModelError, match=r"kind 'encoder'.*encoder\.onnx"):
        to_sklearn(Other())  # type: ignore[arg-type]


def test_a_file_that_can_not_be_written(model: StanceClassifier, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    with pytest.raises(rhetoric.ModelError, match="can not be written"):
        to_onnx(model, tmp_path / "nowhere" / "model.onnx")
