"""Labels -> a fitted model, and whether it is better than the one it would replace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import LabelError
from rhetoric.evaluate import StanceScore, evaluate
from rhetoric.labels import Label, read_format
from rhetoric.labels.files import parse_lines
from rhetoric.model import StanceClassifier, Taught, sigmoid
from rhetoric.replay import Replay
from rhetoric.stances import STANCES
from rhetoric.storage import shipped_models

__all__ = [
    "Change",
    "Comparison",
    "Labels",
    "StanceChange",
    "Teaches",
    "Trained",
    "compare",
    "read_labels",
    "retrain",
    "train",
]

FilePath: TypeAlias = str | os.PathLike[str]
Archive: TypeAlias = FilePath | Iterable[FilePath]
Labels: TypeAlias = FilePath | Iterable[FilePath | Label | Mapping[str, Any]]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]

SHIPPED: Final = "shipped"
# One replayed sentence in so many is taken as a negative of a stance that the base does not know: real prose, of which
# hardly a sentence bears any one stance.
_ONE_IN: Final = 10
_RESAMPLES: Final = 1000
_MOST_CHANGED: Final = 20
_POOL: Final = 1500  # sentences that a teacher reads; experiments/retraining
_FEWEST_WORDS: Final = 4


class Teaches(Protocol):
    """Something better than the model that is trained, to learn from on text without labels."""

    def lesson(
        self, sentences: Sequence[str], targets: Floats, weights: Floats, stances: Sequence[str], pool: Sequence[str]
    ) -> Callable[[Ints], Floats]:
        """A function from rows of the labelled ``sentences`` to what a teacher that learned from these alone says of
        ``pool``: (n_pool, n_stances) in 0..1, NaN where it has nothing to say. ``targets`` (n, n_stances) and
        ``weights`` (n,) as for ``StanceClassifier.fit``.
        """


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence that two models read differently: its labels, and what each model found."""

    text: str
    labels: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "labels": list(self.labels),
            "before": list(self.before),
            "after": list(self.after),
        }


