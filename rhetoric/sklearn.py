"""Stances as features of a scikit-learn pipeline of your own.

``StanceClassifier`` is itself a scikit-learn classifier; what is here is the other half, a shipped or retrained model
as a step before another estimator:

>>> features = StanceFeatures().set_output(transform="pandas")
>>> features.fit_transform(["Ruritania denied that it had mined the strait."]).round().to_dict("records")
[{'accusation': 0.0, 'denial': 1.0, 'call_to_negotiate': 0.0}]
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from rhetoric import DEFAULT_MODEL, load
from rhetoric.model import sentences_of

__all__ = ["StanceFeatures"]


class StanceFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to probabilities: (n_texts, n_stances), the highest among the sentences of each, 0 where it has none.

    Fitting learns nothing, so that no fold of a cross-validation sees another.

    Args:
        model: name or folder of a model. Not a model itself, which ``clone`` would turn into an unfitted one.
    """

    def __init__(self, model: str | os.PathLike[str] = DEFAULT_MODEL) -> None:
        self.model = model

    def fit(self, X: Iterable[str] | None = None, y: object = None) -> Self:
        """Load the model.

        Raises:
            TypeError: ``model`` is no name or path.
            ModelError: there is no such model, or its folder is at fault.
        """
        if not isinstance(self.model, (str, os.PathLike)):
            raise TypeError(
                f"model is of type {type(self.model).__name__}, expected a name or a folder; save the model and give "
                f"its folder"
            )
        self.model_ = load(self.model)
        return self

    def transform(self, X: Iterable[str]) -> NDArray[np.float64]:
        """(n_texts, n_stances) in 0..1.

        Raises:
            TypeError: ``X`` is a bare str or a table, or holds something else than str.
            NotFittedError: ``fit`` was not called.
        """
        from sklearn.utils.validation import check_is_fitted

        from rhetoric.sentences import split

        check_is_fitted(self)
        texts = sentences_of(X, "transform")
        spans = [split(text) for text in texts]
        found = self.model_.predict_proba(
            [text[start:end] for text, own in zip(texts, spans, strict=True) for start, end in own]
        )
        highest = np.zeros((len(texts), found.shape[1]))
        np.maximum.at(highest, np.repeat(np.arange(len(texts)), [len(own) for own in spans]), found)
        return highest

    def get_feature_names_out(self, input_features: object = None) -> NDArray[Any]:
        """(n_stances,) the names of the stances."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return np.array(self.model_.stance_names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags
