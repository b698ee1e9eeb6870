"""Which documents repeat an earlier one, exactly or nearly: the same wire copy in two papers.

While a shard is scored, every document leaves a small signature (:func:`sign`): a hash of its text, and a MinHash of
its runs of three words. After the last shard :func:`find` looks at all signatures of the archive in order. So the
answer does not depend on how the work was dealt out, and memory stays bounded: keys are compared in as many passes as
fit a budget, and what is needed per document lies in files that the operating system pages.

Method: one-permutation MinHash with rotation (Li, Owen and Zhang 2012; Shrivastava and Li 2014), 64 bins, 16 bands of
4. Two documents are near-duplicates when at least 52 of the 64 bins agree, an estimated Jaccard similarity of 0.8
(standard error 0.05). Documents that fill fewer than 32 bins (some 45 different runs of words) are only compared
exactly, up to white space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rhetoric.tokens import PUNCTUATION, tokenize

BINS: Final = 64
BANDS: Final = 16
SIMILAR_BINS: Final = 52
# Fewer different runs of words say too little: below, the estimate is no better than a guess.
MIN_FILLED_BINS: Final = 32
# The near-signature of a book is that of its first part; tokenizing needs some 60 bytes a byte.
MAX_CHARACTERS: Final = 400_000

SIGNATURE: Final = np.dtype([("exact", "<u8"), ("rows", "<i8"), ("near", "<u4", (BINS,))])
_EMPTY: Final = 0xFFFFFFFF
_BUDGET: Final = 16_000_000  # keys compared in one pass: 256 MB with their indices
NONE: Final = np.iinfo(np.int64).max


def sign(texts: Sequence[str]) -> NDArray[Any]:
    """Signatures, shape (n_texts,), dtype ``SIGNATURE``; ``rows`` is left 0. A ``near`` of zeros means: too short to
    compare."""
    signatures = np.zeros(len(texts), dtype=SIGNATURE)
    for index, text in enumerate(texts):
        digest = hashlib.blake2b(" ".join(text.split()).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        signatures["exact"][index] = int.from_bytes(digest, "little")
    begin, size = 0, 0
    for index, text in enumerate(texts):
        size += min(len(text), MAX_CHARACTERS)
        if size >= MAX_CHARACTERS or index == len(texts) - 1:
            batch = [t[:MAX_CHARACTERS] for t in texts[begin : index + 1]]
            signatures["near"][begin : index + 1] = _minhash(batch)
            begin, size = index + 1, 0
    return signatures


def _minhash(texts: Sequence[str]) -> NDArray[np.uint32]:
    tokens = tokenize(texts)
    words = (tokens.flags & PUNCTUATION) == 0
    hashes, owner = tokens.hash[words], tokens.sentence[words]
    shingles = (
        hashes[:-2] * np.uint64(0x9E3779B97F4A7C15)
        + hashes[1:-1] * np.uint64(0xC2B2AE3D27D4EB4F)
        + hashes[2:] * np.uint64(0x165667B19E3779F9)
    )
    whole = owner[:-2] == owner[2:]
    mixed, owner = _mix(shingles[whole]), owner[:-2][whole]
    bins = np.full(len(texts) * BINS, _EMPTY, dtype=np.uint32)
    at = owner.astype(np.int64) * BINS + (mixed >> np.uint64(58)).astype(np.int64)
    np.minimum.at(bins, at, (mixed & np.uint64(0xFFFFFFFE)).astype(np.uint32))  # never the mark of an empty bin
    near = bins.reshape(len(texts), BINS)
    near[(near != _EMPTY).sum(axis=1) < MIN_FILLED_BINS] = 0
    # An empty bin borrows from its right neighbour, changed once a step so that two borrowers differ.
    for _ in range(1, BINS):
        gaps = near == _EMPTY
        if not gaps.any():
            break
        near = np.where(gaps, _shifted(near), near)
    return near


def _shifted(near: NDArray[np.uint32]) -> NDArray[np.uint32]:
    neighbour = np.roll(near, -1, axis=1)
    changed = (neighbour * np.uint32(2_654_435_761)) & np.uint32(0xFFFFFFFE)
    return np.where(neighbour == _EMPTY, neighbour, changed)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def find(files: Sequence[Path], folder: Path, *, budget: int = _BUDGET) -> NDArray[np.int64]:
    """The first document that each document repeats, over the signature files in order.

    Args:
        files: one ``.npy`` per shard, as :func:`sign` made them.
        folder: where two working files may lie while this runs (272 bytes per document); they are removed.
        budget: keys compared in one pass; memory is some 32 bytes a key. The answer does not depend on it.

    Returns:
        Shape (n_documents,): the index of the first document of the group, ``NONE`` where there is none. A document
        that is pointed at points at no other.
    """
    counts = [len(np.load(file, mmap_mode="r")) for file in files]
    total = sum(counts)
    first = np.full(total, NONE, dtype=np.int64)
    if total == 0:
        return first
    path = folder / "near.npy"
    near = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint32, shape=(total, BINS))
    try:
        base = 0
        for file, count in zip(files, counts, strict=True):
            near[base : base + count] = np.load(file)["near"]
            base += count
        passes = max(1, -(-total * (BANDS + 1) // budget))
        for part in range(passes):
            _one_pass(files, near, first, np.uint64(part), np.uint64(passes))
    finally:
        del near
        path.unlink(missing_ok=True)
    while True:  # follow each pointer to its root; pointers only go back, so this ends
        repeats = np.flatnonzero(first != NONE)
        further = first[first[repeats]]
        moved = further != NONE
        if not moved.any():
            return first
        first[repeats[moved]] = further[moved]


def _one_pass(
    files: Sequence[Path], near: NDArray[np.uint32], first: NDArray[np.int64], part: np.uint64, passes: np.uint64
) -> None:
    """Compares all keys that fall in this part of the key space; whole groups of equal keys always fall together."""
    keys: list[NDArray[np.uint64]] = []
    owners: list[NDArray[np.int64]] = []
    base = 0
    for file in files:
        signatures = np.load(file)
        documents = np.arange(base, base + len(signatures), dtype=np.int64)
        base += len(signatures)
        columns = [_mix(signatures["exact"])]
        long = signatures["near"].any(axis=1)
        rows = signatures["near"].astype(np.uint64).reshape(len(signatures), BANDS, BINS // BANDS)
        for band in range(BANDS):
            key = np.full(len(signatures), band + 1, dtype=np.uint64)
            for column in range(BINS // BANDS):
                key = _mix(key * np.uint64(0x9E3779B97F4A7C15) + rows[:, band, column])
            columns.append(key)
        for number, key in enumerate(columns):
            chosen = key % passes == part
            if number:
                chosen &= long
            keys.append(key[chosen])
            owners.append(documents[chosen])
    key, owner = np.concatenate(keys), np.concatenate(owners)
    order = np.lexsort((owner, key))
    key, owner = key[order], owner[order]
    same = np.flatnonzero(key[1:] == key[:-1]) + 1
    if not len(same):
        return
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    leader = owner[starts[np.searchsorted(starts, same, side="right") - 1]]
    # Each is held against the first of its group and against its neighbour in it: two chances in each of 16 bands.
    for earlier in (leader, owner[same - 1]):
        _keep_similar(files, near, first, owner[same], earlier)


def _keep_similar(
    files: Sequence[Path],
    near: NDArray[np.uint32],
    first: NDArray[np.int64],
    later: NDArray[np.int64],
    earlier: NDArray[np.int64],
) -> None:
    later, earlier = later[later != earlier], earlier[later != earlier]
    pairs = np.stack(np.divmod(np.unique(later * len(near) + earlier), len(near)), axis=1)
    exact = _exact(files, pairs)
    for begin in range(0, len(pairs), 65_536):
        block = pairs[begin : begin + 65_536]
        one, other = near[block[:, 0]], near[block[:, 1]]
        alike = ((one == other).sum(axis=1) >= SIMILAR_BINS) & one.any(axis=1)
        alike |= exact[begin : begin + 65_536]
        np.minimum.at(first, block[alike, 0], block[alike, 1])


def _exact(files: Sequence[Path], pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the hashes of the two texts are equal, reading one signature file at a time."""
    needed, inverse = np.unique(pairs, return_inverse=True)
    values = np.zeros(len(needed), dtype=np.uint64)
    base = 0
    for file in files:
        signatures = np.load(file, mmap_mode="r")
        low, high = np.searchsorted(needed, [base, base + len(signatures)])
        values[low:high] = signatures["exact"][needed[low:high] - base]
        base += len(signatures)
    both = values[inverse.reshape(pairs.shape)]
    return np.asarray(both[:, 0] == both[:, 1])
