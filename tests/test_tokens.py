from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhetoric.tokens import (
    ABBREVIATION,
    ALL_CAPS,
    CAPITALISED,
    DIGIT,
    HYPHENATED,
    INITIAL,
    PUNCTUATION,
    HashIndex,
    hash_word,
    hash_words,
    tokenize,
)

any_text = st.text(st.characters(exclude_categories=[]), max_size=60)  # lone surrogates and NUL included
NUL = "\0"
tricky = st.lists(
    st.sampled_from(
        ["U.S.", "U.N", "don't", "’s", "so-called", " ", "-", "'", ".", "a.b.c.", "É", "Čech", "x", "A", "7", "…", NUL]
    ),
    max_size=12,
).map("".join)


def words(text: str) -> list[str]:
    tokens = tokenize([text])
    return [text[s:e] for s, e in zip(*tokens.char_spans(), strict=True)]


def flags_of(text: str) -> dict[str, int]:
    return dict(zip(words(text), tokenize([text]).flags.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   \n\t", []),
        ("Ruritania denied it.", ["Ruritania", "denied", "it", "."]),
        ("Ruritania's envoy", ["Ruritania", "'s", "envoy"]),
        ("Ruritania’s envoy", ["Ruritania", "’s", "envoy"]),
        ("They don't", ["They", "don", "'t"]),
        ("the States' claim", ["the", "States", "'", "claim"]),
        ("a so-called report", ["a", "so", "called", "report"]),
        ("peace - at last", ["peace", "-", "at", "last"]),
        ("the U.S. and the U.N.", ["the", "U.S.", "and", "the", "U.N."]),
        ("U.S.-led, U.S.'s", ["U.S.", "led", ",", "U.S.", "'s"]),
        ("the U.S.China talks", ["the", "U.S", ".", "China", "talks"]),
        ("It ended.Then it began", ["It", "ended", ".", "Then", "it", "began"]),
        ("“Lies,” he said…", ["“", "Lies", ",", "”", "he", "said", "…"]),
        ("Dec.29", ["Dec", ".", "29"]),
        ("São Tomé • Žilina", ["São", "Tomé", "Žilina"]),
        ("外交部。 الحوار", ["外交部", "الحوار"]),
        ("a\0b", ["a", "b"]),
    ],
)
def test_splits_as_documented(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.lists(any_text | tricky, max_size=8))
def test_every_token_hashes_as_its_text_and_offsets_slice_back(texts: list[str]) -> None:
    tokens = tokenize(texts)
    assert tokens.n_sentences == len(texts)
    starts, ends = tokens.char_spans()
    for i in range(len(tokens)):
        text = texts[tokens.sentence[i]][starts[i] : ends[i]]
        assert text.strip() == text != ""
        assert tokens.hash[i] == hash_word(text)
        assert tokens.char_span(i) == (starts[i], ends[i])


@given(st.lists(any_text | tricky, max_size=6))
def test_a_batch_equals_one_by_one(texts: list[str]) -> None:
    batch = tokenize(texts)
    for i, text in enumerate(texts):
        one = tokenize([text])
        part = slice(batch.indptr[i], batch.indptr[i + 1])
        assert np.array_equal(batch.hash[part], one.hash)
        assert np.array_equal(batch.flags[part], one.flags)
        assert np.all(batch.sentence[part] == i)


@given(any_text)
def test_no_letter_or_digit_is_lost(text: str) -> None:
    starts, ends = tokenize([text]).char_spans()
    covered = {i for s, e in zip(starts, ends, strict=True) for i in range(s, e)}
    for i, character in enumerate(text):
        if character.isascii() and character.isprintable() and character not in " -":
            assert i in covered


def test_case_and_lookalikes_do_not_change_the_hash() -> None:
    one, other = (
        tokenize(["the U.S. called it ‘baseless’ – ÉTAT ŽILINA МОСКВА"]),
        tokenize(["THE u.s. CALLED IT 'BASELESS' - état žilina Москва"]),
    )
    assert np.array_equal(one.hash, other.hash)
    assert np.array_equal(hash_words(["U.S.", "u.s", "’s"]), hash_words(["u.s", "U.S", "'S"]))


