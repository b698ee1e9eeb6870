from __future__ import annotations

import json

import pytest

import rhetoric
from rhetoric.assessment import assess

LABELS = [
    {"text": "Ruritania denied that it had mined the strait.", "stances": ["denial"]},
    {"text": "Both sides should return to the negotiating table at once.", "stances": ["call_to_negotiate"]},
    {"text": "Ruritania accused Syldavia of <script>alert(1)</script>.", "stances": ["denial"]},
    {"text": "It rained in Port Roe.", "stances": []},
]


def test_scores_and_errors() -> None:
    found = assess(rhetoric.load("fast"), LABELS)
    assert found.evaluation.n == 4
    assert found.stances == ("denial", "call_to_negotiate")  # nobody labelled accusations here
    assert assess(rhetoric.load("fast"), LABELS[-1:]).stances == rhetoric.STANCES
    told = json.loads(json.dumps(found.to_dict()))
    assert told["errors"][0]["labels"] == ["denial"]
    assert told["stances"]["denial"]["support"] == 2
    assert told["model"] == "fast"
    assert len(found.errors(0)) == 0


def test_the_page() -> None:
    pytest.importorskip("matplotlib")
    page = assess(rhetoric.load("fast"), LABELS).to_html()
    assert page == assess(rhetoric.load("fast"), LABELS).to_html()
    assert page.count("<svg") == 1
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.split("<svg")[0]
    assert "Reliability" in page


def test_an_unknown_stance() -> None:
    with pytest.raises(rhetoric.LabelError, match="record 0: unknown stance 'threat'"):
        assess(rhetoric.load("fast"), [{"text": "They threaten us.", "stances": ["threat"]}])
