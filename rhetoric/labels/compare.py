"""What is in a labelled set, how far two readers agree, and which labels look wrong."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import LabelError, MissingExtraError
from rhetoric.labels.schema import ROLES, Label, RoleSpans
from rhetoric.labels.splits import group_near_duplicates
from rhetoric.labels.standoff import Standoff
from rhetoric.stances import STANCES

__all__ = [
    "Agreement",
    "Counts",
    "Disagreement",
    "RoleAgreement",
    "StanceAgreement",
    "Suspect",
    "agreement",
    "is_implied",
    "stats",
    "suspects",
]

Record = Label | Standoff

_ACCUSING = re.compile(
    r"\b(accus\w*|blam\w+|denounc\w*|condemn\w*|alleg\w+|charg(?:e|es|ed|ing)|critici[sz]\w*|deplor\w+|decr(?:y|ied|ies)"
    r"|slam\w*|lambast\w*|assail\w*|castigat\w*|rebuk\w*|denunc\w+|reproach\w*|censur\w*|claim\w*|protest\w*)\b",
    re.IGNORECASE,
)


def is_implied(record: Record) -> bool:
    """True for an accusation in whose sentence no verb (or noun) of accusing stands: the kind that models miss.

    A standoff record tells it by its own field ``implied``.
    """
    if "accusation" not in record.stances:
        return False
    return bool(record.extra.get("implied")) if isinstance(record, Standoff) else not _ACCUSING.search(record.text)


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of records of one source: ``stances`` counts each stance, ``none`` those without any."""

    source: str
    records: int
    stances: Mapping[str, int]
    none: int
    unsure: int
    implied: int


def stats(records: Iterable[Record], stances: Sequence[str] = STANCES) -> list[Counts]:
    """One row for each source (the corpus of a standoff record), largest first, and a last one named "all"."""
    by_source: dict[str, list[Record]] = {}
    for record in records:
        source = record.corpus if isinstance(record, Standoff) else record.source
        by_source.setdefault(source or "unknown", []).append(record)
    rows = [_count(source, found, stances) for source, found in by_source.items()]
    everything = [record for found in by_source.values() for record in found]
    return [*sorted(rows, key=lambda row: (-row.records, row.source)), _count("all", everything, stances)]


def _count(source: str, records: Sequence[Record], stances: Sequence[str]) -> Counts:
    counter = Counter(stance for record in records for stance in record.stances)
    return Counts(
        source,
        len(records),
        {stance: counter[stance] for stance in dict.fromkeys([*stances, *counter])},
        sum(not record.stances for record in records),
        sum(record.unsure for record in records),
        sum(map(is_implied, records)),
    )


@dataclass(frozen=True, slots=True)
class StanceAgreement:
    """How far two readers agree on one stance, over the sentences that both read.

    ``alpha``: Krippendorff's, nominal. ``kappa``: Cohen's. Both are 1 for perfect agreement, 0 for chance, and None
    where neither reader's labels vary. ``f1``: of one reader against the other, the same either way; None where
    neither gives the stance.
    ``both``, ``only_first``, ``only_second``: numbers of sentences.
    """

    stance: str
    alpha: float | None
    kappa: float | None
    f1: float | None
    both: int
    only_first: int
    only_second: int


