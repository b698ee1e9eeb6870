from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rhetoric
from rhetoric.labels import Label

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


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([], {}, "no labels"),
        (OWN, {}, "unknown stance 'threat'"),
        ([{"text": "", "stances": []}], {}, "record 0: text must be a sentence"),
        ([{"text": "They met.", "stances": []}], {"base": None}, "none of the 1 sentences bears a stance"),
    ],
)
def test_bad_labels(labels: list[dict[str, object]], options: dict[str, object], message: str) -> None:
    with pytest.raises(rhetoric.LabelError, match=message):
        rhetoric.train(labels, **options)  # type: ignore[arg-type]


def test_an_unknown_base() -> None:
    with pytest.raises(rhetoric.ModelError, match="does not exist"):
        rhetoric.train(OWN, base="nowhere")
