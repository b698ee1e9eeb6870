"""Labelled claims as arrays, the fitting of the role model, the measure: what the scripts here share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from rhetoric.actors import find
from rhetoric.labels import Label, group_near_duplicates, read
from rhetoric.roles import BITS, MAX_ITEMS, ROLES, Items, RoleModel, items_of, run_scores
from rhetoric.stances import STANCES
from rhetoric.tokens import tokenize

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHARED = ROOT.parent / "shared"
CACHE = HERE.parent / ".cache"
FAVOUR = (0.7, 0.7)  # chosen by compare.py


def labelled(rounds: int | None = None) -> list[Label]:
    """All labelled sentences with text that bear a stance and have roles, repeats left out; or those of the first few
    rounds of labels."""
    paths = [SHARED / "labelled/real.jsonl", SHARED / "labelled/composed.jsonl", CACHE / "composed-plain.jsonl"]
    for path in sorted(CACHE.glob("labelled-round-*.jsonl")):
        if rounds is None or int(path.stem.rpartition("-")[2]) <= rounds:
            paths.append(path)
    seen: set[str] = set()
    kept = []
    for path in paths:
        if not path.exists():
            continue
        for label in read(path):
            if label.stances and label.roles and label.sentence not in seen:
                seen.add(label.sentence)
                kept.append(label)
    held = [label.sentence for label in read(SHARED / "gold/dev.jsonl")]
    groups = group_near_duplicates([label.sentence for label in kept] + held)
    twins = set(groups[len(kept) :].tolist())
    return [label for label, group in zip(kept, groups.tolist(), strict=False) if group not in twins]


def groups_of(labels: Sequence[Label]) -> np.ndarray:
    """Sentences of one document and near-duplicates share a group."""
    documents = [f"{label.extra.get('corpus')} {label.document}" if label.document else None for label in labels]
    return group_near_duplicates([label.sentence for label in labels], documents=documents)


def folds_of(groups: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    fold = np.random.default_rng(seed).integers(0, n, groups.max() + 1)
    return fold[groups]


@dataclass
class Claims:
    """Claims as arrays. ``sentence``: (n_claims,) index of the sentence; ``stance``: (n_claims,) index in STANCES;
    ``words``: (n_claims, 2) the labelled words of each role, empty where it is left out; ``runs``: for each role a
    list of (first item, last item) in the sentence, one for each place where the words stand.
    """

    sentences: list[str]
    items: Items
    starts: np.ndarray  # of each item, in its sentence
    ends: np.ndarray
    sentence: np.ndarray
    stance: np.ndarray
    words: list[tuple[str, str]]
    runs: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]]


def claims_of(labels: Sequence[Label], bits: int = BITS) -> Claims:
    sentences = [label.sentence for label in labels]
    tokens = tokenize(sentences)
    items = items_of(tokens, find(tokens), bits)
    starts, ends = tokens.char_spans(items.first, items.last)
    sentence, stance, words, runs = [], [], [], []
    for i, label in enumerate(labels):
        low, high = items.indptr[i], items.indptr[i + 1]
        s, e = starts[low:high], ends[low:high]
        for name in label.stances:
            if name not in label.roles:
                continue
            both = tuple(label.role(name, role) for role in ROLES)
            places = []
            for role in both:
                found = []
                if role:
                    spans = [m.span() for m in re.finditer(rf"(?<!\w){re.escape(role)}(?!\w)", label.sentence)]
                    spans = spans or [m.span() for m in re.finditer(re.escape(role), label.sentence)]
                    for a, b in spans:
                        inside = np.flatnonzero((e > a) & (s < b))
                        if len(inside):
                            found.append((int(inside[0]), min(int(inside[-1]), int(inside[0]) + MAX_ITEMS - 1)))
                places.append(sorted(set(found)))
            sentence.append(i)
            stance.append(STANCES.index(name))
            words.append(both)
            runs.append(tuple(places))
    return Claims(sentences, items, starts, ends, np.array(sentence), np.array(stance), words, runs)


def words_f1(found: str, gold: str) -> float:
    """Token overlap of two strings, case aside; both empty is 1, one empty is 0."""
    a, b = (Counter(re.findall(r"\w+", x.casefold())) for x in (found, gold))
    if not a and not b:
        return 1.0
    total = sum(a.values()) + sum(b.values())
    return 2 * sum((a & b).values()) / total


def _batch(claims: Claims, which: np.ndarray, min_counts: np.ndarray | None):
    """Rows of the items of some claims, sorted by stance; the bounds of each claim and of each stance's rows."""
    which = which[np.argsort(claims.stance[which], kind="stable")]
    indptr = claims.items.indptr
    sizes = indptr[claims.sentence[which] + 1] - indptr[claims.sentence[which]]
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    rows = np.concatenate([np.arange(indptr[s], indptr[s + 1]) for s in claims.sentence[which]])
    ids = claims.items.ids[rows]
    return which, bounds, ids


