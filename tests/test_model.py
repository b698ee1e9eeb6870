from __future__ import annotations

import hashlib
import json
import pickle
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rhetoric
from rhetoric.features import extract
from rhetoric.model import StanceClassifier, Taught, chunks

any_text = st.text(st.characters(exclude_categories=[]), max_size=80)
WHO = ["Ruritania", "Freedonia", "Sylvania", "Zubrowka", "Genovia", "Latveria"]


def examples() -> tuple[list[str], np.ndarray]:
    sentences, rows = [], []
    for i, a in enumerate(WHO):
        for b in WHO:
            if a != b:
                sentences += [
                    f"{a} accused {b} of shelling the port on day {i} .",
                    f"{a} denied the claims that it had moved troops near {b} .",
                    f"{a} urged {b} to return to the negotiating table .",
                    f"{a} rejected the claims of {b} and called for talks at once .",
                    f"Ministers of {a} and {b} opened a bridge over the river {i} .",
                    f"The harvest in {a} was larger than the harvest in {b} this year .",
                ]
                rows += [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [0, 0, 0], [0, 0, 0]]
    return sentences, np.array(rows)


X, Y = examples()


def small(**params: object) -> StanceClassifier:
    return StanceClassifier(**{"bits": 14, "folds": 3, "mask_actors": False} | params)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted() -> StanceClassifier:
    return small().fit(X, Y)


@pytest.fixture(scope="module")
def fast() -> rhetoric.StanceClassifier:
    return StanceClassifier.load("fast")


def test_it_learns(fitted: StanceClassifier) -> None:
    assert fitted.score(X, Y) > 0.95
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == Y.shape
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert np.array_equal(fitted.predict(X), (probabilities >= fitted.thresholds_).astype(int))
    assert list(fitted.classes_) == list(rhetoric.STANCES)


def test_the_same_input_gives_the_same_bytes(fitted: StanceClassifier, tmp_path: Path) -> None:
    small().fit(X, Y).save(tmp_path / "m")
    fitted.save(tmp_path / "again" / "m")
    for name in ("config.json", "weights.safetensors"):
        assert (tmp_path / "m" / name).read_bytes() == (tmp_path / "again" / "m" / name).read_bytes()


@given(st.lists(any_text, max_size=5))
@settings(deadline=None)
def test_saved_and_loaded_predicts_the_same(texts: list[str]) -> None:
    fast = rhetoric.load("fast")
    batch = fast.decision_function(texts)
    assert np.allclose(batch, [fast.decision_function([t])[0] for t in texts] if texts else batch, atol=1e-4)
    assert np.isfinite(batch).all()


def test_save_then_load(fitted: StanceClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "mine")
    loaded = rhetoric.load(tmp_path / "mine")
    assert np.array_equal(loaded.decision_function(X), fitted.decision_function(X))
    assert loaded.name == "mine"
    assert loaded.hash == fitted.hash != small(C=1.0).fit(X, Y).hash
    assert isinstance(loaded, StanceClassifier)
    assert loaded.get_params() | {"stances": None} == fitted.get_params()
    fitted.save(tmp_path / "mine")  # an existing model folder is replaced
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine"]


