from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

import rhetoric
from rhetoric.cli import main
from rhetoric.labels import Label, write_format
from rhetoric.training import Comparison, compare, retrain

OWN = [
    {"text": f"Ruritania threatened {who} with a trade ban over {what}.", "stances": ["threat"]}
    for who in ("Freedonia", "Sylvania", "Genovia", "Latveria")
    for what in ("fish", "steel", "gas", "grain", "timber", "wool")
] + [
    {"text": f"Ruritania sold {what} to {who} at the spring fair.", "stances": []}
    for who in ("Freedonia", "Sylvania", "Genovia", "Latveria")
    for what in ("fish", "steel", "gas", "grain", "timber", "wool")
]


def test_own_stances_from_own_labels_alone() -> None:
    model = rhetoric.train(OWN, base=None)
    assert list(model.classes_) == ["threat"]
    assert model.predict(
        ["Zubrowka threatened them with a ban .", "They sold wool at the fair ."]
    ).ravel().tolist() == [1, 0]


def test_files_records_and_labels_are_alike(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in OWN))
    one = rhetoric.train(str(path), base=None)
    other = rhetoric.train([Label.from_dict(record, None) for record in OWN], base=None)
    assert one.hash == other.hash == rhetoric.train([path], base=None).hash


def test_on_top_of_the_shipped_model() -> None:
    shipped = rhetoric.load("fast")
    held = [
        "Ruritania denied it had done so.",
        "Both sides should return to talks.",
        "The weather was fine in Port Roe.",
    ]
    new = [{"text": f"The envoy of {w} pooh-poohed the story.", "stances": ["denial"]} for w in ("Elbonia", "Sylvania")]
    model = rhetoric.train(new)
    assert np.abs(model.predict_proba(held) - shipped.predict_proba(held)).max() < 0.1
    sentence = ["The minister pooh-poohed the story."]
    assert model.predict_proba(sentence)[0, 1] > shipped.predict_proba(sentence)[0, 1]
    assert np.array_equal(model.thresholds_, shipped.thresholds_)
    assert model.stance_names == rhetoric.STANCES


def test_a_new_stance_beside_the_shipped_ones() -> None:
    model = rhetoric.train(OWN, stances=(*rhetoric.STANCES, "threat"))
    probabilities = model.predict_proba(["Ruritania threatened Zubrowka with a trade ban over wool."])
    assert probabilities.shape == (1, 4)
    assert probabilities[0, 3] > 0.5


DENIALS = [
    {"text": f"The envoy of {who} pooh-poohed the {what}.", "stances": ["denial"]}
    for who in ("Elbonia", "Sylvania", "Genovia")
    for what in ("story", "tale", "report", "rumour")
] + [
    {"text": f"The envoy of {who} read the {what} aloud.", "stances": []}
    for who in ("Elbonia", "Sylvania", "Genovia")
    for what in ("story", "tale", "report", "rumour")
]


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([], {}, "no labels"),
        (OWN, {}, "record 0: unknown stance 'threat'"),
        ([{"text": "", "stances": []}], {}, "record 0: text must be a sentence"),
        ([{"text": "They met.", "stances": []}], {"base": None}, "none of the 1 sentences bears a stance"),
        (OWN[:3], {"stances": ["threat"]}, "record:2: up to here all 3 sentences .* bear 'threat'"),
        (OWN[-3:], {"stances": ["threat"]}, "record:2: up to here no sentence bears 'threat'"),
        (OWN, {"stances": "threat"}, "is the str 'threat', expected a list"),
        (
            [*OWN, OWN[0] | {"stances": [], "annotator": "other"}],
            {"base": None},
            r"record:48: the same sentence as record:0 with other stances \(threat and none\)",
        ),
        ([OWN[0] | {"start": 3, "end": 5}], {"base": None}, "record 0: start 3 and end 5 do not match the text"),
        ([OWN[0] | {"suggested_by": "fast"}], {"base": None}, "record 0: a suggestion that nobody confirmed"),
        (
            [OWN[0] | {"roles": {"threat": {"speaker": [4, 900], "target": ""}}}],
            {"base": None},
            "record 0: offsets .* do not cut words",
        ),
    ],
)
def test_bad_labels(labels: list[dict[str, object]], options: dict[str, object], message: str) -> None:
    with pytest.raises(rhetoric.LabelError, match=message):
        rhetoric.train(labels, **options)  # type: ignore[arg-type]