@dataclass(frozen=True, slots=True)
class StanceChange:
    """One stance in both models.

    ``before`` is None where the older model does not know the stance, ``after`` where no held-out sentence is labelled
    for it. ``gain`` is the difference of F1 with its 95 % interval (low, high) by a paired bootstrap over sentences.
    ``learned`` holds both models' F1 on the sentences that the older one learned from, None where they are not kept:
    what is lost of them shows there.
    """

    stance: str
    before: StanceScore | None
    after: StanceScore | None
    gain: tuple[float, float, float] | None = None
    learned: tuple[float, float] | None = None

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``no clear change``, ``new`` or ``not measured``."""
        if self.after is None:
            return "not measured"
        if self.gain is None:
            return "new"
        _, low, high = self.gain
        return "better" if low > 0 else "worse" if high < 0 else "no clear change"

    @property
    def lost(self) -> bool:
        """Whether F1 on the sentences learned before fell by more than 0.02."""
        return self.learned is not None and self.learned[1] < self.learned[0] - 0.02

    def to_dict(self) -> dict[str, Any]:
        def score(value: StanceScore | None) -> dict[str, Any] | None:
            if value is None:
                return None
            return {"f1": value.f1, "f1_interval": list(value.f1_interval), "support": value.support}

        return {
            "stance": self.stance,
            "before": score(self.before),
            "after": score(self.after),
            "gain": None if self.gain is None else list(self.gain),
            "learned": None if self.learned is None else list(self.learned),
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model beside the one it would replace, on the same held-out sentences.

    Attributes:
        n: sentences compared.
        held_out: on what.
        stances: one entry for each stance of the newer model, in order.
        mended, broken: how many sentences only the newer, only the older model got wholly right, over the stances that
            both know.
        changed: up to twenty sentences that the models read differently, the surest changes first.
    """

    n: int
    held_out: str
    stances: tuple[StanceChange, ...]
    mended: int
    broken: int
    changed: tuple[Change, ...]

    @property
    def verdict(self) -> str:
        """One plain sentence or two: whether to use the newer model."""
        named = {
            word: [s.stance for s in self.stances if s.verdict == word]
            for word in ("better", "worse", "no clear change", "new", "not measured")
        }
        lost = [s.stance for s in self.stances if s.lost]
        named["learned"] = named.pop("new")
        told = "; ".join(f"{word}: {', '.join(names)}" for word, names in named.items() if names)
        if lost:
            advice = f"Keep the old model for {', '.join(lost)}: it lost what was learned before."
        elif named["worse"]:
            advice = "Keep the old model unless what got better matters more to you."
        elif named["better"] or named["learned"]:
            advice = "Use the new model."
        else:
            advice = "The models can not be told apart on this; label more before you replace the old one."
        return f"{told[:1].upper()}{told[1:]}. {advice}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "held_out": self.held_out,
            "verdict": self.verdict,
            "stances": [s.to_dict() for s in self.stances],
            "mended": self.mended,
            "broken": self.broken,
            "changed": [c.to_dict() for c in self.changed],
        }

    def report(self, *, texts: bool = True) -> str:
        """Markdown: the verdict, a table, and with ``texts`` the changed sentences."""

        def score(value: StanceScore | None) -> str:
            if value is None:
                return "-"
            return f"{value.f1:.2f} ({value.f1_interval[0]:.2f}-{value.f1_interval[1]:.2f})"

        lines = [
            self.verdict,
            "",
            f"F1 with 95 % intervals on {self.held_out}. Learned before: F1, old and new model, on the sentences that "
            "the old model learned from.",
            "",
            "| stance | n | before | after | gain | learned before | |",
            "|---|---|---|---|---|---|---|",
        ]
        for s in self.stances:
            gain = "-" if s.gain is None else f"{s.gain[0]:+.2f} ({s.gain[1]:+.2f} to {s.gain[2]:+.2f})"
            learned = "-" if s.learned is None else f"{s.learned[0]:.3f}, {s.learned[1]:.3f}"
            support = "-" if s.after is None else s.after.support
            lines.append(
                f"| {s.stance} | {support} | {score(s.before)} | {score(s.after)} | {gain} | {learned} | {s.verdict} |"
            )
        lines += ["", f"Only the new model got {self.mended} sentences wholly right, only the old one {self.broken}."]
        if texts and self.changed:
            lines += ["", f"{len(self.changed)} changed sentences (label; before -> after):", ""]
            for c in self.changed:
                labels, before, after = (", ".join(names) or "none" for names in (c.labels, c.before, c.after))
                lines.append(f"- {' '.join(c.text.split())} ({labels}; {before} -> {after})")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Trained:
    """A new model, what it learned from, and its comparison with the base (None where it has none).

    ``n_taught`` counts the sentences that a teacher read for it.
    """

    model: StanceClassifier
    comparison: Comparison | None
    n_labels: int
    n_replayed: int
    base: str | None = None
    scores: tuple[StanceScore, ...] = field(default=())
    n_taught: int = 0

    def card(self, name: str) -> str:
        """The model card in Markdown."""
        model = self.model
        learned = f"{self.n_labels:,} labelled sentences"
        if self.base is not None:
            learned += f", on top of the model `{self.base}`"
            if self.n_replayed:
                learned += f", which learned from {self.n_replayed:,} sentences"
        if self.n_taught:
            learned += f", and from what a teacher said of {self.n_taught:,} sentences without labels"
        lines = [
            f"# {name}",
            "",
            f"A linear model of the stances {', '.join(model.stance_names)}. Learned from {learned}.",
            "",
        ]
        if self.comparison is not None:
            return "\n".join([*lines, "## Compared with the model it would replace", "", self.comparison.report(), ""])
        lines += [
            "## Scores",
            "",
            "F1 with 95 % intervals, each sentence read by a model that did not learn from its fold.",
            "",
        ]
        lines += [
            f"- {s.stance}: {s.f1:.2f} ({s.f1_interval[0]:.2f}-{s.f1_interval[1]:.2f}), {s.support} with it"
            for s in self.scores
        ]
        return "\n".join([*lines, ""])

    def save(self, path: FilePath) -> None:
        """Write the model folder; its card holds the comparison.

        Raises:
            ModelError: as ``StanceClassifier.save``.
        """
        self.model.save(path, card=self.card(self.model.name or Path(path).name))


