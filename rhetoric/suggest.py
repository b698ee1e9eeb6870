"""What to label next: sentences of an archive that would teach a model most, with its predictions to begin from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.archive.readers import Document, Reader, ReadOptions, Rejected
from rhetoric.archive.sources import expand
from rhetoric.errors import LabelError
from rhetoric.labels import Label, collapse, sentence_hash, write_format
from rhetoric.labels.files import parse_lines
from rhetoric.model import StanceClassifier, StanceModel, feature_matrix, load_model
from rhetoric.sentences import parse

__all__ = ["Suggested", "draw", "select", "suggest", "write_suggested"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
FilePath: TypeAlias = str | os.PathLike[str]

_RANDOM: Final = 0.1  # of a batch is drawn blindly: what the model never doubts and gets wrong shows there alone
_SHORTLIST: Final = 10  # times n candidates are compared for diversity
_TOO_ALIKE: Final = 0.5  # cosine of feature counts
_BATCH: Final = 4096
_FEWEST_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class Suggested:
    """A batch. ``read`` counts the sentences looked at, ``repeated`` those left out because they stood there before or
    are labelled already; ``rejected`` are records of the archive that could not be read."""

    records: tuple[Label, ...]
    read: int
    repeated: int
    rejected: tuple[Rejected, ...]


def suggest(
    inputs: FilePath | Iterable[FilePath],
    n: int = 200,
    *,
    model: str | os.PathLike[str] | StanceModel = "fast",
    labelled: Iterable[FilePath] = (),
    most: int = 200_000,
    seed: int = 0,
    text: str | None = None,
    id: str | None = None,
    date: str | None = None,
    language: str | None = None,
    max_document_mb: float = 20.0,
    encoding_errors: str = "strict",
    say: Callable[[str], None] = lambda message: None,
) -> Suggested:
    """Pick ``n`` sentences of an archive to label.

    Nine in ten are the most uncertain, the rarest stance first and none like another (see :func:`select`); one in ten
    is drawn blindly. Each record has the model's stances, which are suggestions: ``suggested_by`` names the model, and
    ``train`` refuses the record until somebody labelled it.

    Args:
        inputs: as for ``score``.
        model: name or folder of a model, or a model.
        labelled: files of records (with ``text``) not to suggest again.
        most: at most so many sentences are held in memory and chosen from, drawn evenly from the whole archive.
        seed: of all that is drawn; the same input gives the same batch.
        text, id, date, language, max_document_mb, encoding_errors: as for ``score``.

    Raises:
        LabelError: ``n`` is below 1, the archive holds no sentence, or a file of ``labelled`` can not be read.
        ArchiveError: an input does not exist.
        ModelError: the model can not be loaded.
    """
    if n < 1 or most < n:
        raise LabelError(f"n is {n} and most {most}, expected n from 1 to most")
    reader = model if isinstance(model, StanceModel) else load_model(model)
    options = ReadOptions(text, id, date, language, int(max_document_mb * 1e6), encoding_errors == "replace")
    pool, read, repeated, rejected = draw(inputs, most, known=_keys(labelled), seed=seed, options=options, say=say)
    if not pool:
        raise LabelError(
            f"found no new sentence to label ({read:,} read, {repeated:,} known, {len(rejected):,} bad records)"
        )
    texts = [label.sentence for label in pool]
    probabilities = np.concatenate([reader.predict_proba(texts[i : i + _BATCH]) for i in range(0, len(texts), _BATCH)])
    chosen = select(reader, texts, probabilities, n, seed=seed)
    names = reader.stance_names
    records = []
    for i, why in chosen:
        p = probabilities[i]
        found = tuple(s for s, value, least in zip(names, p, reader.thresholds_, strict=True) if value >= least)
        extra = {
            "suggested_by": reader.name or "model",
            "chosen": why,
            "probabilities": {s: round(float(value), 4) for s, value in zip(names, p, strict=True)},
        }
        records.append(replace(pool[i], stances=found, extra=extra))
    return Suggested(tuple(records), read, repeated, tuple(rejected))


def draw(
    inputs: FilePath | Iterable[FilePath],
    most: int,
    *,
    known: Iterable[str] = (),
    seed: int = 0,
    options: ReadOptions | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> tuple[list[Label], int, int, list[Rejected]]:
    """At most ``most`` sentences of an archive, drawn evenly, each once.

    Args:
        known: keys (``Label.key``) of sentences to leave out.

    Returns:
        The sentences; how many were read; how many of these were known or repeated; the records that can not be read.

    Raises:
        ArchiveError: an input does not exist.
    """
    seen = set(known)
    random = np.random.default_rng(seed)
    archive, rejected = Reader(options or ReadOptions()), []
    paths = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    drawn: list[Label] = []
    read = repeated = kept = 0
    for source in expand(paths, say=say):
        for item in archive.read(source):
            if isinstance(item, Rejected):
                rejected.append(item)
                continue
            for label in _sentences(item):
                read += 1
                if label.key in seen:
                    repeated += 1
                    continue
                seen.add(label.key)
                kept += 1
                # every sentence has the same chance to be among the `most` (reservoir sampling, Vitter 1985)
                if len(drawn) < most:
                    drawn.append(label)
                elif (place := int(random.integers(kept))) < most:
                    drawn[place] = label
    return drawn, read, repeated, rejected


def write_suggested(found: Suggested, path: FilePath, format: str | None = None) -> None:
    """Write a batch in our JSONL, or in another format of ``rhetoric.labels.FORMATS`` as pre-annotated records.

    In a tool's format only what somebody submits comes back, so the mark ``suggested_by`` is left out there.

    Raises:
        LabelError: the format is not known.
    """
    records = found.records
    own = format == "rhetoric" or (format is None and os.path.splitext(path)[1].lower() not in (".csv", ".json"))
    if not own:
        records = tuple(
            replace(r, extra={k: v for k, v in r.extra.items() if k not in ("suggested_by", "probabilities")})
            for r in records
        )
    write_format(path, records, format)


def select(
    model: StanceModel, texts: Sequence[str], probabilities: Floats, n: int, *, seed: int = 0
) -> list[tuple[int, str]]:
    """Which sentences to label: (number, reason) pairs, to be labelled in this order.

    Each stance gets a share of the batch, the larger the rarer the model finds it (by the root); within it, sentences
    nearest the stance's threshold in log odds come first. A sentence whose feature counts have a cosine above 0.5 with
    one taken before waits until nothing else is left. A tenth is random.

    Args:
        probabilities: (len(texts), n_stances) of ``model``.

    Returns:
        ``min(n, len(texts))`` pairs; the reason is a stance's name or ``random``.
    """
    random = np.random.default_rng(seed)
    n = min(n, len(texts))
    clipped = np.clip(probabilities, 1e-9, 1 - 1e-9)
    odds = np.log(clipped / (1 - clipped))
    least = np.clip(model.thresholds_, 1e-9, 1 - 1e-9)
    distance = np.abs(odds - np.log(least / (1 - least)))
    long_enough = np.array([len(text.split()) >= _FEWEST_WORDS for text in texts])
    distance[~long_enough] += 1e6
    rare = 1 / np.sqrt((probabilities >= model.thresholds_).mean(axis=0) + 1e-3)
    n_random = round(_RANDOM * n)
    share = np.floor((n - n_random) * rare / rare.sum()).astype(int)
    queues = {}
    for k in np.argsort(-rare, kind="stable").tolist():
        queues[k] = np.argsort(distance[:, k], kind="stable")[: _SHORTLIST * n]
    blind = random.permutation(len(texts))[: _SHORTLIST * n]
    short = np.unique(np.concatenate([*queues.values(), blind]))
    place = {int(i): row for row, i in enumerate(short)}
    unit = _unit_rows(model, [texts[i] for i in short])
    taken: dict[int, str] = {}
    closeness = np.zeros(len(short))

    def take(i: int, why: str) -> None:
        taken[i] = why
        np.maximum(closeness, np.asarray((unit @ unit[place[i]].T).todense()).ravel(), out=closeness)

    def fill(queue: Ints, wanted: int, why: str, alike: float) -> None:
        for i in queue.tolist():
            if wanted <= 0 or len(taken) == n:
                return
            if i not in taken and closeness[place[i]] <= alike:
                take(i, why)
                wanted -= 1

    for k, queue in queues.items():
        fill(queue, int(share[k]), model.stance_names[k], _TOO_ALIKE)
    fill(blind, n_random, "random", _TOO_ALIKE)
    nearest = short[np.argsort(distance[short].min(axis=1), kind="stable")]
    for alike in (_TOO_ALIKE, np.inf):
        fill(nearest, n, model.stance_names[int(np.argmax(rare))], alike)
    return list(taken.items())


def _unit_rows(model: StanceModel, texts: Sequence[str]) -> Any:
    """Feature counts of length 1, so that products are cosines; an encoder borrows the settings of the linear model."""
    from scipy.sparse import diags

    settings = model.settings_ if isinstance(model, StanceClassifier) else StanceClassifier()._settings()
    matrix = feature_matrix(texts, settings)
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (diags(1 / np.maximum(norms, 1e-12)) @ matrix).tocsr()


def _sentences(document: Document) -> Iterable[Label]:
    for start, end in parse(document.text).spans:
        words = document.text[start:end]
        yield Label(words, id=f"{document.id}:{start}", document=document.id, start=start, end=end)


def _keys(paths: Iterable[FilePath]) -> set[str]:
    keys = set()
    for path in paths:
        for number, data in parse_lines(path):
            if isinstance(data, LabelError):
                raise LabelError(f"{path}:{number}: {data}")
            if isinstance(data.get("text"), str):
                keys.add(sentence_hash(collapse(data["text"])))
    return keys
