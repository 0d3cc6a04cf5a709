"""Whisper to ONNX, built node by node from the weights: no torch, no tracing.

There are two graphs. ``encoder.onnx`` turns log-mel features into the cross-attention keys and
values of every decoder layer, which are all the decoder needs of the audio. ``decoder.onnx`` is one
step with a key/value cache. It takes any number of tokens and computes logits only at the positions
asked for, so that reading a prompt does not compute a vocabulary of logits for each of its tokens.

Shapes, with b clips, n audio positions, h heads of size d, t tokens, c tokens in the cache, p
positions asked for, a alignment heads::

    encoder  log_mel (b, bands, frames), source (b, n), place (b, n), log_members (b, n)
             -> cross_key_N (b, h, d, n), cross_value_N (b, h, n, d)
    decoder  tokens (b, t), positions (p,), past_key_N (b, h, d, c), past_value_N (b, h, c, d),
             cross_key_N, cross_value_N, log_members (b, n)
             -> logits (b, p, vocabulary), alignment (b, a, t, n),
                present_key_N (b, h, d, c + t), present_value_N (b, h, c + t, d)

For each position, ``source`` is the index of the convolutions' output it is taken from, and
``place`` is the row of its embedding (``beam_audio.models.whisper.position_groups``).
``log_members`` is added to its attention scores: the log of the number of positions it represents
(``beam_audio.asr.whisper.padding``), or a large negative number if a row of a batch has no such
position. ``alignment`` holds the scores of the heads that follow time, before that addition. Keys
have their last two axes swapped, so that a step multiplies them without a transposition.

The network is that of Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak
Supervision" (pre-norm transformer, exact GELU, tied output embedding).
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.models.onnx_graph import GraphWriter
from beam_audio.models.whisper.position_groups import group_embeddings
from beam_audio.models.whisper.transformer import Layers

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.whisper.checkpoint import WhisperCheckpoint
    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Precision

ENCODER_FILE = "encoder.onnx"
DECODER_FILE = "decoder.onnx"
_INLINE_LIMIT_BYTES = (
    1_900_000_000  # protobuf's limit is 2 GiB, and the graph itself needs some room
)


def export_whisper(
    checkpoint: WhisperCheckpoint,
    directory: Path,
    *,
    precision: Precision = "float32",
    inline_limit_bytes: int = _INLINE_LIMIT_BYTES,
) -> None:
    """Write ``encoder.onnx`` and ``decoder.onnx``.

    Args:
        checkpoint: Configuration and weights.
        directory: An existing directory.
        precision: Number type of weights and activations.
        inline_limit_bytes: Above this many bytes of float32 weights, a graph's weights go to a
            ``.data`` file beside it.
    """
    weights, config = checkpoint.weights, checkpoint.config
    encoder = {name for name in weights if name.startswith("encoder.") or ".cross.kv." in name}
    graphs = (
        (ENCODER_FILE, encoder, _write_encoder),
        (DECODER_FILE, weights.keys() - encoder, _write_decoder),
    )
    for file, names, write in graphs:
        size_bytes = sum(4 * math.prod(weights[name].shape) for name in names)
        graph = GraphWriter(file, directory / file, external=size_bytes > inline_limit_bytes)
        write(Layers(graph, weights, config.dimensions.width, precision), config)
        graph.write()


def _write_encoder(layers: Layers, config: WhisperConfig) -> None:
    """Convolutions, position embeddings, the layers, and the decoder's keys and values."""
    graph, sizes = layers.graph, config.dimensions
    x = graph.input("log_mel", "float", ("b", sizes.mel_bands, "frames"))
    source = graph.input("source", "int64", ("b", "n"))
    place = graph.input("place", "int64", ("b", "n"))
    mask = _attention_mask(layers)
    if layers.kind != "float":
        x = graph.cast(x, layers.kind)
    for name, stride in (("encoder.conv1", 1), ("encoder.conv2", 2)):
        weight, bias = layers.constant(f"{name}.weight"), layers.constant(f"{name}.bias")
        x = graph.node("Conv", x, weight, bias, kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = graph.node("Gelu", x)
    x = graph.node("Transpose", x, perm=[0, 2, 1])
    rows = graph.node("Unsqueeze", source, graph.integers(-1))
    x = graph.node("GatherND", x, rows, batch_dims=1)
    means = layers.array(
        "encoder.position_groups", group_embeddings(layers.weights["encoder.positions"].read())
    )
    places = graph.node("Gather", means, place, axis=0)
    x = graph.node("Add", x, places)
    for layer in range(sizes.encoder_layers):
        x = _encoder_layer(layers, config, x, layer, mask)
    x = layers.norm(x, "encoder.norm")
    heads, size = sizes.decoder_heads, sizes.width // sizes.decoder_heads
    for layer in range(sizes.decoder_layers):
        key, value = layers.split(layers.linear(x, f"decoder.{layer}.cross.kv"), "kv")
        layers.heads(key, heads, swapped=True, to=f"cross_key_{layer}")
        layers.heads(value, heads, to=f"cross_value_{layer}")
        graph.output(f"cross_key_{layer}", layers.kind, ("b", heads, size, "n"))
        graph.output(f"cross_value_{layer}", layers.kind, ("b", heads, "n", size))


def _encoder_layer(layers: Layers, config: WhisperConfig, x: str, layer: int, mask: str) -> str:
    """The layer's output (b, n, width)."""
    graph, width, heads = layers.graph, config.dimensions.width, config.dimensions.encoder_heads
    name, scale = f"encoder.{layer}.attention", (width // heads) ** -0.5
    normed = layers.norm(x, f"{name}.norm")
    query, key, value = layers.split(
        layers.linear(normed, f"{name}.qkv", slice(width), scale), "qkv"
    )
    scores = graph.node(
        "MatMul", layers.heads(query, heads), layers.heads(key, heads, swapped=True)
    )
    mixed = layers.attend(scores, layers.heads(value, heads), mask)
    x = graph.node("Add", x, layers.linear(mixed, f"{name}.out"))
    return layers.mlp(x, f"encoder.{layer}.mlp")


def _attention_mask(layers: Layers) -> str:
    """The addend of every score of an audio position, (b, 1, 1, n)."""
    log_members = layers.graph.input("log_members", "float", ("b", "n"))
    mask = layers.graph.node("Unsqueeze", log_members, layers.graph.integers(1, 2))
    return mask if layers.kind == "float" else layers.graph.cast(mask, layers.kind)


def _write_decoder(layers: Layers, config: WhisperConfig) -> None:
    """Token embeddings, the layers, alignment scores, and logits at the positions asked for."""
    graph, sizes, kind = layers.graph, config.dimensions, layers.kind
    heads, size = sizes.decoder_heads, sizes.width // sizes.decoder_heads
    tokens = graph.input("tokens", "int64", ("b", "t"))
    positions = graph.input("positions", "int64", ("p",))
    for layer in range(sizes.decoder_layers):
        graph.input(f"past_key_{layer}", kind, ("b", heads, size, "c"))
        graph.input(f"past_value_{layer}", kind, ("b", heads, "c", size))
        graph.input(f"cross_key_{layer}", kind, ("b", heads, size, "n"))
        graph.input(f"cross_value_{layer}", kind, ("b", heads, "n", size))
    audio_mask = _attention_mask(layers)
    places, mask = _places_and_mask(layers, tokens)
    x = graph.node("Add", layers.embed(tokens, "decoder.tokens"), places)
    scores = []
    for layer in range(sizes.decoder_layers):
        x, cross_scores = _decoder_layer(layers, config, x, layer, (mask, audio_mask))
        scores.append(cross_scores)
    _write_alignment(layers, config, scores)
    x = layers.norm(graph.node("Gather", x, positions, axis=1), "decoder.norm")
    flat = graph.node("Reshape", x, graph.integers(-1, sizes.width))
    logits = layers.logits(flat, "decoder.tokens")
    if kind != "float":
        logits = graph.cast(logits, "float")
    rows = graph.node("Concat", graph.node("Shape", x, end=2), graph.integers(-1), axis=0)
    graph.node("Reshape", logits, rows, to="logits")
    graph.output("logits", "float", ("b", "p", sizes.vocabulary))


def _places_and_mask(layers: Layers, tokens: str) -> tuple[str, str]:
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
    nothing = layers.array("nothing", np.array(0.0, np.float32))
    return places, graph.node("Where", hidden, layers.lowest(), nothing)


def _decoder_layer(
    layers: Layers, config: WhisperConfig, x: str, layer: int, masks: tuple[str, str]
) -> tuple[str, str]:
    """The layer's output, and its scores against the audio (b, h, t, n)."""
    graph, sizes = layers.graph, config.dimensions
    heads, size = sizes.decoder_heads, sizes.width // sizes.decoder_heads
    name, scale = f"decoder.{layer}", size**-0.5
    normed = layers.norm(x, f"{name}.attention.norm")
    qkv = layers.linear(normed, f"{name}.attention.qkv", slice(sizes.width), scale)
    query, key, value = layers.split(qkv, "qkv")
    present_key, present_value = f"present_key_{layer}", f"present_value_{layer}"
    new_key, new_value = layers.heads(key, heads, swapped=True), layers.heads(value, heads)
    graph.node("Concat", f"past_key_{layer}", new_key, to=present_key, axis=3)
    graph.node("Concat", f"past_value_{layer}", new_value, to=present_value, axis=2)
    graph.output(present_key, layers.kind, ("b", heads, size, "c + t"))
    graph.output(present_value, layers.kind, ("b", heads, "c + t", size))
    scores = graph.node("MatMul", layers.heads(query, heads), present_key)
    mixed = layers.attend(scores, present_value, masks[0])
    x = graph.node("Add", x, layers.linear(mixed, f"{name}.attention.out"))
    normed = layers.norm(x, f"{name}.cross.norm")
    query = layers.heads(layers.linear(normed, f"{name}.cross.q", slice(None), scale), heads)
    scores = graph.node("MatMul", query, f"cross_key_{layer}")
    mixed = layers.attend(scores, f"cross_value_{layer}", masks[1])
    x = graph.node("Add", x, layers.linear(mixed, f"{name}.cross.out"))
    return layers.mlp(x, f"{name}.mlp"), scores


def _write_alignment(layers: Layers, config: WhisperConfig, scores: list[str]) -> None:
    graph = layers.graph
    by_layer: defaultdict[int, list[int]] = defaultdict(list)
    for layer, head in config.alignment_heads:
        by_layer[layer].append(head)
    picked = [
        graph.node("Gather", scores[layer], graph.integers(*heads), axis=1)
        for layer, heads in sorted(by_layer.items())
    ]
    joined = graph.node("Concat", *picked, axis=1)
    graph.cast(joined, "float", to="alignment")
    graph.output("alignment", "float", ("b", len(config.alignment_heads), "t", "n"))