def test_bad_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    lines = [json.dumps(record) for record in OWN]
    for line, fault in (
        ("{", "not JSON"),
        ('{"sha256": "x", "stances": []}', "standoff record"),
        (lines[0][:-1], "JSON"),
    ):
        path.write_text("\n".join([*lines[:4], line, *lines[4:]]))
        with pytest.raises(rhetoric.LabelError, match=rf"own\.jsonl:5: .*{fault}"):
            rhetoric.train(path, base=None)
    path.write_text("\n")
    with pytest.raises(rhetoric.LabelError, match=r"own\.jsonl:1: holds no records"):
        rhetoric.train(path)
    path.unlink()
    with pytest.raises(rhetoric.LabelError, match=r"no \.jsonl file"):
        rhetoric.train(tmp_path)


def test_what_labelling_tools_export(tmp_path: Path) -> None:
    records = [Label.from_dict(record, None) for record in OWN]
    models = []
    for name, format in (("own.csv", "csv"), ("own.json", "label-studio"), ("own.jsonl", "doccano")):
        write_format(tmp_path / name, records, format, ["threat"])
        models.append(rhetoric.train(tmp_path / name, base=None).hash)
    assert set(models) == {rhetoric.train(OWN, base=None).hash}


def test_a_stance_that_a_file_does_not_name_stays(tmp_path: Path) -> None:
    shipped = rhetoric.load("fast")
    trained = retrain(DENIALS)
    first, second, third = trained.comparison.stances  # type: ignore[union-attr]
    assert (first.verdict, third.verdict) == ("not measured", "not measured")
    assert second.after is not None
    assert second.after.support == 12
    assert second.verdict != "worse"
    held = ["Ruritania accused Sylvania of fraud.", "Both sides should return to talks.", "It rained in Port Roe."]
    assert np.abs(trained.model.predict_proba(held) - shipped.predict_proba(held)).max() < 0.1


def test_the_comparison_is_stored_in_the_card(tmp_path: Path) -> None:
    base = rhetoric.train([*DENIALS[:6], *DENIALS[12:18]], base=None)
    base.save(tmp_path / "base")
    new = [*DENIALS[6:12], *DENIALS[18:]]
    trained = retrain([*new, *OWN], base=str(tmp_path / "base"), stances=["threat"])
    assert trained.model.stance_names == ("denial", "threat")
    assert trained.n_replayed == 12
    assert trained.comparison is not None
    denial, threat = trained.comparison.stances
    assert threat.verdict == "new"
    assert threat.after is not None
    assert threat.after.f1 > 0.9
    assert denial.learned is not None
    assert not denial.lost
    trained.save(tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text()
    assert trained.comparison.verdict in card
    assert "on top of the model `base`" in card
    assert json.loads(json.dumps(trained.comparison.to_dict()))["n"] == len(new) + len(OWN)
    again = rhetoric.train(OWN, base=str(tmp_path / "model"))  # a model trained on is a base itself
    assert again.stance_names == ("denial", "threat")


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model = retrain(OWN, base=None).model
        model.name = "own"
        model.save(tmp_path / name / "own")
    for file in (tmp_path / "one" / "own").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / "own" / file.name).read_bytes()


def test_held_out_labels() -> None:
    trained = retrain(OWN[2:-2], base=None, held_out=[*OWN[:2], *OWN[-2:]])
    assert trained.scores[0].support == 2
    with pytest.raises(rhetoric.LabelError, match="among the training labels"):
        retrain(OWN, base=None, held_out=OWN[:1])


def test_verdicts() -> None:
    texts = [f"{i} Ruritania denied it." for i in range(40)]
    truth = np.ones((40, 1))

    class Fixed:
        stance_names = ("denial",)
        thresholds_ = np.array([0.5])

        def __init__(self, p: float) -> None:
            self.p = p

        def predict_proba(self, X: list[str]) -> np.ndarray:
            return np.full((len(X), 1), self.p)

    def told(before: float, after: float) -> Comparison:
        return compare(Fixed(before), Fixed(after), texts, truth)  # type: ignore[arg-type]

    assert told(0.1, 0.9).verdict == "Better: denial. Use the new model."
    assert told(0.9, 0.1).verdict.startswith("Worse: denial. Keep the old model")
    assert "can not be told apart" in told(0.9, 0.9).verdict
    better = told(0.1, 0.9)
    assert (better.mended, better.broken, len(better.changed)) == (40, 0, 20)
    assert better.changed[0].labels == better.changed[0].after == ("denial",)
    assert better.changed[0].before == ()