def fit(
    claims: Claims,
    which: np.ndarray,
    *,
    bits: int = BITS,
    strength: float = 5.0,
    shared: float = 2.0,
    min_count: int = 3,
    iterations: int = 40,
    say=None,
) -> np.ndarray:
    """Weights (n_stances, buckets, 8): outputs of the speaker, then of the target, by penalised likelihood of the
    labelled run (any of its places) among all runs and none. A stance's weights are the sum of shared ones and its own.

    ``strength`` and ``shared`` are the L2 penalties of a stance's own weights and of the shared ones.
    """
    which, bounds, ids = _batch(claims, which, None)
    n, n_buckets = len(ids), 1 << bits
    counts = np.bincount(ids.ravel(), minlength=n_buckets)
    used = np.flatnonzero(counts >= min_count)
    remap = np.full(n_buckets, -1)
    remap[used] = np.arange(len(used))
    mapped = remap[ids]
    keep = mapped >= 0
    row_ptr = np.concatenate([[0], np.cumsum(keep.sum(1))])
    X = csr_matrix((np.ones(keep.sum(), dtype=np.float32), mapped[keep], row_ptr), shape=(n, len(used)))
    stance_rows = []
    for k in range(len(STANCES)):
        inside = np.flatnonzero(claims.stance[which] == k)
        stance_rows.append(slice(bounds[inside[0]], bounds[inside[-1] + 1]) if len(inside) else slice(0, 0))
    parts = [X[r] for r in stance_rows]
    turned = [p.T.tocsr() for p in parts]
    F = len(used)
    sizes = np.diff(bounds)
    scale = (1 / np.sqrt(sizes)).astype(np.float32)
    owner = np.repeat(np.arange(len(which)), sizes)
    gold = []
    for r in range(2):
        claim, run = [], []
        for c, index in enumerate(which):
            places = claims.runs[index][r]
            if not claims.words[index][r]:
                claim.append(c)
                run.append(-1)
            for a, b in places:
                claim.append(c)
                run.append((bounds[c] + a) * MAX_ITEMS + (b - a))
        gold.append((np.array(claim), np.array(run)))
    reg = np.concatenate([np.full(F, shared)] + [np.full(F, strength)] * len(STANCES))[:, None].astype(np.float32)

    def loss(flat: np.ndarray):
        W = flat.reshape(-1, 8).astype(np.float32)
        scores = np.concatenate([p @ (W[:F] + W[F * (k + 1) : F * (k + 2)]) for k, p in enumerate(parts)])
        grad_scores = np.zeros_like(scores)
        value = 0.0
        for r in range(2):
            s = scores[:, 4 * r : 4 * r + 4]
            none = np.add.reduceat(s[:, 3], bounds[:-1]) * scale
            runs = run_scores(s[:, :3], bounds)
            best = np.maximum(np.maximum.reduceat(runs.max(1), bounds[:-1]), none)
            p = np.exp(runs - best[owner, None])
            p_none = np.exp(none - best)
            Z = np.add.reduceat(p.sum(1), bounds[:-1]) + p_none
            p /= Z[owner, None]
            p_none /= Z
            claim, run = gold[r]
            is_none = run < 0
            g = np.where(is_none, none[claim], runs.ravel()[np.maximum(run, 0)])
            top = np.full(len(which), -np.inf)
            np.maximum.at(top, claim, g)
            weight = np.exp(g - top[claim])
            total = np.zeros(len(which))
            np.add.at(total, claim, weight)
            known = total > 0
            value += float((np.log(Z) + best)[known].sum() - (np.log(total[known]) + top[known]).sum())
            # posterior minus gold posterior
            p[~known[owner]] = 0
            p_none[~known] = 0
            share = weight / total[claim]
            np.subtract.at(p.ravel(), run[~is_none], share[~is_none].astype(np.float32))
            np.subtract.at(p_none, claim[is_none], share[is_none].astype(np.float32))
            G = grad_scores[:, 4 * r : 4 * r + 4]
            row = p.sum(1)
            G[:, 0] = row
            inside = np.zeros(n + 1, dtype=np.float64)
            inside[:-1] += row
            for length in range(MAX_ITEMS):
                stop = n - length
                G[length:, 1] += p[:stop, length]
                inside[length + 1 :] -= p[:stop, length]
            G[:, 2] = np.cumsum(inside)[:-1]
            G[:, 3] = (p_none * scale)[owner]
        grad = np.zeros_like(W)
        for k, t in enumerate(turned):
            part = t @ grad_scores[stance_rows[k]]
            grad[:F] += part
            grad[F * (k + 1) : F * (k + 2)] += part
        value += 0.5 * float((reg * W * W).sum())
        grad += reg * W
        return value, grad.ravel().astype(np.float64)

    x0 = np.zeros((F * (1 + len(STANCES)), 8)).ravel()
    result = minimize(loss, x0, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "maxcor": 8})
    if say:
        say(f"{result.nit} iterations, loss {result.fun:.0f}, {F} features of {n_buckets}")
    W = result.x.reshape(-1, 8)
    out = np.zeros((len(STANCES), n_buckets, 8), dtype=np.float32)
    for k in range(len(STANCES)):
        out[k, used] = W[:F] + W[F * (k + 1) : F * (k + 2)]
    return out


