"""The model `accurate` as a teacher of `fast`: what it says of a user's own text, once it knows the user's labels.

``Teacher`` needs no torch. The encoder stays as it is; each stance gets a head of its own on the encoder's vectors, a
logistic regression on the labels. A stance that the encoder knows begins from what the encoder says of it.

``TunedTeacher`` begins there and goes on to tune the last layers of the encoder with torch (heads first, layers after:
Kumar et al. 2022). The shipped file holds an encoder (MPNet: Song et al. 2020) in int8; the layers to be tuned are read
back out of its ONNX graph and multiplied out to float32, the ones below run as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rhetoric.encoder import GRAPH, EncoderModel
from rhetoric.errors import MissingExtraError, ModelError
from rhetoric.model import load_model, sigmoid

if TYPE_CHECKING:
    import onnx
    import torch

__all__ = ["Teacher", "TunedTeacher"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Arrays: TypeAlias = dict[str, NDArray[np.float32]]
Tensors: TypeAlias = "dict[str, torch.Tensor]"

_STRENGTH: Final = 0.01  # of the heads, on vectors of unit variance: experiments/retraining/teaching.py
_FAR: Final = 128  # distances are told apart up to here (MPNet's own setting)
_EPSILON: Final = 1e-5
_DROPOUT: Final = 0.1
# Activations of the shipped graph are int8, those of the tuned layers float32: probabilities of real sentences differ
# by 0.01 on average. More than this, and the graph is not what is rebuilt here.
_MOST_APART: Final = 0.05
_KNOWN: Final = (
    "The ministry accused the neighbouring army of shelling the port.",
    "The government denied that it had shelled the port.",
    "Both sides should return to the negotiating table.",
    "The minister said the report was a lie and called for talks.",
    "The spokesman rejected claims that his country had broken the treaty.",
    "It rained in the hills for most of the week.",
    "The envoy offered to mediate between the two governments.",
    "The president blamed the blockade on his rivals.",
)


@dataclass(frozen=True, eq=False, slots=True)
class _Encoded:
    """Sentences as the encoder sees them, a row for each window of a long one.

    ``n``: sentences; ``plain``: how many of them, the first ones, were drawn blindly. ``rows``: (n_windows,) the
    sentence of each. ``vectors``: (n_windows, width). ``logits``: (n_windows, n_known) calibrated. ``states``: of each
    window (pieces, width) below the layers to be tuned, where that was asked for.
    """

    n: int
    plain: int
    rows: Ints
    vectors: NDArray[np.float32]
    logits: Floats
    states: Sequence[NDArray[np.float16]]

    @property
    def first(self) -> Ints:
        """(n,) the first window of each sentence: a long one teaches by its beginning."""
        return np.searchsorted(self.rows, np.arange(self.n))

    def whole(self, logits: Floats) -> Floats:
        """(n, ...) of (n_windows, ...): a sentence bears what any of its windows bears."""
        out = np.full((self.n, *logits.shape[1:]), -np.inf)
        np.maximum.at(out, self.rows, logits)
        return out


@dataclass(frozen=True, eq=False, slots=True)
class _Task:
    """What one teacher learns from, and reads.

    ``own``: the labelled sentences, of which it learns from ``rows``; ``targets`` (n, n_stances) and ``weights`` (n,)
    are theirs. ``read``: what it is asked about.
    """

    stances: Sequence[str]
    own: _Encoded
    read: _Encoded
    rows: Ints
    targets: Floats
    weights: Floats


class Teacher:
    """Teaches with the encoder as it is, and heads fitted to the labels.

    Args:
        encoder: the model that reads; the shipped `accurate` if left out.

    Raises:
        MissingExtraError: onnx, onnxruntime or tokenizers is not installed.
        ModelError: the encoder's graph is not of the kind that can teach.
    """

    def __init__(self, encoder: EncoderModel | None = None) -> None:
        try:
            import onnx
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError("A teacher", "accurate,onnx") from error
        found = encoder or load_model("accurate")
        if not isinstance(found, EncoderModel):
            raise ModelError(f"a teacher is an encoder, got a model of kind {found.kind!r}")
        self.encoder = found
        self._graph = onnx.load_from_string(found.contents[GRAPH])
        self._outputs = ["logits", _vectors_name(self._graph.graph), *self._more_outputs()]
        for name in self._outputs[1:]:
            self._graph.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            self._graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def _more_outputs(self) -> list[str]:
        return []

    def lesson(
        self,
        sentences: Sequence[str],
        targets: Floats,
        weights: Floats,
        stances: Sequence[str],
        pool: Sequence[str],
        more: Sequence[str] = (),
    ) -> Callable[[Ints], Floats]:
        """A function from rows of ``sentences`` to what a teacher that learned from these alone says of ``pool`` and
        then ``more``: (n_pool + n_more, n_stances) probabilities, NaN for a stance that is neither labelled there
        nor known to the encoder.

        Args:
            targets: (n, n_stances) in 0..1, NaN where not known.
            weights: (n,) at least 0.
            pool: sentences drawn blindly. To new stances they are negatives too, all of them together worth as much as
                the labels: of real prose, hardly a sentence bears any one stance.
            more: sentences that are read as well, and negatives of nothing.
        """
        own, read = self._encode(sentences), self._encode([*pool, *more], len(pool))
        mean, spread = (f(np.concatenate([own.vectors, read.vectors]), axis=0) for f in (np.mean, np.std))
        spread = np.maximum(spread, 1e-6)

        def taught(rows: Ints) -> Floats:
            task = _Task(stances, own, read, rows, targets, weights)
            said = self._read(task, [self._head(task, k, mean, spread) for k in range(len(stances))])
            for k, stance in enumerate(stances):
                if stance not in self.encoder.stance_names and np.isnan(targets[rows, k]).all():
                    said[:, k] = np.nan
            return said

        return taught

    def _head(
        self, task: _Task, k: int, mean: NDArray[np.float32], spread: NDArray[np.float32]
    ) -> tuple[Floats, float]:
        """Weights (width,) on the vectors, and a bias, to be added to what the encoder says of a stance it knows."""
        from scipy.sparse import csr_matrix

        from rhetoric.fitting import fit_logistic

        stance, own, read = task.stances[k], task.own, task.read
        known = task.rows[~np.isnan(task.targets[task.rows, k])]
        names = self.encoder.stance_names
        if not len(known):
            return np.zeros(len(mean)), 0.0
        at = own.first[known]
        vectors, y, w = own.vectors[at], task.targets[known, k], task.weights[known]
        said = own.logits[at, names.index(stance)] if stance in names else np.zeros(len(at))
        if stance not in names:
            others = read.first[: read.plain]
            vectors = np.concatenate([vectors, read.vectors[others]])
            y, said = np.concatenate([y, np.zeros(len(others))]), np.zeros(len(vectors))
            w = np.concatenate([w, np.full(len(others), min(1.0, w.sum() / max(len(others), 1)))])
        found, bias = fit_logistic(
            csr_matrix((vectors - mean) / spread),
            y,
            w,
            strength=_STRENGTH,
            bias_strength=_STRENGTH if stance in names else 1e3,
            offset=said,
        )
        head = found / spread
        return head, bias - float(head @ mean)

    def _read(self, task: _Task, heads: Sequence[tuple[Floats, float]]) -> Floats:
        """(n_read, n_stances) probabilities of what is read."""
        vectors = task.read.vectors
        logits = np.column_stack([vectors @ head + bias for head, bias in heads]) + self._said(task.stances, task.read)
        return sigmoid(task.read.whole(logits))

    def _said(self, stances: Sequence[str], encoded: _Encoded) -> Floats:
        """(n_windows, n_stances) calibrated logits of the encoder, 0 for a stance that it does not know."""
        said = np.zeros((len(encoded.rows), len(stances)))
        for k, stance in enumerate(stances):
            if stance in self.encoder.stance_names:
                said[:, k] = encoded.logits[:, self.encoder.stance_names.index(stance)]
        return said

    def _encode(self, sentences: Sequence[str], plain: int = 0) -> _Encoded:
        model = self.encoder
        rows, windows = model.windows(sentences)
        found: list[list[NDArray[Any]]] = []
        for window in windows:
            ids = np.array([window], dtype=np.int64)
            given = self._session.run(self._outputs, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
            found.append([given[0][0], given[1][0], *(states[0].astype(np.float16) for states in given[2:])])
        logits = np.array([one[0] for one in found], dtype=np.float64) * model.slope_ + model.intercept_
        vectors = np.array([one[1] for one in found], dtype=np.float32)
        states = [one[2] for one in found if len(one) > 2]
        return _Encoded(len(sentences), plain, np.asarray(rows), vectors, logits, states)


class TunedTeacher(Teacher):  # pragma: no cover - tests/test_teacher.py runs it where torch is
    """Teaches with heads fitted to the labels and the encoder's last layers tuned on them.

    Args:
        encoder: the model that reads; the shipped `accurate` if left out.
        layers: how many of the last layers are tuned.
        epochs: how often each labelled sentence is seen.
        rate: the highest learning rate.
        batch: sentences in a step.
        seed: of the order of sentences and of dropout. The same input gives the same teacher on the same machine and
            release of torch.

    Raises:
        MissingExtraError: torch, onnx, onnxruntime or tokenizers is not installed.
        ModelError: the encoder's graph is not of the kind that can be tuned.
    """

    def __init__(
        self,
        encoder: EncoderModel | None = None,
        *,
        layers: int = 2,
        epochs: int = 3,
        rate: float = 3e-5,
        batch: int = 16,
        seed: int = 0,
    ) -> None:
        try:
            import torch  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("Tuning a teacher", "teacher") from error
        self.layers, self.epochs, self.rate, self.batch, self.seed = layers, epochs, rate, batch, seed
        super().__init__(encoder)
        self._arrays = _last_layers(self._graph.graph, layers)
        known = self._encode(_KNOWN)
        tensors = self._tensors()
        head = self._arrays["head.weight"], self._arrays["head.bias"]
        rebuilt = self._vectors(tensors, known) @ head[0].T + head[1]
        apart = np.abs(sigmoid(rebuilt * self.encoder.slope_ + self.encoder.intercept_) - sigmoid(known.logits)).mean()
        if not apart <= _MOST_APART:
            raise ModelError(
                f"the layers read from {GRAPH} give probabilities {apart:.2f} away from those of the graph: it is no "
                "MPNet encoder as this release knows it; teach with the encoder as it is"
            )

    def _more_outputs(self) -> list[str]:
        return [_states_name(self._graph.graph, self.layers)]

    def _read(self, task: _Task, heads: Sequence[tuple[Floats, float]]) -> Floats:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            tensors = self._tensors()
            names, calibrated = self.encoder.stance_names, []
            for (head, bias), stance in zip(heads, task.stances, strict=True):
                if stance in names:
                    k = names.index(stance)
                    slope = self.encoder.slope_[k]
                    head = head + self._arrays["head.weight"][k] * slope
                    bias += float(self._arrays["head.bias"][k] * slope + self.encoder.intercept_[k])
                calibrated.append((head, bias))
            tensors["head.weight"] = torch.tensor(np.array([h for h, _ in calibrated]), dtype=torch.float32)
            tensors["head.bias"] = torch.tensor([b for _, b in calibrated], dtype=torch.float32)
            self._tune(tensors, task)
            vectors = self._vectors(tensors, task.read)
        head, bias = (tensors[name].detach().numpy() for name in ("head.weight", "head.bias"))
        return sigmoid(task.read.whole((vectors @ head.T + bias).astype(np.float64)))

    def _tune(self, tensors: Tensors, task: _Task) -> None:
        """AdamW on cross-entropy with soft targets, warm-up and linear decay.

        As many sentences of the pool go along as there are labels: to what is learned they are negatives, and of what
        the encoder knew already they, and the labelled ones where nobody says, keep what it says (Li and Hoiem 2016).
        """
        import torch

        stances, own, read, rows = task.stances, task.own, task.read, task.rows
        random = np.random.default_rng(self.seed)
        others = np.sort(random.permutation(read.plain)[: len(rows)])
        at, pool_at = own.first[rows], read.first[others]
        states = [*(own.states[i] for i in at), *(read.states[i] for i in pool_at)]
        said = np.concatenate([sigmoid(self._said(stances, own)[at]), sigmoid(self._said(stances, read)[pool_at])])
        y = np.full((len(states), len(stances)), np.nan)
        y[: len(rows)] = task.targets[rows]
        for k, stance in enumerate(stances):
            if stance in self.encoder.stance_names:
                y[:, k] = np.where(np.isnan(y[:, k]), said[:, k], y[:, k])
            else:
                y[len(rows) :, k] = 0
        w = np.concatenate([task.weights[rows], np.ones(len(others))])[:, None] * ~np.isnan(y)
        goal, weight = (torch.tensor(np.nan_to_num(a), dtype=torch.float32) for a in (y, w))
        tuned = list(tensors.values())
        for tensor in tuned:
            tensor.requires_grad_()
        steps = self.epochs * math.ceil(len(states) / self.batch)
        optimizer = torch.optim.AdamW(tuned, lr=self.rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / (0.1 * steps), (steps - step) / (0.9 * steps), 1.0)
        )
        for _ in range(self.epochs):
            order = random.permutation(len(states))
            for low in range(0, len(order), self.batch):
                chosen = order[low : low + self.batch]
                vectors = _upper_layers(tensors, *_padded([states[i] for i in chosen]), dropout=_DROPOUT)
                logits = vectors @ tensors["head.weight"].T + tensors["head.bias"]
                losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, goal[chosen], reduction="none")
                optimizer.zero_grad()
                ((losses * weight[chosen]).sum() / len(chosen)).backward()
                torch.nn.utils.clip_grad_norm_(tuned, 1.0)
                optimizer.step()
                schedule.step()

    def _tensors(self) -> Tensors:
        """Fresh tensors of the layers, without the head."""
        import torch

        return {n: torch.from_numpy(array.copy()) for n, array in self._arrays.items() if not n.startswith("head.")}

    def _vectors(self, tensors: Tensors, encoded: _Encoded) -> NDArray[np.float32]:
        """(n_windows, width) by the layers as they are now."""
        import torch

        out = np.empty_like(encoded.vectors)
        order = np.argsort([len(state) for state in encoded.states], kind="stable")
        with torch.inference_mode():
            for low in range(0, len(order), 2 * self.batch):
                chosen = order[low : low + 2 * self.batch]
                out[chosen] = _upper_layers(tensors, *_padded([encoded.states[i] for i in chosen])).numpy()
        return out


# ------------------------------------------------------------------ MPNet's upper layers


def _padded(states: Sequence[NDArray[np.float16]]) -> tuple[torch.Tensor, torch.Tensor]:  # pragma: no cover
    """States (batch, longest, width), and which pieces are there (batch, longest)."""
    import torch

    longest = max(map(len, states))
    padded = np.zeros((len(states), longest, states[0].shape[1]), dtype=np.float32)
    there = np.zeros((len(states), longest), dtype=bool)
    for row, own in enumerate(states):
        padded[row, : len(own)] = own
        there[row, : len(own)] = True
    return torch.from_numpy(padded), torch.from_numpy(there)


def _upper_layers(weights: Tensors, x: torch.Tensor, there: torch.Tensor, dropout: float = 0.0) -> torch.Tensor:
    """States (batch, pieces, width) below the last layers -> the mean (batch, width) of those above them."""
    from torch.nn import functional as F

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], _EPSILON)

    def drop(x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x, dropout) if dropout else x

    distances = weights[_DISTANCES]
    bias = distances[_distance_bucket(x.shape[1], distances.shape[0])].permute(2, 0, 1)[None]
    bias = bias.masked_fill(~there[:, None, None, :], float("-inf"))
    heads = distances.shape[1]
    for layer in sorted({int(found[1]) for name in weights if (found := _LAYER.match(name))}):
        at = f"body.encoder.layer.{layer}"
        q, k, v = (linear(x, f"{at}.attention.attn.{part}").unflatten(2, (heads, -1)).transpose(1, 2) for part in "qkv")
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
        seen = linear(seen.transpose(1, 2).flatten(2), f"{at}.attention.attn.o")
        x = norm(drop(seen) + x, f"{at}.attention.LayerNorm")
        wide = F.gelu(linear(x, f"{at}.intermediate.dense"))
        x = norm(drop(linear(wide, f"{at}.output.dense")) + x, f"{at}.output.LayerNorm")
    share = there[:, :, None].to(x.dtype)
    return drop((x * share).sum(1) / share.sum(1))


def _distance_bucket(length: int, buckets: int) -> torch.Tensor:  # pragma: no cover
    """(length, length) which bucket the distance between two places falls in: half of them for each direction, half of
    those exact, the others ever wider (Raffel et al. 2020, the scheme of T5)."""
    import torch

    place = torch.arange(length)
    ahead = place[:, None] - place[None, :]
    half = buckets // 2
    exact = half // 2
    distance = ahead.abs()
    wide = exact + (torch.log(distance.clamp(min=1) / exact) / math.log(_FAR / exact) * (half - exact)).long()
    return torch.where(distance < exact, distance, wide.clamp(max=half - 1)) + half * (ahead < 0)


# ------------------------------------------------------------------ what the graph holds

_QUANTISED: Final = "_quantized"
_SMOOTH: Final = "/smooth"
_DISTANCES: Final = "body.encoder.relative_attention_bias.weight"
_LAYER: Final = re.compile(r"body\.encoder\.layer\.(\d+)\.")
_PRODUCT: Final = re.compile(r"/(?:body/encoder/)?(layer\.\d+/[\w./]+|head)/\w*MatMul_quant$")
_NO_ENCODER: Final = "it is no int8 MPNet encoder with a head, and no other can teach"


def _vectors_name(graph: onnx.GraphProto) -> str:
    """The value that the head multiplies: a sentence's vector."""
    made_by = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        found = _PRODUCT.search(node.name)
        if node.op_type == "MatMulInteger" and found and found[1] == "head":
            return str(made_by[node.input[0]].input[0])
    raise ModelError(f"{GRAPH} has no head: {_NO_ENCODER}")


