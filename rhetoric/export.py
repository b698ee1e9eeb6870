"""A linear model in the forms of other libraries: a scikit-learn Pipeline, an ONNX graph.

The features are hashes of words, which no ONNX operator makes: the graph begins at feature ids, and
:func:`feature_ids` (or its few lines rewritten elsewhere) makes them. What a network adds to the linear logits is one
more feature for each of its stances, made by the model itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import MissingExtraError, ModelError
from rhetoric.features import FeatureSettings, extract
from rhetoric.linear import length_scale
from rhetoric.model import StanceClassifier, StanceModel, chunks, sentences_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = ["feature_ids", "to_onnx", "to_sklearn"]

Floats: TypeAlias = NDArray[np.float64]
_OPSET: Final = 17


def _features(
    X: Iterable[str], settings: dict[str, Any], beside: Callable[[Sequence[str]], Floats] | None = None
) -> Any:
    """(n, buckets) scaled counts, in double precision, as the model's own sums are; behind them (n, n_stances) what
    ``beside`` says of the sentences."""
    from scipy.sparse import csr_matrix, hstack

    known = FeatureSettings.from_dict(settings)
    sentences = sentences_of(X, "transform")
    rows, scale = _rows(sentences, known)
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    ids = np.concatenate([np.zeros(0, dtype=np.int64), *rows])
    counts = csr_matrix((scale[owner], (owner, ids)), shape=(len(rows), known.buckets))
    return counts if beside is None else hstack([counts, csr_matrix(beside(sentences))], format="csr")


def _rows(sentences: Sequence[str], settings: FeatureSettings) -> tuple[list[NDArray[np.int64]], Floats]:
    """The buckets of each sentence's features, and the (n,) factors of their sums."""
    rows: list[NDArray[np.int64]] = []
    scales: list[Floats] = [np.zeros(0)]
    for part in chunks(sentences):
        streams = extract(sentences[part], settings).streams
        for i in range(part.stop - part.start):
            ids = np.concatenate([s.ids[:, s.indptr[i] : s.indptr[i + 1]].ravel() for s in streams])
            rows.append(ids[ids > 0].astype(np.int64))
        scales.append(length_scale(streams))
    return rows, np.concatenate(scales)


def to_sklearn(model: StanceModel) -> Pipeline:
    """A fitted Pipeline of plain scikit-learn parts: sentences in, ``predict_proba`` of shape (n, n_stances) out
    (with a single stance, as in scikit-learn, of shape (n, 2): without it, with it).

    Its probabilities are the model's to 1e-6, calibration folded into the coefficients. ``predict`` decides at 0.5, as
    scikit-learn does: for the model's own decisions compare the probabilities with ``model.thresholds_``. Refitting it
    fits plain logistic regressions on the same features.

    Raises:
        ModelError: the model is not linear.
    """
    linear = _linear(model, "to_sklearn()")
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    names = linear.stance_names
    # the method and not the model: a clone of the pipeline would take the model for a part that is not fitted yet
    beside = {} if linear.network_ is None else {"beside": linear.network_logits}
    own = np.eye(len(names)) if beside else np.zeros((len(names), 0))
    parts = []
    for k in range(len(names)):
        part = LogisticRegression(C=linear.C)
        part.classes_ = np.array([0, 1])
        weights = np.concatenate([linear.weights_[k].astype(np.float64), own[k]])
        part.coef_ = (weights * linear.slope_[k])[None, :]
        part.intercept_ = np.array([linear.bias_[k] * linear.slope_[k] + linear.intercept_[k]])
        part.n_features_in_ = len(weights)
        part.n_iter_ = np.array([0])
        parts.append(part)
    arguments = {"settings": linear.settings_.to_dict(), **beside}
    features = FunctionTransformer(_features, kw_args=arguments, validate=False)
    if len(names) == 1:
        return Pipeline([("features", features), ("stances", parts[0])])
    every = OneVsRestClassifier(LogisticRegression(C=linear.C))
    every.estimators_ = parts
    every.label_binarizer_ = _indicator_binarizer(len(names))
    every.n_features_in_ = parts[0].n_features_in_
    return Pipeline([("features", features), ("stances", every)])


