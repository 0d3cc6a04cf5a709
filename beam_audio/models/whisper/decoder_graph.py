"""The graph of a step of Whisper's decoder; shapes as in ``beam_audio.models.whisper.export``.

Keys and values of tokens have fixed places in buffers that are input and output. A session that is
given one buffer as both writes the new tokens into it and copies nothing: ``ScatterND`` and
``ScatterElements`` only copy what is not in place, on CPU and CUDA. On a CPU ``ScatterND`` writes
vectors, where the other one takes longer for each number than attention does. On CUDA it gives each
vector to one thread, and the other one each number. Graphs in float16, which are for CUDA, have
``ScatterElements``. Both can be captured in a CUDA graph; ``Range``, which reads its limits from
main memory, cannot.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.models.whisper.encoder_graph import (
    attention_mask,
    cross_shapes,
    has_swapped_values,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Layers

_MICROSOFT = "com.microsoft"


def write_decoder(layers: Layers, config: WhisperConfig) -> None:
    """Token embeddings, the layers, and the likeliest tokens at the positions asked for."""
    graph, sizes = layers.graph, config.dimensions
    tokens = graph.input("tokens", "int64", ("b", "t"))
    start = graph.input("start", "int64", (1,))
    positions = graph.input("positions", "int64", ("p",))
    count = graph.node("Shape", tokens, start=1, end=2)
    own = graph.node("Add", _first_places(layers, count), start)
    for name, shape in cross_shapes(layers, config).items():
        graph.input(name, layers.kind, ("b", *shape))
    buffers = _Buffers(layers, config, own)
    audio_mask = attention_mask(layers)
    embedded = graph.node("Gather", layers.constant("decoder.positions"), own, axis=0)
    embedded = graph.node("Add", layers.embed(tokens, "decoder.tokens"), embedded)
    x = embedded, layers.norm(embedded, "decoder.0.attention.norm")
    queries = {}
    for layer in range(sizes.decoder_layers):
        x, queries[layer] = _decoder_layer(layers, config, x, layer, (buffers, audio_mask))
    buffers.write("query", of_alignment_heads(layers, config, queries))
    _write_choice(layers, config, graph.node("Gather", x[1], positions, axis=1))


class _Buffers:
    """Buffers (b, heads, s, d) in which every token has a place.

    Args:
        layers: The graph.
        config: Sizes of the network.
        own: The place of each new token, int64 (t,).
    """

    def __init__(self, layers: Layers, config: WhisperConfig, own: str) -> None:
        self._layers = layers
        self._shapes = buffer_shapes(config)
        self._own = own
        self._by_number = layers.kind == "float16"
        self._indices: dict[int | str, str] = {}
        self._mask: str | None = None

    def write(self, name: str, new: str) -> str:
        """Write (b, heads, t, d) into the buffer ``name``; returns the whole buffer."""
        graph, (heads, *rest) = self._layers.graph, self._shapes[name]
        if heads not in self._indices:
            self._indices[heads] = self._index(new)
        past, present = f"past_{name}", f"present_{name}"
        graph.input(past, self._layers.kind, ("b", heads, *rest))
        graph.output(present, self._layers.kind, ("b", heads, *rest))
        if self._by_number:
            return graph.node(
                "ScatterElements", past, self._indices[heads], new, to=present, axis=2
            )
        return graph.node("ScatterND", past, self._indices[heads], new, to=present)

    def _index(self, new: str) -> str:
        """Where ``new`` goes: (b, heads, t, d) places, or (b, heads, t, 3) rows, heads, places."""
        graph = self._layers.graph
        if self._by_number:
            place = graph.node("Unsqueeze", self._own, graph.integers(0, 1, 3))
            return graph.node("Expand", place, graph.node("Shape", new))
        shape = graph.node("Shape", new, end=3)
        ones = graph.node("Expand", graph.integers(1), shape)
        axes = (graph.weight(f"axis_{axis}", np.array(axis, np.int64)) for axis in (0, 1))
        row_and_head = (graph.node("CumSum", ones, axis, exclusive=1) for axis in axes)
        place = graph.node("Expand", self._own, shape)
        last = graph.integers(3)
        parts = (graph.node("Unsqueeze", part, last) for part in (*row_and_head, place))
        return graph.node("Concat", *parts, axis=3)

    def mask(self, buffer: str) -> str:
        """(t, s): what hides the places after each new token's own."""
        if self._mask is None:
            graph = self._layers.graph
            other = _first_places(self._layers, graph.node("Shape", buffer, start=2, end=3))
            own = graph.node("Unsqueeze", self._own, graph.integers(1))
            nothing = self._layers.array("nothing", np.array(0.0, np.float32))
            hidden = graph.node("Greater", other, own)
            self._mask = graph.node("Where", hidden, self._layers.lowest(), nothing)
        return self._mask


