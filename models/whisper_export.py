"""Whisper to ONNX, built node by node from the weights: no torch, no tracing.

Two graphs. ``encoder.onnx`` turns log-mel features into the cross-attention keys and values of
every decoder layer, which is all the decoder ever needs of the audio. ``decoder.onnx`` is one step
with a key/value cache that takes any number of tokens and gives logits only at the positions asked
for, so that reading a prompt does not pay for a vocabulary of logits at each of its tokens.

Shapes, with b clips, h heads of size d, t tokens, c tokens in the cache, p positions asked for::

    encoder  log_mel (b, bands, 3000) -> cross_key_N (b, h, d, 1500), cross_value_N (b, h, 1500, d)
    decoder  tokens (b, t), positions (p,), past_key_N (b, h, d, c), past_value_N (b, h, c, d),
             cross_key_N, cross_value_N
             -> logits (b, p, vocabulary), present_key_N (b, h, d, c + t), present_value_N

Keys lie with their last two axes swapped: a step then multiplies them as they are.
The network is that of Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak
Supervision" (pre-norm transformer, exact GELU, tied output embedding).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from beam_audio.models.weights import Tensor
    from beam_audio.models.whisper_checkpoint import WhisperCheckpoint
    from beam_audio.models.whisper_config import WhisperDimensions

ENCODER_FILE = "encoder.onnx"
DECODER_FILE = "decoder.onnx"
_INLINE_LIMIT_BYTES = 1_900_000_000  # protobuf ends at 2 GiB; the graph itself needs some room
_EPSILON = 1e-5


def export_whisper(
    checkpoint: WhisperCheckpoint,
    directory: Path,
    *,
    inline_limit_bytes: int = _INLINE_LIMIT_BYTES,
) -> None:
    """Write ``encoder.onnx`` and ``decoder.onnx`` in float32.

    Args:
        checkpoint: Configuration and weights.
        directory: An existing directory.
        inline_limit_bytes: Above this a graph's weights go to a ``.data`` file beside it.
    """
    weights = checkpoint.weights
    encoder = {name for name in weights if name.startswith("encoder.") or ".cross.kv." in name}
    graphs = (
        (ENCODER_FILE, encoder, _write_encoder),
        (DECODER_FILE, weights.keys() - encoder, _write_decoder),
    )
    for file, names, write in graphs:
        size_bytes = sum(4 * math.prod(weights[name].shape) for name in names)
        graph = GraphWriter(file, directory / file, external=size_bytes > inline_limit_bytes)
        write(_Layers(graph, weights, checkpoint.config.dimensions))
        graph.write()


class _Layers:
    """The parts of a transformer, as nodes."""

    def __init__(
        self, graph: GraphWriter, weights: dict[str, Tensor], dimensions: WhisperDimensions
    ) -> None:
        self.graph = graph
        self.weights = weights
        self.dimensions = dimensions

    def constant(self, name: str) -> str:
        return self.graph.weight(name, self.weights[name].read())

    def linear(self, x: str, name: str, scale_rows: slice = slice(0), scale: float = 1.0) -> str:
        """``x`` times the transposed weight plus the bias; some output rows may be scaled."""
        weight, bias = (self.weights[f"{name}.{part}"].read() for part in ("weight", "bias"))
        for array in (weight, bias):
            array[scale_rows] *= np.float32(scale)
        product = self.graph.node("MatMul", x, self.graph.weight(f"{name}.weight", weight.T))
        return self.graph.node("Add", product, self.graph.weight(f"{name}.bias", bias))

    def norm(self, x: str, name: str) -> str:
        return self.graph.node(
            "LayerNormalization",
            x,
            self.constant(f"{name}.weight"),
            self.constant(f"{name}.bias"),
            axis=-1,
            epsilon=_EPSILON,
        )

    def mlp(self, x: str, name: str) -> str:
        hidden = self.graph.node("Gelu", self.linear(self.norm(x, f"{name}.norm"), f"{name}.up"))
        return self.graph.node("Add", x, self.linear(hidden, f"{name}.down"))

    def heads(self, x: str, count: int, *, swapped: bool = False, to: str | None = None) -> str:
        """(b, n, width) to (b, heads, n, size), or to (b, heads, size, n) when swapped."""
        size = self.dimensions.width // count
        split = self.graph.node("Reshape", x, self.graph.integers(0, -1, count, size))
        order = [0, 2, 3, 1] if swapped else [0, 2, 1, 3]
        return self.graph.node("Transpose", split, to=to, perm=order)

    def attend(self, query: str, key: str, value: str, mask: str | None = None) -> str:
        scores = self.graph.node("MatMul", query, key)
        if mask is not None:
            scores = self.graph.node("Add", scores, mask)
        mixed = self.graph.node("MatMul", self.graph.node("Softmax", scores, axis=-1), value)
        joined = self.graph.node("Transpose", mixed, perm=[0, 2, 1, 3])
        return self.graph.node("Reshape", joined, self.graph.integers(0, -1, self.dimensions.width))

    def split(self, x: str, parts: Iterable[str]) -> tuple[str, ...]:
        names = tuple(f"{x}_{part}" for part in parts)
        return self.graph.nodes("Split", x, to=names, axis=-1, num_outputs=len(names))


def _write_encoder(layers: _Layers) -> None:
    graph, sizes = layers.graph, layers.dimensions
    x = graph.input("log_mel", "float", ("b", sizes.mel_bands, 2 * sizes.audio_positions))
    for name, stride in (("encoder.conv1", 1), ("encoder.conv2", 2)):
        weight, bias = layers.constant(f"{name}.weight"), layers.constant(f"{name}.bias")
        x = graph.node("Conv", x, weight, bias, kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = graph.node("Gelu", x)
    x = graph.node("Transpose", x, perm=[0, 2, 1])
    x = graph.node("Add", x, layers.constant("encoder.positions"))
    heads = sizes.encoder_heads
    scale = (sizes.width // heads) ** -0.5
    for layer in range(sizes.encoder_layers):
        name = f"encoder.{layer}.attention"
        normed = layers.norm(x, f"{name}.norm")
        qkv = layers.linear(normed, f"{name}.qkv", slice(sizes.width), scale)
        query, key, value = layers.split(qkv, "qkv")
        mixed = layers.attend(
            layers.heads(query, heads),
            layers.heads(key, heads, swapped=True),
            layers.heads(value, heads),
        )
        x = graph.node("Add", x, layers.linear(mixed, f"{name}.out"))
        x = layers.mlp(x, f"encoder.{layer}.mlp")
    x = layers.norm(x, "encoder.norm")
    heads, size = sizes.decoder_heads, sizes.width // sizes.decoder_heads
    for layer in range(sizes.decoder_layers):
        key, value = layers.split(layers.linear(x, f"decoder.{layer}.cross.kv"), "kv")
        layers.heads(key, heads, swapped=True, to=f"cross_key_{layer}")
        layers.heads(value, heads, to=f"cross_value_{layer}")
        graph.output(f"cross_key_{layer}", "float", ("b", heads, size, sizes.audio_positions))
        graph.output(f"cross_value_{layer}", "float", ("b", heads, sizes.audio_positions, size))


def _write_decoder(layers: _Layers) -> None:
    graph, sizes = layers.graph, layers.dimensions
    heads, size = sizes.decoder_heads, sizes.width // sizes.decoder_heads
    tokens = graph.input("tokens", "int64", ("b", "t"))
    positions = graph.input("positions", "int64", ("p",))
    for layer in range(sizes.decoder_layers):
        graph.input(f"past_key_{layer}", "float", ("b", heads, size, "c"))
        graph.input(f"past_value_{layer}", "float", ("b", heads, "c", size))
        graph.input(f"cross_key_{layer}", "float", ("b", heads, size, sizes.audio_positions))
        graph.input(f"cross_value_{layer}", "float", ("b", heads, sizes.audio_positions, size))
    embedding = layers.constant("decoder.tokens")
    places, mask = _places_and_mask(layers, tokens)
    x = graph.node("Add", graph.node("Gather", embedding, tokens, axis=0), places)
    for layer in range(sizes.decoder_layers):
        x = _decoder_layer(layers, x, layer, mask)
    x = layers.norm(graph.node("Gather", x, positions, axis=1), "decoder.norm")
    flat = graph.node("Reshape", x, graph.integers(-1, sizes.width))
    logits = graph.node("Gemm", flat, embedding, transB=1)
    rows = graph.node("Concat", graph.node("Shape", x, end=2), graph.integers(-1), axis=0)
    graph.node("Reshape", logits, rows, to="logits")
    graph.output("logits", "float", ("b", "p", sizes.vocabulary))


def _places_and_mask(layers: _Layers, tokens: str) -> tuple[str, str]:
    """Position embeddings of the new tokens, and the (t, c + t) mask that hides later ones."""
    graph = layers.graph
    past = graph.node("Shape", "past_value_0", start=2, end=3)
    total = graph.node("Add", past, graph.node("Shape", tokens, start=1, end=2))
    places = graph.node(
        "Slice", layers.constant("decoder.positions"), past, total, graph.integers(0)
    )
    zero, one = (graph.weight(f"integer_{n}", np.array(n, np.int64)) for n in (0, 1))
    first, last = graph.node("Squeeze", past), graph.node("Squeeze", total)
    own = graph.node("Unsqueeze", graph.node("Range", first, last, one), graph.integers(1))
    other = graph.node("Range", zero, last, one)
    hidden = graph.node("Greater", other, own)
    lowest = graph.weight("lowest", np.array(np.finfo(np.float32).min))
    nothing = graph.weight("nothing", np.array(0.0, np.float32))
    return places, graph.node("Where", hidden, lowest, nothing)


def _decoder_layer(layers: _Layers, x: str, layer: int, mask: str) -> str:
    graph, sizes = layers.graph, layers.dimensions
    heads, size = sizes.decoder_heads, sizes.width // sizes.decoder_heads
    name, scale = f"decoder.{layer}", size**-0.5
    normed = layers.norm(x, f"{name}.attention.norm")
    qkv = layers.linear(normed, f"{name}.attention.qkv", slice(sizes.width), scale)
    query, key, value = layers.split(qkv, "qkv")
    present_key, present_value = f"present_key_{layer}", f"present_value_{layer}"
    new_key, new_value = layers.heads(key, heads, swapped=True), layers.heads(value, heads)
    graph.node("Concat", f"past_key_{layer}", new_key, to=present_key, axis=3)
    graph.node("Concat", f"past_value_{layer}", new_value, to=present_value, axis=2)
    graph.output(present_key, "float", ("b", heads, size, "c + t"))
    graph.output(present_value, "float", ("b", heads, "c + t", size))
    mixed = layers.attend(layers.heads(query, heads), present_key, present_value, mask)
    x = graph.node("Add", x, layers.linear(mixed, f"{name}.attention.out"))
    normed = layers.norm(x, f"{name}.cross.norm")
    query = layers.heads(layers.linear(normed, f"{name}.cross.q", slice(None), scale), heads)
    mixed = layers.attend(query, f"cross_key_{layer}", f"cross_value_{layer}")
    x = graph.node("Add", x, layers.linear(mixed, f"{name}.cross.out"))
    return layers.mlp(x, f"{name}.mlp")