@dataclass(frozen=True, slots=True)
class RoleAgreement:
    """Overlap of one role where both readers give the stance and at least one names the role.

    ``f1``: mean over the ``sentences`` of the F1 of shared units (0 to 1): words of the two role texts, or, for
    records without text, characters of the sentence that both spans cover. ``exact``: share of the sentences with the
    same words or span.
    """

    stance: str
    role: str
    sentences: int
    f1: float
    exact: float


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A sentence that two readers label with different stances."""

    first: Record
    second: Record

    def to_dict(self) -> dict[str, Any]:
        """Both readings side by side; with the text, or for records without it their hash."""
        text = {"text": self.first.text} if isinstance(self.first, Label) else {"sha256": self.first.key}
        readings = {"first": list(self.first.stances), "second": list(self.second.stances)}
        return {"id": self.first.id, **text, **readings, "unsure": self.first.unsure or self.second.unsure}


@dataclass(frozen=True, slots=True)
class Agreement:
    """What :func:`agreement` found; ``only_first`` and ``only_second`` count sentences that one reader alone has."""

    sentences: int
    only_first: int
    only_second: int
    stances: tuple[StanceAgreement, ...]
    roles: tuple[RoleAgreement, ...]
    disagreements: tuple[Disagreement, ...]


def agreement(first: Sequence[Record], second: Sequence[Record], stances: Sequence[str] = STANCES) -> Agreement:
    """Compare two readers' labels of the same sentences, which are matched by the hash of the normalised sentence.

    Args:
        first, second: one record for each sentence; of repeated sentences the first counts.
        stances: what to compare.

    Raises:
        LabelError: no sentence was read by both.
        MissingExtraError: the library ``krippendorff`` is not installed.
    """
    mine: dict[str, Record] = {}
    yours: dict[str, Record] = {}
    for records, index in ((first, mine), (second, yours)):
        for record in records:
            index.setdefault(record.key, record)
    pairs = [(record, yours[key]) for key, record in mine.items() if key in yours]
    if not pairs:
        raise LabelError(f"none of the {len(mine)} and {len(yours)} sentences was read by both; nothing to compare")
    return Agreement(
        len(pairs),
        len(mine) - len(pairs),
        len(yours) - len(pairs),
        tuple(_stance_agreement(stance, pairs) for stance in stances),
        tuple(found for stance in stances for role in ROLES if (found := _role_agreement(stance, role, pairs))),
        tuple(Disagreement(a, b) for a, b in pairs if set(a.stances) & set(stances) != set(b.stances) & set(stances)),
    )


def _stance_agreement(stance: str, pairs: Sequence[tuple[Record, Record]]) -> StanceAgreement:
    try:
        import krippendorff
    except ImportError as error:
        raise MissingExtraError("Krippendorff's alpha", "labels") from error
    from sklearn.metrics import cohen_kappa_score

    given = np.array([[stance in record.stances for record in pair] for pair in pairs], dtype=int).T
    both = int((given[0] & given[1]).sum())
    only_first, only_second = (int(given[i].sum()) - both for i in (0, 1))
    varies = given.min() != given.max()
    named = 2 * both + only_first + only_second
    return StanceAgreement(
        stance,
        float(krippendorff.alpha(reliability_data=given, level_of_measurement="nominal")) if varies else None,
        float(cohen_kappa_score(given[0], given[1])) if varies else None,
        2 * both / named if named else None,
        both,
        only_first,
        only_second,
    )


def _role_agreement(stance: str, role: Any, pairs: Sequence[tuple[Record, Record]]) -> RoleAgreement | None:
    scores = []
    exact = 0
    for a, b in pairs:
        if stance not in a.roles or stance not in b.roles:
            continue
        units = (_role_units(a, stance, role), _role_units(b, stance, role))
        if any(units):
            scores.append(2 * (units[0] & units[1]).total() / (units[0].total() + units[1].total()))
            exact += units[0] == units[1]
    return RoleAgreement(stance, role, len(scores), float(np.mean(scores)), exact / len(scores)) if scores else None


def _role_units(record: Record, stance: str, role: Any) -> Counter[object]:
    if isinstance(record, Label):
        return Counter(re.findall(r"\w+", record.role(stance, role).casefold()))
    span = getattr(record.anchors.get(stance, RoleSpans()), role)
    return Counter(range(*span) if span else ())


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that looks wrong: ``given`` tells whether it has the stance, ``probability`` what a model that did
    not see it says.
    """

    label: Label
    stance: str
    given: bool
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """The record with the fields ``suspect`` (the stance), ``given`` and ``probability``."""
        doubt = {"suspect": self.stance, "given": self.given, "probability": round(self.probability, 4)}
        return self.label.to_dict() | doubt


def suspects(
    records: Sequence[Label], model: Any, stances: Sequence[str] = STANCES, folds: int = 5, seed: int = 0
) -> list[Suspect]:
    """Labels that are likely errors, most suspicious first, by confident learning (Northcutt, Jiang and Chuang 2021;
    cleanlab).

    Every sentence gets its probabilities from a copy of the model that was fitted without it and its near-duplicates.

    Args:
        records: text records, each stance both given and not given among them; sentences that are there twice count
            twice.
        model: has ``fit(texts, y)``, y an int array (n, stances) of 0 and 1, and ``predict_proba(texts)`` -> floats
            of the same shape; such as ``rhetoric.StanceClassifier(stances)``. It stays as it is: copies of it are
            fitted.
        stances: which to look at, in the order of the model's columns.
        folds: number of parts, 2 or more.
        seed: of the division into parts.

    Raises:
        LabelError: too few sentences, or a stance that all or none of them have.
        MissingExtraError: cleanlab is not installed.
    """
    try:
        from cleanlab.filter import find_label_issues
    except ImportError as error:
        raise MissingExtraError("Finding suspicious labels", "labels") from error
    texts = [record.text for record in records]
    y = np.array([[stance in record.stances for stance in stances] for record in records], dtype=int)
    y = y.reshape(len(records), len(stances))
    for j, stance in enumerate(stances):
        if min(int(y[:, j].sum()), len(y) - int(y[:, j].sum())) < folds:
            raise LabelError(
                f"{stance} is given to {y[:, j].sum()} of {len(y)} sentences; {folds} with and without are needed"
            )
    probabilities = _cross_validated(texts, y, model, folds, seed)
    found = []
    for j, stance in enumerate(stances):
        p = np.clip(probabilities[:, j], 0.0, 1.0)
        both = np.column_stack([1 - p, p])
        for i in find_label_issues(y[:, j], both, return_indices_ranked_by="self_confidence"):
            found.append((float(both[i, y[i, j]]), Suspect(records[i], stance, bool(y[i, j]), float(p[i]))))
    return [suspect for _, suspect in sorted(found, key=lambda pair: pair[0])]


def _cross_validated(
    texts: Sequence[str], y: NDArray[np.int64], model: Any, folds: int, seed: int
) -> NDArray[np.float64]:
    groups = group_near_duplicates(texts)
    fold = (np.random.default_rng(seed).permutation(int(groups.max()) + 1) % folds)[groups]
    probabilities = np.zeros(y.shape)
    for k in range(folds):
        fitted = copy.deepcopy(model)
        fitted.fit([text for text, f in zip(texts, fold, strict=True) if f != k], y[fold != k])
        probabilities[fold == k] = fitted.predict_proba([text for text, f in zip(texts, fold, strict=True) if f == k])
    return probabilities