def test_chunks_change_nothing(fitted: StanceClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fitted.decision_function(X)
    monkeypatch.setattr("rhetoric.model._CHUNK_CHARACTERS", 300)
    monkeypatch.setattr("rhetoric.model._CHUNK_SENTENCES", 4)
    assert len(list(chunks(X))) > len(X) / 8
    assert np.allclose(fitted.decision_function(X), whole, atol=1e-5)
    covered = [i for part in chunks(["a" * 1000, "", "b"]) for i in range(part.start, part.stop)]
    assert covered == [0, 1, 2]


@given(any_text)
@settings(deadline=None)
def test_explanations_add_up_and_slice_back(text: str) -> None:
    fast = rhetoric.load("fast")
    logits = fast.decision_function([text])[0]
    for k, explanation in enumerate(fast.explain(text)):
        assert explanation.logit == pytest.approx(logits[k], abs=1e-4)
        assert explanation.bias + sum(s.weight for s in explanation.spans) == pytest.approx(explanation.logit, abs=1e-6)
        for span in explanation.spans:
            assert text[span.start : span.end] == span.text


def test_explanations_name_the_words(fast: StanceClassifier) -> None:
    denial = fast.explain("Ruritania denied that it had mined the strait.")[1]
    assert denial.stance == "denial"
    assert denial.top(1)[0].text == "denied"


def test_classify() -> None:
    text = "Ruritania denied that it had mined the strait. It urged both sides to return to the negotiating table."
    reading = rhetoric.classify(text)
    assert [s.stances for s in reading] == [("denial",), ("call_to_negotiate",)]
    assert reading.model == "fast"
    assert reading.text == text
    for sentence in reading:
        assert text[sentence.start : sentence.end] == sentence.text
        assert tuple(claim.stance for claim in sentence.claims) == sentence.stances
        for claim in sentence.claims:
            assert claim.evidence
            for span in claim.evidence:
                assert sentence.start <= span.start < span.end <= sentence.end
                assert text[span.start : span.end] == span.text
    assert rhetoric.Reading.from_dict(reading.to_dict()) == reading


def test_empty_input() -> None:
    assert len(rhetoric.classify("")) == 0
    assert rhetoric.predict_proba([]).shape == (0, 3)


def test_a_name_of_several_words_is_one_span(fast: StanceClassifier) -> None:
    sentence = "A spokesman for the United Arab Emirates accused the United States of lying."
    spans = fast.explain(sentence)[0].spans
    assert {"the United Arab Emirates", "the United States"} <= {span.text for span in spans}
    assert all(before.end <= after.start for before, after in pairwise(spans))


def test_read_many_equals_read(fast: StanceClassifier) -> None:
    texts = ["Ruritania denied it. Talks began.", "", "date 2024-05-05 Freedonia accused it of lies."]
    assert fast.read_many(texts) == [fast.read(text) for text in texts]
    assert fast.read(texts[2]).date == "2024-05-05"


@pytest.mark.parametrize(
    ("call", "given", "hint"),
    [
        (rhetoric.classify, None, "empty string"),
        (rhetoric.classify, ["a"], "predict_proba"),
        (rhetoric.classify, b"a", "decode"),
        (rhetoric.predict_proba, "a", r"predict_proba\(\[sentence\]\)"),
        (rhetoric.predict_proba, [1], "item 0 is of type int"),
        (rhetoric.predict_proba, None, "NoneType"),
        (small().fit, ("a", Y), r"fit\(\[sentence\]\)"),
    ],
)
def test_wrong_types_name_the_right_call(call: object, given: object, hint: str) -> None:
    arguments = given if isinstance(given, tuple) else (given,)
    with pytest.raises(TypeError, match=hint):
        call(*arguments)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("params", "y", "message"),
    [
        ({}, Y[:5], r"shape \(5, 3\)"),
        ({}, Y[:, :2], "a column for each"),
        ({}, Y * 2, "outside 0..1"),
        ({"stances": ("a", "a", "b")}, Y, "different names"),
        ({"C": 0}, Y, "C is 0"),
        ({"balance": 2}, Y, "balance"),
        ({"folds": 1}, Y, "folds"),
        ({"bits": 3}, Y, "bits"),
    ],
)
def test_bad_fits_are_refused(params: dict[str, object], y: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**params).fit(X, y)


def test_own_stances_soft_targets_and_unknown_ones() -> None:
    soft = np.where(Y[:, :2] > 0, 0.9, 0.05)
    soft[::7, 0] = np.nan
    model = small(stances=("threat", "pledge")).fit(X, soft)
    assert list(model.classes_) == ["threat", "pledge"]
    assert (model.predict(X)[:, 1] == Y[:, 1]).mean() > 0.95
    one = small(stances=["threat"]).fit(X, Y[:, 0])
    assert one.predict_proba(X).shape == (len(X), 1)


def test_sample_weights_count() -> None:
    sentences = [*X, *X]
    Y2 = np.vstack([Y, np.zeros_like(Y)])
    heavy = np.concatenate([np.ones(len(X)), np.zeros(len(X))])
    assert np.array_equal(small(folds=0).fit(sentences, Y2, heavy).predict(X), small(folds=0).fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="sample_weight"):
        small().fit(X, Y, [1.0])


def test_a_teacher_teaches_what_no_label_says() -> None:
    pool = [f"The {who} lambasted {other} ." for who in WHO for other in WHO]
    taught = Taught(pool, np.tile([0.95, 0.02, np.nan], (len(pool), 1)), 1.0)
    alone, with_teacher = small().fit(X, Y), small().fit(X, Y, taught=taught)
    sentence = ["The mayor lambasted the council ."]
    assert with_teacher.predict_proba(sentence)[0, 0] > max(0.5, 2 * alone.predict_proba(sentence)[0, 0])
    assert with_teacher.score(X, Y) > 0.95
    assert with_teacher.held_out_.shape == Y.shape
    with pytest.raises(ValueError, match=r"shape \(1, 3\)"):
        small().fit(X, Y, taught=Taught(pool, [[0, 0, 0]]))


