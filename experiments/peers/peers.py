"""Our models beside others on the same work: the same labels to learn from, the same sentences to read.

    pip install -r experiments/peers/requirements.txt
    python experiments/peers/peers.py                 everything; what is fitted already is taken from the cache
    python experiments/peers/peers.py --fit NAME      fits and scores one peer anew
    python experiments/peers/peers.py --speed         measures speed anew, then writes the tables
    python experiments/peers/peers.py --tables        writes the tables of what is in the cache

Every peer learns from the labels of ``data.labelled`` and is measured on the development gold set. Speed is taken in
fresh processes pinned to one core, in turns, in CPU seconds (which other work on the machine disturbs less than the
clock does), best of several turns: sentences per CPU second from the second batch on, and CPU seconds from the start of
the interpreter to the first prediction. Tables go into the README beside this script.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

HERE = Path(__file__).resolve().parent
ONE = "Ruritania denied that it had mined the strait."
TURNS = 3
CHILD = "--child"


class Peer(ABC):
    """One way of doing the work. ``folds``: how many of five folds choose its thresholds; 0 leaves them at 0.5."""

    folds: ClassVar[int] = 5
    speed_sentences: ClassVar[int] = 20_000
    thresholds: Any = 0.5

    @abstractmethod
    def fit(self, texts: Sequence[str], truth: np.ndarray) -> None: ...

    @abstractmethod
    def proba(self, texts: Sequence[str]) -> np.ndarray: ...

    @abstractmethod
    def save(self, folder: Path) -> None: ...

    @abstractmethod
    def load(self, folder: Path) -> None: ...


class Keywords(Peer):
    """rhetoric.evaluate.keyword_rule"""

    folds = 0

    def fit(self, texts, truth):
        pass

    def proba(self, texts):
        from rhetoric.evaluate import keyword_rule

        return keyword_rule(texts).astype(float)

    def save(self, folder):
        pass

    def load(self, folder):
        from rhetoric.evaluate import keyword_rule  # noqa: F401  (what a cold start pays)


class TfIdf(Peer):
    """scikit-learn: TF-IDF of word 1-2 grams, sublinear, logistic regression."""

    def fit(self, texts, truth):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline

        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        self.model = make_pipeline(words, OneVsRestClassifier(LogisticRegression(C=10, solver="liblinear")))
        self.model.fit(texts, truth.astype(int))

    def proba(self, texts):
        return self.model.predict_proba(texts)

    def save(self, folder):
        import joblib

        joblib.dump(self.model, folder / "model.joblib")

    def load(self, folder):
        import joblib

        self.model = joblib.load(folder / "model.joblib")


def spaced(text: str) -> str:
    """As fastText wants its text: lower case, punctuation apart, one line."""
    return " ".join(re.sub(r"([^\w\s])", r" \1 ", text.lower()).split())


class FastText(Peer):
    """fastText supervised: word 1-2 grams, one-versus-all loss, 15 epochs, 50 dimensions."""

    folds = 1

    def fit(self, texts, truth):
        import tempfile

        import fasttext

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "train.txt"
            with open(file, "w", encoding="utf-8") as out:
                for text, row in zip(texts, truth, strict=True):
                    labels = [f"__label__{k}" for k in np.flatnonzero(row)] or ["__label__none"]
                    out.write(" ".join([*labels, spaced(text)]) + "\n")
            self.model = fasttext.train_supervised(
                str(file), loss="ova", epoch=15, lr=0.5, wordNgrams=2, dim=50, bucket=200_000, thread=1, verbose=0
            )

    def proba(self, texts):
        # past the wrapper, which numpy 2 breaks
        labels, chances = self.model.f.multilinePredict([spaced(t) + "\n" for t in texts], 4, 0.0, "strict")
        out = np.zeros((len(texts), 3))
        for i, (row, names) in enumerate(zip(chances, labels, strict=True)):
            for chance, name in zip(row, names, strict=True):
                if name != "__label__none":
                    out[i, int(name[-1])] = min(chance, 1.0)
        return out

    def save(self, folder):
        self.model.save_model(str(folder / "model.bin"))

    def load(self, folder):
        import fasttext

        fasttext.FastText.eprint = lambda *_: None
        self.model = fasttext.load_model(str(folder / "model.bin"))


class SpacyBow(Peer):
    """spaCy: blank English, textcat_multilabel with the bag-of-words architecture, 1-2 grams, 4 epochs."""

    folds = 0
    speed_sentences = 4_000
    epochs: ClassVar[int] = 4
    architecture: ClassVar[dict[str, Any]] = {
        "@architectures": "spacy.TextCatBOW.v3",
        "exclusive_classes": False,
        "ngram_size": 2,
        "no_output_layer": False,
        "length": 262144,
    }

    def fit(self, texts, truth):
        import spacy
        from spacy.training import Example
        from spacy.util import fix_random_seed, minibatch

        fix_random_seed(0)
        self.model = spacy.blank("en")
        self.model.add_pipe("textcat_multilabel", config={"model": self.architecture})
        examples = [
            Example.from_dict(self.model.make_doc(t), {"cats": {str(k): float(v) for k, v in enumerate(row)}})
            for t, row in zip(texts, truth, strict=True)
        ]
        optimizer = self.model.initialize(lambda: examples[:2000])
        random = np.random.default_rng(0)
        for _ in range(self.epochs):
            order = [examples[i] for i in random.permutation(len(examples))]
            for batch in minibatch(order, 64):
                self.model.update(batch, sgd=optimizer)

    def proba(self, texts):
        docs = self.model.pipe(texts, batch_size=256)
        return np.array([[doc.cats[str(k)] for k in range(3)] for doc in docs])

    def save(self, folder):
        self.model.to_disk(folder / "model")

    def load(self, folder):
        import spacy

        self.model = spacy.load(folder / "model")


class MiniLM(Peer):
    """all-MiniLM-L6-v2 frozen, mean pooling, logistic regression on the sentence vectors."""

    speed_sentences = 400

    def start(self, folder):
        from transformers import AutoModel, AutoTokenizer

        self.words, self.body = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def pooled(self, texts):
        """(n, width) the mean of the hidden states of each sentence, a tensor."""
        batch = self.words(texts, truncation=True, max_length=96, padding=True, return_tensors="pt")
        hidden = self.body(**batch).last_hidden_state.float()
        mask = batch["attention_mask"].unsqueeze(-1).float()
        return (hidden * mask).sum(1) / mask.sum(1)

    def vectors(self, texts):
        import torch

        torch.set_num_threads(1)
        order = np.argsort([len(t) for t in texts])
        out = np.zeros((len(texts), self.body.config.hidden_size), dtype=np.float32)
        for at in range(0, len(texts), 32):
            rows = order[at : at + 32]
            with torch.inference_mode():
                out[rows] = torch.nn.functional.normalize(self.pooled([texts[i] for i in rows])).numpy()
        return out

    def fit(self, texts, truth):
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier

        if not hasattr(self, "body"):
            from common import minilm

            self.start(minilm())
            self.memory: dict[str, Any] = {}
        new = [t for t in texts if t not in self.memory]
        self.memory |= dict(zip(new, self.vectors(new), strict=True)) if new else {}
        self.head = OneVsRestClassifier(LogisticRegression(C=10, max_iter=500))
        self.head.fit(np.stack([self.memory[t] for t in texts]), truth.astype(int))

    def proba(self, texts):
        return self.head.predict_proba(self.vectors(texts))

    def save(self, folder):
        import joblib
        from common import minilm

        joblib.dump(self.head, folder / "head.joblib")
        source = minilm()
        for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json", "config.json"):
            (folder / name).unlink(missing_ok=True)
            os.link(source / name, folder / name) if same_device(source, folder) else shutil.copy(source / name, folder)

    def load(self, folder):
        import joblib

        self.head = joblib.load(folder / "head.joblib")
        self.start(folder)


class SetFit(MiniLM):
    """all-MiniLM-L6-v2 fine-tuned on 8,000 pairs to be alike where both bear the same stances (SetFit, Tunstall et al.
    2022), then logistic regression on the sentence vectors."""

    folds = 1
    pairs: ClassVar[int] = 8000
    fewest: ClassVar[int] = 100  # sentences of a set of stances that pairs are drawn from

    def fit(self, texts, truth):
        import torch
        from common import minilm
        from torch.nn.functional import cosine_similarity, mse_loss

        torch.set_num_threads(1)
        self.memory = {}
        self.start(minilm())  # the weights as published
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        kinds = truth.astype(int) @ (1 << np.arange(truth.shape[1]))
        members = [np.flatnonzero(kinds == kind) for kind in range(1 << truth.shape[1])]
        members = [rows for rows in members if len(rows) >= self.fewest]
        optimizer = torch.optim.AdamW(self.body.parameters(), lr=2e-5, weight_decay=0.01)
        steps = self.pairs // 16
        self.body.train()
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = 2e-5 * min((step + 1) / (0.1 * steps), (steps - step) / (0.9 * steps))
            rows = []
            for number in range(16):  # every other pair is alike
                one, other = rng.choice(len(members), 2, replace=False)
                rows.append((rng.choice(members[one]), rng.choice(members[one if number % 2 else other])))
            with torch.autocast("cpu", dtype=torch.bfloat16):
                first, second = self.pooled([texts[i] for i in np.array(rows).T.ravel()]).chunk(2)
            loss = mse_loss(cosine_similarity(first, second), torch.arange(16) % 2 * 1.0)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.body.parameters(), 1.0)
            optimizer.step()
        self.body.eval()
        super().fit(texts, truth)

    def save(self, folder):
        import joblib

        joblib.dump(self.head, folder / "head.joblib")
        self.body.save_pretrained(folder)
        self.words.save_pretrained(folder)


class Ours(Peer):
    """StanceClassifier with its default settings on the same labels, no teacher; its own thresholds."""

    folds = 0

    def fit(self, texts, truth):
        from rhetoric.model import StanceClassifier

        self.model = StanceClassifier().fit(texts, truth)
        self.thresholds = self.model.thresholds_

    def proba(self, texts):
        return self.model.predict_proba(texts)

    def save(self, folder):
        self.model.save(folder / "model")

    def load(self, folder):
        import rhetoric

        self.model = rhetoric.load(folder / "model")


class Shipped(Peer):
    """A shipped model as it is."""

    folds = 0

    def __init__(self, name: str) -> None:
        self.name = name
        if name != "fast":
            self.speed_sentences = 400  # type: ignore[misc]

    def fit(self, texts, truth):
        self.load(HERE)
        self.thresholds = self.model.thresholds_

    def proba(self, texts):
        return self.model.predict_proba(texts)

    def save(self, folder):
        import rhetoric

        shutil.copytree(Path(rhetoric.__file__).parent / "models" / self.name, folder / "model", dirs_exist_ok=True)

    def load(self, folder):
        import rhetoric

        self.model = rhetoric.load(self.name)


def same_device(a: Path, b: Path) -> bool:
    return a.stat().st_dev == b.stat().st_dev


OTHERS: dict[str, type[Peer]] = {
    "keywords": Keywords,
    "tfidf": TfIdf,
    "fasttext": FastText,
    "spacy-bow": SpacyBow,
    "minilm": MiniLM,
    "setfit": SetFit,
    "ours": Ours,
}
"""``ours``: our features and training on the same labels. The shipped models, ``shipped-*``, may have had a teacher."""


def peer_of(name: str) -> Peer:
    return OTHERS[name]() if name in OTHERS else Shipped(name.removeprefix("shipped-"))


def peers() -> dict[str, Peer]:
    from rhetoric.storage import shipped_models

    return {name: peer_of(name) for name in [*OTHERS, *(f"shipped-{name}" for name in shipped_models())]}


def best_thresholds(truth: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """(n_stances,) thresholds of the highest F1, of a grid by hundredths."""
    grid = np.arange(0.05, 0.96, 0.01)
    out = []
    for t, p in zip(truth.T > 0, chances.T, strict=True):
        f1 = [2 * (t & (p >= g)).sum() / max(t.sum() + (p >= g).sum(), 1) for g in grid]
        out.append(grid[int(np.argmax(f1))])
    return np.array(out)


def folds_of(texts: list[str], truth: np.ndarray, cache: Path) -> np.ndarray:
    """(n,) five folds with near-duplicates together; kept in the cache, for all peers the same."""
    from rhetoric.fitting import spread_folds
    from rhetoric.labels.splits import group_near_duplicates

    file = cache / f"peers/folds-{len(texts)}.npy"
    if not file.exists():
        np.save(file, spread_folds(group_near_duplicates(texts), truth, 5))
    return np.load(file)


def fit(name: str, shared: Path, cache: Path) -> None:
    """Fit one peer, save it, and write its probabilities on the gold set and its thresholds to the cache."""
    from common import gold, indicator
    from data import labelled

    peer, folder = peers()[name], cache / "peers" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    records = labelled(shared, cache)
    texts, truth = [r["text"] for r in records], indicator(records)
    begin = time.process_time()
    peer.fit(texts, truth)
    seconds = time.process_time() - begin
    peer.save(folder)
    chances = peer.proba([r["text"] for r in gold(shared)])
    thresholds = {"own" if isinstance(peer, Ours | Shipped) else "0.5": np.broadcast_to(peer.thresholds, 3).tolist()}
    if peer.folds:
        fold = folds_of(texts, truth, cache)
        held_out = np.zeros_like(truth)
        for f in range(peer.folds):
            peer.fit([t for t, k in zip(texts, fold, strict=True) if k != f], truth[fold != f])
            held_out[fold == f] = peer.proba([t for t, k in zip(texts, fold, strict=True) if k == f])
        used = fold < peer.folds
        thresholds["cross-validated"] = best_thresholds(truth[used], held_out[used]).tolist()
    result = {"chances": chances.tolist(), "thresholds": thresholds, "n": len(texts), "fit_seconds": seconds}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    print(f"{name}: fitted in {seconds:.0f} CPU s", flush=True)


def child(name: str, folder: Path, sentences: Path) -> None:
    """What is timed: load, one prediction, then all sentences. Prints the CPU seconds of each as JSON.

    Nothing is imported that the peer does not need, numpy apart, which all but the keyword rule need themselves.
    """
    peer = peer_of(name)
    peer.load(folder)
    peer.proba([ONE])
    cold = time.process_time()
    texts = json.loads(sentences.read_text(encoding="utf-8"))[: peer.speed_sentences]
    peer.proba(texts[:200])
    begin = time.process_time()
    peer.proba(texts)
    print(json.dumps({"cold": cold, "rate": len(texts) / (time.process_time() - begin)}))


def speed(names: list[str], cache: Path) -> None:
    """Time all peers in turns, each in a fresh process on one core; the best of each goes to the cache."""
    from data import pool

    sentences = cache / "peers/sentences.json"
    sentences.write_text(json.dumps(pool(cache, 20_000)), encoding="utf-8")
    core = str(min(os.sched_getaffinity(0)))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(TURNS):
        for name in names:
            command = ["taskset", "-c", core, sys.executable, str(Path(__file__).resolve()), CHILD, name, str(cache)]
            out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            turns[name].append(json.loads(out.stdout.splitlines()[-1]))
    best = {n: {"cold": min(t["cold"] for t in v), "rate": max(t["rate"] for t in v)} for n, v in turns.items()}
    (cache / "peers/speed.json").write_text(json.dumps(best), encoding="utf-8")


def report(names: list[str], shared: Path, cache: Path) -> None:
    from common import gold, indicator, into_readme

    from rhetoric.evaluate import evaluate
    from rhetoric.stances import STANCES

    records = gold(shared)
    truth, sure = indicator(records), np.array([not r["unsure"] for r in records])
    file = cache / "peers/speed.json"
    timed = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    quality = [
        "| | thresholds | " + " | ".join(STANCES) + " | macro-F1 | sure ones |",
        "|---|---|" + "---|" * (len(STANCES) + 2),
    ]
    cost = ["| | sentences/s | of TF-IDF | cold start, s | size, MB | fitting, CPU s |", "|---|---|---|---|---|---|"]
    base = timed.get("tfidf", {}).get("rate")
    for name in names:
        folder = cache / "peers" / name
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        chances = np.array(result["chances"])
        for kind, thresholds in result["thresholds"].items():
            found = chances >= np.array(thresholds)
            scores, on_sure = evaluate(truth, found), evaluate(truth[sure], found[sure])
            cells = [f"{s.f1:.2f} ({s.f1_interval[0]:.2f}-{s.f1_interval[1]:.2f})" for s in scores.scores]
            low, high = scores.macro_f1_interval
            quality.append(
                f"| {name} | {kind} | {' | '.join(cells)} | **{scores.macro_f1:.3f}** ({low:.2f}-{high:.2f}) "
                f"| {on_sure.macro_f1:.3f} |"
            )
        if name not in timed:
            continue
        files = [f for f in folder.rglob("*") if f.is_file() and f.name not in ("result.json", "README.md")]
        size = sum(f.stat().st_size for f in files) / 1e6
        rate, cold = timed[name]["rate"], timed[name]["cold"]
        ratio = "" if base is None else f"{rate / base:.2f}"
        cost.append(f"| {name} | {rate:,.0f} | {ratio} | {cold:.2f} | {size:.1f} | {result['fit_seconds']:.0f} |")
    n = json.loads((cache / "peers" / names[0] / "result.json").read_text(encoding="utf-8"))["n"]
    what = "\n".join(f"- **{name}**: {' '.join((type(peers()[name]).__doc__ or '').split())}" for name in names)
    head = f"{n} labelled sentences to learn from, {len(truth)} to be measured on ({int(sure.sum())} of them sure)."
    into_readme(__file__, "tables", "\n".join([head, "", what, "", *quality, "", *(cost if timed else [])]))


def main() -> None:
    from common import arguments

    parser = arguments(__doc__)
    parser.add_argument("--fit", metavar="NAME", action="append", default=[])
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--tables", action="store_true")
    args = parser.parse_args()
    done = args.cache / "peers"
    names = args.fit or [n for n in peers() if not (done / n / "result.json").exists() or n.startswith("shipped-")]
    if not args.speed and not args.tables:
        for name in names:
            fit(name, args.shared, args.cache)
    if not args.fit:
        fitted = [n for n in peers() if (done / n / "result.json").exists()]
        if not args.tables:
            speed(fitted, args.cache)
        report(fitted, args.shared, args.cache)


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        child(sys.argv[2], Path(sys.argv[3], "peers", sys.argv[2]), Path(sys.argv[3], "peers/sentences.json"))
    else:
        main()
