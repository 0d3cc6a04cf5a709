"""Tiny models of random weights in the layouts that onnx-asr loads: GigaAM, Kaldi, T-one.

No weights of these families can be had here; random ones show that they load, run and are read
right, not that any speech is understood.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper
from support.random_transducer import write_graph

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Array = NDArray[np.float32]

FLOAT, HALF, INT32, INT64 = (
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.INT32,
    TensorProto.INT64,
)
WIDTH, STRIDE = 16, 4
LETTERS = (" ", *"acdeno", "<blk>")
GIGAAM_FEATURES, GIGAAM_HIDDEN = 64, 320
KALDI_FEATURES = 80
CHUNK, FRAMES_A_CHUNK, STATE = 2400, 10, 7


def _random(*size: int, seed: int, scale: float = 1.0) -> Array:
    return (np.random.default_rng(seed).normal(size=size) * scale).astype(np.float32)


def _vocabulary(path: Path, tokens: tuple[str, ...] = LETTERS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{t.replace(' ', chr(0x2581))} {number}\n" for number, t in enumerate(tokens)]
    path.write_text("".join(lines), "utf-8")


def _encoder(features: int, to: str) -> tuple[dict[str, NDArray[Any]], list[Any]]:
    """From ``x`` (b, features, n) to ``to`` (b, width, n / stride)."""
    conv: dict[str, Any] = {"strides": [STRIDE], "pads": [0, STRIDE - 1]}
    arrays: dict[str, NDArray[Any]] = {"w": _random(WIDTH, features, STRIDE, seed=1, scale=0.08)}
    return arrays, [
        helper.make_node("Conv", ["x", "w"], ["conv"], **conv),
        helper.make_node("Tanh", ["conv"], [to]),
    ]


def _lengths(source: str, to: str, kind: int) -> tuple[dict[str, NDArray[Any]], list[Any]]:
    arrays: dict[str, NDArray[Any]] = {"one": np.array(1), "stride": np.array(STRIDE)}
    return arrays, [
        helper.make_node("Sub", [source, "one"], ["less"]),
        helper.make_node("Div", ["less", "stride"], ["whole"]),
        helper.make_node("Add", ["whole", "one"], ["count"]),
        helper.make_node("Cast", ["count"], [to], to=kind),
    ]


def write_gigaam_ctc(directory: Path) -> None:
    _vocabulary(directory / "v2_vocab.txt")
    arrays, nodes = _encoder(GIGAAM_FEATURES, "hidden")
    arrays["head"] = _random(WIDTH, len(LETTERS), seed=2, scale=2)
    nodes = [
        helper.make_node("Identity", ["features"], ["x"]),
        *nodes,
        helper.make_node("Transpose", ["hidden"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["frames", "head"], ["scores"]),
        helper.make_node("LogSoftmax", ["scores"], ["log_probs"], axis=-1),
    ]
    inputs = [
        ("features", FLOAT, ["b", GIGAAM_FEATURES, "n"]),
        ("feature_lengths", INT64, ["b"]),
    ]
    outputs = [("log_probs", FLOAT, ["b", "t", len(LETTERS)])]
    write_graph(directory / "v2_ctc.onnx", nodes, inputs, outputs, arrays)


def write_gigaam_rnnt(directory: Path) -> None:
    _vocabulary(directory / "v2_vocab.txt")
    arrays, nodes = _encoder(GIGAAM_FEATURES, "encoded")
    more, lengths = _lengths("length", "encoded_len", INT32)
    write_graph(
        directory / "v2_rnnt_encoder.onnx",
        [helper.make_node("Identity", ["audio_signal"], ["x"]), *nodes, *lengths],
        [("audio_signal", FLOAT, ["b", GIGAAM_FEATURES, "n"]), ("length", INT64, ["b"])],
        [("encoded", FLOAT, ["b", WIDTH, "t"]), ("encoded_len", INT32, ["b"])],
        arrays | more,
    )
    state = [1, 1, GIGAAM_HIDDEN]
    write_graph(
        directory / "v2_rnnt_decoder.onnx",
        [
            helper.make_node("Gather", ["embedding", "x"], ["e"]),
            helper.make_node("MatMul", ["h.1", "r"], ["past"]),
            helper.make_node("Add", ["e", "past"], ["sum"]),
            helper.make_node("Tanh", ["sum"], ["h"]),
            helper.make_node("Identity", ["h"], ["dec"]),
            helper.make_node("Identity", ["c.1"], ["c"]),
        ],
        [("x", INT64, [1, 1]), ("h.1", FLOAT, state), ("c.1", FLOAT, state)],
        [("dec", FLOAT, state), ("h", FLOAT, state), ("c", FLOAT, state)],
        {
            "embedding": _random(len(LETTERS), GIGAAM_HIDDEN, seed=3),
            "r": _random(GIGAAM_HIDDEN, GIGAAM_HIDDEN, seed=4, scale=0.05),
        },
    )
    _write_joint(
        directory / "v2_rnnt_joint.onnx",
        [("enc", FLOAT, [1, WIDTH, 1]), ("dec", FLOAT, [1, GIGAAM_HIDDEN, 1])],
        transposed=True,
        output="joint",
    )


def write_kaldi(directory: Path) -> None:
    _vocabulary(directory / "lang" / "tokens.txt")
    am = directory / "am-onnx"
    am.mkdir(parents=True, exist_ok=True)
    arrays, nodes = _encoder(KALDI_FEATURES, "hidden")
    more, lengths = _lengths("x_lens", "encoder_out_lens", INT64)
    write_graph(
        am / "encoder.onnx",
        [
            helper.make_node("Transpose", ["features"], ["x"], perm=[0, 2, 1]),
            *nodes,
            helper.make_node("Transpose", ["hidden"], ["encoder_out"], perm=[0, 2, 1]),
            *lengths,
        ],
        [("features", FLOAT, ["b", "n", KALDI_FEATURES]), ("x_lens", INT64, ["b"])],
        [("encoder_out", FLOAT, ["b", "t", WIDTH]), ("encoder_out_lens", INT64, ["b"])],
        arrays | more,
    )
    _rename_input(am / "encoder.onnx", "features", "x")
    hidden = 8
    write_graph(
        am / "decoder.onnx",
        [
            helper.make_node("Abs", ["y"], ["known"]),  # -1 stands before the first token
            helper.make_node("Gather", ["embedding", "known"], ["e"]),
            helper.make_node("ReduceMean", ["e"], ["decoder_out"], axes=[1], keepdims=0),
        ],
        [("y", INT64, [1, 2])],
        [("decoder_out", FLOAT, [1, hidden])],
        {"embedding": _random(len(LETTERS), hidden, seed=5)},
    )
    _write_joint(
        am / "joiner.onnx",
        [("encoder_out", FLOAT, [1, WIDTH]), ("decoder_out", FLOAT, [1, hidden])],
        transposed=False,
        output="logit",
    )


def _rename_input(path: Path, old: str, new: str) -> None:
    """Give an input a name that another node's output has inside the graph."""
    import onnx  # noqa: PLC0415 (needed here alone)

    model = onnx.load(path)
    for node in model.graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = {old: new, new: "transposed"}.get(name, name)
    model.graph.input[0].name = new
    onnx.save(model, path)


