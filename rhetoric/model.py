"""Models that read stances. ``StanceModel`` is what every kind of model shares: calibration, thresholds, the band of
doubt, reading a text, errors, the model folder. ``StanceClassifier`` is the linear one, alone or with a small network
beside it, a scikit-learn estimator that needs numpy alone once it is fitted.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from functools import cache
from itertools import accumulate, compress, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rhetoric.actors import find, mask_tokens
from rhetoric.errors import ModelError
from rhetoric.features import Featured, FeatureSettings, Stream, extract, items_of, streams_of
from rhetoric.linear import LinearSum, length_scale, on_grid
from rhetoric.network import Network, Read
from rhetoric.records import Claim, Reading, Sentence, Span
from rhetoric.replay import FILE as REPLAY
from rhetoric.replay import Replay
from rhetoric.roles import Named, find_roles, quoted_pieces
from rhetoric.stances import STANCES
from rhetoric.storage import ModelFolder, read_model, shipped_models, write_model
from rhetoric.tokens import ranges, tokenize

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.pipeline import Pipeline

    from rhetoric.sentences import Document

__all__ = ["Attribution", "Explanation", "StanceClassifier", "StanceModel", "Taught", "load_model"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

_CHUNK_CHARACTERS: Final = 1 << 19  # bounds memory whatever the batch; smaller ones cost more calls than cache misses
_CHUNK_SENTENCES: Final = 8192
_KEPT_MEMORY: Final = 16 << 20
_FEW_TEXTS: Final = 4


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model gave one sentence its log odds for one stance.

    ``logit`` is the calibrated log odds (natural logarithm) of the stance; ``bias`` plus the weights of ``spans`` is
    ``logit`` where ``exact``, and near it otherwise. ``spans`` are the words of the sentence in order, offsets counted
    in the sentence.
    """

    stance: str
    logit: float
    bias: float
    spans: tuple[Span, ...]
    exact: bool = True

    def top(self, n: int = 5) -> tuple[Span, ...]:
        """The ``n`` spans of the largest weight, for or against, the largest first."""
        return tuple(sorted(self.spans, key=lambda span: -abs(span.weight))[:n])


@dataclass(frozen=True, eq=False, slots=True)
class Attribution:
    """What the words of one sentence add to the uncalibrated logits.

    ``starts``, ``ends``: (n_spans,) character offsets. ``weights``: (n_spans, n_stances). ``bias``: (n_stances,) what
    no word carries.
    """

    starts: Ints
    ends: Ints
    weights: Floats
    bias: Floats


@dataclass(frozen=True, eq=False, slots=True)
class _View:
    """A few documents as a model sees them.

    Attributes:
        logits: (n_sentences, n_stances) uncalibrated.
        attributions: rows of sentences -> one attribution for each.
        named: gives the names in the sentences, where they were looked for.
    """

    logits: Floats
    attributions: Callable[[Sequence[int]], Iterable[Attribution]]
    named: Callable[[], Named] | None = None