def train(
    labels: Labels,
    *,
    base: str | None = SHIPPED,
    stances: Sequence[str] | None = None,
    teacher: bool | Teaches = False,
    pool: Archive | None = None,
) -> StanceClassifier:
    """Fit a model on labelled sentences.

    Args:
        labels: a file (our JSONL, or what doccano, Label Studio or Prodigy export, or CSV) or a folder of JSONL files,
            several of these, or records: each a ``Label`` or a mapping with ``text`` and ``stances``. Sentences marked
            ``unsure`` count half. A stance of the base that no record of a file names counts as not labelled in that
            file, not as absent.
        base: ``"shipped"`` (or the path of a linear model's folder) trains on top of that model: its weights are what
            those of its stances are drawn to, and the sentences that it learned from, kept as feature ids, are
            negatives of the others. None learns from these labels alone.
        stances: names that the model is to know beside those of ``base``. Without a base and left out: all that the
            labels name, the library's own first.
        pool: text of yours without labels, inputs as for ``score``: a teacher that knows your labels reads up to 1,500
            of its sentences, drawn evenly, and the model learns from what it says of the stances that ``base`` does not
            know. The teacher is the model `accurate` with a head for each stance (extra ``[accurate,onnx]``).
        teacher: True tunes the teacher's last layers on your labels as well (extra ``[teacher]``: torch), which takes
            minutes. Or a teacher of your own. It needs a ``pool``.

    Returns:
        A fitted ``StanceClassifier``. The stances of ``base`` keep its calibration and thresholds; the others get
        theirs from held-out folds of the labels.

    Raises:
        LabelError: a label is bad (file and line are named), names a stance that is not known, contradicts another
            label of the same sentence, nobody confirmed it, or there are none; or all sentences that are labelled for
            a new stance have it, or none has.
        ModelError: ``base`` can not be loaded or is not linear.
        MissingExtraError: a teacher needs what is not installed.
    """
    return _fitted(labels, base, stances, _lesson(teacher, pool, ()))[0]


