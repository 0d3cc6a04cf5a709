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
FEATURES, WIDTH, HIDDEN, SUBSAMPLING = 80, 16, 12, 8
MOST_ON_A_FRAME = 4


@dataclass(frozen=True)
class TransducerWeights:
    """Of the encoder (one convolution), the prediction network (an LSTM) and the joint network."""

    encoder: Array  # (width, features, subsampling)
    embedding: Array  # (tokens, hidden)
    gates: Array  # (4 hidden, hidden), in the order of ONNX: input, output, forget, cell
    recurrent: Array
    from_encoder: Array  # (width, hidden)
    out: Array  # (hidden, tokens + durations)
    bias: Array

    @property
    def states(self) -> tuple[Array, Array]:
        zeros = np.zeros((1, 1, HIDDEN), np.float32)
        return zeros, zeros.copy()

    def joint(
        self, frames: Array, tokens: NDArray[np.int64], states: tuple[Array, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """One step of rows in float32 numpy."""
        hidden, cell = (state[0] for state in states)
        products = self.embedding[tokens] @ self.gates.T + hidden @ self.recurrent.T
        take, give, keep, new = np.split(products, 4, axis=1)
        cell = _sigmoid(keep) * cell + _sigmoid(take) * np.tanh(new)
        hidden = _sigmoid(give) * np.tanh(cell)
        scores = np.tanh(frames @ self.from_encoder + hidden) @ self.out + self.bias
        return scores, (hidden[None], cell[None])


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)), np.float32)


def random_transducer(seed: int = 0, *, durations: int = 0) -> TransducerWeights:
    rng = np.random.default_rng(seed)

    def normal(*size: int, scale: float = 1.0) -> Array:
        return (rng.normal(size=size) * scale).astype(np.float32)

    bias = normal(len(TOKENS) + durations, scale=0.1)
    bias[BLANK] += 1.5
    return TransducerWeights(
        encoder=normal(WIDTH, FEATURES, SUBSAMPLING, scale=0.05),
        embedding=normal(len(TOKENS), HIDDEN),
        gates=normal(4 * HIDDEN, HIDDEN, scale=0.5),
        recurrent=normal(4 * HIDDEN, HIDDEN, scale=0.5),
        from_encoder=normal(WIDTH, HIDDEN, scale=0.5),
        out=normal(HIDDEN, len(TOKENS) + durations, scale=1.5),
        bias=bias,
    )


def decode_one(
    encoded: Array, weights: TransducerWeights, *, durations: bool
) -> list[tuple[int, int, float]]:
    """(token, frame, logprob) of one clip, frame by frame, as the papers put it."""
    states: tuple[Array, ...] = weights.states
    before, frame, on_frame, found = BLANK, 0, 0, []
    while frame < len(encoded):
        scores, after = weights.joint(encoded[frame][None], np.array([before]), states)
        tokens = scores[0, : len(TOKENS)].astype(np.float64)
        token = int(tokens.argmax())
        if token != BLANK:
            before, states, on_frame = token, after, on_frame + 1
            found.append((token, frame, float(tokens[token] - np.log(np.exp(tokens).sum()))))
        skip = int(scores[0, len(TOKENS) :].argmax()) if durations else 0
        if skip == 0 and (token == BLANK or on_frame == MOST_ON_A_FRAME):
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
    arrays: dict[str, NDArray[Any]] = {
        "embedding": weights.embedding,
        "gates": weights.gates[None],
        "recurrent": weights.recurrent[None],
        "from_encoder": weights.from_encoder,
        "out": weights.out,
        "bias": weights.bias,
        "second": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["embedding", "targets"], ["embedded"]),
        helper.make_node("Transpose", ["embedded"], ["steps"], perm=[1, 0, 2]),
        helper.make_node(
            "LSTM",
            ["steps", "gates", "recurrent", "", "", "input_states_1", "input_states_2"],
            ["all", "output_states_1", "output_states_2"],
            hidden_size=HIDDEN,
        ),
        helper.make_node("Squeeze", ["all", "second"], ["predicted"]),
        helper.make_node("Transpose", ["predicted"], ["b_u_h"], perm=[1, 0, 2]),
        helper.make_node("Unsqueeze", ["b_u_h", "second"], ["b_1_u_h"]),
        helper.make_node("Transpose", ["encoder_outputs"], ["b_t_w"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["b_t_w", "from_encoder"], ["b_t_h"]),
        helper.make_node("Unsqueeze", ["b_t_h", "two"], ["b_t_1_h"]),
        helper.make_node("Add", ["b_t_1_h", "b_1_u_h"], ["sum"]),
        helper.make_node("Tanh", ["sum"], ["joined"]),
        helper.make_node("MatMul", ["joined", "out"], ["scores"]),
        helper.make_node("Add", ["scores", "bias"], ["outputs"]),
        helper.make_node("Identity", ["target_length"], ["prednet_lengths"]),
    ]
    arrays["two"] = np.array([2], np.int64)
    state = [1, clips, HIDDEN]
    inputs = [
        ("encoder_outputs", TensorProto.FLOAT, [clips, WIDTH, "t"]),
        ("targets", TensorProto.INT32, [clips, "u"]),
        ("target_length", TensorProto.INT32, [clips]),
        ("input_states_1", TensorProto.FLOAT, state),
        ("input_states_2", TensorProto.FLOAT, state),
    ]
    outputs = [
        ("outputs", TensorProto.FLOAT, [clips, "t", "u", len(weights.bias)]),
        ("prednet_lengths", TensorProto.INT32, [clips]),
        ("output_states_1", TensorProto.FLOAT, state),
        ("output_states_2", TensorProto.FLOAT, state),
    ]
    write_graph(directory / "decoder_joint-model.onnx", nodes, inputs, outputs, arrays)


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