def _states_name(graph: onnx.GraphProto, layers: int) -> str:
    """The value that the last ``layers`` layers begin from."""
    below = _depth(graph) - layers - 1
    if layers < 1 or below < 0:
        raise ModelError(f"layers is {layers}, expected 1 to {below + layers} of the {below + layers + 1} of {GRAPH}")
    wanted = f"body.encoder.layer.{below}.output.LayerNorm.weight"
    for node in graph.node:
        if node.op_type == "LayerNormalization" and wanted in node.input:
            return str(node.output[0])
    raise ModelError(f"{GRAPH} lacks the layer {below}: {_NO_ENCODER}")


def _depth(graph: onnx.GraphProto) -> int:
    return 1 + max((int(found[1]) for c in graph.initializer if (found := _LAYER.match(c.name))), default=-1)


def _last_layers(graph: onnx.GraphProto, layers: int) -> Arrays:
    """The weights of the last layers, of the distances and of the head by name, int8 ones multiplied out; linear layers
    as torch has them, (out, in).

    Raises:
        ModelError: the graph lacks one.
    """
    import onnx

    constants = {constant.name: constant for constant in graph.initializer}

    def array(name: str) -> NDArray[Any]:
        values: NDArray[Any] = onnx.numpy_helper.to_array(constants[name])
        return values

    def multiplied(stored: str) -> NDArray[np.float32]:
        name = stored.removesuffix(_QUANTISED)
        values = array(stored).astype(np.float32) - array(f"{name}_zero_point").astype(np.float32)
        return np.ascontiguousarray(values * array(f"{name}_scale"), dtype=np.float32)

    depth = _depth(graph)
    kept = tuple(f"body.encoder.layer.{layer}." for layer in range(depth - layers, depth))
    parts = [f"attention.attn.{part}" for part in "qkvo"]
    parts += ["attention.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"]
    wanted = {f"{layer}{part}.{kind}" for layer in kept for part in parts for kind in ("weight", "bias")}
    wanted |= {"head.weight", "head.bias", _DISTANCES}
    try:
        weights = {name: array(name).astype(np.float32) for name in wanted if name in constants}
        weights[_DISTANCES] = multiplied(_DISTANCES + _QUANTISED)
        for node in graph.node:
            if node.op_type == "MatMulInteger" and (found := _PRODUCT.search(node.name)):
                path = found[1].replace("/", ".")
                name = f"{path if path == 'head' else 'body.encoder.' + path}.weight"
                if name in wanted:
                    weights[name] = np.ascontiguousarray(multiplied(node.input[1]).T)
                    # inputs that int8 would blur are divided before the product, the weights multiplied
                    if (divisor := node.name.removesuffix("_quant") + _SMOOTH) in constants:
                        weights[name] *= array(divisor)
    except KeyError as error:
        raise ModelError(f"{GRAPH} has no constant {error}: {_NO_ENCODER}") from error
    if missing := sorted(wanted - set(weights)):
        raise ModelError(f"{GRAPH} lacks {', '.join(missing[:3])}: {_NO_ENCODER}")
    return weights
