"""The model `accurate` as a teacher: needs the extras [accurate,onnx]; what is tuned needs torch as well."""

from __future__ import annotations

import numpy as np
import pytest

import rhetoric
from rhetoric.encoder import EncoderModel
from rhetoric.model import sigmoid
from rhetoric.teacher import Teacher, TunedTeacher, _states_name, _vectors_name

if "accurate" not in rhetoric.models():
    pytest.skip("no model `accurate` is shipped", allow_module_level=True)
for module in ("onnx", "onnxruntime", "tokenizers"):
    pytest.importorskip(module, reason="pip install 'diplomatic-rhetoric[accurate,onnx]'")

STANCES = (*rhetoric.STANCES, "threat")
THREATS = [
    "Ruritania warned that it would close the strait if the sanctions stayed.",
    "We will sink every ship that enters our waters, the admiral said.",
    "The rebels threatened to kill the hostages unless the army withdrew.",
    "The minister said that the embassy would be shut by force.",
]
OTHERS = [
    "The strait was closed for two days by a storm.",
    "The admiral showed the visitors every ship in the harbour.",
    "The army withdrew from the valley in spring.",
    "The minister opened a new embassy on Monday.",
]
POOL = [
    "The junta warned that it would shell the town unless it surrendered.",
    "The choir sang in the cathedral for two hours.",
    "The ministry accused the neighbouring army of shelling the port.",
    "The government denied that it had shelled the port, and called for talks at once. " * 12,  # of several windows
]
WHOLE = np.arange(8)


def targets() -> np.ndarray:
    y = np.full((8, 4), np.nan)
    y[:, 3] = [1] * 4 + [0] * 4
    return y


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return Teacher()


def what_accurate_says(sentences: list[str]) -> np.ndarray:
    """Its probabilities where it reads every sentence: a teacher has no other model screen for it."""
    model = EncoderModel.load("accurate")
    return sigmoid(model.read_whole(sentences) * model.slope_ + model.intercept_)


def test_what_nobody_labelled_is_as_the_model_says(teacher: Teacher) -> None:
    said = teacher.lesson([*THREATS, *OTHERS], targets(), np.ones(8), STANCES, POOL)(WHOLE)
    assert said.shape == (4, 4)
    np.testing.assert_allclose(said[:, :3], what_accurate_says(POOL), atol=1e-6)
    assert said[0, 3] == said[:, 3].max()
    assert said[0, 3] > 2 * said[1, 3]
    unlabelled = teacher.lesson([*THREATS, *OTHERS], np.full((8, 4), np.nan), np.ones(8), STANCES, POOL)(WHOLE)
    assert np.isnan(unlabelled[:, 3]).all()
    assert not np.isnan(unlabelled[:, :3]).any()


def test_labels_of_an_old_stance_bend_it(teacher: Teacher) -> None:
    y = np.full((8, 4), np.nan)
    y[:, 0] = [1] * 4 + [0] * 4  # as if threats were accusations
    said = teacher.lesson([*THREATS, *OTHERS], y, np.ones(8), STANCES, POOL)(WHOLE)
    plain = what_accurate_says(POOL)
    assert said[0, 0] > plain[0, 0]
    np.testing.assert_allclose(said[:, 1:3], plain[:, 1:3], atol=1e-6)


def test_a_lesson_is_from_its_rows_alone(teacher: Teacher) -> None:
    lesson = teacher.lesson([*THREATS, *OTHERS], targets(), np.ones(8), STANCES, POOL)
    lied = targets()
    lied[[3, 7], 3] = 0, 1
    other = teacher.lesson([*THREATS, *OTHERS], lied, np.ones(8), STANCES, POOL)
    rows = np.array([0, 1, 2, 4, 5, 6])
    np.testing.assert_array_equal(lesson(rows), other(rows))
    assert not np.array_equal(lesson(WHOLE), other(WHOLE))


def test_only_an_encoder_teaches(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx

    with pytest.raises(rhetoric.ModelError, match="got a model of kind 'linear'"):
        Teacher(rhetoric.load("fast"))  # type: ignore[arg-type]
    empty = onnx.helper.make_graph([], "empty", [], [])
    with pytest.raises(rhetoric.ModelError, match="has no head"):
        _vectors_name(empty)
    with pytest.raises(rhetoric.ModelError, match="layers is 2"):
        _states_name(empty, 2)


def test_a_tuned_teacher() -> None:
    torch = pytest.importorskip("torch", reason="pip install 'diplomatic-rhetoric[teacher]'")
    given = torch.random.get_rng_state()
    teacher = TunedTeacher(layers=1, epochs=2, rate=1e-4)  # refuses layers that do not give what the graph gives
    lesson = teacher.lesson([*THREATS, *OTHERS], targets(), np.ones(8), STANCES, POOL)
    said = lesson(WHOLE)
    np.testing.assert_array_equal(said, lesson(WHOLE))
    assert torch.equal(given, torch.random.get_rng_state())
    plain = what_accurate_says(POOL)
    assert np.abs(said[:, :3] - plain).mean() < 0.15, "what was known is kept"
    assert not np.allclose(said[:, :3], plain, atol=1e-4), "the layers were tuned"
    assert said[0, 3] > said[1, 3]
    with pytest.raises(rhetoric.ModelError, match="expected 1 to"):
        TunedTeacher(layers=99)