class StanceModel(ABC):
    """A fitted reader of stances. A kind of model adds ``_raw_logits``, ``_attributions`` and its part of the folder.

    Attributes:
        name: how the model is called in records.
        classes_: (n_stances,) names, in the order of all columns.
        slope_, intercept_: (n_stances,) calibration: probability = sigmoid(slope * raw logit + intercept).
        thresholds_: (n_stances,) probability from which a stance holds.
        unsure_: (n_stances, 2) the band of probabilities in which the model is unsure.
    """

    kind: ClassVar[str]
    exact_explanations: ClassVar[bool] = True
    name: str
    classes_: NDArray[Any]
    slope_: Floats
    intercept_: Floats
    thresholds_: Floats
    unsure_: Floats
    _hash: str | None = None

    # ------------------------------------------------------------------ what a kind of model supplies

    @abstractmethod
    def _raw_logits(self, sentences: Sequence[str]) -> Floats:
        """(n, n_stances) uncalibrated log odds; any number of any strings, memory bounded."""

    @abstractmethod
    def _attributions(self, sentences: Sequence[str]) -> Iterator[Attribution]:
        """One attribution for each sentence, in order."""

    @abstractmethod
    def _stored(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What this kind adds to ``config.json``, and its arrays."""

    def _files(self) -> Mapping[str, bytes]:
        """Files of the folder beside config, arrays and card, by name."""
        return {}

    @classmethod
    @abstractmethod
    def _restored(cls, folder: ModelFolder, n_stances: int) -> Self:
        """A model with everything of its kind set, from a checked folder; ModelError where its part is at fault."""

    # ------------------------------------------------------------------ predicting

    @property
    def stance_names(self) -> tuple[str, ...]:
        """The stances, in the order of all columns, as plain strings."""
        self._check_fitted()
        return tuple(self.classes_.tolist())

    def decision_function(self, X: Iterable[str]) -> Floats:
        """Calibrated log odds, (n_sentences, n_stances).

        Raises:
            TypeError: ``X`` is a bare str or holds something else than str.
            NotFittedError: the model is not fitted.
        """
        self._check_fitted()
        return self._log_odds(sentences_of(X, "decision_function"))

    def _log_odds(self, sentences: list[str]) -> Floats:
        return self._raw_logits(sentences) * self.slope_ + self.intercept_

    def predict_proba(self, X: Iterable[str]) -> Floats:
        """Calibrated probabilities in 0..1, (n_sentences, n_stances). The sentences are not split further.

        Raises:
            TypeError: ``X`` is a bare str or holds something else than str.
            NotFittedError: the model is not fitted.
        """
        self._check_fitted()
        return sigmoid(self._log_odds(sentences_of(X, "predict_proba")))

    def predict(self, X: Iterable[str]) -> NDArray[np.int64]:
        """Indicator matrix (n_sentences, n_stances): 1 where the probability reaches the stance's threshold.

        Raises:
            TypeError: ``X`` is a bare str or holds something else than str.
            NotFittedError: the model is not fitted.
        """
        self._check_fitted()
        return (self.predict_proba(sentences_of(X, "predict")) >= self.thresholds_).astype(np.int64)

    def score(self, X: Iterable[str], Y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Macro-F1 over the stances, in 0..1; a stance that is neither there nor found counts as 0."""
        truth = np.asarray(Y, dtype=float) >= 0.5
        found = self.predict(X) > 0
        weight = np.ones(len(found)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        truth = truth.reshape(found.shape)
        hits = weight @ (truth & found)
        return float(np.mean(2 * hits / np.maximum(weight @ truth + weight @ found, 1e-12)))

    def explain(self, sentence: str) -> tuple[Explanation, ...]:
        """Why this sentence has its log odds: one explanation for each stance, in order.

        Raises:
            TypeError: ``sentence`` is no str.
            NotFittedError: the model is not fitted.
        """
        if not isinstance(sentence, str):
            raise TypeError(f"explain() takes one sentence as str, got {type(sentence).__name__}")
        return self.explain_all([sentence])[0]

    def explain_all(self, X: Iterable[str]) -> list[tuple[Explanation, ...]]:
        """``explain`` of many sentences, in order."""
        self._check_fitted()
        sentences = sentences_of(X, "explain_all")
        return [
            self._explanations(sentence, attribution)
            for sentence, attribution in zip(sentences, self._attributions(sentences), strict=True)
        ]

    def _explanations(self, sentence: str, attribution: Attribution) -> tuple[Explanation, ...]:
        starts, ends = attribution.starts.tolist(), attribution.ends.tolist()
        words = [sentence[start:end] for start, end in zip(starts, ends, strict=True)]
        explained = []
        for k, stance in enumerate(self.stance_names):
            weights = attribution.weights[:, k] * self.slope_[k]
            bias = float(attribution.bias[k] * self.slope_[k] + self.intercept_[k])
            spans = tuple(map(Span, words, starts, ends, weights.tolist()))
            explained.append(Explanation(stance, bias + float(weights.sum()), bias, spans, self.exact_explanations))
        return tuple(explained)

    # ------------------------------------------------------------------ reading

    def read(self, text: str) -> Reading:
        """Split a text into sentences and read each: probabilities, stances, claims with their evidence.

        Raises:
            TypeError: ``text`` is no str; the message names the call for what was given.
            NotFittedError: the model is not fitted.
        """
        if not isinstance(text, str):
            raise _not_one_text(text)
        return self.read_many([text])[0]

    def read_many(self, texts: Sequence[str]) -> list[Reading]:
        """``read`` of many texts, in order; faster than one by one where texts are short.

        Raises:
            TypeError: ``texts`` is a bare str or holds something else than str.
            NotFittedError: the model is not fitted.
        """
        self._check_fitted()
        texts = sentences_of(texts, "read_many")
        from rhetoric.sentences import parse  # pulls in sentencex: not wanted for sentences that are split already

        readings: list[Reading] = []
        group: list[tuple[str, Document]] = []
        size = count = 0
        for text in texts:
            document = parse(text)
            if group and (
                size + len(text) > _CHUNK_CHARACTERS or count + len(document.spans) > _CHUNK_SENTENCES
            ):  # groups of bounded size
                readings += self._read(group)
                group, size, count = [], 0, 0
            group.append((text, document))
            size += len(text)
            count += len(document.spans)
        return readings + self._read(group)

    def _read(self, documents: Sequence[tuple[str, Document]]) -> list[Reading]:
        texts = [text for text, _ in documents]
        spans = [document.spans for _, document in documents]
        sentences = [text[start:end] for text, own in zip(texts, spans, strict=True) for start, end in own]
        view = self._view(texts, spans, sentences)
        probabilities = sigmoid(view.logits * self.slope_ + self.intercept_)
        held = probabilities >= self.thresholds_
        doubt = (probabilities >= self.unsure_[:, 0]) & (probabilities <= self.unsure_[:, 1])
        names = self.stance_names
        stances: list[tuple[str, ...]] = [()] * len(sentences)
        claims: list[tuple[Claim, ...]] = [()] * len(sentences)
        unsure: list[tuple[str, ...]] = [()] * len(sentences)
        for i in np.flatnonzero(doubt.any(axis=1)).tolist():
            unsure[i] = tuple(compress(names, doubt[i].tolist()))
        bearing = np.flatnonzero(held.any(axis=1)).tolist()
        rows = probabilities.tolist()
        if bearing:
            for i in bearing:
                stances[i] = tuple(compress(names, held[i].tolist()))
            bounds = list(accumulate(map(len, spans), initial=0))
            named = view.named() if view.named else None
            found = find_roles(texts, spans, [stances[low:high] for low, high in pairwise(bounds)], named)
            roles = [pairs for document in found for pairs in document]
            for i, attribution in zip(bearing, view.attributions(bearing), strict=True):
                weights = attribution.weights * self.slope_
                owner = bisect_right(bounds, i) - 1
                text, start = texts[owner], spans[owner][i - bounds[owner]][0]
                claims[i] = tuple(
                    Claim(names[k], rows[i][k], *pair, evidence(text, start, attribution, weights[:, k]))
                    for k, pair in zip(compress(range(len(names)), held[i].tolist()), roles[i], strict=True)
                )
        parts = iter(zip(sentences, rows, stances, unsure, claims, strict=True))
        readings = []
        for text, document in documents:
            own_sentences = [
                Sentence(sentence, start, end, dict(zip(names, row, strict=True)), taken, doubtful, own_claims)
                for (start, end), (sentence, row, taken, doubtful, own_claims) in zip(
                    document.spans, parts, strict=False
                )
            ]
            readings.append(Reading(tuple(own_sentences), document.date, self.name, text))
        return readings

    def _view(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]], sentences: Sequence[str]
    ) -> _View:
        """What this model sees in the sentences of a few documents. ``spans``: the sentences of each document."""
        return _View(self._raw_logits(sentences), lambda rows: self._attributions([sentences[i] for i in rows]))

    # ------------------------------------------------------------------ the model folder

    def save(self, path: str | os.PathLike[str], *, card: str | None = None) -> None:
        """Write the model folder, whole or not at all; an existing model folder is replaced.

        Args:
            card: the model card in Markdown; a short one is written if left out.

        Raises:
            NotFittedError: the model is not fitted.
            ModelError: ``path`` exists and is no model folder, or can not be written.
        """
        self._check_fitted()
        config, arrays = self._contents()
        if not self.name:
            config["name"] = Path(path).name
        card = card or f"# {config['name']}\n\nA `{self.kind}` model of the stances {', '.join(self.stance_names)}.\n"
        write_model(path, config, arrays, card, self._files())

    def _contents(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        names = self.stance_names
        shared: dict[str, Any] = {
            "kind": self.kind,
            "name": self.name,
            "stances": list(names),
            "thresholds": dict(zip(names, self.thresholds_.tolist(), strict=True)),
            "unsure": dict(zip(names, self.unsure_.tolist(), strict=True)),
            "calibration": {
                name: {"slope": slope, "intercept": intercept}
                for name, slope, intercept in zip(names, self.slope_.tolist(), self.intercept_.tolist(), strict=True)
            },
        }
        config, arrays = self._stored()
        return shared | config, arrays

    @property
    def hash(self) -> str:
        """SHA-256 over all that decides predictions, as hex: alike for a model and for its saved copy, whatever its
        name."""
        if self._hash is None:
            import hashlib  # costs a start 2 ms, and no reading needs it

            config, arrays = self._contents()
            total = hashlib.sha256(json.dumps(config | {"name": ""}, sort_keys=True).encode())
            for name in sorted(arrays):
                total.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
            self._hash = total.hexdigest()
        return self._hash

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The model in this folder, which must be of this kind (``rhetoric.load`` takes any).

        Raises:
            ModelError: the folder is at fault; the message names the file and the fault.
        """
        model = load_model(path)
        if not isinstance(model, cls):
            raise ModelError(f"{path} holds a model of kind {model.kind!r}; load it with rhetoric.load()")
        return model

    def _restore_shared(self, folder: ModelFolder, names: tuple[str, ...]) -> None:
        where, config = folder.path / "config.json", folder.config
        self.classes_ = np.array(names, dtype=object)
        self.name = text_of(where, config, "name")
        self.thresholds_ = np.array([number_of(where, config, ("thresholds", name), 0, 1) for name in names])
        self.slope_ = np.array([number_of(where, config, ("calibration", name, "slope"), 0, 1e6) for name in names])
        self.intercept_ = np.array(
            [number_of(where, config, ("calibration", name, "intercept"), -1e6, 1e6) for name in names]
        )
        self.unsure_ = np.array(
            [[number_of(where, config, ("unsure", name, side), 0, 1) for side in (0, 1)] for name in names]
        ).reshape(-1, 2)

    def _check_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(
                f"this {type(self).__name__} is not fitted; call fit(sentences, Y), or take rhetoric.load('fast')"
            )


@dataclass(frozen=True, eq=False, slots=True)
class Taught:
    """Sentences without labels, and what a better model thinks of them.

    They teach weights alone; calibration and thresholds come from labels.

    Attributes:
        sentences: n sentences, none of them among the labelled ones.
        probabilities: (n, n_stances) in 0..1, NaN where not known. Where the teacher learned from the labelled
            sentences itself: a function from rows of these to what it says having learned from them alone, so that no
            held-out sentence has a part in it.
        weight: what one counts against a labelled one; a number, or (n,).
    """

    sentences: Sequence[str]
    probabilities: ArrayLike | Callable[[Ints], ArrayLike]
    weight: ArrayLike = 1.0


class StanceClassifier(StanceModel):
    """Linear model over hashed features of words and of word classes, one logistic regression for each stance; beside
    it, where it was given one, a small network that looks at what the linear part cannot rule out.

    A scikit-learn estimator for multi-label text: ``X`` is a sequence of sentences, ``Y`` an indicator matrix
    (n_sentences, n_stances), or probabilities in 0..1 as soft targets; NaN means not known. After ``fit`` the
    probabilities are calibrated and the thresholds chosen on held-out folds of the training sentences, near-duplicates
    kept on one side. Deterministic: the same input gives the same bytes. A fitted model may be used by many threads.

    Args:
        stances: names of the columns of ``Y``; ``rhetoric.STANCES`` if left out.
        bits, word_order, class_gap, class_order, near, mask_actors, word_gap, stem_letters, mixed_order, mask_names:
            see ``FeatureSettings``.
        C: inverse strength of the L2 penalty, above 0; larger fits the training sentences closer.
        balance: 0..1; the weight of a stance's positives is (negatives / positives) ** balance.
        min_count: a feature counts from this many training sentences on.
        folds: folds for calibration and thresholds, 2 or more; 0 leaves the logits as they are and the thresholds
            at 0.5.

    Attributes:
        held_out_: (n_sentences, n_stances) after fit, not saved: the probability of each training sentence by a model
            that did not learn from its fold; NaN where there is none.
        network_: the network, None without one. A model that is trained on top of this one keeps it for the stances
            that it knows.
        replay_: after fit, the training sentences as features; saved beside the weights, None for a loaded model
            (``Replay.of_folder`` reads them).
    """

    kind: ClassVar[str] = "linear"

    def __init__(
        self,
        stances: Sequence[str] | None = None,
        *,
        bits: int = 18,
        word_order: int = 2,
        class_gap: int = 3,
        class_order: int = 3,
        near: int = 3,
        mask_actors: bool = True,
        word_gap: int = 0,
        stem_letters: int = 0,
        mixed_order: int = 0,
        mask_names: bool = False,
        C: float = 0.1,
        balance: float = 0.5,
        min_count: int = 2,
        folds: int = 5,
    ) -> None:
        self.stances = stances
        self.bits = bits
        self.word_order = word_order
        self.class_gap = class_gap
        self.class_order = class_order
        self.near = near
        self.mask_actors = mask_actors
        self.word_gap = word_gap
        self.stem_letters = stem_letters
        self.mixed_order = mixed_order
        self.mask_names = mask_names
        self.C = C
        self.balance = balance
        self.min_count = min_count
        self.folds = folds
        self.name = ""

    weights_: NDArray[np.float32]
    _linear: LinearSum | None = None
    bias_: Floats
    network_: Network | None = None
    settings_: FeatureSettings
    held_out_: Floats
    replay_: Replay | None = None

    # ------------------------------------------------------------------ scikit-learn's protocol

    _parameters: ClassVar[tuple[str, ...]] = (
        "stances",
        "bits",
        "word_order",
        "class_gap",
        "class_order",
        "near",
        "mask_actors",
        "word_gap",
        "stem_letters",
        "mixed_order",
        "mask_names",
        "C",
        "balance",
        "min_count",
        "folds",
    )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name."""
        return {name: getattr(self, name) for name in self._parameters}

    def set_params(self, **params: Any) -> Self:
        """Change constructor's arguments.

        Raises:
            ValueError: a name is none of them.
        """
        for name, value in params.items():
            if name not in self._parameters:
                raise ValueError(f"unknown parameter {name!r}, expected one of {', '.join(self._parameters)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        default = type(self)()
        changed = [f"{k}={v!r}" for k, v in self.get_params().items() if v != getattr(default, k)]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classes_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True, multi_output=True, single_output=False),
            classifier_tags=ClassifierTags(multi_class=False, multi_label=True),
            input_tags=InputTags(two_d_array=False, string=True),
        )

    def set_fit_request(self, *, sample_weight: bool | str | None) -> Self:
        """Metadata routing: whether ``fit`` asks for ``sample_weight``."""
        request = self.get_metadata_routing()
        request.fit.add_request(param="sample_weight", alias=sample_weight)
        self._metadata_request = request
        return self

    def set_score_request(self, *, sample_weight: bool | str | None) -> Self:
        """Metadata routing: whether ``score`` asks for ``sample_weight``."""
        request = self.get_metadata_routing()
        request.score.add_request(param="sample_weight", alias=sample_weight)
        self._metadata_request = request
        return self

    def get_metadata_routing(self) -> Any:
        """scikit-learn's record of the metadata that ``fit`` and ``score`` ask for."""
        from copy import deepcopy

        from sklearn.utils.metadata_routing import MetadataRequest

        if hasattr(self, "_metadata_request"):
            return deepcopy(self._metadata_request)
        request = MetadataRequest(owner=type(self).__name__)
        request.fit.add_request(param="sample_weight", alias=None)
        request.score.add_request(param="sample_weight", alias=None)
        return request

    # ------------------------------------------------------------------ fitting

    def fit(
        self,
        X: Iterable[str],
        Y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        taught: Taught | None = None,
        groups: ArrayLike | None = None,
        prevalence: Mapping[str, float] | None = None,
        network: Network | None = None,
        network_held_out: ArrayLike | None = None,
    ) -> Self:
        """Fit on labelled sentences.

        Args:
            X: n sentences.
            Y: (n, n_stances) in 0..1, NaN where not known; (n,) is fine for one stance.
            sample_weight: (n,) at least 0.
            taught: what a teacher thinks of other sentences, to learn from as well.
            groups: (n,) whole numbers; sentences of the same group are never on both sides of a fold.
                Near-duplicates if left out.
            prevalence: stance -> share of the sentences that bear it where the model will be used, above 0 and below
                1; calibration and thresholds are chosen for it. That of the labels for those left out.
            network: a trained network of the same stances that reads beside the linear part; each counts half.
            network_held_out: (n, n_stances) what networks that did not learn from a sentence's group say of it; needed
                to calibrate. What ``network`` says if left out: right if it learned from other sentences.

        Raises:
            TypeError: ``X`` is a bare str or holds something else than str.
            ValueError: shapes, values or parameters do not fit; the message says which.
        """
        return self._fit(
            X, Y, sample_weight, None, taught, groups, prevalence=prevalence, network=network, seen=network_held_out
        )

    def fit_from(
        self,
        base: StanceClassifier,
        X: Iterable[str],
        Y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        replay: Replay | None = None,
        taught: Taught | None = None,
    ) -> Self:
        """``fit``, but what the sentences do not decide stays as in ``base``.

        The penalty draws weights and bias of the stances that ``base`` knows towards its own instead of zero, and their
        calibration towards its calibration. A stance with fewer than 20 positives or negatives here keeps the
        calibration and the thresholds of ``base``.

        Args:
            replay: sentences that ``base`` learned from, to learn from again; its targets in the order of ``stances``.
            taught: as for ``fit``.

        Raises:
            ValueError: also where the feature settings differ from those of ``base``.
        """
        base._check_fitted()
        if self._settings() != base.settings_:
            raise ValueError(f"feature settings differ from the base model's: {self._settings()} and {base.settings_}")
        return self._fit(X, Y, sample_weight, base, taught, replay=replay)

    def _fit(
        self,
        X: Iterable[str],
        Y: ArrayLike,
        sample_weight: ArrayLike | None,
        base: StanceClassifier | None,
        taught: Taught | None = None,
        groups: ArrayLike | None = None,
        replay: Replay | None = None,
        prevalence: Mapping[str, float] | None = None,
        network: Network | None = None,
        seen: ArrayLike | None = None,
    ) -> Self:
        from rhetoric.fitting import at_prevalence, calibrate, decide, spread_folds

        settings = self._settings()
        sentences = sentences_of(X, "fit")
        names, targets = self._targets(Y, len(sentences))
        weights = sample_weights_of(sample_weight, len(sentences))
        prior = _Prior.of(base, names, settings)
        if base is not None and base.network_ is not None:
            network = base.network_.of(names)
        elif network is not None:
            if set(network.stances) != set(names):
                raise ValueError(f"the network reads {', '.join(network.stances)}, the model {', '.join(names)}")
            network = network.scaled(_SHARE)
        matrix = feature_matrix(sentences, settings)
        said, sizes = _said(network, sentences, names, settings)
        if seen is not None:
            if network is None:
                raise ValueError("network_held_out is given without a network")
            said = _SHARE * np.asarray(seen, dtype=np.float64)
            if said.shape != targets.shape:
                raise ValueError(f"network_held_out has the shape {said.shape}, expected {targets.shape}")
        # a fresh linear part learns by itself and then counts half; one that had a network beside it goes on beside it
        fresh = base is None and network is not None
        share = _SHARE if fresh else 1.0

        def examples(sentences: list[str], matrix: csr_matrix, targets: Floats, weights: Floats) -> _Examples:
            beside = np.zeros_like(targets) if fresh else _said(network, sentences, names, settings)[0]
            return _Examples(matrix, targets, weights, beside)

        labelled = _Examples(matrix, targets, weights, np.zeros_like(targets) if fresh else said)
        lesson = labelled.take(np.arange(0))
        start: tuple[NDArray[np.float32], Floats] | None = None
        teach: Callable[[Ints], ArrayLike] | None = None
        if replay is not None:
            lesson = _Examples(replay.matrix, replay.targets, replay.weights, replay.beside)
        if taught is not None:
            pool = sentences_of(taught.sentences, "fit")
            pool_matrix = feature_matrix(pool, settings)
            pool_weights = sample_weights_of(np.broadcast_to(np.asarray(taught.weight), (len(pool),)), len(pool))
            if callable(taught.probabilities):
                teach = taught.probabilities
            else:
                _, probabilities = self._targets(taught.probabilities, len(pool))
                lesson = lesson.and_then(examples(pool, pool_matrix, probabilities, pool_weights))
                start = self._solve(lesson, prior)  # no held-out sentence has a part in it

        def solve(rows: Ints) -> tuple[NDArray[np.float32], Floats]:
            every = labelled.take(rows).and_then(lesson)
            if teach is not None:
                told = self._targets(teach(rows), len(pool))[1]
                every = every.and_then(examples(pool, pool_matrix, told, pool_weights))
            weights, bias = self._solve(every, prior, start)
            return weights * np.float32(share), bias * share

        def heard(linear: Floats, rows: Ints) -> Floats:
            """What the network adds to these linear logits at inference."""
            out = np.zeros_like(linear)
            if network is not None:
                columns = [names.index(stance) for stance in network.stances]
                own = said[rows][:, columns]
                out[:, columns] = network.screened(linear[:, columns], own, sizes[rows])
            return out

        fitted = solve(np.arange(len(sentences)))
        calibration, decisions = prior.calibration.copy(), prior.decisions.copy()
        held_out = np.full_like(targets, np.nan)
        if self.folds:
            kin = _groups(sentences, targets, self.folds) if groups is None else _numbered(groups, len(sentences))
            fold = spread_folds(kin, targets, self.folds)
            for number in np.unique(fold):
                inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
                if len(inside):
                    part, bias = solve(inside)
                    linear = matrix[outside] @ part.T + bias
                    held_out[outside] = linear + heard(linear, outside)
            for k in range(len(names)):
                known = ~np.isnan(targets[:, k]) & ~np.isnan(held_out[:, k]) & (weights > 0)
                z, y = held_out[known, k], targets[known, k]
                if base is None or min(y.sum(), (1 - y).sum()) >= _ENOUGH:
                    counted = weights[known]
                    if prevalence is not None and names[k] in prevalence:
                        counted = at_prevalence(y, counted, prevalence[names[k]])
                    calibration[k] = calibrate(z, y, counted, tuple(prior.calibration[k]))
                    chosen = decide(sigmoid(z * calibration[k, 0] + calibration[k, 1]), y >= 0.5, counted)
                    decisions[k] = chosen.threshold, chosen.low, chosen.high
        self.weights_, self.bias_ = fitted
        self.network_ = network
        self.slope_, self.intercept_ = calibration.T.copy()
        self.thresholds_, self.unsure_ = decisions[:, 0].copy(), decisions[:, 1:].copy()
        self.settings_ = settings
        self.held_out_ = sigmoid(held_out * self.slope_ + self.intercept_)
        self.classes_ = np.array([str(name) for name in names], dtype=object)
        beside = heard(matrix @ fitted[0].T + fitted[1], np.arange(len(sentences)))
        self.replay_ = Replay(matrix, targets, weights, beside).and_then(replay)
        self._hash = None
        return self

    def _settings(self) -> FeatureSettings:
        if not self.C > 0:
            raise ValueError(f"C is {self.C!r}, expected a number above 0")
        if not 0 <= self.balance <= 1:
            raise ValueError(f"balance is {self.balance!r}, expected a number in 0..1")
        if self.folds < 0 or self.folds == 1:
            raise ValueError(f"folds is {self.folds!r}, expected 0 or at least 2")
        return FeatureSettings(**{field.name: getattr(self, field.name) for field in fields(FeatureSettings)})

    def _targets(self, Y: ArrayLike, n: int) -> tuple[tuple[str, ...], Floats]:
        names = tuple(STANCES if self.stances is None else self.stances)
        if not names or len(set(names)) != len(names) or not all(isinstance(name, str) and name for name in names):
            raise ValueError(f"stances is {names!r}, expected different names, none of them empty")
        targets = np.asarray(Y, dtype=np.float64)
        if targets.ndim == 1 and len(names) == 1:
            targets = targets[:, None]
        if targets.shape != (n, len(names)):
            raise ValueError(
                f"Y has the shape {targets.shape}, expected ({n}, {len(names)}): a row for each sentence and a column "
                f"for each of the stances {', '.join(names)}"
            )
        if n == 0:
            raise ValueError("got no sentences to fit on, expected at least one")
        if np.nanmin(targets, initial=0) < 0 or np.nanmax(targets, initial=0) > 1:
            raise ValueError("Y holds values outside 0..1, expected an indicator matrix or probabilities")
        return names, targets

    def _solve(
        self,
        examples: _Examples,
        prior: _Prior,
        start: tuple[NDArray[np.float32], Floats] | None = None,
    ) -> tuple[NDArray[np.float32], Floats]:
        """Weights (n_stances, buckets) and biases of one logistic regression for each stance; the search begins at
        ``start``, weights and biases as returned."""
        from rhetoric.fitting import fit_logistic

        matrix, targets, weights = examples.matrix, examples.targets, examples.weights
        counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
        used = np.flatnonzero(counts >= min(self.min_count, matrix.shape[0]))
        dense = matrix[:, used]
        # What is not used here contributes what the prior gives it.
        offsets = matrix @ prior.weights.T - dense @ prior.weights[:, used].T + examples.beside
        out, biases = prior.weights.copy(), prior.bias.copy()
        for k in range(targets.shape[1]):
            known = ~np.isnan(targets[:, k])
            y, w = targets[known, k], weights[known]
            positive, negative = float(w @ y), float(w @ (1 - y))
            if positive > 0 and negative > 0:
                w = w * (1 + y * ((negative / positive) ** self.balance - 1))
            strength = self.C * (_LOYALTY if prior.known[k] else 1.0)
            found, biases[k] = fit_logistic(
                dense[known],
                y,
                w,
                strength=strength,
                prior=prior.weights[k, used].astype(np.float64),
                prior_bias=float(prior.bias[k]),
                bias_strength=strength if prior.known[k] else _FREE_BIAS,
                offset=offsets[known, k],
                start=None if start is None else (start[0][k, used].astype(np.float64), float(start[1][k])),
            )
            # As stored: half precision, so that a saved model predicts what the fitted one did.
            out[k, used] = found.astype(np.float16)
        return on_grid(out, self._settings()), biases

    # ------------------------------------------------------------------ inference

    def _raw_logits(self, sentences: Sequence[str]) -> Floats:
        logits = np.empty((len(sentences), len(self.classes_)))
        if len(sentences) > 1:
            _keep_memory()
        for part in chunks(sentences):
            batch = extract(sentences[part], self.settings_)
            logits[part], _ = self._with_network(batch)
        return logits

    def thorough(self) -> Self:
        """This model with a network that looks at every sentence, several times as slow; the model itself if it has
        none. Its log odds differ where the linear part would have ruled a stance out by itself.

        Raises:
            NotFittedError: the model is not fitted.
        """
        self._check_fitted()
        if self.network_ is None:
            return self
        other = copy(self)
        other.network_ = self.network_.everywhere()
        other._hash = None
        return other

    def network_logits(self, X: Iterable[str]) -> Floats:
        """What the network adds to the linear logits before calibration, (n_sentences, n_stances); zeros without one.

        Raises:
            TypeError: ``X`` is a bare str or holds something else than str.
            NotFittedError: the model is not fitted.
        """
        self._check_fitted()
        sentences = sentences_of(X, "network_logits")
        out = np.zeros((len(sentences), len(self.classes_)))
        for part in chunks(sentences):
            batch = extract(sentences[part], self.settings_)
            _, read = self._with_network(batch)
            if self.network_ is not None and read is not None:
                out[part.start : part.stop, self._columns(self.network_)] = read.logits
        return out

    def _with_network(self, batch: Featured, *, keep: bool = False) -> tuple[Floats, Read | None]:
        """The logits of a batch, and what the network saw, to explain them with ``keep``."""
        logits = self._sum(batch.streams, len(batch.items.indptr) - 1)
        if self.network_ is None:
            return logits, None
        columns = self._columns(self.network_)
        read = self.network_.read(batch.items, logits[:, columns], keep=keep)
        logits[:, columns] += read.logits
        return logits, read

    def _columns(self, network: Network) -> Ints:
        """Which of our stances are the network's."""
        names = self.stance_names
        return np.array([names.index(stance) for stance in network.stances])

    def _sum(self, streams: tuple[Stream, ...], n: int) -> Floats:
        """(n, n_stances) the logits of the linear part."""
        linear = self._linear
        if linear is None or linear.weights is not self.weights_:
            self._linear = linear = LinearSum(self.weights_, self.settings_)
        return linear(streams, n) + self.bias_

    def _view(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]], sentences: Sequence[str]
    ) -> _View:
        if not self.settings_.mask_actors or sum(map(len, sentences)) > _CHUNK_CHARACTERS:
            return super()._view(texts, spans, sentences)
        places = [(i, *span) for i, own in enumerate(spans) for span in own]
        if len(texts) <= _FEW_TEXTS:  # a second call costs more than a few words that may not be wanted
            quoted = [(i, *span) for i, text in enumerate(texts) for span in quoted_pieces(text, spans[i])]
            places += quoted
            tokens = tokenize([*sentences, *(texts[i][start:end] for i, start, end in quoted)])
        else:
            tokens = tokenize(sentences)
        matches = find(tokens)
        masked = mask_tokens(tokens, matches)
        items = items_of(tokens, masked.first_sentences(len(sentences)), self.settings_)
        batch = Featured(tokens, items, streams_of(tokens, items, self.settings_))
        logits, read = self._with_network(batch, keep=True)
        return _View(
            logits,
            lambda rows: self._attribute(batch, read, rows),
            lambda: Named(tokens, matches, masked, {place: row for row, place in enumerate(places)}),
        )

    def _attributions(self, sentences: Sequence[str]) -> Iterator[Attribution]:
        for part in chunks(sentences):
            batch = extract(sentences[part], self.settings_)
            yield from self._attribute(batch, self._with_network(batch, keep=True)[1], range(part.stop - part.start))

    def _attribute(self, batch: Featured, read: Read | None, rows: Sequence[int]) -> Iterator[Attribution]:
        """One attribution for each of these sentences: every feature's weight in equal parts on the items it is made
        of, and what the network saw at each item. ``read``: as from ``_with_network``, kept."""
        tokens, items, streams, first = batch.tokens, batch.items, batch.streams, batch.items.masked.first
        sentences = np.asarray(rows, dtype=np.int64)
        own, bounds = ranges(tokens.indptr[sentences], tokens.indptr[sentences + 1])
        place = np.zeros(len(tokens), dtype=np.int64)  # of each token among those
        place[own] = np.arange(len(own))
        carried = np.zeros((len(own), len(self.classes_)))
        for stream in streams:
            members_at, _ = ranges(stream.indptr[sentences], stream.indptr[sentences + 1])
            share = np.zeros((len(self.classes_), len(members_at)))
            sizes = np.array([len(members) for members in stream.offsets], dtype=np.float32)
            parts = self.weights_.take(stream.ids[:, members_at], axis=1) / sizes[:, None]
            for kind, members in enumerate(stream.offsets):
                for back in members:
                    share[:, : max(len(members_at) - back, 0)] += parts[:, kind, back:]
            carried[place[first[stream.item[members_at]]]] += share.T  # no token begins two items of a stream
        carried *= length_scale(streams)[sentences].repeat(bounds[1:] - bounds[:-1])[:, None]
        at, _ = ranges(items.indptr[sentences], items.indptr[sentences + 1])
        upto = np.arange(len(tokens))
        upto[first[at]] = items.masked.last[at]
        bias = np.tile(self.bias_, (len(sentences), 1))
        if self.network_ is not None and read is not None:
            columns = self._columns(self.network_)
            shares, rest = self.network_.shares(items, read, sentences)
            carried[np.ix_(place[first[at]], columns)] += shares
            bias[:, columns] += rest
        kept = np.flatnonzero(carried.any(axis=1))
        carried = carried[kept]
        starts, _ = tokens.char_spans(own[kept])
        _, ends = tokens.char_spans(upto[own[kept]])  # a name of several words is one item
        for row, (low, high) in enumerate(pairwise(kept.searchsorted(bounds).tolist())):
            yield Attribution(starts[low:high], ends[low:high], carried[low:high], bias[row])

    def to_sklearn(self) -> Pipeline:
        """The model as a Pipeline of plain scikit-learn parts; see ``rhetoric.export.to_sklearn``."""
        from rhetoric.export import to_sklearn

        return to_sklearn(self)

    # ------------------------------------------------------------------ storage

    def _stored(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        config = {
            "features": self.settings_.to_dict(),
            "bias": self.bias_.tolist(),
            "parameters": {"C": self.C, "balance": self.balance, "min_count": self.min_count, "folds": self.folds},
        }
        arrays: dict[str, NDArray[Any]] = {"weights": self.weights_.astype(np.float16)}
        if self.network_ is not None:
            config["network"], own = self.network_.stored()
            arrays |= own
        return config, arrays

    def _files(self) -> Mapping[str, bytes]:
        return {} if self.replay_ is None else {REPLAY: self.replay_.to_bytes()}

    @classmethod
    def _restored(cls, folder: ModelFolder, n_stances: int) -> Self:
        where = folder.path / "config.json"
        features = folder.config.get("features")
        if not isinstance(features, dict):
            raise ModelError(f"{where}: features is {features!r}, expected an object")
        try:
            settings = FeatureSettings.from_dict(features)
        except (TypeError, ValueError) as error:
            raise ModelError(f"{where}: {error}") from error
        weights = folder.arrays.get("weights")
        file = folder.path / "weights.safetensors"
        if weights is None:
            raise ModelError(f"{file} is missing, or has no array 'weights'")
        if weights.shape != (n_stances, settings.buckets) or weights.dtype not in (np.float16, np.float32):
            raise ModelError(
                f"{file}: weights are {weights.dtype} of shape {weights.shape}, expected float16 or float32 of shape "
                f"{(n_stances, settings.buckets)}"
            )
        values = np.asarray(weights).astype(np.float32)  # a plain array: one of a mapped file is slow to index
        if not np.isfinite(values).all():
            raise ModelError(f"{file}: weights hold values that are not finite")
        if weights.dtype == np.float32:  # half precision is what is written, of weights on their grid
            values = on_grid(values, settings)
        model = cls(**{name: getattr(settings, name) for name in cls._parameters if hasattr(settings, name)})
        model.stances = tuple(folder.config["stances"])
        for name, low, high in (("C", 0, 1e9), ("balance", 0, 1), ("min_count", 0, 1e9), ("folds", 0, 1e6)):
            value = number_of(where, folder.config, ("parameters", name), low, high)
            setattr(model, name, int(value) if name in ("min_count", "folds") else value)
        model.settings_ = settings
        model.weights_ = values
        model.bias_ = np.array([number_of(where, folder.config, ("bias", k), -1e6, 1e6) for k in range(n_stances)])
        if "network" in folder.config:
            model.network_ = Network.restored(where, folder.config["network"], folder.arrays)
            if not set(model.network_.stances) <= set(model.stances):
                raise ModelError(f"{where}: the network knows other stances, {', '.join(model.network_.stances)}")
        return model


@dataclass(frozen=True, eq=False, slots=True)
class _Prior:
    """Where fitting starts from and is drawn to: zero, or another model's values for the stances that it knows.

    ``known``: (n_stances,) whether the other model knows it. ``calibration``: (n_stances, 2) slopes and
    intercepts. ``decisions``: (n_stances, 3) threshold and band of doubt.
    """

    known: NDArray[np.bool_]
    weights: NDArray[np.float32]
    bias: Floats
    calibration: Floats
    decisions: Floats

    @classmethod
    def of(cls, base: StanceClassifier | None, names: tuple[str, ...], settings: FeatureSettings) -> _Prior:
        n = len(names)
        prior = cls(
            np.zeros(n, dtype=bool),
            np.zeros((n, settings.buckets), dtype=np.float32),
            np.zeros(n),
            np.tile([1.0, 0.0], (n, 1)),
            np.tile([0.5, 0.4, 0.6], (n, 1)),
        )
        known = {} if base is None else {name: k for k, name in enumerate(base.stance_names)}
        for k, name in enumerate(names):
            if base is not None and name in known:
                j = known[name]
                prior.known[k] = True
                prior.weights[k], prior.bias[k] = base.weights_[j], base.bias_[j]
                prior.calibration[k] = base.slope_[j], base.intercept_[j]
                prior.decisions[k] = base.thresholds_[j], *base.unsure_[j]
        return prior


@dataclass(frozen=True, eq=False, slots=True)
class _Examples:
    """What the linear part is fitted on. ``beside``: (n, n_stances) logits that are added to its own."""

    matrix: csr_matrix
    targets: Floats
    weights: Floats
    beside: Floats

    def take(self, rows: Ints) -> _Examples:
        return _Examples(self.matrix[rows], self.targets[rows], self.weights[rows], self.beside[rows])

    def and_then(self, other: _Examples) -> _Examples:
        from scipy.sparse import vstack

        return _Examples(
            vstack([self.matrix, other.matrix], format="csr"),
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.weights, other.weights]),
            np.concatenate([self.beside, other.beside]),
        )


