"""A small CTC network of random weights: written as optimum exports wav2vec2, run by plain numpy.

No weights of these models can be had here; random ones show that what is around the network is
right (normalisation, masks, collapse, times), not that any speech is understood.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]

KERNELS, STRIDES = (10, 8), (5, 4)
LETTERS = ("<pad>", "<s>", "</s>", "<unk>", "|", *"EAT")
WIDTH = 12


@dataclass(frozen=True)
class CtcWeights:
    """Weights of two convolutions over samples, and of the layer after them."""

    first: Array
    second: Array
    out: Array


def random_ctc(seed: int = 0, vocabulary: int = len(LETTERS)) -> CtcWeights:
    rng = np.random.default_rng(seed)
    return CtcWeights(
        rng.normal(size=(WIDTH, 1, KERNELS[0])).astype(np.float32),
        (rng.normal(size=(WIDTH, WIDTH, KERNELS[1])) / 4).astype(np.float32),
        (rng.normal(size=(WIDTH, vocabulary)) * 2).astype(np.float32),
    )


def numpy_logits(weights: CtcWeights, clip: Array) -> Doubles:
    """Logits (frames, vocabulary) of one clip, normalised already, in float64."""
    x = clip.astype(np.float64)
    mean = np.abs(x).mean()
    hidden = np.tanh(_conv(weights.first, x[None], STRIDES[0]))
    hidden = np.tanh(_conv(weights.second, hidden, STRIDES[1])) + mean
    logits: Doubles = hidden.T @ weights.out.astype(np.float64)
    return logits


def _conv(kernel: Array, x: Doubles, stride: int) -> Doubles:
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2], axis=1)[:, ::stride]
    return np.asarray(np.einsum("ock,cfk->of", kernel.astype(np.float64), windows))


def write_ctc(
    directory: Path, weights: CtcWeights, *, masked: bool, config: dict[str, Any] | None = None
) -> None:
    """The directory: graph, vocabulary and settings.

    The network adds the mean loudness of the clip to every frame, so that padding changes its
    output unless a mask says what is padding.
    """
    directory.mkdir(parents=True, exist_ok=True)
    names = {"first": weights.first, "second": weights.second, "out": weights.out}
    constants = [numpy_helper.from_array(array, name) for name, array in names.items()]
    one, last = (np.array([axis], np.int64) for axis in (1, 2))
    constants += [numpy_helper.from_array(one, "one"), numpy_helper.from_array(last, "last")]
    nodes = [
        helper.make_node("Unsqueeze", ["input_values", "one"], ["channels"]),
        helper.make_node("Conv", ["channels", "first"], ["a"], strides=[STRIDES[0]]),
        helper.make_node("Tanh", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "second"], ["c"], strides=[STRIDES[1]]),
        helper.make_node("Tanh", ["c"], ["d"]),
        helper.make_node("Abs", ["input_values"], ["loud"]),
        *_mean_loudness(masked=masked),
        helper.make_node("Unsqueeze", ["mean", "last"], ["mean3"]),
        helper.make_node("Add", ["d", "mean3"], ["e"]),
        helper.make_node("Transpose", ["e"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["frames", "out"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info("input_values", TensorProto.FLOAT, ["b", "n"])]
    if masked:
        inputs.append(
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["b", "n"])
        )
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "t", "v"])]
    graph = helper.make_graph(nodes, "ctc", inputs, outputs, constants)
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    (directory / "model.onnx").write_bytes(model.SerializeToString())
    (directory / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(LETTERS)}))
    settings = {
        "model_type": "wav2vec2",
        "pad_token_id": 0,
        "conv_kernel": KERNELS,
        "conv_stride": STRIDES,
    }
    (directory / "config.json").write_text(json.dumps(settings | (config or {})))


def _mean_loudness(*, masked: bool) -> list[Any]:
    """(clips, 1): over the samples the mask tells, or over all, padding included."""
    if not masked:
        return [helper.make_node("ReduceMean", ["loud"], ["mean"], axes=[1], keepdims=1)]
    return [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["loud", "mask"], ["heard"]),
        helper.make_node("ReduceSum", ["heard", "one"], ["sum"], keepdims=1),
        helper.make_node("ReduceSum", ["mask", "one"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
    ]