def _write_joint(
    path: Path, inputs: list[tuple[str, int, list[int]]], *, transposed: bool, output: str
) -> None:
    (encoder, _, encoder_shape), (decoder, _, decoder_shape) = inputs
    nodes, names = [], []
    for name in (encoder, decoder):
        if transposed:
            nodes.append(helper.make_node("Transpose", [name], [f"{name}_t"], perm=[0, 2, 1]))
        names.append(f"{name}_t" if transposed else name)
    nodes += [
        helper.make_node("MatMul", [names[0], "a"], ["p"]),
        helper.make_node("MatMul", [names[1], "b"], ["q"]),
        helper.make_node("Add", ["p", "q"], ["s"]),
        helper.make_node("Add", ["s", "bias"], [output]),
    ]
    bias = np.zeros(len(LETTERS), np.float32)
    bias[-1] = 2.0
    arrays: dict[str, NDArray[Any]] = {
        "a": _random(encoder_shape[1], len(LETTERS), seed=6),
        "b": _random(decoder_shape[1], len(LETTERS), seed=7, scale=1 / np.sqrt(decoder_shape[1])),
        "bias": bias,
    }
    shape = [1, 1, len(LETTERS)] if transposed else [1, len(LETTERS)]
    write_graph(path, nodes, inputs, [(output, FLOAT, shape)], arrays)


def write_t_one(directory: Path) -> None:
    """Scores of a chunk are those come from its ten parts, each by itself."""
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "encoder_params": {"reduction_kernel_size": 3},
        "decoder_params": {"vocabulary": list(LETTERS[:-1])},
        "pad_token_id": len(LETTERS) - 1,
    }
    (directory / "config.json").write_text(json.dumps(config))
    nodes = [
        helper.make_node("Cast", ["signal"], ["x"], to=FLOAT),
        helper.make_node("Mul", ["x", "small"], ["y"]),
        helper.make_node("Reshape", ["y", "parts"], ["cut"]),
        helper.make_node("MatMul", ["cut", "head"], ["scores"]),
        helper.make_node("LogSoftmax", ["scores"], ["logprobs"], axis=-1),
        helper.make_node("Identity", ["state"], ["state_next"]),
    ]
    arrays: dict[str, NDArray[Any]] = {
        "small": np.array(1 / 32767, np.float32),
        "parts": np.array([0, FRAMES_A_CHUNK, CHUNK // FRAMES_A_CHUNK], np.int64),
        "head": t_one_head(),
    }
    write_graph(
        directory / "model.onnx",
        nodes,
        [("signal", INT32, ["b", CHUNK, 1]), ("state", HALF, ["b", STATE])],
        [
            ("logprobs", FLOAT, ["b", FRAMES_A_CHUNK, len(LETTERS)]),
            ("state_next", HALF, ["b", STATE]),
        ],
        arrays,
    )


def t_one_head() -> Array:
    """(samples of a frame, letters)."""
    return _random(CHUNK // FRAMES_A_CHUNK, len(LETTERS), seed=8)


WRITERS: dict[str, Callable[[Path], None]] = {
    "gigaam-ctc": write_gigaam_ctc,
    "gigaam-rnnt": write_gigaam_rnnt,
    "kaldi-transducer": write_kaldi,
    "t-one-ctc": write_t_one,
}