def retrain(
    labels: Labels,
    *,
    base: str | None = SHIPPED,
    stances: Sequence[str] | None = None,
    held_out: Labels | None = None,
    teacher: bool | Teaches = False,
    pool: Archive | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Trained:
    """``train``, and compare the model with its base.

    Args:
        labels, base, stances, teacher, pool: as :func:`train`; sentences of ``held_out`` are left out of the pool.
        say: told what takes long.
        held_out: labels to compare on, which are not trained on. If left out, each training sentence is read by a
            model that did not learn from its fold (the base never saw them).

    Raises:
        LabelError: also where a sentence of ``held_out`` is among ``labels``.
    """
    if held_out is not None and not isinstance(held_out, (str, os.PathLike)):
        held_out = list(held_out)  # read twice
    apart = [] if held_out is None or pool is None else [record.key for _, record in read_labels(held_out, None)]
    lesson = _lesson(teacher, pool, apart, say)
    model, records, targets, start, n_replayed, folder = _fitted(labels, base, stances, lesson)
    n_taught = 0 if lesson is None else lesson.size
    found = model.held_out_
    where = f"the {len(records)} new sentences, each read by a model that did not learn from its fold"
    if held_out is not None:
        trained_on = {record.key for _, record in records}
        records = read_labels(held_out, model.stance_names)
        for place, record in records:
            if record.key in trained_on:
                raise LabelError(f"{place}: this sentence is among the training labels; held-out ones must be others")
        targets = _targets(records, model.stance_names)
        found = model.predict_proba([record.sentence for _, record in records])
        where = f"the {len(records)} held-out sentences"
    texts = [record.sentence for _, record in records]
    if start is None:
        scores = tuple(s for k in range(targets.shape[1]) if (s := _score(model, targets, found, k)) is not None)
        return Trained(model, None, len(model.held_out_), 0, None, scores, n_taught)
    replay = None if folder is None else Replay.of_folder(folder, start.settings_.buckets, len(start.classes_))
    comparison = compare(start, model, texts, targets, after=found, replay=replay, held_out=where)
    return Trained(model, comparison, len(model.held_out_), n_replayed, start.name, n_taught=n_taught)


def compare(
    old: StanceClassifier,
    new: StanceClassifier,
    texts: Sequence[str],
    truth: Floats,
    *,
    after: Floats | None = None,
    replay: Replay | None = None,
    held_out: str = "held-out sentences",
) -> Comparison:
    """Two models on the same sentences.

    Args:
        truth: (n, n_stances of ``new``) 0 or 1, NaN where not known.
        after: (n, n_stances of ``new``) what ``new`` says; asked of it if left out.
        replay: the sentences that ``old`` learned from.
    """
    chances = new.predict_proba(texts) if after is None else after
    earlier = old.predict_proba(texts)
    learned = _learned(old, new, replay)
    drawn = np.random.default_rng(0).multinomial(len(texts), np.full(len(texts), 1 / len(texts)), size=_RESAMPLES)
    rows: list[StanceChange] = []
    found_before, found_after = np.zeros_like(truth, dtype=bool), chances >= new.thresholds_
    for k, stance in enumerate(new.stance_names):
        score_after = _score(new, truth, chances, k)
        if stance not in old.stance_names:
            rows.append(StanceChange(stance, None, score_after))
            continue
        j = old.stance_names.index(stance)
        found_before[:, k] = earlier[:, j] >= old.thresholds_[j]
        if score_after is None:
            rows.append(StanceChange(stance, None, None, None, learned.get(stance)))
            continue
        known = ~np.isnan(truth[:, k]) & ~np.isnan(chances[:, k])
        true = truth[known, k] >= 0.5
        samples = [_f1(drawn[:, known], true, found[known, k]) for found in (found_before, found_after)]
        low, high = np.quantile(samples[1] - samples[0], [0.025, 0.975])
        score_before = evaluate(true[:, None], found_before[known, k : k + 1], stances=(stance,)).scores[0]
        gain = (score_after.f1 - score_before.f1, float(low), float(high))
        rows.append(StanceChange(stance, score_before, score_after, gain, learned.get(stance)))
    shared = np.array([stance in old.stance_names for stance in new.stance_names])
    known = ~np.isnan(truth) & ~np.isnan(chances) & shared
    right = [((found == (truth >= 0.5)) | ~known).all(axis=1) for found in (found_before, found_after)]
    differs = ((found_before != found_after) & ~np.isnan(chances)).any(axis=1)
    surety = np.nanmax(np.where(found_before != found_after, np.abs(chances - new.thresholds_), 0), axis=1, initial=0)
    order = [i for i in np.argsort(-surety, kind="stable").tolist() if differs[i]][:_MOST_CHANGED]

    def named(flags: Flags) -> tuple[str, ...]:
        return tuple(stance for stance, flag in zip(new.stance_names, flags.tolist(), strict=True) if flag)

    return Comparison(
        len(texts),
        held_out,
        tuple(rows),
        int((right[1] & ~right[0]).sum()),
        int((right[0] & ~right[1]).sum()),
        tuple(Change(texts[i], named(truth[i] >= 0.5), named(found_before[i]), named(found_after[i])) for i in order),
    )


def _f1(drawn: NDArray[Any], true: Flags, found: Flags) -> Floats:
    values: Floats = 2 * (drawn @ (true & found)) / np.maximum(drawn @ true + drawn @ found, 1)
    return values


def _score(model: StanceClassifier, truth: Floats, chances: Floats, k: int) -> StanceScore | None:
    """Of stance ``k``, over the sentences that are labelled for it; None where there are none."""
    known = ~np.isnan(truth[:, k]) & ~np.isnan(chances[:, k])
    if not known.any():
        return None
    p = chances[known, k : k + 1]
    found = p >= model.thresholds_[k]
    return evaluate(truth[known, k : k + 1] >= 0.5, found, p, stances=(model.stance_names[k],)).scores[0]


def _learned(old: StanceClassifier, new: StanceClassifier, replay: Replay | None) -> dict[str, tuple[float, float]]:
    """F1 of both models on the replayed sentences, by stance."""
    if replay is None:
        return {}

    def probabilities(model: StanceClassifier) -> Floats:
        logits = replay.matrix @ model.weights_.T.astype(np.float64) + model.bias_
        logits[:, : len(old.classes_)] += replay.beside  # the older model's stances come first
        return sigmoid(logits * model.slope_ + model.intercept_)

    found_old = probabilities(old) >= old.thresholds_
    found_new = probabilities(new) >= new.thresholds_
    told = {}
    for j, stance in enumerate(old.stance_names):
        known = ~np.isnan(replay.targets[:, j])
        true, one = replay.targets[known, j] >= 0.5, np.ones((1, int(known.sum())))
        k = new.stance_names.index(stance)
        f1 = [float(_f1(one, true, found[known])[0]) for found in (found_old[:, j], found_new[:, k])]
        told[stance] = (f1[0], f1[1])
    return told


# ------------------------------------------------------------------ fitting

Placed: TypeAlias = list[tuple[str, Label]]


class _Lesson:
    """A teacher and the text that it will read; ``size`` counts the sentences that it did read."""

    def __init__(self, teacher: Teaches, pool: Archive, apart: Iterable[str], say: Callable[[str], None]) -> None:
        self.teacher, self.pool, self.apart, self.say = teacher, pool, set(apart), say
        self.size = 0

    def on(
        self, records: Placed, targets: Floats, weights: Floats, stances: Sequence[str], known: Sequence[str]
    ) -> Taught:
        """What to fit with. Stances that the base knows are not taught: it had a better teacher, and more of its
        lessons; a few thousand sentences read by a lesser one take away from them (``experiments/retraining``).

        Raises:
            LabelError: there is nothing to teach, or the pool holds no sentence.
        """
        from rhetoric.suggest import draw

        new = [stance for stance in stances if stance not in known]
        if not new:
            raise LabelError(
                f"the base knows {', '.join(stances)} already, and a pool teaches new stances alone: name one "
                "(--stance), train from these labels alone (--base none), or leave out the pool"
            )
        apart = self.apart | {record.key for _, record in records}
        drawn, read, _, rejected = draw(self.pool, _POOL, known=apart, say=self.say)
        sentences = [label.sentence for label in drawn if len(label.sentence.split()) >= _FEWEST_WORDS]
        if not sentences:
            raise LabelError(f"the pool holds no sentence to read ({read:,} read, {len(rejected):,} bad records)")
        self.size = len(sentences)
        self.say(f"the teacher reads {len(sentences):,} of {read:,} sentences")
        columns = [stances.index(stance) for stance in new]
        lesson = self.teacher.lesson([r.sentence for _, r in records], targets[:, columns], weights, new, sentences)

        def taught(rows: Ints) -> Floats:
            said = np.full((len(sentences), len(stances)), np.nan)
            said[:, columns] = lesson(rows)
            return said

        return Taught(sentences, taught)


def _lesson(
    teacher: bool | Teaches,
    pool: Archive | None,
    apart: Iterable[str],
    say: Callable[[str], None] = lambda message: None,
) -> _Lesson | None:
    if pool is None:
        if teacher:
            raise LabelError("a teacher needs text to read, got none: give an archive as the pool (--pool ARCHIVE)")
        return None
    if isinstance(teacher, bool):
        from rhetoric.teacher import Teacher, TunedTeacher

        teacher = TunedTeacher() if teacher else Teacher()
    return _Lesson(teacher, pool, apart, say)


def _fitted(
    labels: Labels, base: str | None, stances: Sequence[str] | None, lesson: _Lesson | None = None
) -> tuple[StanceClassifier, Placed, Floats, StanceClassifier | None, int, Path | None]:
    """The model; the records with their places and targets; the base, the number of its sentences, its folder."""
    start, folder = None, None
    if base is not None:
        name = "fast" if base == SHIPPED else base
        start, folder = StanceClassifier.load(name), Path(shipped_models().get(name, name))
    if isinstance(stances, str):
        raise LabelError(f"stances is the str {stances!r}, expected a list of names: [{stances!r}]")
    asked = None if stances is None and start is None else tuple(stances or ())
    allowed = None if asked is None else tuple(dict.fromkeys([*(start.stance_names if start else ()), *asked]))
    records = read_labels(labels, allowed)
    if allowed is None:
        named = dict.fromkeys(stance for _, record in records for stance in record.stances)
        allowed = (*(s for s in STANCES if s in named), *(s for s in named if s not in STANCES))
        if not allowed:
            raise LabelError(f"none of the {len(records)} sentences bears a stance; a model needs some that do")
    targets = _targets(records, allowed)
    _refuse_one_class(records, targets, allowed, () if start is None else start.stance_names)
    texts = [record.sentence for _, record in records]
    weights = np.array([0.5 if record.unsure else 1.0 for _, record in records])
    known = () if start is None else start.stance_names
    taught = None if lesson is None else lesson.on(records, targets, weights, allowed, known)
    if start is None or folder is None:
        alone = StanceClassifier(allowed).fit(texts, targets, weights, taught=taught)
        return alone, records, targets, None, 0, None
    replay = Replay.of_folder(folder, start.settings_.buckets, len(start.classes_))
    model = StanceClassifier(**start.get_params() | {"stances": allowed})
    model.fit_from(start, texts, targets, weights, replay=_negatives(replay, len(allowed)), taught=taught)
    _keep_decisions(model, start)
    if model.replay_ is not None and replay is not None:  # what the base learned from goes on, as it was labelled
        own = model.replay_.taken(slice(len(texts)))
        model.replay_ = own.and_then(replay.widened(len(allowed)))
    return model, records, targets, start, 0 if replay is None else len(replay), folder


def _negatives(replay: Replay | None, n_stances: int) -> Replay | None:
    """Sentences of the base as negatives of the stances that it does not know, thinned out; nothing for the others,
    whose weights tell more of what was learned (`experiments/retraining`)."""
    if replay is None or replay.targets.shape[1] == n_stances:
        return None
    thin = replay.taken(slice(None, None, _ONE_IN)).widened(n_stances)
    targets = np.full_like(thin.targets, np.nan)
    targets[:, replay.targets.shape[1] :] = 0
    return replace(thin, targets=targets)


def _keep_decisions(model: StanceClassifier, base: StanceClassifier) -> None:
    """Calibration and thresholds of the base for its stances: labels that were picked to be hard would bend them."""
    n = len(base.classes_)  # they come first
    held_out = np.clip(model.held_out_[:, :n], 1e-12, 1 - 1e-12)
    raw = (np.log(held_out / (1 - held_out)) - model.intercept_[:n]) / model.slope_[:n]
    model.held_out_[:, :n] = sigmoid(raw * base.slope_ + base.intercept_)
    for name in ("slope_", "intercept_", "thresholds_", "unsure_"):
        getattr(model, name)[:n] = getattr(base, name)


def _targets(records: Placed, stances: Sequence[str]) -> Floats:
    """(n, n_stances) 0 or 1; NaN for a stance that no record of the same file names."""
    files = [place.rpartition(":")[0] for place, _ in records]
    named: dict[str, set[str]] = {}
    for file, (_, record) in zip(files, records, strict=True):
        named.setdefault(file, set()).update(record.stances)
    return np.array(
        [
            [float(stance in record.stances) if stance in named[file] else np.nan for stance in stances]
            for file, (_, record) in zip(files, records, strict=True)
        ]
    )


def _refuse_one_class(records: Placed, targets: Floats, stances: Sequence[str], known: Sequence[str]) -> None:
    for k, stance in enumerate(stances):
        if stance in known:
            continue
        positive, negative = int((targets[:, k] == 1).sum()), int((targets[:, k] == 0).sum())
        if positive and negative:
            continue
        last = records[-1][0]
        fault = "no sentence bears" if not positive else f"all {positive} sentences that are labelled for it bear"
        raise LabelError(
            f"{last}: up to here {fault} {stance!r}; a stance is learned from sentences with and without it"
        )


# ------------------------------------------------------------------ reading


def read_labels(labels: Labels, stances: Sequence[str] | None) -> Placed:
    """Labelled sentences with the place of each (``file:line``, or ``records:number`` from 0), repeats once.

    Args:
        stances: the allowed names; None allows any.

    Raises:
        LabelError: as :func:`train`.
    """
    items = [labels] if isinstance(labels, (str, os.PathLike)) else list(labels)
    if not items:
        raise LabelError("got no labels, expected a file or at least one record")
    placed: Placed = []
    for i, item in enumerate(items):
        if isinstance(item, (str, os.PathLike)):
            placed += _of_path(Path(item), stances)
            continue
        data = item.to_dict() if isinstance(item, Label) else item
        placed.append((f"record:{i}", _record(f"record {i}", data, stances)))
    first: dict[str, tuple[str, Label]] = {}
    for place, record in placed:
        before, other = first.setdefault(record.key, (place, record))
        if set(other.stances) != set(record.stances):
            told = " and ".join(", ".join(r.stances) or "none" for r in (other, record))
            raise LabelError(f"{place}: the same sentence as {before} with other stances ({told}); settle on one")
    return list(first.values())


def _of_path(path: Path, stances: Sequence[str] | None) -> Placed:
    if path.is_dir():
        files = sorted(path.glob("*.jsonl"))
        if not files:
            raise LabelError(f"{path}: no .jsonl file lies in this folder")
        return [pair for file in files for pair in _of_path(file, stances)]
    if path.suffix.lower() not in (".csv", ".json"):
        rows = list(parse_lines(path))
        if not rows:
            raise LabelError(f"{path}:1: holds no records")
        if any(isinstance(row, LabelError) or "stances" in row or "sha256" in row for _, row in rows[:1]):
            return [(f"{path}:{number}", _record(f"{path}:{number}", row, stances)) for number, row in rows]
    records = read_format(path, stances=stances).records
    if not records:
        raise LabelError(f"{path}: holds no finished label")
    return [(f"{path}:{i}", record) for i, record in enumerate(records, 1)]


def _record(place: str, data: Mapping[str, Any] | LabelError, stances: Sequence[str] | None) -> Label:
    try:
        if isinstance(data, LabelError):
            raise data
        if "text" not in data and "sha256" in data:
            raise LabelError("a standoff record without text: join it with its corpus first (rhetoric labels join)")
        if data.get("suggested_by") and not data.get("annotator"):
            raise LabelError("a suggestion that nobody confirmed; go through the file with `rhetoric label`")
        return Label.from_dict(data, stances)
    except LabelError as error:
        raise LabelError(f"{place}: {error}") from error
