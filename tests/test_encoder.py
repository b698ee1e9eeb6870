"""The encoder model: needs the extra [accurate]; skipped where onnxruntime is missing."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rhetoric
from rhetoric.encoder import EncoderModel
from rhetoric.errors import ModelError
from rhetoric.storage import shipped_models

if "accurate" not in rhetoric.models():
    pytest.skip("no model `accurate` is shipped", allow_module_level=True)
pytest.importorskip("onnxruntime", reason="pip install 'diplomatic-rhetoric[accurate]'")
pytest.importorskip("tokenizers", reason="pip install 'diplomatic-rhetoric[accurate]'")

FOLDER = shipped_models()["accurate"]
SENTENCES = [
    "Moscow rejected Kyiv's claim that it had shelled the port.",
    "It rained in the capital.",
    "We call on both parties to return to the negotiating table without delay.",
    "The ministry accused the rebels of breaking the truce.",
    "",
]


@pytest.fixture(scope="module")
def model() -> EncoderModel:
    loaded = rhetoric.load("accurate")
    assert isinstance(loaded, EncoderModel)
    return loaded


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "model"))


def test_reads_plain_stances(model) -> None:
    found = model.predict(SENTENCES)
    assert found.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]]


def test_a_batch_is_one_by_one(model) -> None:
    together = model.predict_proba(SENTENCES)
    alone = np.vstack([model.predict_proba([s]) for s in SENTENCES])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, model.predict_proba(SENTENCES[::-1])[::-1])


def test_names_of_states_change_nothing(model) -> None:
    pairs = [("China", "the United States"), ("Beijing", "Washington"), ("Chinese", "American")]
    template = "{} said the {} envoy had lied about the drills near {}."
    a = template.format(pairs[1][0], pairs[2][0], pairs[0][0])
    b = template.format(pairs[1][1], pairs[2][1], pairs[0][1])
    np.testing.assert_array_equal(model.predict_proba([a]), model.predict_proba([b]))


def test_long_sentences_are_read_in_windows(model) -> None:
    filler = "the delegates heard a report on rainfall and harvests in the northern valleys, " * 30
    p = model.predict_proba([filler + SENTENCES[2]])[0]
    assert p[2] > model.thresholds_[2]
    assert model.predict_proba([filler])[0].max() < 0.5


def test_explanations_point_at_the_words(model) -> None:
    sentence = SENTENCES[3]
    accusation = model.explain(sentence)[0]
    assert not accusation.exact
    assert all(sentence[s.start : s.end] == s.text for s in accusation.spans)
    assert {s.text for s in accusation.top(3)} & {"accused", "breaking"}


def test_read_has_claims_with_roles(model) -> None:
    reading = model.read(SENTENCES[0])
    assert reading.model == "accurate"
    assert {c.stance for c in reading.claims} == {"accusation", "denial"}


def test_what_the_quick_model_rules_out_is_not_read(model, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = model.screen_
    assert screen is not None
    read: list[str] = []
    whole = model.read_whole
    monkeypatch.setattr(model, "read_whole", lambda sentences: read.extend(sentences) or whole(sentences))
    sentences = [*SENTENCES, "Wheat exports rose by three per cent last year."]
    logits = model._raw_logits(sentences)
    assert isinstance(screen.model, rhetoric.StanceClassifier)
    offered = (screen.model.thorough().predict_proba(sentences) >= screen.floors).any(axis=1)
    assert read == [s for s, one in zip(sentences, offered, strict=True) if one]
    assert not offered[-1]
    assert offered[[0, 2, 3]].all()
    np.testing.assert_array_equal(logits[~offered], np.tile(screen.rest, ((~offered).sum(), 1)))
    np.testing.assert_array_equal(logits[offered], whole(sentences)[offered])


@pytest.mark.parametrize(
    ("screen", "fault"),
    [
        ({"model": "slow"}, "screen.model is 'slow', expected a shipped model"),
        ([], "screen.model is None"),
        ({"model": "fast"}, "screen.stances.accusation.floor is None, expected a number from 0 to 1"),
        ({"model": "fast", "stances": {"accusation": {"floor": 2}}}, "screen.stances.accusation.floor is 2"),
    ],
)
def test_a_damaged_screen_is_named(copy: Path, screen: object, fault: str) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"screen": screen}))
    with pytest.raises(ModelError, match=fault):
        rhetoric.load(copy)


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json"])
def test_damage_is_named(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ModelError, match=rf"{name} is damaged"):
        rhetoric.load(copy)
    (copy / name).unlink()
    with pytest.raises(ModelError, match=name):
        rhetoric.load(copy)


def test_a_graph_that_is_none_is_refused(copy: Path) -> None:
    import hashlib

    config = json.loads((copy / "config.json").read_text())
    (copy / "encoder.onnx").write_bytes(b"no graph at all")
    config["files"]["encoder.onnx"] = hashlib.sha256(b"no graph at all").hexdigest()
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="no ONNX graph"):
        rhetoric.load(copy)


def test_saved_copies_are_the_same_model(model, tmp_path: Path) -> None:
    model.save(tmp_path / "again")
    again = rhetoric.load(tmp_path / "again")
    assert again.hash == model.hash
    np.testing.assert_array_equal(again.predict_proba(SENTENCES), model.predict_proba(SENTENCES))


def test_a_missing_extra_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "import rhetoric\n"
        "try: rhetoric.load('accurate')\n"
        "except rhetoric.MissingExtraError as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'diplomatic-rhetoric[accurate]'" in done.stdout, done.stderr


def test_pieces_and_predictions_of_the_shipped_model_are_pinned(model: EncoderModel) -> None:
    pinned = json.loads((Path(__file__).parent / "reference/accurate.json").read_text(encoding="utf-8"))
    hint = "regenerate with: python experiments/accurate/encoder_reference.py"
    assert pinned["model_hash"] == model.hash, hint
    texts = [row["text"] for row in pinned["sentences"]]
    rows, windows = model.windows(texts)
    for i, row in enumerate(pinned["sentences"]):
        own = [window for at, window in zip(rows, windows, strict=True) if at == i]
        assert hashlib.sha256(json.dumps(own).encode()).hexdigest()[:16] == row["pieces"], (row["text"], hint)
    expected = [row["probabilities"] for row in pinned["sentences"]]
    # int8 products are rounded otherwise on processors without the instructions for them
    assert np.allclose(model.predict_proba(texts), expected, atol=0.02), hint