def _said(
    network: Network | None, sentences: list[str], names: Sequence[str], settings: FeatureSettings
) -> tuple[Floats, Ints]:
    """(n, n_stances) the network's logits of all sentences, 0 for stances that it does not know; (n,) their items."""
    out, sizes = np.zeros((len(sentences), len(names))), np.zeros(len(sentences), dtype=np.int64)
    if network is not None:
        columns = [names.index(stance) for stance in network.stances]
        for part in chunks(sentences):
            items = extract(sentences[part], settings).items
            out[part.start : part.stop, columns] = network.logits(items)
            sizes[part] = np.diff(items.indptr)
    return out, sizes


def _groups(sentences: list[str], targets: Floats, folds: int) -> Ints:
    """Groups that no fold may cut: near-duplicates, or exact ones alone where near ones leave a stance's positives in
    too few groups to be dealt out (labels made from a few templates)."""
    from rhetoric.labels.splits import group_near_duplicates

    groups = group_near_duplicates(sentences)
    bearing = [len(np.unique(groups[column >= 0.5])) for column in targets.T]
    if min(bearing) < 2 * folds:
        groups = group_near_duplicates(sentences, floor=1.0)
    return groups


def _numbered(groups: ArrayLike, n: int) -> Ints:
    """Given groups as numbers from 0 on without gaps."""
    given = np.asarray(groups)
    if given.shape != (n,):
        raise ValueError(f"groups has the shape {given.shape}, expected ({n},)")
    return np.unique(given, return_inverse=True)[1].astype(np.int64)


