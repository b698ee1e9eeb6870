"""What the shipped models get right, by phenomenon: rates may not fall below the floors in floors.json.

`python tests/behaviour/report.py` prints the rates (so does `pytest -s`), with `--floors` it rewrites the floors.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import rhetoric

HERE = Path(__file__).parent


def _load_report() -> ModuleType:
    spec = importlib.util.spec_from_file_location("behaviour_report", HERE / "report.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


report = _load_report()
CASES = report.read("cases.jsonl")
DIRECTIONS = report.read("directions.jsonl")
FLOORS = json.loads(report.FLOORS.read_text(encoding="utf-8"))
COMMAND = "python tests/behaviour/report.py --floors"


def load(name: str) -> Any:
    try:
        return rhetoric.load(name)
    except rhetoric.MissingExtraError as error:
        pytest.skip(str(error))


@cache
def measured(name: str) -> dict[str, Any]:
    result: dict[str, Any] = report.measure(load(name))
    print(f"\n{report.table({name: result})}")
    return result


@pytest.fixture(params=rhetoric.models())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_cases_are_well_formed() -> None:
    assert len(CASES) + len(DIRECTIONS) >= 240
    ids = [record["id"] for record in CASES + DIRECTIONS]
    assert len(set(ids)) == len(ids)
    assert len({case["text"] for case in CASES}) == len(CASES)
    for case in CASES:
        assert case["source"] == "composed"
        assert case["stances"] == [stance for stance in rhetoric.STANCES if stance in case["stances"]], case["id"]
    for direction in DIRECTIONS:
        assert direction["stance"] in rhetoric.STANCES
        assert direction["direction"] in ("rises", "falls")
        assert direction["before"] != direction["after"]
    sizes = Counter(case["pair"] for case in CASES if case["pair"])
    assert set(sizes.values()) == {2}, "a pair has two cases"
    for pair in sizes:
        first, second = (case for case in CASES if case["pair"] == pair)
        assert first["stances"] != second["stances"], pair


def test_every_phenomenon_has_a_floor(name: str) -> None:
    assert name in FLOORS, f"no floors for {name}: run  {COMMAND}"
    wanted = set(report.rates(measured(name)))
    assert set(FLOORS[name]) == wanted, f"floors and cases differ: run  {COMMAND}"


def test_rates_reach_their_floors(name: str) -> None:
    assert name in FLOORS, f"no floors for {name}: run  {COMMAND}"
    rates = report.rates(measured(name))
    below = {row: (rates[row], floor) for row, floor in FLOORS[name].items() if rates[row] < floor}
    assert not below, f"(measured, floor) of {name}: {below}"


def test_no_floor_is_empty(name: str) -> None:
    """A floor of 0 would hold nothing; it is there only for a phenomenon of which nothing passed when it was set."""
    assert name in FLOORS, f"no floors for {name}: run  {COMMAND}"
    rates = report.rates(measured(name))
    idle = [row for row, floor in FLOORS[name].items() if floor == 0 and rates[row] > 0]
    assert not idle, f"these pass by now, raise their floors:  {COMMAND}"


def test_swapping_the_state_changes_nothing(name: str) -> None:
    assert measured(name)["swaps"] >= 0.99


def test_cases_and_their_order_do_not_matter(name: str) -> None:
    model = load(name)
    texts = [case["text"] for case in CASES[::8]]
    together = model.predict_proba(texts)
    np.testing.assert_allclose(model.predict_proba(texts[::-1])[::-1], together, atol=2e-3)
    np.testing.assert_allclose([model.predict_proba([text])[0] for text in texts], together, atol=2e-3)


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u00a0", "\ufeff"])
def test_empty_input(name: str, text: str) -> None:
    model = load(name)
    assert len(model.read(text)) == 0 or not model.read(text).stances
    chances = model.predict_proba([text])
    assert chances.shape == (1, len(rhetoric.STANCES))
    assert np.isfinite(chances).all()
    assert not model.predict([text]).any()


def test_no_sentences(name: str) -> None:
    assert load(name).predict_proba([]).shape == (0, len(rhetoric.STANCES))


def test_five_thousand_words_of_prose(name: str) -> None:
    """One stance in a long text is found where it stands, and nowhere else."""
    dull = "The museum by the harbour opens at ten and closes at six in winter."
    text = " ".join([dull] * 180 + ["Kenya denied that its troops had crossed the border."] + [dull] * 180)
    assert len(text.split()) > 5000 - 350
    reading = load(name).read(text)
    assert len(reading) == 361
    assert [i for i, sentence in enumerate(reading) if sentence.stances] == [180]
    assert reading[180].stances == ("denial",)


ENDLESS = " ".join(
    ["the museum by the harbour opens at ten and closes at six in winter and sells postcards of ships and"] * 264
)
VARIED = ", ".join(
    f"the {thing} {place} {doing}"
    for thing in ("museum", "harbour", "bakery", "library", "bridge", "orchard", "station", "garden", "theatre", "mill")
    for place in ("by the lake", "in the old town", "near the park", "behind the school", "on the hill") * 2
    for doing in ("opens at ten", "closes in winter", "sells postcards", "lies on the river", "has a red roof")
)


def test_five_thousand_words_without_a_full_stop_are_read(name: str) -> None:
    assert len(ENDLESS.split()) > 5000
    chances = load(name).predict_proba([ENDLESS, ENDLESS + ".", VARIED])
    assert np.isfinite(chances).all()
    assert ((chances >= 0) & (chances <= 1)).all()


def test_five_thousand_words_without_a_full_stop_bear_nothing(name: str) -> None:
    assert not load(name).predict([ENDLESS, VARIED]).any()
