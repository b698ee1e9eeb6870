"""What every user may count on, tested through public names only: runs against the source tree and against the
installed wheel with no source in reach (`.ci/run` copies this folder and `seeds/` elsewhere)."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rhetoric

HERE = Path(__file__).resolve().parent
SEEDS = next(p / "seeds" for p in HERE.parents if (p / "seeds").is_dir())


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rhetoric", *arguments], capture_output=True, text=True, encoding="utf-8", **more
    )


def test_the_stances_are_the_three_and_in_order() -> None:
    assert rhetoric.STANCES == ("accusation", "denial", "call_to_negotiate")
    assert set(rhetoric.DEFINITIONS) == set(rhetoric.STANCES)


def test_a_plain_denial_is_found_with_exact_offsets() -> None:
    text = "The weather was fine. Ruritania denied that it had mined the strait."
    reading = rhetoric.classify(text)
    assert [s.stances for s in reading] == [(), ("denial",)]
    assert all(text[s.start : s.end] == s.text for s in reading)
    assert reading.stances == ("denial",)
    (claim,) = reading.claims
    assert claim.stance == "denial"
    assert claim.probability == reading[1].probabilities["denial"] > 0.5
    assert all(text[e.start : e.end] == e.text for e in claim.evidence)


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda p: p.stem[:3])
def test_every_article_is_covered(path: Path) -> None:
    text = path.read_text("utf-8")
    reading = rhetoric.classify(text)
    assert len(reading) >= 11
    end = 0
    for sentence in reading:
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.start >= end
        end = sentence.end
        assert tuple(sentence.probabilities) == rhetoric.STANCES
        assert all(0 <= p <= 1 for p in sentence.probabilities.values())
    if text.lstrip().startswith("date "):
        assert reading.date == text.split()[1]
        assert reading[0].start > text.index(reading.date)
    else:
        assert reading.date is None


def test_empty_texts_are_empty_readings() -> None:
    for text in ("", " \n\t", "\u00a0"):
        assert len(rhetoric.classify(text)) == 0
        assert rhetoric.classify(text).stances == ()


def test_wrong_types_name_the_right_call() -> None:
    with pytest.raises(TypeError, match="classify"):
        rhetoric.classify(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="predict_proba"):
        rhetoric.classify(["a"])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="classify"):
        rhetoric.predict_proba("a")


def test_predict_proba_is_a_matrix_and_does_not_split() -> None:
    sentences = ["Ruritania denied it. Borduria accused it.", "", "It rained."]
    p = rhetoric.predict_proba(sentences)
    assert p.shape == (3, 3)
    assert np.isfinite(p).all()
    np.testing.assert_array_equal(p[2], rhetoric.predict_proba(["It rained."])[0])
    assert rhetoric.predict_proba([]).shape == (0, 3)


def test_readings_survive_json_and_pickle() -> None:
    reading = rhetoric.classify("Borduria accused Ruritania of arming the rebels.")
    again = rhetoric.Reading.from_dict(json.loads(json.dumps(reading.to_dict())))
    assert again == reading
    assert pickle.loads(pickle.dumps(reading)) == reading


def test_models_are_listed_and_load() -> None:
    assert rhetoric.DEFAULT_MODEL in rhetoric.models()
    model = rhetoric.load("fast")
    assert tuple(model.classes_) == rhetoric.STANCES
    assert len(model.hash) == 64
    with pytest.raises(rhetoric.ModelError, match="no-such-model"):
        rhetoric.load("no-such-model")


def test_explanations_sum_to_the_logit() -> None:
    model = rhetoric.load("fast")
    sentence = "Ruritania rejected the claim as baseless."
    logits = model.decision_function([sentence])[0]
    for explanation, logit in zip(model.explain(sentence), logits, strict=True):
        assert explanation.exact
        assert explanation.bias + sum(s.weight for s in explanation.spans) == pytest.approx(logit, abs=1e-6)
        assert all(sentence[s.start : s.end] == s.text for s in explanation.spans)


def test_training_saves_and_loads(tmp_path: Path) -> None:
    threats = ["Borduria threatened to close the strait.", "The ministry warned that it would strike back."] * 12
    calm = ["The envoys met in Geneva.", "Rain fell on the capital.", "The minister opened a school."] * 12
    labels = [{"text": f"{t} ({i})", "stances": ["threat"]} for i, t in enumerate(threats)]
    labels += [{"text": f"{t} ({i})", "stances": []} for i, t in enumerate(calm)]
    model = rhetoric.train(labels, base=None, stances=["threat"])
    assert list(model.classes_) == ["threat"]
    model.save(tmp_path / "threat")
    again = rhetoric.load(tmp_path / "threat")
    given = [label["text"] for label in labels]
    np.testing.assert_allclose(again.predict_proba(given), model.predict_proba(given), atol=1e-3)
    assert again.predict(["Borduria threatened to close the strait."]).tolist() == [[1]]


def test_score_writes_a_row_for_every_sentence(tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    done = run("score", str(SEEDS), "-o", str(out))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    texts = {path.name: path.read_text("utf-8") for path in SEEDS.glob("*.txt")}
    assert len(rows) == sum(len(rhetoric.classify(text)) for text in texts.values())
    for row in rows:
        name = next(n for n in texts if n in row["document"] or Path(n).stem in row["document"])
        assert texts[name][row["start"] : row["end"]] == row["text"]
        assert set(row["stances"]) <= set(rhetoric.STANCES)
        assert all(0 <= row[stance] <= 1 for stance in rhetoric.STANCES)
    assert {row["date"] for row in rows} >= {"2024-05-05", "2022-12-29", "2023-12-23"}


def test_the_command_line_reads_text_file_and_standard_input() -> None:
    text = "Ruritania denied that it had mined the strait."
    said = run("classify", text)
    assert said.returncode == 0, said.stderr
    assert "denial" in said.stdout
    assert "\x1b" not in said.stdout
    piped = run("classify", "-", "--json", input=text)
    assert json.loads(piped.stdout)["sentences"][0]["stances"] == ["denial"]
    seed = min(SEEDS.glob("*.txt"))
    assert json.loads(run("classify", str(seed), "--json").stdout)["date"] == "2024-05-05"


def test_exit_codes() -> None:
    assert run("--help").returncode == 0
    assert run("classify").returncode == 2
    missing = run("classify", "--model", "no-such-model", "text")
    assert missing.returncode == 1
    assert "no-such-model" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_importing_and_classifying_loads_no_heavy_library() -> None:
    code = (
        "import sys, rhetoric; rhetoric.classify('Ruritania denied it.');"
        "print(sorted({'sklearn', 'scipy', 'pandas', 'joblib', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
