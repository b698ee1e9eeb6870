from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rhetoric
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
    probabilities = model.predict_proba(["Ruritania threatened Zubrowka with a ban over wool."])
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
