"""Groups of sentences that must stay on one side of a split: near-duplicates and, if asked, sentences of one
document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

__all__ = ["group_near_duplicates"]

_WORD = re.compile(r"\w+")
_SLACK = 1e-9  # floor times a count of words may come out a hair above the whole number it stands for


def group_near_duplicates(
    texts: Sequence[str], floor: float = 0.4, documents: Sequence[str | None] | None = None
) -> NDArray[np.int64]:
    """A group id for each text such that texts whose word sets overlap enough share one.

    Two texts are near-duplicates where the Jaccard similarity of their sets of casefolded words is at least
    ``floor``; groups are the connected components. Exact, not sampled: candidates come from an inverted index of each
    text's rarest words, which two texts this similar must share (prefix filtering: Chaudhuri, Ganti and Kaushik 2006;
    Bayardo, Ma and Srikant 2007).

    Args:
        texts: n sentences. One without words is alike to nothing.
        floor: 0 < floor <= 1.
        documents: n document ids; texts of the same document, None aside, share a group as well.

    Returns:
        int64 array of n ids, 0, 1, 2... in the order in which the groups first occur. The same for the same input.

    Raises:
        ValueError: ``floor`` is out of range or the lengths differ.
    """
    if not 0 < floor <= 1:
        raise ValueError(f"floor must be above 0 and at most 1, got {floor!r}")
    if documents is not None and len(documents) != len(texts):
        raise ValueError(f"{len(texts)} texts but {len(documents)} documents")
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def unite(i: int, j: int) -> None:
        a, b = root(i), root(j)
        parent[max(a, b)] = min(a, b)

    sets, n_words = _word_sets(texts)
    exact: dict[bytes, int] = {}
    distinct = []  # one text of each set of words: repeats of it need no search
    for i, ids in enumerate(sets):
        if ids.size:
            first = exact.setdefault(ids.tobytes(), i)
            if first == i:
                distinct.append(i)
            else:
                unite(first, i)
    _unite_similar([sets[i] for i in distinct], distinct, n_words, floor, unite)
    if documents is not None:
        seen: dict[str, int] = {}
        for i, document in enumerate(documents):
            if document is not None:
                unite(seen.setdefault(document, i), i)
    ids_in_order: dict[int, int] = {}
    return np.array([ids_in_order.setdefault(root(i), len(ids_in_order)) for i in range(len(texts))], dtype=np.int64)


def _word_sets(texts: Sequence[str]) -> tuple[list[NDArray[np.int64]], int]:
    """Each text's set of words as sorted ids, rare words having the small ones; and the number of words."""
    words = [set(_WORD.findall(text.casefold())) for text in texts]
    frequency = Counter(word for found in words for word in found)
    rank = {word: n for n, word in enumerate(sorted(frequency, key=lambda word: (frequency[word], word)))}
    return [np.array(sorted(map(rank.__getitem__, found)), dtype=np.int64) for found in words], len(rank)


def _unite_similar(
    sets: list[NDArray[np.int64]], names: list[int], n_words: int, floor: float, unite: Callable[[int, int], None]
) -> None:
    sizes = np.array([ids.size for ids in sets], dtype=np.int64)
    flat = np.concatenate(sets) if sets else np.zeros(0, np.int64)
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if sets else sizes
    postings: list[list[int]] = [[] for _ in range(n_words)]
    mark = np.zeros(n_words, dtype=np.int64)
    for i in np.argsort(sizes, kind="stable"):  # short ones first, so that an indexed text is never the longer one
        ids = sets[i]
        prefix = ids[: ids.size - ceil(floor * ids.size - _SLACK) + 1]
        found = {j for word in prefix for j in postings[word]}
        if found:
            candidates = np.fromiter(found, np.int64, len(found))
            candidates = candidates[sizes[candidates] >= floor * ids.size - _SLACK]
        if found and candidates.size:
            mark[ids] = 1
            counts = sizes[candidates]
            ends = np.cumsum(counts)
            where = np.arange(ends[-1]) + np.repeat(begins[candidates] - (ends - counts), counts)
            shared = np.add.reduceat(mark[flat[where]], ends - counts)
            mark[ids] = 0
            alike = shared >= floor * (counts + ids.size - shared) - _SLACK
            for j in candidates[alike]:
                unite(names[i], names[j])
        for word in prefix:
            postings[word].append(int(i))