def decode(claims: Claims, which: np.ndarray, weights: np.ndarray, favour: Sequence[float] = (1.0, 1.0)):
    """For every claim the words of its speaker and target."""
    model = RoleModel.of(STANCES, weights, favour)
    runs = model.runs(claims.items, claims.sentence[which], claims.stance[which])
    return {int(c): words_of(claims, int(c), r) for c, r in zip(which, runs, strict=True)}


def words_of(claims: Claims, claim: int, runs: np.ndarray) -> tuple[str, str]:
    sentence = claims.sentence[claim]
    low = claims.items.indptr[sentence]
    text = claims.sentences[sentence]
    return tuple("" if a < 0 else text[claims.starts[low + a] : claims.ends[low + b]] for a, b in runs[:2].tolist())


def measure(claims: Claims, found: dict[int, tuple[str, str]]) -> dict[str, float]:
    """Mean overlap F1 of both roles, and by stance."""
    table = np.array(
        [
            [claims.stance[c], *(words_f1(a, b) for a, b in zip(roles, claims.words[c], strict=True))]
            for c, roles in found.items()
        ]
    )
    result = {role: float(table[:, r + 1].mean()) for r, role in enumerate(ROLES)}
    result["mean"] = float(table[:, 1:].mean())
    for k, name in enumerate(STANCES):
        if (table[:, 0] == k).any():
            result[name] = float(table[table[:, 0] == k, 1:].mean())
    return result
