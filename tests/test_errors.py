"""Errors say what to do, and survive the way back from a worker process."""

from __future__ import annotations

import pickle

import pytest

import rhetoric
from rhetoric.errors import MissingExtraError, RhetoricError
from rhetoric.storage import card_summary


def test_a_missing_extra_is_the_line_that_mends_it_in_every_process() -> None:
    error = MissingExtraError("Reading Parquet", "parquet")
    assert str(error).endswith("pip install 'diplomatic-rhetoric[parquet]'")
    assert isinstance(error, ImportError)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is MissingExtraError
    assert (str(again), again.extra) == (str(error), "parquet")


@pytest.mark.parametrize("kind", [rhetoric.ModelError, rhetoric.LabelError, rhetoric.ArchiveError, MissingExtraError])
def test_one_except_clause_catches_all(kind: type[Exception]) -> None:
    assert issubclass(kind, RhetoricError)


def test_a_model_that_is_not_shipped_has_no_card() -> None:
    with pytest.raises(rhetoric.ModelError, match=r"no-such.*accurate, fast"):
        card_summary("no-such")
    assert card_summary("fast").startswith("The default model")


def test_names_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match="'clasify'"):
        rhetoric.clasify  # type: ignore[attr-defined]  # noqa: B018
    assert set(dir(rhetoric)) == set(rhetoric.__all__)
