"""The graph of Whisper's alignment; shapes as in ``beam_audio.models.whisper.export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.models.whisper.decoder_graph import buffer_shapes, of_alignment_heads
from beam_audio.models.whisper.encoder_graph import cross_shapes

if TYPE_CHECKING:
    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Layers


def write_alignment(layers: Layers, config: WhisperConfig) -> None:
    """Scores of the heads that follow time, for some tokens and some audio of one clip."""
    graph = layers.graph
    query = graph.input("query", layers.kind, ("b", *buffer_shapes(config)["query"]))
    first, stop = (graph.input(name, "int64", (3,)) for name in ("first", "stop"))

    def cut(x: str, *axes: int) -> str:
        """Part of ``x`` from ``first`` to ``stop`` in the row and in one more axis."""
        which = graph.integers(0, 1 if axes == (0, 2) else 2)
        bounds = (graph.node("Gather", bound, which, axis=0) for bound in (first, stop))
        return graph.node("Slice", x, *bounds, graph.integers(*axes))

    keys = {}
    for layer in sorted({layer for layer, _ in config.alignment_heads}):
        name = f"cross_key_{layer}"
        graph.input(name, layers.kind, ("b", *cross_shapes(layers, config)[name]))
        keys[layer] = cut(name, 0, 3)
    scores = graph.node("MatMul", cut(query, 0, 2), of_alignment_heads(layers, config, keys))
    graph.cast(scores, "float", to="scores")
    graph.output("scores", "float", (1, len(config.alignment_heads), "t", "c"))
