"""What scikit-learn does with its estimators, done with sentences.

``check_estimator`` leaves out nearly all its checks for an estimator that takes text, so they are made here.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score, cross_validate
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

import rhetoric
from rhetoric.model import StanceClassifier
from rhetoric.sklearn import StanceFeatures

pd = pytest.importorskip("pandas")

WHO = ["Ruritania", "Freedonia", "Sylvania", "Genovia"]
PATTERNS = [
    ("{a} accused {b} of shelling the port on day {i} .", [1, 0, 0]),
    ("{a} denied the claims that it had moved troops near {b} .", [0, 1, 0]),
    ("{a} urged {b} to return to the negotiating table .", [0, 0, 1]),
    ("{a} rejected the claims of {b} and called for talks at once .", [0, 1, 1]),
    ("Ministers of {a} and {b} opened a bridge over the river {i} .", [0, 0, 0]),
]
ROWS = [(p.format(a=a, b=b, i=i), y) for i, a in enumerate(WHO) for b in WHO if a != b for p, y in PATTERNS]
X = [sentence for sentence, _ in ROWS]
Y = np.array([y for _, y in ROWS])


def small(**params: Any) -> StanceClassifier:
    return StanceClassifier(**{"bits": 12, "folds": 0, "mask_actors": False, "min_count": 1} | params)


def lowered(texts: Any) -> list[str]:
    return [text.lower() for text in texts]


@pytest.fixture(scope="module")
def fitted() -> StanceClassifier:
    return small().fit(X, Y)


# ---------------------------------------------------------------------- the estimator's own protocol


def test_parameters_are_kept_as_given_and_cloned() -> None:
    stances = ["a", "b", "c"]
    model = small(stances=stances, C=0.7)
    assert model.get_params()["stances"] is stances
    twin = clone(model)
    assert twin is not model
    assert twin.get_params() == model.get_params()
    for name, value in model.get_params().items():
        assert getattr(clone(model).set_params(**{name: value}), name) == value
    before = model.get_params()
    model.fit(X, Y)
    assert model.get_params() == before
    assert not hasattr(clone(model), "classes_")


def test_fitting_changes_nothing_that_was_given() -> None:
    sentences, targets, weights = list(X), Y.copy(), np.linspace(0, 1, len(X))
    model = small()
    assert model.fit(sentences, targets, weights) is model
    assert sentences == X
    assert np.array_equal(targets, Y)
    assert np.array_equal(weights, np.linspace(0, 1, len(X)))


def test_fitting_again_forgets(fitted: StanceClassifier) -> None:
    model = small().fit(X, Y[:, ::-1])
    assert not np.allclose(model.predict_proba(X), fitted.predict_proba(X))
    assert np.array_equal(model.fit(X, Y).predict_proba(X), fitted.predict_proba(X))


def containers() -> dict[str, Any]:
    return {
        "list": X,
        "tuple": tuple(X),
        "generator": (sentence for sentence in X),
        "array of objects": np.array(X, dtype=object),
        "array of strings": np.array(X),
        "pandas": pd.Series(X, index=range(len(X), 0, -1)),
        "pandas strings": pd.Series(X, dtype="string"),
        "polars": pytest.importorskip("polars").Series(X),
        "arrow": pytest.importorskip("pyarrow").array(X),
        "chunked arrow": pytest.importorskip("pyarrow").chunked_array([X[:7], X[7:]]),
    }


@pytest.mark.parametrize("name", list(containers()))
def test_sentences_in_any_column(fitted: StanceClassifier, name: str) -> None:
    model = small().fit(containers()[name], pd.DataFrame(Y) if name.startswith("pandas") else Y)
    assert np.array_equal(model.predict_proba(containers()[name]), fitted.predict_proba(X))


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame({"text": X}), np.array([X]).T, np.array("one"), pytest.importorskip("pyarrow").table({"text": X})],
)
def test_tables_are_refused(fitted: StanceClassifier, table: Any) -> None:
    with pytest.raises(TypeError, match=r"predict_proba\(\) takes a sequence of sentences, got .*the column of them"):
        fitted.predict_proba(table)


def test_rows_do_not_depend_on_their_company(fitted: StanceClassifier) -> None:
    order = np.random.default_rng(0).permutation(len(X))
    whole = fitted.predict_proba(X)
    assert np.allclose(fitted.predict_proba([X[i] for i in order]), whole[order], atol=1e-9)
    assert np.allclose(np.vstack([fitted.predict_proba([sentence]) for sentence in X]), whole, atol=1e-9)


def test_the_order_of_training_does_not_matter(fitted: StanceClassifier) -> None:
    order = np.random.default_rng(0).permutation(len(X))
    other = small().fit([X[i] for i in order], Y[order])
    assert np.allclose(other.predict_proba(X), fitted.predict_proba(X), atol=1e-3)


def test_a_weight_of_two_is_the_sentence_twice() -> None:
    twice = small(C=0.01).fit([*X, *X[:10]], np.vstack([Y, Y[:10]]))
    weighted = small(C=0.01).fit(X, Y, sample_weight=np.where(np.arange(len(X)) < 10, 2, 1))
    assert np.allclose(twice.predict_proba(X), weighted.predict_proba(X), atol=1e-3)
    plain = small(C=0.01).fit(X, Y)
    assert np.abs(plain.predict_proba(X) - weighted.predict_proba(X)).max() > 5e-3


def test_score_weighs_too(fitted: StanceClassifier) -> None:
    wrong = Y.copy()
    wrong[:20] = 1 - wrong[:20]
    assert fitted.score(X, wrong) < 1
    assert fitted.score(X, wrong, sample_weight=np.arange(len(X)) >= 20) == 1


@pytest.mark.parametrize("call", ["predict", "predict_proba", "decision_function", "score"])
def test_not_fitted(call: str) -> None:
    pipeline = make_pipeline(FunctionTransformer(lowered), small())
    arguments = (X, Y) if call == "score" else (X,)
    with pytest.raises(NotFittedError, match="not fitted"):
        getattr(small(), call)(*arguments)
    with pytest.raises(NotFittedError):
        getattr(pipeline, call)(*arguments)


# ---------------------------------------------------------------------- inside scikit-learn's own machinery


@pytest.mark.filterwarnings("ignore:When `set_output`")  # the first step gives a list
def test_in_a_pipeline() -> None:
    pipeline = Pipeline([("lower", FunctionTransformer(lowered)), ("stance", small())])
    pipeline.set_output(transform="pandas")  # asks every step that transforms; the last one does not
    pipeline.set_params(stance__C=0.5).fit([sentence.upper() for sentence in X], Y)
    assert pipeline["stance"].C == 0.5
    assert pipeline.score(X, Y) > 0.95
    assert list(pipeline.classes_) == list(rhetoric.STANCES)
    again = pickle.loads(pickle.dumps(pipeline))
    assert np.array_equal(again.predict_proba(X), pipeline.predict_proba(X))
    assert "StanceClassifier(bits=12" in repr(pipeline).replace("\n", "").replace(" ", "")


def test_cross_validation_by_all_kinds_of_scores() -> None:
    scores = ["f1_macro", "roc_auc", "average_precision", "accuracy"]
    found = cross_validate(small(), X, Y, cv=KFold(3), scoring=scores, error_score="raise", return_estimator=True)
    assert all(found[f"test_{name}"].min() > 0.8 for name in scores)
    assert len({id(model) for model in found["estimator"]}) == 3
    assert found["estimator"][0].score(X[:20], Y[:20]) == cross_val_score(small(), X, Y, cv=KFold(3))[0]
    for method in ("predict", "predict_proba", "decision_function"):
        held_out = cross_val_predict(small(), X, Y, cv=KFold(3), method=method)
        assert held_out.shape == Y.shape
        train = [i for i in range(len(X)) if i >= 20]
        own = small().fit([X[i] for i in train], Y[train])
        assert np.array_equal(held_out[:20], getattr(own, method)(X[:20]))


def test_grid_search_finds_what_is_better() -> None:
    pipeline = make_pipeline(FunctionTransformer(lowered), small())
    grid = {"stanceclassifier__C": [1e-6, 0.1], "stanceclassifier__word_order": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_["stanceclassifier__C"] == 0.1
    assert search.cv_results_["mean_test_score"].shape == (4,)
    assert search.predict_proba(X).shape == Y.shape
    assert search.score(X, Y) > 0.95


def test_sample_weights_are_routed_and_count() -> None:
    contradicted, targets = [*X, *X], np.vstack([Y, 1 - Y])
    believed = np.r_[np.ones(len(X)), np.zeros(len(X))]
    with sklearn.config_context(enable_metadata_routing=True):
        asking = small().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(lowered), asking)
        assert pipeline.fit(contradicted, targets, sample_weight=believed).score(X, Y) > 0.95
        search = GridSearchCV(pipeline, {"stanceclassifier__C": [0.1]}, cv=KFold(3, shuffle=True, random_state=0))
        assert search.fit(contradicted, targets, sample_weight=believed).best_score_ > 0.9
        scored = cross_validate(
            pipeline,
            contradicted,
            targets,
            cv=KFold(3, shuffle=True, random_state=0),
            params={"sample_weight": believed},
            error_score="raise",
        )
        assert scored["test_score"].min() > 0.9
        deaf = clone(asking).set_fit_request(sample_weight=False)
        unweighted = cross_validate(deaf, contradicted, targets, params={"sample_weight": believed}, cv=2)
        assert unweighted["test_score"].min() < 0.9
        renamed = small().set_fit_request(sample_weight="trust").set_score_request(sample_weight=False)
        assert cross_val_score(renamed, X, Y, params={"trust": np.ones(len(X))}, cv=2).min() > 0.8
        assert clone(renamed).get_metadata_routing().fit.requests == {"sample_weight": "trust"}


# ---------------------------------------------------------------------- a model as a step before another


class Length(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, X: Any, y: Any = None) -> Length:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> np.ndarray:
        return np.array([[len(text)] for text in X], dtype=float)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.array(["length"], dtype=object)


TEXTS = ["Ruritania denied that it had mined the strait. The harvest was good.", "", "Freedonia accused it of lies."]


def test_features_are_the_highest_of_the_sentences() -> None:
    found = StanceFeatures().fit_transform(TEXTS)
    expected = [
        [max((s.probabilities[name] for s in rhetoric.classify(text)), default=0.0) for name in rhetoric.STANCES]
        for text in TEXTS
    ]
    assert np.allclose(found, expected, atol=1e-6)
    assert StanceFeatures().fit_transform([]).shape == (0, 3)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(container: str) -> None:
    pytest.importorskip(container)
    series = pd.Series(TEXTS, index=["x", "y", "z"])
    union = FeatureUnion([("stance", StanceFeatures()), ("size", Length())]).set_output(transform=container)
    found = union.fit_transform(series)
    names = [f"stance__{name}" for name in rhetoric.STANCES] + ["size__length"]
    assert type(found).__module__.split(".")[0] == container
    assert list(found.columns) == names
    assert np.allclose(np.asarray(found)[:, :3], StanceFeatures().fit_transform(TEXTS))
    if container == "pandas":
        assert list(found.index) == ["x", "y", "z"]
    with sklearn.config_context(transform_output=container):
        assert list(StanceFeatures().fit_transform(series).columns) == list(rhetoric.STANCES)


def test_a_column_of_a_table_into_another_classifier(tmp_path: Path, fitted: StanceClassifier) -> None:
    fitted.save(tmp_path / "mine")
    table = pd.DataFrame({"text": X, "year": np.arange(len(X))})
    columns = ColumnTransformer([("stance", StanceFeatures(), "text")], remainder="passthrough")
    search = GridSearchCV(
        make_pipeline(columns, LogisticRegression(max_iter=1000)),
        {"columntransformer__stance__model": ["fast", str(tmp_path / "mine")]},
        cv=2,
        error_score="raise",
    ).fit(table, Y[:, 1])
    assert search.best_score_ > 0.8
    assert clone(search.best_estimator_).fit(table, Y[:, 1]).score(table, Y[:, 1]) > 0.9


def test_features_that_can_not_be_made(fitted: StanceClassifier) -> None:
    with pytest.raises(NotFittedError):
        StanceFeatures().transform(TEXTS)
    with pytest.raises(NotFittedError):
        StanceFeatures().get_feature_names_out()
    with pytest.raises(TypeError, match="of type StanceClassifier, expected a name or a folder"):
        StanceFeatures(fitted).fit()  # type: ignore[arg-type]
    with pytest.raises(rhetoric.ModelError, match="nowhere"):
        StanceFeatures("nowhere").fit()
    with pytest.raises(TypeError, match="transform"):
        StanceFeatures().fit().transform("one text")
