"""Labels -> a fitted model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from rhetoric.errors import LabelError
from rhetoric.labels import Label, collapse
from rhetoric.labels import read as read_labels
from rhetoric.model import StanceClassifier
from rhetoric.stances import STANCES

__all__ = ["Labels", "train"]

FilePath: TypeAlias = str | os.PathLike[str]
Labels: TypeAlias = FilePath | Iterable[FilePath | Label | Mapping[str, Any]]

SHIPPED: Final = "shipped"


def train(labels: Labels, *, base: str | None = SHIPPED, stances: Sequence[str] | None = None) -> StanceClassifier:
    """Fit a model on labelled sentences.

    Args:
        labels: a JSONL file or a folder of them, several of these, or records: each a ``Label`` or a mapping with
            ``text`` and ``stances``. Sentences marked ``unsure`` count half.
        base: ``"shipped"`` (or the path of a linear model's folder) fits on top of that model: its weights are what
            the new ones are drawn to. None learns from these labels alone.
        stances: the names of the model's stances. If left out: those of ``base``; without a base all that the labels
            name, the library's own first.

    Returns:
        A fitted ``StanceClassifier``, calibrated on held-out folds of the labels.

    Raises:
        LabelError: a label is bad (file and line are named), names a stance that is not among ``stances``, or there
            are none at all.
        ModelError: ``base`` can not be loaded or is not linear.
    """
    start = None if base is None else StanceClassifier.load("fast" if base == SHIPPED else base)
    if stances is None and start is not None:
        stances = start.stance_names
    records = _records(labels, stances)
    if stances is None:
        named = dict.fromkeys(stance for record in records for stance in record.stances)
        stances = [s for s in STANCES if s in named] + [s for s in named if s not in STANCES]
        if not stances:
            raise LabelError(
                f"none of the {len(records)} sentences bears a stance; name them: train(..., stances=[...])"
            )
    model = StanceClassifier(tuple(stances))
    X = [collapse(record.text) for record in records]
    Y = np.array([[stance in record.stances for stance in stances] for record in records], dtype=np.float64)
    weights = np.array([0.5 if record.unsure else 1.0 for record in records])
    if start is None:
        return model.fit(X, Y, weights)
    model.set_params(**start.get_params() | {"stances": tuple(stances)})
    return model.fit_from(start, X, Y, weights)


def _records(labels: Labels, stances: Sequence[str] | None) -> list[Label]:
    items = [labels] if isinstance(labels, (str, os.PathLike)) else list(labels)
    if not items:
        raise LabelError("got no labels, expected a file or at least one record")
    records: list[Label] = []
    for i, item in enumerate(items):
        if isinstance(item, (str, os.PathLike)):
            records += read_labels(item, stances=stances)
            continue
        try:
            data = item.to_dict() if isinstance(item, Label) else item
            records.append(Label.from_dict(data, stances))
        except LabelError as error:
            raise LabelError(f"record {i}: {error}") from error
    return records
