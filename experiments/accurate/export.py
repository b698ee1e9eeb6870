"""Turn a taught encoder into the shipped ONNX file: vocabulary pruned to what the pool uses, weights in int8.

    python experiments/accurate/export.py FOLDER OUT [--min-count 2]

Writes OUT/encoder.onnx and OUT/tokenizer.json; prints size and the largest change of a probability on the held-out labels.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("teacher", "")]
import common
import data
import encoder as E
from train import masker

SMOOTHED = re.compile(r"layer\.\d+/output/dense/MatMul$")
ALPHA = 0.7


def smooth(path: Path, runs: list[list[int]]) -> None:
    """Move outliers of activations into the weights they meet, where int8 loses most: the second layer of each
    feed-forward block (SmoothQuant: Xiao et al. 2023; the division stays a node of its own, `<product>/smooth`).

    Every input channel is divided by ``activation ** ALPHA / weight ** (1 - ALPHA)``, the largest of each over ``runs``,
    and the weights multiplied by it: the same product.
    """
    import onnx
    import onnxruntime

    graph = onnx.load(str(path))
    constants = {constant.name: constant for constant in graph.graph.initializer}
    products = [n for n in graph.graph.node if SMOOTHED.search(n.name) and n.input[1] in constants]
    watched = [node.input[0] for node in products]
    seen = onnx.load(str(path))
    for name in watched:
        seen.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(seen.SerializeToString(), providers=["CPUExecutionProvider"])
    largest = dict.fromkeys(watched, np.float32(0))
    for ids in runs:
        given = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), dtype=np.int64)}
        for name, values in zip(watched, session.run(watched, given)):
            largest[name] = np.maximum(largest[name], np.abs(values[0]).max(axis=0))
    for node in products:
        weights = onnx.numpy_helper.to_array(constants[node.input[1]])
        active, heavy = np.maximum(largest[node.input[0]], 1e-3), np.maximum(np.abs(weights).max(axis=1), 1e-3)
        factor = np.maximum(active**ALPHA / heavy ** (1 - ALPHA), 1e-3).astype(np.float32)
        scaled = onnx.numpy_helper.from_array(weights * factor[:, None], node.input[1])
        constants[node.input[1]].CopyFrom(scaled)
        name = f"{node.name}/smooth"
        graph.graph.initializer.append(onnx.numpy_helper.from_array(1 / factor, name))
        divide = onnx.helper.make_node("Mul", [node.input[0], name], [f"{name}/out"], name=f"{name}/Mul")
        graph.graph.node.insert(list(graph.graph.node).index(node), divide)
        node.input[0] = f"{name}/out"
    onnx.save(graph, str(path))
    print(len(products), "products smoothed over", len(runs), "sentences")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--min-count", type=int, default=15)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("experiments/.cache"))
    parser.add_argument("--pool", type=int, default=10**9, help="count tokens in at most so many pool sentences")
    parser.add_argument("--no-mask", action="store_true")
    args = parser.parse_args()
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process
    from tokenizers import Tokenizer

    mask = masker(not args.no_mask)
    model, tok = E.load(args.folder)
    rows = data.labelled(args.shared, args.cache)
    counts: Counter = Counter()
    pool = mask([record["text"] for record in common.pool(args.cache)[: args.pool]])
    for part in (mask([r["text"] for r in rows]), pool):
        for lo in range(0, len(part), 20_000):
            for ids in tok(part[lo : lo + 20_000])["input_ids"]:
                counts.update(ids)
    spec = json.loads(tok.backend_tokenizer.to_str())
    vocab = spec["model"]["vocab"]
    special = {t["content"] for t in spec["added_tokens"]}
    keep = sorted(
        (i for t, i in vocab.items() if counts[i] >= args.min_count or t in special or len(t.removeprefix("##")) == 1)
    )
    names = {i: t for t, i in vocab.items()}
    spec["model"]["vocab"] = {names[i]: n for n, i in enumerate(keep)}
    new = {i: n for n, i in enumerate(keep)}
    for t in spec["added_tokens"]:
        t["id"] = new[t["id"]]
    post = spec.get("post_processor") or {}
    for value in (post.get("special_tokens") or {}).values():
        value["ids"] = [new[i] for i in value["ids"]]
    for side in ("sep", "cls"):
        if side in post:
            post[side][1] = new[post[side][1]]
    spec["truncation"] = {"direction": "Right", "max_length": E.MAX_TOKENS, "strategy": "LongestFirst", "stride": 0}
    spec["padding"] = None
    table = model.body.embeddings.word_embeddings
    with torch.no_grad():
        table.weight = torch.nn.Parameter(table.weight[keep].clone(), requires_grad=False)
    table.num_embeddings = len(keep)
    table.padding_idx = new.get(tok.pad_token_id, 0)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "tokenizer.json").write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    raw = args.cache / "encoder.raw.onnx"
    ids = torch.randint(5, 50, (2, 9))
    torch.onnx.export(
        model,
        (ids, torch.ones_like(ids)),
        str(raw),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={
            "input_ids": {0: "batch", 1: "tokens"},
            "attention_mask": {0: "batch", 1: "tokens"},
            "logits": {0: "batch"},
        },
        opset_version=17,
        dynamo=False,
    )
    clean = args.cache / "encoder.clean.onnx"
    quant_pre_process(str(raw), str(clean), skip_symbolic_shape=True)
    pieces = Tokenizer.from_file(str(args.out / "tokenizer.json"))
    trained = [r["text"] for r in rows if r.get("corpus") and not data.held_out(r)]
    smooth(clean, [encoding.ids for encoding in pieces.encode_batch(mask(trained[:: max(1, len(trained) // 200)]))])
    quantize_dynamic(
        str(clean),
        str(args.out / "encoder.onnx"),
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=False,
        op_types_to_quantize=["MatMul", "Gather"],
    )
    print("vocabulary", len(keep), "of", len(vocab), "size", (args.out / "encoder.onnx").stat().st_size / 1e6, "MB")

    session = onnxruntime.InferenceSession(str(args.out / "encoder.onnx"), providers=["CPUExecutionProvider"])
    held = [r for r in rows if data.held_out(r)]
    texts = mask([r["text"] for r in held])
    z = []
    for t in texts:
        i = pieces.encode(t).ids
        z.append(
            session.run(
                None,
                {"input_ids": np.array([i], dtype=np.int64), "attention_mask": np.ones((1, len(i)), dtype=np.int64)},
            )[0][0]
        )
    p = 1 / (1 + np.exp(-np.array(z)))
    full, ftok = E.load(args.folder)
    q = E.predict(full, ftok, texts)
    print(
        "largest change",
        np.abs(p - q).max(),
        "mean",
        np.abs(p - q).mean(),
        "changed at 0.5:",
        int(((p > 0.5) != (q > 0.5)).sum()),
        "of",
        p.size,
    )
    y = E.indicator(held)
    print("held out before", E.f1_table(q, y), "after", E.f1_table(p, y))


if __name__ == "__main__":
    main()