_FREE_BIAS: Final = 1e3
_SHARE: Final = 0.5  # what each of a fresh linear part and a network counts
_LOYALTY: Final = 0.1  # C of what a base knows, against that of what it does not; see experiments/retraining
_ENOUGH: Final = 20


def feature_matrix(sentences: Sequence[str], settings: FeatureSettings) -> csr_matrix:
    """(n_sentences, buckets) counts of features, scaled as at inference; bucket 0 is empty."""
    from scipy.sparse import csr_matrix, vstack

    parts = []
    for part in chunks(sentences):
        streams = extract(sentences[part], settings).streams
        n = part.stop - part.start
        owners, buckets = [], []
        for stream in streams:
            owner = np.repeat(np.arange(n), np.diff(stream.indptr))
            for ids in stream.ids:
                kept = ids > 0
                owners.append(owner[kept])
                buckets.append(ids[kept])
        rows = np.concatenate(owners)
        values = length_scale(streams)[rows].astype(np.float32)
        parts.append(csr_matrix((values, (rows, np.concatenate(buckets))), shape=(n, settings.buckets)))
    return vstack(parts, format="csr")


@cache
def _keep_memory() -> None:
    """Make glibc keep up to 32 MB that arrays gave back, instead of faulting every page in again for each chunk, which
    takes a quarter of the time: freeing one large block raises the size up to which it does so (mallopt(3),
    M_MMAP_THRESHOLD). The block is never touched, so it costs nothing; other allocators do not mind."""
    np.empty(_KEPT_MEMORY, dtype=np.uint8)