def _indicator_binarizer(n: int) -> Any:
    """What OneVsRestClassifier learns from an indicator matrix of ``n`` columns: that the task is multi-label."""
    from sklearn.preprocessing import LabelBinarizer

    return LabelBinarizer(sparse_output=True).fit(
        np.vstack([np.zeros(max(n, 2), dtype=int), np.ones(max(n, 2), dtype=int)])
    )


def feature_ids(sentences: Sequence[str], settings: FeatureSettings) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """What the ONNX graph takes.

    Returns:
        ids: (n, longest) buckets of each sentence's features, filled up with 0, which weighs nothing.
        scale: (n, 1) what the sums are multiplied by: 1 up to 64 words, then 64 / words.
    """
    rows, scale = _rows(sentences_of(sentences, "feature_ids"), settings)
    padded = np.zeros((len(rows), max((len(row) for row in rows), default=0)), dtype=np.int64)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded, scale.astype(np.float32)[:, None]


def to_onnx(model: StanceModel, path: str | os.PathLike[str]) -> None:
    """Write the linear part as an ONNX graph: ``ids`` (n, m) int64 and ``scale`` (n, 1) float32, which
    :func:`feature_ids` makes, to ``probabilities`` (n, n_stances) float32 and ``stances`` (n, n_stances) bool. Of a
    model with a network the graph takes a third input, ``beside`` (n, n_stances) float32, which
    ``StanceClassifier.network_logits`` makes.

    Names, thresholds and feature settings are in the graph's metadata, as JSON.

    Raises:
        MissingExtraError: onnx is not installed.
        ModelError: the model is not linear, or the file can not be written.
    """
    linear = _linear(model, "to_onnx()")
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise MissingExtraError("export to ONNX", "onnx") from error
    import json

    table = np.ascontiguousarray(linear.weights_.T)  # as they are: their sums are exact in single precision, too
    table[0] = 0  # the bucket that sentences are filled up with
    constants = {
        "table": table,
        "bias": linear.bias_.astype(np.float32),
        "slope": linear.slope_.astype(np.float32),
        "intercept": linear.intercept_.astype(np.float32),
        "thresholds": linear.thresholds_.astype(np.float32),
        "words": np.array([1], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["carried"], axis=0),
        helper.make_node("ReduceSum", ["carried", "words"], ["sums"], keepdims=0),
        helper.make_node("Mul", ["sums", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["raw" if linear.network_ is None else "linear"]),
        helper.make_node("Mul", ["raw", "slope"], ["sloped"]),
        helper.make_node("Add", ["sloped", "intercept"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probabilities"]),
        helper.make_node("GreaterOrEqual", ["probabilities", "thresholds"], ["stances"]),
    ]
    n = len(linear.classes_)
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["sentences", "features"]),
        helper.make_tensor_value_info("scale", TensorProto.FLOAT, ["sentences", 1]),
    ]
    if linear.network_ is not None:
        nodes.insert(4, helper.make_node("Add", ["linear", "beside"], ["raw"]))
        inputs.append(helper.make_tensor_value_info("beside", TensorProto.FLOAT, ["sentences", n]))
    graph = helper.make_graph(
        nodes,
        linear.name or "stances",
        inputs,
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["sentences", n]),
            helper.make_tensor_value_info("stances", TensorProto.BOOL, ["sentences", n]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    meta = {
        "stances": list(linear.stance_names),
        "thresholds": linear.thresholds_.tolist(),
        "features": linear.settings_.to_dict(),
        "model_hash": linear.hash,
    }
    helper.set_model_props(made, {name: json.dumps(value) for name, value in meta.items()})
    checker.check_model(made)
    target = Path(path)
    fresh = target.with_name(f".{target.name}.new")
    try:
        fresh.write_bytes(made.SerializeToString())
        os.replace(fresh, target)
    except OSError as error:
        raise ModelError(f"{target} can not be written: {error.strerror}") from error


def _linear(model: StanceModel, call: str) -> StanceClassifier:
    if not isinstance(model, StanceClassifier):
        raise ModelError(
            f"{call} takes a linear model, got one of kind {model.kind!r}; an encoder is an ONNX graph already, "
            "the file encoder.onnx of its folder"
        )
    return model
