"""A user's program, fully typed: ``mypy --strict`` must find nothing, and the types must be exactly these."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import rhetoric
from rhetoric import Claim, Explanation, Mention, Reading, Sentence, Span, StanceClassifier
from rhetoric.archive import Summary
from rhetoric.dyads import Dyads, count_dyads
from rhetoric.labels import Converted, Label, read, read_format
from rhetoric.model import StanceModel
from rhetoric.report import Report, write_report
from rhetoric.training import Comparison, Trained, retrain


def reads(text: str) -> list[str]:
    reading = rhetoric.classify(text)
    assert_type(reading, Reading)
    assert_type(reading.date, str | None)
    assert_type(reading.stances, tuple[str, ...])
    assert_type(reading.claims, tuple[Claim, ...])
    assert_type(reading[0], Sentence)
    assert_type(len(reading), int)
    found = []
    for sentence in reading:
        assert_type(sentence, Sentence)
        assert_type(sentence.start, int)
        assert_type(sentence.probabilities["denial"], float)
        assert_type(sentence.unsure, tuple[str, ...])
        for claim in sentence.claims:
            assert_type(claim.speaker, Mention | None)
            assert_type(claim.evidence, tuple[Span, ...])
            if claim.target is not None:
                assert_type(claim.target.codes, tuple[str, ...])
                found.append(claim.target.text)
    assert_type(Reading.from_dict(reading.to_dict()), Reading)
    return found


def measures(sentences: list[str]) -> NDArray[np.float64]:
    assert_type(rhetoric.STANCES, tuple[str, ...])
    assert_type(rhetoric.models(), tuple[str, ...])
    model = rhetoric.load("fast")
    assert_type(model, StanceModel)
    assert_type(model.read(sentences[0]), Reading)
    assert_type(model.read_many(sentences), list[Reading])
    assert_type(model.predict(sentences), NDArray[np.int64])
    assert_type(model.explain(sentences[0]), tuple[Explanation, ...])
    assert_type(model.explain(sentences[0])[0].top(3), tuple[Span, ...])
    assert_type(model.hash, str)
    assert_type(model.stance_names, tuple[str, ...])
    return rhetoric.predict_proba(sentences)


def trains(folder: Path) -> StanceClassifier:
    model = rhetoric.train([{"text": "Ruritania denied it.", "stances": ["denial"]}], base=None, stances=["denial"])
    assert_type(model, StanceClassifier)
    model.save(folder)
    assert_type(StanceClassifier.load(folder), StanceClassifier)
    assert_type(StanceClassifier(["denial"], C=0.5).fit(["It rained."], [[0]]), StanceClassifier)
    trained = retrain(folder / "labels.jsonl", held_out=folder / "more.jsonl")
    assert_type(trained, Trained)
    assert_type(trained.comparison, Comparison | None)
    return rhetoric.train([folder / "labels.jsonl", "more.csv"])


def scores(archive: Path) -> int:
    summary = rhetoric.score([archive, "more/*.jsonl"], archive / "scores.jsonl", jobs=2)
    assert_type(summary, Summary)
    assert_type(summary.stances["denial"], int)
    assert_type(count_dyads("scores.jsonl", by="year"), Dyads)
    assert_type(write_report("scores.jsonl", "report.html"), Report)
    return summary.documents


def labels(path: Path) -> list[Label]:
    assert_type(read_format(path), Converted)
    try:
        return read(path)
    except rhetoric.LabelError as error:
        assert_type(error, rhetoric.LabelError)
        raise SystemExit(str(error)) from error