def chunks(sentences: Sequence[str]) -> Iterator[slice]:
    """Slices of bounded size that cover the sentences in order."""
    upto = np.fromiter(accumulate(map(len, sentences)), dtype=np.int64, count=len(sentences))
    begin = size = 0
    while begin < len(sentences):
        fitting = int(upto.searchsorted(size + _CHUNK_CHARACTERS, side="right"))
        end = max(min(fitting, begin + _CHUNK_SENTENCES), begin + 1)
        yield slice(begin, end)
        begin, size = end, int(upto[end - 1])


def evidence(text: str, offset: int, attribution: Attribution, weights: Floats, most: int = 3) -> tuple[Span, ...]:
    """The words that carried a stance, offsets in the whole text: neighbours joined, at most ``most``, in order.

    ``weights``: (n_spans,) what each span of ``attribution`` adds to the stance's log odds.
    """
    values = weights.tolist()
    best = max(values, default=0.0)
    if best <= 0:
        return ()
    starts, ends = attribution.starts.tolist(), attribution.ends.tolist()
    joined: list[tuple[int, int, float]] = []
    floor = 0.25 * best
    previous = -2
    for i in [i for i, weight in enumerate(values) if weight >= floor]:
        if previous == i - 1:
            begin, _, before = joined[-1]
            joined[-1] = (begin, ends[i], before + values[i])
        else:
            joined.append((starts[i], ends[i], values[i]))
        previous = i
    strongest = sorted(sorted(joined, key=lambda run: -run[2])[:most])
    return tuple(
        Span(text[offset + start : offset + end], offset + start, offset + end, weight)
        for start, end, weight in strongest
    )