def test_an_unknown_base() -> None:
    with pytest.raises(rhetoric.ModelError, match="does not exist"):
        rhetoric.train(OWN, base="nowhere")


class Echo:
    """A teacher that calls everything with a given word a threat, and remembers what it was asked."""

    def __init__(self) -> None:
        self.pool: list[str] = []
        self.rows: list[list[int]] = []

    def lesson(self, sentences, targets, weights, stances, pool):  # type: ignore[no-untyped-def]
        assert len(sentences) == len(targets) == len(weights)
        assert list(stances) == ["threat"], "what the base knows is not taught"
        self.pool = list(pool)
        said = np.full((len(pool), len(stances)), np.nan)
        said[:, stances.index("threat")] = [0.95 * ("glower" in text) + 0.02 for text in pool]

        def taught(rows: np.ndarray) -> np.ndarray:
            self.rows.append(rows.tolist())
            return said

        return taught


def pool_of(tmp_path: Path) -> Path:
    lines = [f"The {who} glowered at the {what} across the bay." for who in WHO for what in ("fleet", "fort", "envoy")]
    lines += [f"The {who} painted the {what} across the bay." for who in WHO for what in ("fleet", "fort", "envoy")]
    path = tmp_path / "pool.txt"
    path.write_text("\n\n".join([*lines, OWN[0]["text"], OWN[-1]["text"], "Too short."]))
    return path


WHO = ("admiral", "king", "premier", "colonel", "mayor", "duke")


@pytest.mark.parametrize("base", [None, "shipped"])
def test_a_teacher_reads_a_pool(tmp_path: Path, base: str | None) -> None:
    teacher, said = Echo(), []
    pool = pool_of(tmp_path)
    trained = retrain(
        OWN[:-1], base=base, stances=["threat"], held_out=OWN[-1:], teacher=teacher, pool=pool, say=said.append
    )
    assert len(teacher.pool) == 36  # neither labelled sentences, nor held-out ones, nor scraps
    n = len(OWN) - 1
    assert sorted(teacher.rows[0]) == list(range(n))
    assert len(teacher.rows) > 2
    left_out = [i for rows in teacher.rows[1:] for i in set(range(n)) - set(rows)]
    assert sorted(left_out) == list(range(n)), "a fold's lesson is from the other folds alone"
    column = trained.model.stance_names.index("threat")
    p = trained.model.predict_proba(["The queen glowered at the tower.", "The queen painted the tower."])[:, column]
    without = rhetoric.train(OWN[:-1], base=base, stances=["threat"])
    q = without.predict_proba(["The queen glowered at the tower.", "The queen painted the tower."])[:, column]
    assert p[0] - p[1] > q[0] - q[1] + 0.1
    assert trained.n_taught == 36
    assert "36 sentences without labels" in trained.card("x")
    assert any("reads 36 of" in line for line in said)


def test_a_teacher_needs_a_pool(tmp_path: Path) -> None:
    with pytest.raises(rhetoric.LabelError, match="needs text to read"):
        rhetoric.train(OWN, base=None, teacher=Echo())  # type: ignore[arg-type]
    with pytest.raises(rhetoric.LabelError, match="a pool teaches new stances alone"):
        rhetoric.train(DENIALS, teacher=Echo(), pool=pool_of(tmp_path))  # type: ignore[arg-type]
    (tmp_path / "empty.txt").write_text("Nothing here.")
    with pytest.raises(rhetoric.LabelError, match="the pool holds no sentence"):
        rhetoric.train(OWN, base=None, teacher=Echo(), pool=tmp_path / "empty.txt")  # type: ignore[arg-type]
    labels = tmp_path / "own.jsonl"
    labels.write_text("".join(json.dumps(record) + "\n" for record in OWN))
    result = CliRunner().invoke(main, ["train", str(labels), "-o", str(tmp_path / "m"), "--teacher"])
    assert result.exit_code == 2
    assert "--pool ARCHIVE" in result.output


@pytest.mark.parametrize(
    ("missing", "tuned", "extra"),
    [("torch", True, "teacher"), ("onnx", True, "accurate,onnx"), ("onnx", False, "accurate,onnx")],
)
def test_what_a_teacher_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str, tuned: bool, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(rhetoric.MissingExtraError, match=re.escape(f"pip install 'diplomatic-rhetoric[{extra}]'")):
        rhetoric.train(OWN, stances=["threat"], teacher=tuned, pool=pool_of(tmp_path))
