"""The model `accurate`: a small transformer encoder in int8, run by onnxruntime from the extra ``[accurate]``.

A sentence's names of actors are masked, its words are cut into pieces, the encoder gives a vector per piece, their
mean gives one logit per stance. Everything else (calibration, thresholds, reading, errors) is ``StanceModel``'s.

Each sentence goes through the encoder alone: activations are quantised run by run, and a sentence's probabilities must
not depend on the company it is read in.

What the model `fast` rules out, the encoder need not read: some three sentences in four of most prose (``Screen``;
``experiments/accurate`` tells what it costs).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.errors import MissingExtraError, ModelError
from rhetoric.model import Attribution, StanceClassifier, StanceModel, chunks, load_model, number_of
from rhetoric.storage import ModelFolder, shipped_models
from rhetoric.tokens import PUNCTUATION, tokenize

if TYPE_CHECKING:
    import onnxruntime
    import tokenizers

__all__ = ["EncoderModel", "Screen"]

Floats: TypeAlias = NDArray[np.float64]

GRAPH: Final = "encoder.onnx"
PIECES: Final = "tokenizer.json"

_MAX_FILE: Final = 100 << 20


@dataclass(frozen=True, eq=False)
class Screen:
    """Which sentences the encoder reads: those to which a quicker model gives at least ``floors`` for some stance.

    The quicker model spares no trouble here (``StanceClassifier.thorough``): beside what an encoder takes that is
    little, and what it finds impossible is so more often (``experiments/accurate``).

    Attributes:
        model: the quicker model, of the same stances.
        floors: (n_stances,) its probabilities.
        rest: (n_stances,) uncalibrated logits of the sentences that the encoder does not read.
    """

    model: StanceModel
    floors: Floats
    rest: Floats

    def admitted(self, sentences: Sequence[str]) -> list[int]:
        """Rows of the sentences to read."""
        rows: list[int] = np.flatnonzero((self._thorough.predict_proba(sentences) >= self.floors).any(axis=1)).tolist()
        return rows

    @cached_property
    def _thorough(self) -> StanceModel:
        return self.model.thorough() if isinstance(self.model, StanceClassifier) else self.model

    def stored(self) -> dict[str, Any]:
        """Its part of ``config.json``; the quicker model's hash is there so that this model's own changes with it."""
        values = zip(self.model.stance_names, self.floors.tolist(), self.rest.tolist(), strict=True)
        return {
            "model": self.model.name,
            "hash": self.model.hash,
            "stances": {name: {"floor": floor, "rest": rest} for name, floor, rest in values},
        }

    @classmethod
    def restored(cls, where: Path, config: Mapping[str, Any], stances: Sequence[str]) -> Self:
        """From the config of a model of these stances; ModelError where it is at fault."""
        name = config["screen"].get("model") if isinstance(config["screen"], dict) else None
        if name not in shipped_models():
            raise ModelError(f"{where}: screen.model is {name!r}, expected a shipped model")
        model = load_model(name)
        if model.stance_names != tuple(stances):
            raise ModelError(f"{where}: screen.model {name!r} reads other stances, {', '.join(model.stance_names)}")

        def values(key: str, low: float, high: float) -> Floats:
            path = ("screen", "stances")
            return np.array([number_of(where, config, (*path, stance, key), low, high) for stance in stances])

        return cls(model, values("floor", 0, 1), values("rest", -1e6, 1e6))


class EncoderModel(StanceModel):
    """Stances by a transformer encoder; explanations by occlusion: what the logit loses when a word is left out."""

    kind: ClassVar[str] = "encoder"
    exact_explanations: ClassVar[bool] = False

    def __init__(
        self, graph: bytes, pieces: bytes, *, max_pieces: int, where: Path, screen: Screen | None = None
    ) -> None:
        """
        Args:
            graph: an ONNX graph from (input_ids, attention_mask), both int64 (batch, pieces), to logits.
            pieces: a tokenizer of the tokenizers library, as JSON.
            max_pieces: longest input of the graph, the two end marks included; longer sentences are read in windows.
            where: the folder, for messages.
            screen: which sentences to read; all if left out.

        Raises:
            MissingExtraError: onnxruntime or tokenizers is not installed.
            ModelError: the files are no such graph or tokenizer.
        """
        try:
            import onnxruntime
            import tokenizers
        except ImportError as error:
            raise MissingExtraError("The model 'accurate'", "accurate") from error
        self.max_pieces = max_pieces
        self.screen_ = screen
        self.contents = {GRAPH: graph, PIECES: pieces}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # results do not depend on the machine; archives run a process per core
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            # from bytes, so that a graph can not name other files to be read
            self._session: onnxruntime.InferenceSession = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no common base
            raise ModelError(f"{where / GRAPH} is no ONNX graph that onnxruntime can run: {error}") from error
        given = {node.name: len(node.shape) for node in self._session.get_inputs()}
        if given != {"input_ids": 2, "attention_mask": 2}:
            raise ModelError(f"{where / GRAPH} takes {given}, expected input_ids and attention_mask of two axes")
        try:
            self._pieces: tokenizers.Tokenizer = tokenizers.Tokenizer.from_str(pieces.decode("utf-8"))
        except Exception as error:  # the library raises plain Exception
            raise ModelError(f"{where / PIECES} is no tokenizer: {error}") from error
        self._pieces.no_truncation()
        self._pieces.no_padding()

    def _raw_logits(self, sentences: Sequence[str]) -> Floats:
        if self.screen_ is None:
            return self.read_whole(sentences)
        out = np.tile(self.screen_.rest, (len(sentences), 1))
        rows = self.screen_.admitted(sentences)
        out[rows] = self.read_whole([sentences[i] for i in rows])
        return out

    def read_whole(self, sentences: Sequence[str]) -> Floats:
        """(n, n_stances) uncalibrated log odds, every sentence read by the encoder."""
        out = np.full((len(sentences), len(self.classes_)), -np.inf)
        for part in chunks(sentences):
            rows, windows = self.windows(sentences[part])
            logits = self._run(windows)
            # a sentence of several windows bears what any of them bears
            np.maximum.at(out, np.asarray(rows) + part.start, logits)
        return out

    def windows(self, sentences: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """Piece ids of every sentence, long ones cut into overlapping windows; and the sentence of each."""
        from rhetoric.actors import mask_all

        readable = [text.encode("utf-8", "replace").decode() for text in mask_all(sentences)]
        rows: list[int] = []
        windows: list[list[int]] = []
        room = self.max_pieces - 2
        for row, encoding in enumerate(self._pieces.encode_batch(readable)):
            ids = encoding.ids
            inner = ids[1:-1]
            for begin in range(0, max(len(inner), 1), room * 3 // 4):
                rows.append(row)
                windows.append([ids[0], *inner[begin : begin + room], ids[-1]])
                if begin + room >= len(inner):
                    break
        return rows, windows

    def _run(self, windows: list[list[int]]) -> Floats:
        """Logits (n, n_stances) of lists of piece ids, one run each: activations are quantised by what is in a run, so
        in company a probability would move by up to a tenth."""
        out = np.empty((len(windows), len(self.classes_)))
        for k, window in enumerate(windows):
            ids = np.array([window], dtype=np.int64)
            out[k] = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
        return out

    def _attributions(self, sentences: Sequence[str]) -> Iterator[Attribution]:
        for sentence in sentences:
            tokens = tokenize([sentence])
            words = np.flatnonzero((tokens.flags & PUNCTUATION) == 0)
            starts, ends = tokens.char_spans(words)
            without = [sentence[:a] + sentence[b:] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
            logits = self.read_whole([sentence, *without])
            yield Attribution(starts, ends, logits[0] - logits[1:], np.zeros(logits.shape[1]))

    def _stored(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in self.contents.items()}
        screen = {} if self.screen_ is None else {"screen": self.screen_.stored()}
        return {"max_pieces": self.max_pieces, "files": digests, **screen}, {}

    def _files(self) -> Mapping[str, bytes]:
        return self.contents

    @classmethod
    def _restored(cls, folder: ModelFolder, n_stances: int) -> Self:
        where = folder.path / "config.json"
        digests = folder.config.get("files")
        if not isinstance(digests, dict) or set(digests) != {GRAPH, PIECES}:
            raise ModelError(f"{where}: files is {digests!r}, expected the SHA-256 of {GRAPH} and {PIECES}")
        contents = {}
        for name, digest in digests.items():
            path = folder.file(name)
            if path.stat().st_size > _MAX_FILE:
                raise ModelError(f"{path} has {path.stat().st_size} bytes, at most {_MAX_FILE} are read")
            contents[name] = path.read_bytes()
            found = hashlib.sha256(contents[name]).hexdigest()
            if found != digest:
                raise ModelError(f"{path} is damaged: its SHA-256 is {found}, config.json says {digest}")
        limit = int(number_of(where, folder.config, ("max_pieces",), 8, 4096))
        names = folder.config["stances"]
        screen = Screen.restored(where, folder.config, names) if "screen" in folder.config else None
        model = cls(contents[GRAPH], contents[PIECES], max_pieces=limit, where=folder.path, screen=screen)
        shape = model._session.get_outputs()[0].shape
        if len(shape) != 2 or (shape[1] not in (n_stances, None) and not isinstance(shape[1], str)):
            raise ModelError(f"{folder.path / GRAPH} gives an output of shape {shape}, expected (batch, {n_stances})")
        return model