def load_model(name_or_path: str | os.PathLike[str]) -> StanceModel:
    """The shipped model of this name, or the model in this folder.

    Raises:
        ModelError: there is none, or its folder is at fault; the message names the file and the fault.
    """
    shipped = shipped_models()
    folder = read_model(shipped.get(os.fspath(name_or_path), Path(name_or_path)))
    where, config = folder.path / "config.json", folder.config
    names = config.get("stances")
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, str) and name for name in names)
        or len(set(names)) != len(names)
    ):
        raise ModelError(f"{where}: stances is {names!r}, expected a list of different names")
    kind = config.get("kind")
    model: StanceModel
    if kind == StanceClassifier.kind:
        model = StanceClassifier._restored(folder, len(names))
    elif kind == "encoder":
        from rhetoric.encoder import EncoderModel  # needs an extra

        model = EncoderModel._restored(folder, len(names))
    else:
        raise ModelError(f"{where}: kind is {kind!r}, expected 'linear' or 'encoder'")
    model._restore_shared(folder, tuple(names))
    return model


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))


def sentences_of(X: Iterable[str], call: str) -> list[str]:
    """``X`` as a list of str, or a TypeError that names the right call."""
    if isinstance(X, (str, bytes, Mapping)):
        what = "one str" if isinstance(X, str) else type(X).__name__
        raise TypeError(
            f"{call}() takes a sequence of sentences, got {what}; wrap one sentence in a list, {call}([sentence]), or "
            f"call classify(text) to split a text into sentences"
        )
    if len(getattr(X, "shape", (0,))) != 1:  # iterating a data frame would give the names of its columns
        raise TypeError(f"{call}() takes a sequence of sentences, got {type(X).__name__}; give it the column of them")
    try:
        sentences = X if type(X) is list else X.to_pylist() if hasattr(X, "to_pylist") else list(X)  # Arrow's scalars
    except TypeError as error:
        raise TypeError(f"{call}() takes a sequence of sentences, got {type(X).__name__}") from error
    if set(map(type, sentences)) - {str}:  # one look at all of them spares a check for each
        for i, sentence in enumerate(sentences):
            if not isinstance(sentence, str):
                raise TypeError(f"{call}() takes a sequence of str, item {i} is of type {type(sentence).__name__}")
    return sentences


