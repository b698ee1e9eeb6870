"""Repeats are found whatever the batches, the passes and the files; and only repeats."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhetoric.archive.duplicates import NONE, find, sign

WORDS = [f"w{i}" for i in range(2000)]


def text(seed: int, words: int = 200) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def jaccard(one: list[str], other: list[str]) -> float:
    a, b = (set(zip(t, t[1:], t[2:], strict=False)) for t in (one, other))
    return len(a & b) / len(a | b)


def edited(words: list[str], edits: int, seed: int) -> list[str]:
    choose, copy = random.Random(seed), list(words)
    for _ in range(edits):
        copy[choose.randrange(len(copy))] = choose.choice(WORDS)
    return copy


def found(texts: list[str], folder: Path, sizes: list[int] | None = None, budget: int = 10**7) -> list[int | None]:
    files, at = [], 0
    for number, size in enumerate(sizes or [len(texts)]):
        files.append(folder / f"{number}.npy")
        np.save(files[-1], sign(texts[at : at + size]))
        at += size
    return [None if value == NONE else int(value) for value in find(files, folder, budget=budget)]


def test_exact_near_and_far(tmp_path: Path) -> None:
    base = text(1)
    near, far = edited(base, 4, 7), edited(base, 40, 8)
    assert jaccard(base, near) > 0.85
    assert jaccard(base, far) < 0.6
    texts = [base, text(2), near, far, base, text(2)[::-1]]
    joined = [" ".join(words) for words in texts]
    joined[4] = "\n".join(base) + "  "
    assert found(joined, tmp_path) == [None, None, 0, None, 0, None]


def test_short_texts_are_only_compared_exactly(tmp_path: Path) -> None:
    assert found(["", "", "One two.", "One  two.", "One two!"], tmp_path) == [None, 0, None, 2, None]
    refrains = [f"The envoy of port {i} denied that it had mined the strait. " * 20 for i in range(200)]
    assert found(refrains, tmp_path) == [None] * 200


def test_repeats_point_at_a_document_that_is_none(tmp_path: Path) -> None:
    chain = [text(1)]
    for step in range(8):
        chain.append(edited(chain[-1], 4, step))
    answer = found([" ".join(words) for words in chain], tmp_path)
    assert answer[0] is None
    assert all(value is None or answer[value] is None for value in answer)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_answer_depends_on_nothing_but_the_order(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    seeds = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=30))
    texts = [" ".join(edited(text(seed), seed % 3, i)) for i, seed in enumerate(seeds)]
    sizes, left = [], len(texts)
    while left:
        sizes.append(data.draw(st.integers(1, left)))
        left -= sizes[-1]
    budget = data.draw(st.integers(1, 100))
    folder = tmp_path_factory.mktemp("sig")
    whole = found(texts, folder)
    assert found(texts, folder, sizes, budget) == whole
    first: dict[int, int] = {}
    for i, seed in enumerate(seeds):
        expected = first.setdefault(seed, i)
        assert whole[i] == (None if expected == i else expected)


def test_signatures_do_not_depend_on_the_batch() -> None:
    texts = [" ".join(text(i, 5 * i)) for i in range(40)] + ["x " * 500_000, "Ünïcode 世界 " * 50]
    together = sign(texts)
    for index, one in enumerate(texts):
        assert sign([one])[0].tobytes() == together[index].tobytes()


def test_working_files_are_removed(tmp_path: Path) -> None:
    found(["a"] * 3, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["0.npy"]


def test_most_near_copies_are_found_and_few_others(tmp_path: Path) -> None:
    texts: list[list[str]] = []
    for i in range(150):
        texts += [text(i), edited(text(i), 3, i + 1000), edited(text(i), 60, i + 2000)]
    answer = found([" ".join(words) for words in texts], tmp_path)
    assert sum(answer[3 * i + 1] == 3 * i for i in range(150)) >= 145
    assert all(answer[3 * i] is None and answer[3 * i + 2] is None for i in range(150))