def test_distinct_words_have_distinct_hashes() -> None:
    made = {f"{a}{b}{c}" for a in "abcdefghij" for b in "klmnopqrst" for c in ["", "0", "1", "deny", "denied"]}
    assert len(set(hash_words(sorted(made)).tolist())) == len(made)


def test_flags() -> None:
    flags = flags_of('"NATO and Élan of U.S. state-run TV in 2024: ÉTAT ok')
    assert flags['"'] == PUNCTUATION
    assert flags["NATO"] == CAPITALISED | ALL_CAPS | INITIAL
    assert flags["and"] == 0
    assert flags["Élan"] == CAPITALISED
    assert flags["U.S."] == CAPITALISED | ALL_CAPS | ABBREVIATION
    assert flags["run"] == HYPHENATED
    assert flags["2024"] == DIGIT
    assert flags["ÉTAT"] == CAPITALISED | ALL_CAPS
    assert flags_of("A B")["A"] == CAPITALISED | INITIAL


def test_a_megabyte_in_one_sentence() -> None:
    tokens = tokenize(["deny " * 200_000, "deny"])
    assert len(tokens) == 200_001
    assert len(set(tokens.hash.tolist())) == 1
    assert tokens.char_span(199_999) == (999_995, 999_999)


def test_a_bare_str_is_refused() -> None:
    with pytest.raises(TypeError, match=r"tokenize\(\[text\]\)"):
        tokenize("Ruritania denied it.")


def test_hashes_of_many_words_are_those_of_each() -> None:
    words = ["accuse", "'s", "u.s", "U.S.", '"', "État", "МОСКВА", "\x01number", "’s", "p.m.", ".", "…"]
    assert hash_words(words).tolist() == [hash_word(word) for word in words]


def plain_hash(word: str) -> int:
    """Eight bytes at a time, as the module says, in plain Python."""
    raw, total, power = word.lower().encode(), 0, 1
    for begin in range(0, len(raw), 8):
        power = power * 0x9E3779B97F4A7C15 % 2**64
        total += int.from_bytes(raw[begin : begin + 8], "little") * power
    total %= 2**64
    return total ^ total >> 32


def test_a_word_is_hashed_eight_bytes_at_a_time() -> None:
    words = ["Aperture"[:n] for n in range(1, 9)] + ["x" * n for n in range(1, 30)]
    words += ["étrangère" * n for n in (1, 2, 3, 100)]
    right = [plain_hash(word) for word in words]
    assert tokenize([" ".join(words)]).hash.tolist() == right
    assert [int(tokenize([word]).hash[0]) for word in words] == right
    assert hash_words(words).tolist() == right
    latin = [word for word in words if word.isascii()]
    assert tokenize([" ".join(latin)]).prefix_hashes(11).tolist() == [plain_hash(word[:11]) for word in latin]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50, unique=True), st.integers(0, 4))
def test_an_index_finds_what_a_dict_finds(keys: list[int], crowd: int) -> None:
    factor = pow(0xBF58476D1CE4E5B9, -1, 2**64)
    keys += [k * factor % 2**64 for k in range(crowd)]  # these share their place
    keys = list(dict.fromkeys(keys))
    asked = [*keys[::2], 0, 1, 2**64 - 1, *(key ^ 1 for key in keys), *keys]
    rows = {key: row for row, key in enumerate(keys)}
    at, row = HashIndex(np.array(keys, dtype=np.uint64)).find(np.array(asked, dtype=np.uint64))
    wanted = [(i, rows[key]) for i, key in enumerate(asked) if key in rows]
    assert list(zip(at.tolist(), row.tolist(), strict=True)) == wanted
    index = HashIndex(np.array(keys, dtype=np.uint64))
    places = index.places(np.array(asked, dtype=np.uint64)).tolist()
    assert [keys[index.rows[place - 1]] if place else None for place in places] == [
        key if key in rows else None for key in asked
    ]
