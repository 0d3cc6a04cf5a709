"""The graph of a step of Whisper's decoder; shapes as in ``beam_audio.models.whisper.export``."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.models.whisper.encoder_graph import attention_mask

if TYPE_CHECKING:
    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Layers


def write_decoder(layers: Layers, config: WhisperConfig) -> None:
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
    audio_mask = attention_mask(layers)
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