def test_groups_of_ones_own() -> None:
    groups = np.arange(len(X)) % 3 * 10
    fitted = small(folds=3).fit(X, Y, groups=groups)
    assert np.isfinite(fitted.held_out_).all()
    one_group = small(folds=3).fit(X, Y, groups=np.zeros(len(X)))
    assert np.isnan(one_group.held_out_).all()  # nothing could be held out
    with pytest.raises(ValueError, match="groups"):
        small().fit(X, Y, groups=[1, 2])


def test_features_and_predictions_of_the_shipped_model_are_pinned(fast: StanceClassifier) -> None:
    path = Path(__file__).parent / "reference/fast.json"
    pinned = json.loads(path.read_text(encoding="utf-8"))
    hint = "regenerate with: python experiments/fast/reference.py"
    assert pinned["model_hash"] == fast.hash, hint
    texts = [row["text"] for row in pinned["sentences"]]
    streams = extract(texts, fast.settings_).streams
    for i, row in enumerate(pinned["sentences"]):
        own = [stream.ids[:, stream.indptr[i] : stream.indptr[i + 1]].tolist() for stream in streams]
        assert hashlib.sha256(json.dumps(own).encode()).hexdigest()[:16] == row["features"], (row["text"], hint)
    expected = [row["probabilities"] for row in pinned["sentences"]]
    assert np.allclose(fast.predict_proba(texts), expected, atol=2e-4), hint


@pytest.mark.filterwarnings("error")
def test_one_sentence_or_one_sided_labels_are_enough() -> None:
    for labels in ([[1, 0, 0]], [[0, 0, 0]]):
        model = small().fit(["Ruritania accused Freedonia."], labels)
        assert model.predict_proba(["Ruritania accused Freedonia."]).shape == (1, 3)
    with pytest.raises(ValueError, match="no sentences"):
        small().fit([], np.zeros((0, 3)))


def test_scikit_learn_takes_it_for_its_own() -> None:
    from sklearn.base import clone, is_classifier
    from sklearn.exceptions import NotFittedError
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.utils.validation import check_is_fitted

    model = small(C=0.3)
    assert is_classifier(model)
    assert clone(model).get_params() == model.get_params()
    assert "C=0.3" in repr(model)
    for call in (model.predict, model.predict_proba, model.decision_function, model.explain_all, model.read_many):
        with pytest.raises(NotFittedError, match="not fitted"):
            call(X)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    with pytest.raises(ValueError, match="unknown parameter 'D'"):
        model.set_params(D=1)
    search = GridSearchCV(small(folds=0), {"C": [1e-6, 0.1]}, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_ == {"C": 0.1}
    assert search.best_estimator_.score(X, Y) > 0.9
    lower = FunctionTransformer(lambda texts: [t.lower() for t in texts])
    assert cross_val_score(make_pipeline(lower, small(folds=0)), X, Y, cv=2, error_score="raise").min() > 0.8
    assert cross_val_score(small(folds=0), np.array(X, dtype=object), Y, cv=2, scoring="f1_macro").min() > 0.8


def test_metadata_routing_of_sample_weight() -> None:
    import sklearn
    from sklearn.model_selection import GridSearchCV

    with sklearn.config_context(enable_metadata_routing=True):
        model = small(folds=0).set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        weights = np.ones(len(X))
        search = GridSearchCV(model, {"C": [0.1]}, cv=2, error_score="raise")
        assert search.fit(X, Y, sample_weight=weights).best_score_ > 0.8
        unasked = GridSearchCV(small(folds=0), {"C": [0.1]}, cv=2, error_score="raise")
        with pytest.raises(ValueError, match="sample_weight"):
            unasked.fit(X, Y, sample_weight=weights)


def test_threads_agree(fast: StanceClassifier) -> None:
    texts = X * 5
    alone = fast.predict_proba(texts)
    results: dict[int, np.ndarray] = {}

    def work(i: int) -> None:
        results[i] = fast.predict_proba(texts)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(np.array_equal(alone, other) for other in results.values())


def test_a_model_travels_to_worker_processes(fast: StanceClassifier) -> None:
    again = pickle.loads(pickle.dumps(fast))
    assert np.array_equal(again.predict_proba(X), fast.predict_proba(X))


def test_long_input_is_not_certain_of_everything(fast: StanceClassifier) -> None:
    probabilities = fast.predict_proba(["the harvest was good and the river was calm " * 600, "x" * 1_000_000])
    assert np.isfinite(probabilities).all()
    assert (probabilities[1] < 0.5).all()


def test_models_and_unknown_models() -> None:
    assert "fast" in rhetoric.models()
    with pytest.raises(rhetoric.ModelError, match=r"nowhere does not exist.*fast"):
        rhetoric.load("nowhere")


def test_import_stays_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys, rhetoric; rhetoric.classify('Ruritania denied it.');"
        "print([m for m in ('sklearn', 'scipy', 'joblib', 'safetensors', 'pandas', 'click') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
