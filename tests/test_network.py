from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from small_network import WORDS, parts, small_network

import rhetoric
from rhetoric.features import FeatureSettings, Items, extract
from rhetoric.model import StanceClassifier
from rhetoric.network import LONGEST, Network, word_keys
from rhetoric.stances import STANCES
from rhetoric.tokens import hash_words

SETTINGS = FeatureSettings(bits=12)
TEXTS = [
    "Ruritania accused Freedonia of shelling the port.",
    "The claims were rejected, not denied.",
    "",
    "...",
    "Unheard words alone here.",
    " ".join(["the harvest of the bridge said"] * 60),
]
one_text = st.lists(st.sampled_from([*WORDS, "Freedonia", "1999", ",", '"', "zzz"]), max_size=30).map(" ".join)


def items_of(texts: list[str]) -> Items:
    return extract(texts, SETTINGS).items


def logits(network: Network, texts: list[str]) -> np.ndarray:
    return network.logits(items_of(texts))


def shares_of(network: Network, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Shares of every item, and what belongs to none."""
    items = items_of(texts)
    read = network.read(items, np.zeros((len(texts), 3)), keep=True)
    return network.shares(items, read, np.arange(len(texts)))


def model_with(network: Network | None, **params: Any) -> StanceClassifier:
    """A linear model of chance weights, with this network beside it."""
    sentences = [f"{a} {b} {c}" for a in WORDS[:6] for b in WORDS[6:12] for c in WORDS[12:16]]
    targets = np.random.default_rng(1).integers(0, 2, (len(sentences), 3))
    return StanceClassifier(bits=12, folds=2, **params).fit(sentences, targets, network=network)


@settings(max_examples=30)
@given(st.lists(one_text, min_size=1, max_size=12))
def test_company_does_not_move_a_bit(texts: list[str]) -> None:
    network = small_network()
    together = logits(network, [*TEXTS, *texts])[len(TEXTS) :]
    alone = np.vstack([logits(network, [text]) for text in texts])
    assert together.tobytes() == alone.tobytes()


def test_company_does_not_move_a_share() -> None:
    network = small_network()
    together, rest = shares_of(network, TEXTS)
    alone = [shares_of(network, [text]) for text in TEXTS]
    assert together.tobytes() == np.concatenate([shares for shares, _ in alone]).tobytes()
    assert rest.tobytes() == np.concatenate([own for _, own in alone]).tobytes()
    items = items_of(TEXTS)
    read = network.read(items, np.zeros((len(TEXTS), 3)), keep=True)
    some, _ = network.shares(items, read, np.array([5, 1]))
    assert some.tobytes() == np.concatenate([alone[5][0], alone[1][0]]).tobytes()


def test_it_is_the_arithmetic_that_its_docstring_tells() -> None:
    """The same in plain Python, item by item; some values go beyond what a byte with a sign holds."""
    own = parts()
    network = small_network(arrays=own)
    kernel, limits, reach, scale = own["kernel"], own["limits"].tolist(), len(own["kernel"]) // 2, np.float32(0.004)
    keys = {int(k): i + 1 for i, k in enumerate(own["keys"].view(np.uint32))}
    seen: set[int] = set()
    for text in (TEXTS[0], TEXTS[1], TEXTS[4], " ".join(WORDS)):
        items = items_of([text])
        rows = [keys.get(int(k), 0) for k in word_keys(items.hash)]
        vectors = [
            [int(a) + int(b) for a, b in zip(own["words"][row], own["classes"][c], strict=True)]
            for row, c in zip(rows, items.classes, strict=True)
        ]
        values = []
        for t in range(len(vectors)):
            total = [0] * 12
            for o in range(-reach, reach + 1):
                if 0 <= t + o < len(vectors):
                    for c in range(12):
                        made = sum(v * int(w) for v, w in zip(vectors[t + o], kernel[o + reach][:, c], strict=True))
                        made += int(own["biases"][c]) * (o == 0)
                        limit = limits[o + reach][c]
                        total[c] += max(-limit, min(limit, int(np.rint(np.float32(made) * scale))))
            values.append([max(value, 0) for value in total])
        table = np.array(values, dtype=float)
        seen.update(table.ravel().astype(int).tolist())
        whole = table.max(axis=0) @ own["outputs"][:12] + table.mean(axis=0) @ own["outputs"][12:]
        assert logits(network, [text])[0] == pytest.approx(whole * network.unit + network.bias, rel=1e-12)
    assert 0 in seen
    assert max(seen) > 127


def test_the_largest_and_the_least_sum_are_what_they_should_be() -> None:
    """Every neighbour at its limit, for and against: sums of 254 and of -254, the second of which is 0."""
    own = parts()
    for name in ("words", "classes", "kernel", "outputs"):
        own[name][:] = 0
    own["words"][:, 0] = 100
    own["kernel"][:, 0, 0], own["kernel"][:, 0, 1] = 100, -100
    own["scales"][:], own["biases"][:] = 1, 0
    own["outputs"][0, 0], own["outputs"][1, 1] = 1000, 1000
    network = small_network(arrays=own)
    found = (logits(network, ["the the the the the"])[0] - network.bias) / network.unit / 1000
    assert found == pytest.approx([254, 0, 0])


def test_words_of_many_sentences_are_found_as_those_of_one_are() -> None:
    network = small_network()
    words = [*WORDS, "zzz", "unheard", "of"] * 60
    texts = [" ".join(words[low : low + 7]) for low in range(0, len(words), 7)]
    hashes = items_of(texts).hash
    assert len(hashes) > 512
    together = network._rows_of(hashes)
    assert together.tolist() == [row for part in np.array_split(hashes, 9) for row in network._rows_of(part).tolist()]
    assert (together == 0).any()
    assert together.max() > 1


def test_a_word_is_made_once_and_then_looked_up() -> None:
    network = small_network()
    words = np.random.default_rng(0).choice([*WORDS, "zzz", "Freedonia", ",", "1999"], 900)
    texts = [" ".join(words[low : low + 9]) for low in range(0, len(words), 9)]
    together = logits(network, texts)
    network._products._kernel = np.full_like(network._products._kernel, np.nan)  # nothing more is multiplied
    assert np.vstack([logits(network, [text]) for text in texts]).tobytes() == together.tobytes()
    alone = np.vstack([logits(small_network(), [text]) for text in texts])
    assert alone.tobytes() == together.tobytes()


def test_a_word_whose_class_is_another_than_that_it_was_made_with_is_multiplied() -> None:
    """Two words may share a key and differ in their class."""
    network = small_network()
    text = ["the harvest was denied and the talks were urged"] * 3
    own = items_of(text)
    others = replace(own, classes=((own.classes + 1) % len(network.class_names)).astype(np.uint8))
    right = network.logits(others)
    again = small_network()
    assert again.logits(own).tobytes() != right.tobytes()
    assert again.logits(others).tobytes() == right.tobytes()
    assert again.logits(own).tobytes() == logits(small_network(), text).tobytes()


def test_threads_that_make_words_at_once_agree() -> None:
    texts = [" ".join(np.roll(WORDS, n)) for n in range(len(WORDS))]
    right = [logits(small_network(), [text]).tobytes() for text in texts]
    for _ in range(20):
        network = small_network()
        with ThreadPoolExecutor(4) as pool:
            found = pool.map(logits, [network] * len(texts), [[text] for text in texts])
            assert [own.tobytes() for own in found] == right


def test_what_was_made_while_reading_is_not_pickled() -> None:
    network = small_network()
    before, right = pickle.dumps(network), logits(network, TEXTS)
    assert pickle.dumps(network) == before
    assert logits(pickle.loads(before), TEXTS).tobytes() == right.tobytes()


def test_an_empty_sentence_gets_the_rest() -> None:
    network = small_network()
    assert logits(network, ["", "accused"])[0].tolist() == network.rest.tolist()


def test_it_looks_only_above_the_floor() -> None:
    network = small_network(floor=0.5)
    items = items_of(TEXTS[:2])
    linear = np.array([[0.4, 0.4, 0.5], [-9, -9, 0.6]])
    read = network.read(items, linear).logits
    assert read[0].tolist() == network.rest.tolist()
    assert read[1].tolist() == logits(network, TEXTS[:2])[1].tolist()
    sizes = np.diff(items.indptr)
    assert network.screened(linear, logits(network, TEXTS[:2]), sizes).tolist() == read.tolist()


def test_it_looks_at_a_long_sentence_from_a_lower_floor_on_and_at_the_longest_always() -> None:
    network = small_network(floor=0.5)
    texts = [" ".join(["the"] * n) for n in (LONGEST, LONGEST + 1, LONGEST + 1, 2 * LONGEST, 2 * LONGEST + 1)]
    linear = np.array([[-0.2] * 3, [-0.2] * 3, [-0.4] * 3, [-9.0] * 3, [-9.0] * 3])
    items = items_of(texts)
    read = network.read(items, linear).logits
    looked = [row == whole for row, whole in zip(read.tolist(), logits(network, texts).tolist(), strict=True)]
    assert looked == [False, True, False, False, True]
    assert all(row == network.rest.tolist() for row, own in zip(read.tolist(), looked, strict=True) if not own)
    assert network.screened(linear, logits(network, texts), np.diff(items.indptr)).tolist() == read.tolist()


def test_a_thorough_model_looks_everywhere() -> None:
    network = small_network(floor=1e6)
    model = model_with(network)
    sparing = model.decision_function(TEXTS)
    thorough = model.thorough()
    lacks = thorough.network_logits(TEXTS) - model.network_logits(TEXTS)
    assert np.abs(lacks[:2]).min() > 0
    assert thorough.decision_function(TEXTS) == pytest.approx(sparing + lacks * model.slope_, abs=1e-9)
    assert model.decision_function(TEXTS).tobytes() == sparing.tobytes()
    assert thorough.hash != model.hash
    alone = model_with(None)
    assert alone.thorough() is alone


def test_a_long_sentence_bears_what_any_window_bears() -> None:
    words = [WORDS[i * i % len(WORDS)] for i in range(LONGEST + 65)]  # three windows
    windows = [words[:80], words[60:140], words[120:]]
    network = small_network()
    of_windows = logits(network, [" ".join(window) for window in windows])
    assert (logits(network, [" ".join(words)])[0] == of_windows.max(axis=0)).all()


@settings(max_examples=20)
@given(st.lists(one_text, min_size=1, max_size=4))
def test_shares_and_rest_are_the_logit(texts: list[str]) -> None:
    network = small_network()
    shares, rest = shares_of(network, texts)
    owner = np.repeat(np.arange(len(texts)), np.diff(items_of(texts).indptr))
    total = rest.copy()
    np.add.at(total, owner, shares)
    assert total == pytest.approx(logits(network, texts), abs=1e-9)
    empty = np.array([not text.strip() for text in texts])
    assert (rest == np.where(empty[:, None], network.rest, network.bias)).all()


def test_a_share_lies_where_the_network_saw_something() -> None:
    """It looks at the middle alone and answers to one word only."""
    own = parts()
    for name in ("words", "classes", "kernel", "biases", "outputs"):
        own[name][:] = 0
    word = int(np.searchsorted(own["keys"].view(np.uint32), word_keys(np.asarray(hash_words(["accused"])))[0]))
    own["words"][1 + word, 0] = 100
    own["kernel"][2, 0, 0] = 100
    own["scales"][:] = 0.004  # 100 x 100 x 0.004: below its limit
    own["outputs"][0, 0], own["outputs"][len(own["outputs"]) // 2, 1] = 5000, 7000
    network = small_network(arrays=own)
    shares, rest = shares_of(network, ["w said accused of x"])
    expected = np.zeros((5, 3))
    expected[2] = [40 * 5000 * network.unit[0], 40 * 7000 / 5 * network.unit[1], 0]
    assert shares == pytest.approx(expected)
    assert rest[0] == pytest.approx(network.bias)


def test_the_shares_of_a_long_sentence_lie_in_the_window_that_decided() -> None:
    words = ["the"] * 200
    words[10], words[100], words[190] = "claims", "denied", "accused"
    network = small_network()
    shares, _ = shares_of(network, [" ".join(words)])
    windows = [words[low : low + LONGEST] for low in (0, 60, 120)]
    best = logits(network, [" ".join(window) for window in windows]).argmax(axis=0)
    for k, window in enumerate(best.tolist()):
        outside = np.ones(200, dtype=bool)
        outside[60 * window : 60 * window + LONGEST] = False
        assert not shares[outside, k].any()
        assert shares[:, k].any()


def test_products_take_one_thread_and_leave_the_others_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def blas() -> list[int]:  # numpy's own; scipy brings another, which has no part in this
        found = threadpoolctl.threadpool_info()
        return [info["num_threads"] for info in found if info["user_api"] == "blas" and "numpy" in info["filepath"]]

    made = rhetoric.network._Products.of
    inside: list[int] = []

    def watched(products: Any, vectors: np.ndarray) -> Any:
        inside.extend(blas())
        return made(products, vectors)

    monkeypatch.setattr(rhetoric.network._Products, "of", watched)
    monkeypatch.setattr(rhetoric.network, "_FEW_WORDS", 0)
    with threadpoolctl.threadpool_limits(2):
        before = blas()
        if not before:
            pytest.skip("numpy's BLAS is not one that came with it")
        logits(small_network(), TEXTS)
        assert blas() == before
        assert set(inside) == {1}
        with ThreadPoolExecutor(4) as pool:  # what a limit reaches from another thread is the BLAS library's affair
            list(pool.map(lambda _: logits(small_network(), TEXTS), range(40)))
        assert blas() == before


def test_classes_go_by_name() -> None:
    own = parts()
    network = small_network(arrays=own)
    order = np.random.default_rng(2).permutation(len(network.class_names))
    other = Network(
        STANCES,
        floors=network.floors,
        rest=network.rest,
        unit=network.unit,
        bias=network.bias,
        class_names=[network.class_names[i] for i in order],
        arrays={**own, "classes": own["classes"][order]},
    )
    assert (logits(other, TEXTS) == logits(network, TEXTS)).all()


def test_parts_of_a_network() -> None:
    network = small_network()
    every = logits(network, TEXTS)
    assert logits(network.scaled(0.5), TEXTS) == pytest.approx(every / 2)
    last = network.of(("threat", STANCES[2]))
    assert last is not None
    assert last.stances == STANCES[2:]
    assert (logits(last, TEXTS) == every[:, 2:]).all()
    assert network.of(("threat",)) is None


# ------------------------------------------------------------------ beside a linear model


def test_a_model_with_a_network_is_saved_and_explained(tmp_path: Path) -> None:
    model = model_with(small_network())
    model.save(tmp_path / "m")
    again = rhetoric.load(tmp_path / "m")
    assert again.hash == model.hash
    assert (again.predict_proba(TEXTS) == model.predict_proba(TEXTS)).all()
    for text, explained, z in zip(TEXTS, model.explain_all(TEXTS), model.decision_function(TEXTS), strict=True):
        for k, explanation in enumerate(explained):
            assert explanation.exact
            assert explanation.logit == pytest.approx(z[k], abs=1e-5)
            assert explanation.bias + sum(s.weight for s in explanation.spans) == pytest.approx(explanation.logit)
            assert all(text[s.start : s.end] == s.text for s in explanation.spans)


def test_it_counts_half() -> None:
    network = small_network()
    both, alone = model_with(network, min_count=1), model_with(None, min_count=1)
    halves = (alone._raw_logits(TEXTS[:2]) + logits(network, TEXTS[:2])) / 2
    assert both._raw_logits(TEXTS[:2]) == pytest.approx(halves, abs=2e-3)  # weights are in half precision


def test_training_on_keeps_it_and_leaves_new_stances_to_the_linear_part() -> None:
    base = model_with(small_network())
    pairs = [(i, f"{word} {other}") for i, word in enumerate(WORDS) for other in WORDS]
    sentences = [f"{pair} threat" if i % 2 else pair for i, pair in pairs]
    targets = np.full((len(sentences), 4), np.nan)
    targets[:, 3] = [s.endswith("threat") for s in sentences]
    model = StanceClassifier(**base.get_params() | {"stances": (*STANCES, "threat")})
    model.fit_from(base, sentences, targets)
    assert model.network_ is not None
    assert (model._raw_logits(TEXTS)[:, :3] == base._raw_logits(TEXTS)).all()
    plain = StanceClassifier(**base.get_params() | {"stances": (*STANCES, "threat")})
    without = model_with(None)
    plain.fit_from(without, sentences, targets)
    assert (model._raw_logits(TEXTS)[:, 3] == plain._raw_logits(TEXTS)[:, 3]).all()
    assert model.replay_ is not None
    assert model.replay_.beside[:, :3].any()
    assert not model.replay_.beside[:, 3].any()


def test_new_labels_correct_what_both_parts_say_together() -> None:
    """A sentence that the network is wrong about can be unlearned: the linear part is fitted beside it."""
    base = model_with(small_network())
    sentence = "accused of the shelling"
    before = base._raw_logits([sentence])[0, 0]
    targets = np.full((40, 3), np.nan)
    targets[:, 0] = float(before < 0)
    model = StanceClassifier(**base.get_params() | {"folds": 0}).fit_from(base, [sentence] * 40, targets)
    after = model._raw_logits([sentence])[0, 0]
    assert (after > 0) == (before < 0)


def test_a_network_of_other_stances_is_refused() -> None:
    with pytest.raises(ValueError, match="the network reads accusation, denial, the model accusation, denial, call"):
        model_with(small_network(stances=STANCES[:2]))


def test_held_out_logits_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"network_held_out has the shape \(2, 3\), expected \(2, 1\)"):
        StanceClassifier(("accusation",), folds=0).fit(
            ["a", "b"],
            [0, 1],
            network=small_network(stances=("accusation",)),
            network_held_out=np.zeros((2, 3)),
        )


def test_held_out_logits_of_no_network_are_refused() -> None:
    with pytest.raises(ValueError, match="without a network"):
        StanceClassifier(("accusation",), folds=0).fit(["a", "b"], [0, 1], network_held_out=np.zeros((2, 1)))


# ------------------------------------------------------------------ bad folders

DAMAGE: dict[str, Callable[[dict[str, Any]], None]] = {
    "keys": lambda a: a.pop("network.keys"),
    "biases has the shape": lambda a: a.update({"network.biases": a["network.biases"][:1]}),
    "keys do not rise": lambda a: a.update({"network.keys": a["network.keys"][::-1].copy()}),
    "scales or biases are not finite": lambda a: a["network.scales"].fill(np.nan),
    "biases are no whole numbers": lambda a: a["network.biases"].fill(0.5),
    "exact": lambda a: a["network.biases"].fill(2.0**24),
    "words is float32": lambda a: a.update({"network.words": a["network.words"].astype(np.float32)}),
    "odd reach": lambda a: a.update({k: a[k][:4].copy() for k in ("network.kernel", "network.limits")}),
    "limits has the shape": lambda a: a.update({"network.limits": a["network.limits"][:3].copy()}),
    "add up to more than 127": lambda a: a["network.limits"].fill(64),
    "limits are below 0": lambda a: a["network.limits"].fill(-1),
    "outputs has the shape": lambda a: a.update({"network.outputs": a["network.outputs"][:, :2].copy()}),
}


@pytest.mark.parametrize("fault", DAMAGE)
def test_damaged_arrays_are_named(fault: str, tmp_path: Path) -> None:
    model_with(small_network()).save(tmp_path / "m")
    file = tmp_path / "m/weights.safetensors"
    arrays = {name: array.copy() for name, array in load_file(file).items()}
    DAMAGE[fault](arrays)
    save_file(arrays, file)
    with pytest.raises(rhetoric.ModelError, match=fault) as raised:
        rhetoric.load(tmp_path / "m")
    assert "the network" in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"rest"', '"rust"', "lacks 'rest'"),
        ('"floor": -1000000000.0', '"floor": "low"', "at fault"),
        ('"floor": -1000000000.0', '"floor": 1e400', "finite"),
        ('"floor": -1000000000.0', '"floor": -1e300', "at most 1e\\+12 in size"),
        ('"floor": -1000000000.0', '"floor": NaN', "finite"),
        ('"network": {', '"network": [], "was": {', "at fault"),
    ],
)
def test_a_damaged_config_is_named(old: str, new: str, fault: str, tmp_path: Path) -> None:
    model_with(small_network()).save(tmp_path / "m")
    config = tmp_path / "m/config.json"
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    with pytest.raises(rhetoric.ModelError, match=fault):
        rhetoric.load(tmp_path / "m")


def test_a_network_that_knows_more_than_its_model_is_refused(tmp_path: Path) -> None:
    model_with(small_network()).save(tmp_path / "m")
    config = tmp_path / "m/config.json"
    config.write_text(config.read_text().replace('"denial": {\n        "floor"', '"dismissal": {\n        "floor"'))
    with pytest.raises(rhetoric.ModelError, match="the network knows other stances, accusation, dismissal"):
        rhetoric.load(tmp_path / "m")


def test_a_folder_of_the_first_format_has_none_and_loads(tmp_path: Path) -> None:
    model = model_with(None)
    model.save(tmp_path / "m")
    config = tmp_path / "m/config.json"
    config.write_text(config.read_text().replace('"format": 2', '"format": 1'))
    assert (rhetoric.load(tmp_path / "m").predict_proba(TEXTS) == model.predict_proba(TEXTS)).all()
