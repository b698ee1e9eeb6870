"""Counts, agreement against worked examples, suspects, and groups of near-duplicates against the plain definition."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhetoric import labels
from rhetoric.errors import LabelError
from rhetoric.labels import Label, group_near_duplicates

WORDS = ["klow", "zilve", "talks", "accused", "harbour", "minister", "said", "the", "border", "open"]


def label(text: str, *stances: str, **roles: str) -> Label:
    named = {
        stance: dict(zip(("speaker", "target"), roles.get(stance, ">").split(">"), strict=True)) for stance in stances
    }
    return Label.from_dict({"text": text, "stances": list(stances), "roles": named})


def test_counts_by_source_and_implied_accusations() -> None:
    explicit, implied = label("Klow accused Zilve.", "accusation"), label("Zilve clings to its old ways.", "accusation")
    records = [
        explicit,
        labels.to_standoff(implied, "ungd", {"implied": labels.is_implied(implied)}),
        labels.to_standoff(explicit, "ungd", {"implied": labels.is_implied(explicit)}),
        Label("Fine.", unsure=True, source="wire"),
    ]
    rows = labels.stats(records)
    assert [
        (row.source, row.records, row.stances["accusation"], row.none, row.unsure, row.implied) for row in rows
    ] == [
        ("ungd", 2, 2, 0, 0, 1),
        ("unknown", 1, 1, 0, 0, 0),
        ("wire", 1, 0, 1, 1, 0),
        ("all", 4, 3, 1, 1, 1),
    ]


def readings() -> tuple[list[Label], list[Label]]:
    # Ten sentences, two disagreements on accusation: 3 both, 1 first alone, 1 second alone, 5 neither.
    first = [label(f"Klow blames Zilve, part {i}.", *(["accusation"] if i < 4 else [])) for i in range(10)]
    second = [label(f"Klow blames Zilve, part {i}.", *(["accusation"] if 1 <= i < 5 else [])) for i in range(10)]
    return first, second


def test_agreement_by_hand() -> None:
    first, second = readings()
    found = labels.agreement(first, [*second[::-1], label("Seen by one alone.")])
    accusation = found.stances[0]
    assert (found.sentences, found.only_first, found.only_second) == (10, 0, 1)
    assert (accusation.both, accusation.only_first, accusation.only_second) == (3, 1, 1)
    assert accusation.f1 == pytest.approx(6 / 8)
    # Observed agreement 0.8; by chance 0.4 * 0.4 + 0.6 * 0.6 = 0.52.
    assert accusation.kappa == pytest.approx((0.8 - 0.52) / 0.48)
    # Twenty values, 8 ones and 12 zeros: expected disagreement 2 * 8 * 12 / (20 * 19), observed 0.2.
    assert accusation.alpha == pytest.approx(1 - 0.2 / (2 * 8 * 12 / (20 * 19)))
    assert [d.first.text for d in found.disagreements] == ["Klow blames Zilve, part 0.", "Klow blames Zilve, part 4."]
    assert found.disagreements[0].to_dict()["first"] == ["accusation"]


def test_agreement_on_a_stance_that_nobody_gives_is_unknown() -> None:
    denial = labels.agreement(*readings()).stances[1]
    assert (denial.alpha, denial.kappa, denial.f1, denial.both) == (None, None, None, 0)


def test_overlap_of_roles_in_words_and_without_text() -> None:
    text = "The foreign minister of Klow accused Zilve."
    one = label(text, "accusation", accusation="The foreign minister>Zilve")
    two = label(text, "accusation", accusation="foreign minister of Klow>Zilve")
    speaker, target = labels.agreement([one], [two]).roles
    assert (speaker.role, speaker.sentences, speaker.f1, speaker.exact) == ("speaker", 1, pytest.approx(4 / 7), 0.0)
    assert (target.f1, target.exact) == (1.0, 1.0)
    blind = [labels.to_standoff(record, "ungd") for record in (one, two)]
    speaker, target = labels.agreement(blind[:1], blind[1:]).roles
    assert speaker.f1 == pytest.approx(2 * 15 / (18 + 21))  # "foreignminister" shared
    assert target.f1 == 1.0


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(LabelError, match="none of the 1 and 1 sentences"):
        labels.agreement([label("One.")], [label("Two.")])


class CueModel:
    """Predicts accusation by its share among the training sentences that hold the same first word."""

    def fit(self, texts: Sequence[str], y: Any) -> CueModel:
        self.rates = {}
        firsts = [text.split()[0] for text in texts]
        for first in set(firsts):
            self.rates[first] = np.mean([row[0] for row, own in zip(y, firsts, strict=True) if own == first])
        return self

    def predict_proba(self, texts: Sequence[str]) -> Any:
        return np.array([[self.rates.get(text.split()[0], 0.5)] for text in texts])


def test_suspects_are_the_labels_that_were_turned_round() -> None:
    rng = np.random.default_rng(0)
    records = []
    for i in range(120):
        words = " ".join(rng.choice([f"w{k}" for k in range(400)], 8))
        records.append(label(f"{'blame' if i % 2 else 'praise'} {words}", *(["accusation"] if i % 2 else [])))
    turned = {17, 60}
    noisy = [label(r.text, *([] if r.stances else ["accusation"])) if i in turned else r for i, r in enumerate(records)]
    model = CueModel()
    found = labels.suspects(noisy, model, ["accusation"])
    assert {suspect.label.text for suspect in found[:2]} == {records[i].text for i in turned}
    assert not hasattr(model, "rates")
    row = found[0].to_dict()
    assert row["suspect"] == "accusation"
    assert row["given"] == (row["stances"] == ["accusation"])
    with pytest.raises(LabelError, match="denial is given to 0 of 120"):
        labels.suspects(noisy, model, ["denial"])


def components(texts: list[str], floor: float) -> list[int]:
    """The definition, pair by pair."""
    sets = [set(re.findall(r"\w+", text.casefold())) for text in texts]
    groups = list(range(len(texts)))
    for i in range(len(texts)):
        for j in range(i):
            if sets[i] and sets[j] and len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= floor - 1e-9:
                old, new = groups[i], groups[j]
                groups = [new if group == old else group for group in groups]
    order: dict[int, int] = {}
    return [order.setdefault(group, len(order)) for group in groups]


@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=14),
    st.sampled_from([0.1, 0.3, 0.4, 0.5, 0.75, 1.0]),
)
def test_groups_are_the_components_of_similar_pairs(texts: list[str], floor: float) -> None:
    assert group_near_duplicates(texts, floor).tolist() == components(texts, floor)


def test_groups_by_document_and_wrong_arguments() -> None:
    texts = ["Klow is calm.", "Zilve votes today.", "Rain fell all week.", "", ""]
    assert group_near_duplicates(texts).tolist() == [0, 1, 2, 3, 4]
    assert group_near_duplicates(texts, documents=["a", None, "a", None, "b"]).tolist() == [0, 1, 0, 2, 3]
    assert group_near_duplicates([]).tolist() == []
    with pytest.raises(ValueError, match="floor"):
        group_near_duplicates(texts, 0)
    with pytest.raises(ValueError, match="5 texts but 1 documents"):
        group_near_duplicates(texts, documents=["a"])


def test_the_shipped_set_is_without_fault() -> None:
    folder = labels.shipped()
    assert labels.faults(folder) == []
    real = labels.read_standoff(folder / "real.jsonl")
    assert {record.corpus for record in real} == set(labels.CORPORA)
    assert len({record.sha256 for record in real}) == len(real)
    assert all(("accusation" in record.stances) == (record.extra["implied"] is not None) for record in real)
    articles = labels.read(folder / "articles.jsonl")
    for record in articles:
        seed = (folder.parent / "seeds" / str(record.document)).read_bytes().decode("utf-8")
        assert seed[record.start : record.end] == record.text
    composed = labels.read(folder / "composed.jsonl")
    assert {record.source for record in composed} == {"composed"}
    assert not {record.key for record in composed} & {record.sha256 for record in real}
    with pytest.raises(LabelError, match="no labelled file 'absent'"):
        labels.shipped("absent")


def test_the_data_package_is_valid() -> None:
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.validate(str(labels.shipped("datapackage.json")))
    assert report.valid, report.flatten(["title", "rowNumber", "note"])[:3]
    assert [task.name for task in report.tasks][:3] == ["real", "composed", "articles"]


def test_the_command_line(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from rhetoric.cli import main

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(main, ["labels", *map(str, arguments)])

    first, second = readings()
    a, b, corpus = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "corpus"
    labels.write(a, first)
    labels.write(b, second)
    assert run("check", a).exit_code == 0
    (tmp_path / "bad.jsonl").write_text('{"text": "A", "stances": ["threat"]}\n', "utf-8")
    bad = run("check", tmp_path / "bad.jsonl")
    assert bad.exit_code == 1
    assert "bad.jsonl:1: unknown stance 'threat'" in bad.output
    assert run("check", tmp_path / "bad.jsonl", "--stance", "threat").exit_code == 0
    assert re.search(r"all +10 +4 +0 +0 +6 +0 +0", run("stats", a).output)
    compared = run("agreement", a, b)
    assert "10 sentences in both" in compared.output
    assert "none | accusation: Klow blames Zilve, part 4." in compared.output
    assert run("convert", a, tmp_path / "a.csv").exit_code == 0
    assert list(labels.read_format(tmp_path / "a.csv").records) == first
    corpus.mkdir()
    (corpus / "klow.txt").write_text("\n".join(record.text for record in first[:9]), "utf-8")
    labels.write(tmp_path / "standoff.jsonl", [labels.to_standoff(record, "klow") for record in first])
    joined = run("join", corpus, "--labels", tmp_path / "standoff.jsonl", "-o", tmp_path / "found.jsonl",
                 "--missing", tmp_path / "missing.jsonl")  # fmt: skip
    assert joined.exit_code == 0
    assert [record.text for record in labels.read(tmp_path / "found.jsonl")] == [record.text for record in first[:9]]
    assert json.loads((tmp_path / "missing.jsonl").read_text("utf-8"))["corpus"] == "klow"
