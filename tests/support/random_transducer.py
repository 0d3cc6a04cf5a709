"""Small NeMo models of random weights: written as NeMo exports them, decoded by plain numpy.

No weights of these families can be had here; random ones show that what is around the network is
right (features, states, blanks, durations, times), not that any speech is understood.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Array = NDArray[np.float32]

TOKENS = ("<unk>", *(f"\N{LOWER ONE EIGHTH BLOCK}{c}" for c in "tsao"), *"ehrn", ",", "<blk>")
BLANK = len(TOKENS) - 1
DURATIONS = 5
FEATURES, WIDTH, SUBSAMPLING = 80, 16, 8
MOST_ON_A_FRAME = 4


@dataclass(frozen=True)
class Sizes:
    """Of the networks of a transducer.

    Attributes:
        tokens: Number of tokens, blank included; the blank is the last.
        width: Numbers of a frame that the encoder makes.
        hidden: Numbers of a state, and of the joint network.
        layers: Layers of the prediction network.
        blanks: Share of the frames on which the blank is the likeliest, about.
    """

    tokens: int = len(TOKENS)
    width: int = WIDTH
    hidden: int = 12
    layers: int = 1
    blanks: float = 0.5


# Of Parakeet 0.6b; its third version has 8,192 tokens and a blank.
PARAKEET = Sizes(tokens=1025, width=1024, hidden=640, layers=2, blanks=0.65)


@dataclass(frozen=True)
class TransducerWeights:
    """Of the encoder (one convolution), the prediction network (LSTMs) and the joint network."""

    encoder: Array  # (width, features, subsampling)
    embedding: Array  # (tokens, hidden)
    gates: Array  # (layers, 4 hidden, hidden), in the order of ONNX: input, output, forget, cell
    recurrent: Array
    from_encoder: Array  # (width, hidden)
    from_tokens: Array  # (hidden, hidden)
    out: Array  # (hidden, tokens + durations)
    bias: Array

    @property
    def tokens(self) -> int:
        return len(self.embedding)

    @property
    def states(self) -> tuple[Array, Array]:
        zeros = np.zeros((len(self.gates), 1, self.embedding.shape[1]), np.float32)
        return zeros, zeros.copy()

    def joint(
        self, frame: Array, token: int, states: tuple[Array, Array]
    ) -> tuple[Array, tuple[Array, Array]]:
        """Scores of one frame, (tokens + durations,), in float32 numpy, and the states after."""
        hidden, cell = (state[:, 0].copy() for state in states)
        x = self.embedding[token]
        for layer, (gates, recurrent) in enumerate(zip(self.gates, self.recurrent, strict=True)):
            products = gates @ x + recurrent @ hidden[layer]
            take, give, keep, new = np.split(products, 4)
            cell[layer] = _sigmoid(keep) * cell[layer] + _sigmoid(take) * np.tanh(new)
            x = hidden[layer] = _sigmoid(give) * np.tanh(cell[layer])
        joined = np.tanh(frame @ self.from_encoder + x @ self.from_tokens)
        return joined @ self.out + self.bias, (hidden[:, None], cell[:, None])


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)), np.float32)


def random_transducer(
    seed: int = 0, *, durations: int = 0, sizes: Sizes = Sizes()
) -> TransducerWeights:
    rng = np.random.default_rng(seed)

    def normal(*size: int, scale: float = 1.0) -> Array:
        return rng.standard_normal(size, np.float32) * np.float32(scale)

    hidden, layers = sizes.hidden, sizes.layers
    into = 1.7 / np.sqrt(hidden)
    weights = TransducerWeights(
        encoder=normal(sizes.width, FEATURES, SUBSAMPLING, scale=0.05),
        embedding=normal(sizes.tokens, hidden),
        gates=normal(layers, 4 * hidden, hidden, scale=into),
        recurrent=normal(layers, 4 * hidden, hidden, scale=into),
        from_encoder=normal(sizes.width, hidden, scale=2 / np.sqrt(sizes.width)),
        from_tokens=normal(hidden, hidden, scale=into),
        out=normal(hidden, sizes.tokens + durations, scale=5.2 / np.sqrt(hidden)),
        bias=normal(sizes.tokens + durations, scale=0.1),
    )
    frames, states = normal(100, sizes.width), normal(100, hidden, scale=0.5)
    joined = np.tanh(frames @ weights.from_encoder + states @ weights.from_tokens)
    *others, blank = (joined @ weights.out + weights.bias)[:, : sizes.tokens].T
    missing = np.max(others, axis=0) - blank
    weights.bias[sizes.tokens - 1] += np.float32(np.quantile(missing, sizes.blanks))
    return weights


def decode_one(
    encoded: Array, weights: TransducerWeights, *, durations: bool
) -> list[tuple[int, int, float]]:
    """(token, frame, logprob) of one clip, frame by frame, as the papers put it."""
    blank = weights.tokens - 1
    states = weights.states
    before, frame, on_frame, found = blank, 0, 0, []
    while frame < len(encoded):
        scores, after = weights.joint(encoded[frame], before, states)
        tokens = scores[: weights.tokens].astype(np.float64)
        token = int(tokens.argmax())
        if token != blank:
            before, states, on_frame = token, after, on_frame + 1
            found.append((token, frame, float(tokens[token] - np.log(np.exp(tokens).sum()))))
        skip = int(scores[weights.tokens :].argmax()) if durations else 0
        if skip == 0 and (token == blank or on_frame == MOST_ON_A_FRAME):
            skip = 1
        if skip:
            frame, on_frame = frame + skip, 0
    return found


def write_transducer(
    directory: Path, weights: TransducerWeights, *, durations: bool, clips: int | str = "b"
) -> None:
    """Encoder, decoder with joint network, vocabulary and configuration."""
    _write_settings(directory, "nemo-conformer-tdt" if durations else "nemo-conformer-rnnt")
    _write_encoder(directory / "encoder-model.onnx", weights)
    write_decoder_joint(directory / "decoder_joint-model.onnx", weights, clips)


def write_decoder_joint(path: Path, weights: TransducerWeights, clips: int | str = "b") -> None:
    """The two networks as PyTorch exports them: an LSTM a layer, each with its part of a state."""
    layers, hidden = weights.gates.shape[0], weights.embedding.shape[1]
    arrays: dict[str, NDArray[Any]] = {
        "embedding": weights.embedding,
        "from_encoder": weights.from_encoder,
        "from_tokens": weights.from_tokens,
        "out": weights.out,
        "bias": weights.bias,
        **{f"place_{number}": np.array([number], np.int64) for number in range(layers + 1)},
        "second": np.array([1], np.int64),
        "third": np.array([2], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["embedding", "targets"], ["embedded"]),
        helper.make_node("Transpose", ["embedded"], ["predicted_0"], perm=[1, 0, 2]),
    ]
    for layer in range(layers):
        arrays |= {f"gates_{layer}": weights.gates[[layer]]}
        arrays |= {f"recurrent_{layer}": weights.recurrent[[layer]]}
        nodes += _lstm(layer, hidden)
    states = [[f"{kind}_after_{layer}" for layer in range(layers)] for kind in "hc"]
    nodes += [
        helper.make_node("Concat", states[0], ["output_states_1"], axis=0),
        helper.make_node("Concat", states[1], ["output_states_2"], axis=0),
        helper.make_node("Transpose", [f"predicted_{layers}"], ["b_u_h"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["b_u_h", "from_tokens"], ["projected"]),
        helper.make_node("Unsqueeze", ["projected", "second"], ["b_1_u_h"]),
        helper.make_node("Transpose", ["encoder_outputs"], ["b_t_w"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["b_t_w", "from_encoder"], ["b_t_h"]),
        helper.make_node("Unsqueeze", ["b_t_h", "third"], ["b_t_1_h"]),
        helper.make_node("Add", ["b_t_1_h", "b_1_u_h"], ["sum"]),
        helper.make_node("Tanh", ["sum"], ["joined"]),
        helper.make_node("MatMul", ["joined", "out"], ["scores"]),
        helper.make_node("Add", ["scores", "bias"], ["outputs"]),
        helper.make_node("Identity", ["target_length"], ["prednet_lengths"]),
    ]
    state = [layers, clips, hidden]
    inputs = [
        ("encoder_outputs", TensorProto.FLOAT, [clips, weights.encoder.shape[0], "t"]),
        ("targets", TensorProto.INT32, [clips, "u"]),
        ("target_length", TensorProto.INT32, [clips]),
        ("input_states_1", TensorProto.FLOAT, state),
        ("input_states_2", TensorProto.FLOAT, state),
    ]
    outputs = [
        ("outputs", TensorProto.FLOAT, [clips, "t", "u", "v"]),
        ("prednet_lengths", TensorProto.INT32, [clips]),
        ("output_states_1", TensorProto.FLOAT, state),
        ("output_states_2", TensorProto.FLOAT, state),
    ]
    write_graph(path, nodes, inputs, outputs, arrays)


def _lstm(layer: int, hidden: int) -> list[Any]:
    """From ``predicted_{layer}`` (u, b, hidden) to that of the next layer."""
    start, stop, first = f"place_{layer}", f"place_{layer + 1}", "place_0"
    states = [f"{kind}_{layer}" for kind in "hc"]
    return [
        helper.make_node("Slice", ["input_states_1", start, stop, first], [states[0]]),
        helper.make_node("Slice", ["input_states_2", start, stop, first], [states[1]]),
        helper.make_node(
            "LSTM",
            [f"predicted_{layer}", f"gates_{layer}", f"recurrent_{layer}", "", "", *states],
            [f"all_{layer}", f"h_after_{layer}", f"c_after_{layer}"],
            hidden_size=hidden,
        ),
        helper.make_node("Squeeze", [f"all_{layer}", "second"], [f"predicted_{layer + 1}"]),
    ]


def write_nemo_ctc(directory: Path, weights: TransducerWeights) -> None:
    """The encoder with a layer of tokens above it."""
    _write_settings(directory, "nemo-conformer-ctc")
    arrays, nodes = _encoder_parts(weights)
    arrays["head"] = (weights.from_encoder @ weights.out)[:, : len(TOKENS)]
    nodes += [
        helper.make_node("Transpose", ["tanh"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["frames", "head"], ["scores"]),
        helper.make_node("LogSoftmax", ["scores"], ["logprobs"], axis=-1),
    ]
    inputs = [
        ("audio_signal", TensorProto.FLOAT, ["b", FEATURES, "n"]),
        ("length", TensorProto.INT64, ["b"]),
    ]
    outputs = [("logprobs", TensorProto.FLOAT, ["b", "t", len(TOKENS)])]
    write_graph(directory / "model.onnx", nodes, inputs, outputs, arrays)


def _write_settings(directory: Path, model_type: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    lines = [f"{token} {number}\n" for number, token in enumerate(TOKENS)]
    (directory / "vocab.txt").write_text("".join(lines), "utf-8")
    config = {"model_type": model_type, "max_tokens_per_step": MOST_ON_A_FRAME}
    (directory / "config.json").write_text(json.dumps(config))


def _encoder_parts(weights: TransducerWeights) -> tuple[dict[str, NDArray[Any]], list[Any]]:
    conv: dict[str, Any] = {"strides": [SUBSAMPLING], "pads": [0, SUBSAMPLING - 1]}
    return {"encoder": weights.encoder}, [
        helper.make_node("Conv", ["audio_signal", "encoder"], ["conv"], **conv),
        helper.make_node("Tanh", ["conv"], ["tanh"]),
    ]


def _write_encoder(path: Path, weights: TransducerWeights) -> None:
    arrays, nodes = _encoder_parts(weights)
    arrays |= {"one": np.array(1), "eight": np.array(SUBSAMPLING)}
    nodes += [
        helper.make_node("Identity", ["tanh"], ["outputs"]),
        helper.make_node("Sub", ["length", "one"], ["before"]),
        helper.make_node("Div", ["before", "eight"], ["whole"]),
        helper.make_node("Add", ["whole", "one"], ["encoded_lengths"]),
    ]
    inputs = [
        ("audio_signal", TensorProto.FLOAT, ["b", FEATURES, "n"]),
        ("length", TensorProto.INT64, ["b"]),
    ]
    outputs = [
        ("outputs", TensorProto.FLOAT, ["b", WIDTH, "t"]),
        ("encoded_lengths", TensorProto.INT64, ["b"]),
    ]
    write_graph(path, nodes, inputs, outputs, arrays)


def write_graph(
    path: Path,
    nodes: list[Any],
    inputs: Sequence[tuple[str, int, Any]],
    outputs: Sequence[tuple[str, int, Any]],
    arrays: dict[str, NDArray[Any]],
) -> None:
    """An ONNX file; inputs and outputs are (name, type, shape)."""
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(*entry) for entry in inputs],
        [helper.make_tensor_value_info(*entry) for entry in outputs],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in arrays.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    )