def sample_weights_of(sample_weight: ArrayLike | None, n: int) -> Floats:
    """(n,) weights, ones if left out; ValueError where they do not fit."""
    if sample_weight is None:
        return np.ones(n)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n,):
        raise ValueError(f"sample_weight has the shape {weights.shape}, expected ({n},)")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight holds values below 0 or not finite")
    return weights


def _not_one_text(given: object) -> TypeError:
    if isinstance(given, (list, tuple)):
        hint = "for sentences that are split already call predict_proba(sentences); for several texts loop over them"
    elif isinstance(given, (bytes, bytearray)):
        hint = "decode the bytes first: classify(data.decode())"
    else:
        hint = "pass the text itself, or an empty string for no text"
    return TypeError(f"classify() and read() take one text as str, got {type(given).__name__}; {hint}")


def text_of(where: Path, config: Mapping[str, Any], key: str) -> str:
    """A string of the config, or a ModelError."""
    value = config.get(key)
    if not isinstance(value, str):
        raise ModelError(f"{where}: {key} is {value!r}, expected a string")
    return value


def number_of(where: Path, config: Mapping[str, Any], keys: tuple[str | int, ...], low: float, high: float) -> float:
    """A number of the config at this path of keys, in low..high, or a ModelError."""
    value: Any = config
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            value = None
            break
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        name = ".".join(map(str, keys))
        raise ModelError(f"{where}: {name} is {value!r}, expected a number from {low:g} to {high:g}")
    return float(value)
