"""Reads diplomatic prose and says, sentence by sentence, who accuses, who denies and who calls for negotiation.

>>> import rhetoric
>>> reading = rhetoric.classify("Ruritania denied that it had mined the strait.")
>>> reading[0].stances
('denial',)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as _np
from numpy.typing import NDArray as _NDArray

from rhetoric.errors import (
    ArchiveError,
    LabelError,
    MissingExtraError,
    ModelError,
    RhetoricError,
    RhetoricWarning,
)
from rhetoric.records import Claim, Mention, Reading, Sentence, Span
from rhetoric.stances import DEFINITIONS, STANCES

if TYPE_CHECKING:
    from rhetoric.archive import score as score
    from rhetoric.frames import score_batch as score_batch
    from rhetoric.frames import score_frame as score_frame
    from rhetoric.model import Explanation as Explanation
    from rhetoric.model import StanceClassifier as StanceClassifier
    from rhetoric.model import StanceModel
    from rhetoric.training import train as train

__version__ = "0.1.0"

DEFAULT_MODEL: Final = "fast"
"""The model that ``classify`` and ``predict_proba`` use."""

__all__ = [
    "DEFAULT_MODEL",
    "DEFINITIONS",
    "STANCES",
    "ArchiveError",
    "Claim",
    "Explanation",
    "LabelError",
    "Mention",
    "MissingExtraError",
    "ModelError",
    "Reading",
    "RhetoricError",
    "RhetoricWarning",
    "Sentence",
    "Span",
    "StanceClassifier",
    "__version__",
    "classify",
    "load",
    "models",
    "predict_proba",
    "score",
    "score_batch",
    "score_frame",
    "train",
]

_LAZY: Final = {
    "Explanation": "rhetoric.model",
    "StanceClassifier": "rhetoric.model",
    "score": "rhetoric.archive",
    "score_batch": "rhetoric.frames",
    "score_frame": "rhetoric.frames",
    "train": "rhetoric.training",
}

_default: StanceModel | None = None
_default_lock = threading.Lock()


if not TYPE_CHECKING:  # type checkers would take any name for granted

    def __getattr__(name: str) -> Any:
        """Names of heavier modules, imported when they are first asked for."""
        if name in _LAZY:
            from importlib import import_module

            return getattr(import_module(_LAZY[name]), name)
        raise AttributeError(f"module 'rhetoric' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def _default_model() -> StanceModel:
    global _default
    if _default is None:
        with _default_lock:
            if _default is None:
                _default = load(DEFAULT_MODEL)
    return _default


def classify(text: str) -> Reading:
    """Read a text with the default model: sentences, their stances, who takes them against whom, and why.

    Args:
        text: prose of any length; a leading ``date YYYY-MM-DD`` is taken as the document's date.

    Returns:
        A ``Reading``: the sentences in order, empty for an empty text.

    Raises:
        TypeError: ``text`` is no str; the message names the call for what was given.
    """
    return _default_model().read(text)


def predict_proba(sentences: Iterable[str]) -> _NDArray[_np.float64]:
    """Probabilities of the default model, (n_sentences, n_stances), columns in the order of ``STANCES``.

    Each item counts as one sentence; nothing is split.

    Raises:
        TypeError: ``sentences`` is a bare str or holds something else than str.
    """
    return _default_model().predict_proba(sentences)


def load(name_or_path: str | os.PathLike[str]) -> StanceModel:
    """A shipped model by name (see ``models()``), or the model in a folder.

    Raises:
        ModelError: there is none, or its folder is at fault; the message names the file and the fault.
    """
    from rhetoric.model import load_model

    return load_model(name_or_path)


def models() -> tuple[str, ...]:
    """Names of the models that come with the package."""
    from rhetoric.storage import shipped_models

    return tuple(shipped_models())
