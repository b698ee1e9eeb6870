"""Stances in a spaCy pipeline, from the extra ``[spacy]``: ``nlp.add_pipe("rhetoric")``, found by entry point.

>>> import spacy
>>> nlp = spacy.blank("en")
>>> pipe = nlp.add_pipe("rhetoric")
>>> doc = nlp("Ruritania denied that it had mined the strait.")
>>> doc._.stances
('denial',)

The text is split by the library itself, so no component need set sentence boundaries; where one does, every span of
``doc.sents`` has ``span._.stances``. Importing this module registers these attributes, in place of others of the same
name:

- ``doc._.rhetoric``: the :class:`~rhetoric.records.Reading`, None before the pipe ran; built on each access, as a Doc
  carries plain data alone, which ``DocBin`` and worker processes can write. ``doc._.stances``: its stances.
- ``doc.spans["rhetoric"]``: one span for each stance of each sentence, the stance as label.
  ``doc.spans["rhetoric_roles"]``: the speakers and targets of the claims, each once, labelled ``speaker`` or
  ``target``, the actor's code in ``kb_id_``.
- ``span._.stances`` and ``span._.claims``: of the sentences that any span has a part in. ``span._.speaker`` and
  ``span._.target``: spans, or None; of the claim that the span's label names, else of the most probable one.

A span covers the tokens that its words lie in. Where the tokenizer and the splitter disagree ("end.This" as one token)
it is a little wider than ``Sentence.start`` and ``end``, which are exact.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self

from rhetoric import DEFAULT_MODEL, load
from rhetoric.errors import MissingExtraError
from rhetoric.model import StanceModel
from rhetoric.records import Claim, Reading

try:
    import srsly
    from spacy.language import Language
    from spacy.tokens import Doc, Span
    from spacy.util import minibatch
except ImportError as error:
    raise MissingExtraError("rhetoric.spacy", "spacy") from error

__all__ = ["StancePipe", "make_stance_pipe"]

KEY: Final = "rhetoric"
"""Where a Doc's ``user_data`` has the reading, and the default name of the group of spans."""


class StancePipe:
    """The component. Its model is loaded when it is first needed, and saved with the pipeline."""

    def __init__(self, name: str, model: str | os.PathLike[str] | StanceModel, spans_key: str) -> None:
        self.name = name
        self.spans_key = spans_key
        self._source = model

    @property
    def reader(self) -> StanceModel:
        """The model that reads.

        Raises:
            ModelError: the one that the config names is not there, or at fault.
        """
        if not isinstance(self._source, StanceModel):
            self._source = load(self._source)
        return self._source

    def __call__(self, doc: Doc) -> Doc:
        return self._annotate(doc, self.reader.read(doc.text))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """The documents of the stream in order, read ``batch_size`` at once, which is faster where they are short."""
        for docs in minibatch(stream, batch_size):
            for doc, reading in zip(docs, self.reader.read_many([doc.text for doc in docs]), strict=True):
                yield self._annotate(doc, reading)

    def _annotate(self, doc: Doc, reading: Reading) -> Doc:
        doc.user_data[KEY] = reading.to_dict() | {"text": ""}  # the Doc has it
        stances, roles = [], {}
        for number, sentence in enumerate(reading):
            for claim in sentence.claims:
                stances.append(_span(doc, sentence.start, sentence.end, claim.stance, number=f"{KEY}:{number}"))
                for role, mention in (("speaker", claim.speaker), ("target", claim.target)):
                    if mention is not None:
                        place = (mention.start, mention.end, role)
                        roles[place] = _span(doc, *place, mention.code or "")
        doc.spans[self.spans_key] = stances
        doc.spans[f"{self.spans_key}_roles"] = list(roles.values())
        return doc

    def to_disk(self, path: str | os.PathLike[str], *, exclude: Iterable[str] = ()) -> None:
        """Write the model's folder, so that the saved pipeline reads the same wherever it is loaded."""
        self.reader.save(path)

    def from_disk(self, path: str | os.PathLike[str], *, exclude: Iterable[str] = ()) -> Self:
        """Take the model of this folder, whatever the config names."""
        self._source = load(Path(path))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The files of the model's folder."""
        with tempfile.TemporaryDirectory() as folder:
            self.to_disk(Path(folder) / "model")
            files = {file.name: file.read_bytes() for file in (Path(folder) / "model").iterdir()}
        return bytes(srsly.msgpack_dumps(files))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Take the model that ``to_bytes`` gave."""
        with tempfile.TemporaryDirectory() as folder:
            for name, content in srsly.msgpack_loads(data).items():
                (Path(folder) / Path(name).name).write_bytes(content)
            return self.from_disk(folder)


@Language.factory(  # type: ignore[untyped-decorator]
    "rhetoric",
    assigns=["doc._.rhetoric", "doc._.stances", "doc.spans"],
    default_config={"model": DEFAULT_MODEL, "spans_key": KEY},
)
def make_stance_pipe(nlp: Language, name: str, model: str, spans_key: str) -> StancePipe:
    """What ``nlp.add_pipe("rhetoric", config={...})`` calls: ``model`` is a name or folder, ``spans_key`` the name of
    the group of spans."""
    return StancePipe(name, model, spans_key)


def _span(doc: Doc, start: int, end: int, label: str, code: str = "", number: str = "") -> Span:
    return doc.char_span(start, end, label=label, kb_id=code, span_id=number, alignment_mode="expand")


def _reading(doc: Doc) -> Reading | None:
    data = doc.user_data.get(KEY)
    return None if data is None else Reading.from_dict(data | {"text": doc.text})


def _stances(doc: Doc) -> tuple[str, ...]:
    sentences = doc.user_data.get(KEY, {}).get("sentences", ())
    return _in_order(sentences)


def _in_order(sentences: list[dict[str, Any]]) -> tuple[str, ...]:
    """Union of the sentences' stances, in the model's order."""
    found = {stance for sentence in sentences for stance in sentence["stances"]}
    return tuple(stance for stance in sentences[0]["probabilities"] if stance in found) if found else ()


def _sentences(span: Span) -> list[dict[str, Any]]:
    """The sentences that the span has a part in; of a span that the pipe made the one that it stands for, whose
    neighbours may share a token with it."""
    sentences = span.doc.user_data.get(KEY, {}).get("sentences", [])
    own, _, number = span.id_.partition(":")
    if own == KEY:
        return list(sentences[int(number) :][:1])
    first = bisect_right(sentences, span.start_char, key=lambda sentence: sentence["end"])
    last = bisect_right(sentences, span.end_char - 1, key=lambda sentence: sentence["start"])
    return list(sentences[first:last])


def _claims(span: Span) -> tuple[Claim, ...]:
    return tuple(Claim.from_dict(claim) for sentence in _sentences(span) for claim in sentence["claims"])


def _role(span: Span, role: str) -> Span | None:
    claims = _claims(span)
    named = [claim for claim in claims if claim.stance == span.label_] or claims
    claim = max(named, key=lambda claim: claim.probability, default=None)
    mention = None if claim is None else getattr(claim, role)
    return None if mention is None else _span(span.doc, mention.start, mention.end, role, mention.code or "")


def _register() -> None:
    Doc.set_extension("rhetoric", getter=_reading, force=True)
    Doc.set_extension("stances", getter=_stances, force=True)
    Span.set_extension("stances", getter=lambda span: _in_order(_sentences(span)), force=True)
    Span.set_extension("claims", getter=_claims, force=True)
    Span.set_extension("speaker", getter=lambda span: _role(span, "speaker"), force=True)
    Span.set_extension("target", getter=lambda span: _role(span, "target"), force=True)


_register()