def _first_places(layers: Layers, count: str) -> str:
    """0, 1, 2, …, as many as ``count`` (1,) says."""
    places = np.arange(layers.weights["decoder.positions"].shape[0], dtype=np.int64)
    graph = layers.graph
    return graph.node("Slice", graph.weight("places", places), graph.integers(0), count)


def buffer_shapes(config: WhisperConfig) -> dict[str, tuple[int | str, ...]]:
    """Shapes of the buffers of tokens, after the rows: places are ``s``."""
    sizes = config.dimensions
    size = sizes.width // sizes.decoder_heads
    layers = range(sizes.decoder_layers)
    names = (f"{part}_{layer}" for layer in layers for part in ("key", "value"))
    return {
        **dict.fromkeys(names, (sizes.decoder_heads, "s", size)),
        "query": (len(config.alignment_heads), "s", size),
    }


def _decoder_layer(
    layers: Layers,
    config: WhisperConfig,
    x: tuple[str, str],
    layer: int,
    memory: tuple[_Buffers, str],
) -> tuple[tuple[str, str], str]:
    """The layer's output, plain and normalised for the next, and its queries to the audio."""
    graph, sizes, (buffers, audio_mask) = layers.graph, config.dimensions, memory
    heads, size = sizes.decoder_heads, sizes.width // sizes.decoder_heads
    name, scale, (total, normed) = f"decoder.{layer}", size**-0.5, x
    qkv = layers.linear(normed, f"{name}.attention.qkv", slice(sizes.width), scale)
    query, new_key, new_value = (layers.heads(part, heads) for part in layers.split(qkv, "qkv"))
    key = buffers.write(f"key_{layer}", new_key)
    value = buffers.write(f"value_{layer}", new_value)
    scores = graph.node("FusedMatMul", query, key, domain=_MICROSOFT, transB=1)
    mixed = layers.projected(
        layers.attend(scores, value, buffers.mask(key)), f"{name}.attention.out"
    )
    total, normed = layers.add_and_norm(total, *mixed, f"{name}.cross.norm")
    query = layers.heads(layers.linear(normed, f"{name}.cross.q", slice(None), scale), heads)
    scores = graph.node("MatMul", query, f"cross_key_{layer}")
    swapped = has_swapped_values(layers)
    mixed = layers.projected(
        layers.attend(scores, f"cross_value_{layer}", audio_mask, swapped=swapped),
        f"{name}.cross.out",
    )
    total, normed = layers.add_and_norm(total, *mixed, f"{name}.mlp.norm")
    is_last = layer + 1 == sizes.decoder_layers
    following = "decoder.norm" if is_last else f"decoder.{layer + 1}.attention.norm"
    return layers.add_and_norm(total, *layers.mlp(normed, f"{name}.mlp"), following), query


def of_alignment_heads(layers: Layers, config: WhisperConfig, by_layer: Mapping[int, str]) -> str:
    """The heads that follow time, of tensors (b, h, …) of the layers that have any."""
    graph = layers.graph
    heads: defaultdict[int, list[int]] = defaultdict(list)
    for layer, head in config.alignment_heads:
        heads[layer].append(head)
    picked = [
        graph.node("Gather", by_layer[layer], graph.integers(*heads[layer]), axis=1)
        for layer in sorted(heads)
    ]
    return graph.node("Concat", *picked, axis=1)


def _write_choice(layers: Layers, config: WhisperConfig, x: str) -> None:
    """Logits of (b, p, width), the likeliest token of each, and log probabilities."""
    graph, sizes = layers.graph, config.dimensions
    hidden = graph.input("hidden", "float", ("p", sizes.vocabulary))
    asked = graph.input("asked", "int64", ("q",))
    flat = graph.node("Reshape", x, graph.integers(-1, sizes.width))
    scores = layers.logits(flat, "decoder.tokens")
    if layers.kind != "float":
        scores = graph.cast(scores, "float")
    rows = graph.node("Concat", graph.node("Shape", x, end=2), graph.integers(-1), axis=0)
    logits = graph.node("Add", graph.node("Reshape", scores, rows), hidden, to="logits")
    logprobs = graph.node("LogSoftmax", logits, axis=-1)
    _, best = graph.nodes("TopK", logits, graph.integers(1), to=("best_logit", "best"), axis=-1)
    best_logprob = graph.node("GatherElements", logprobs, best, axis=-1)
    graph.node("Squeeze", best, graph.integers(-1), to="token")
    graph.node("Squeeze", best_logprob, graph.integers(-1), to="logprob")
    graph.node("Gather", logprobs, asked, to="asked_logprobs", axis=2)
    graph.output("token", "int64", ("b", "p"))
    graph.output("logprob", "float", ("b", "p"))
    graph.output("asked_logprobs", "float", ("b", "p", "q"))
    graph.output("logits", "float", ("b", "p", sizes.vocabulary))
