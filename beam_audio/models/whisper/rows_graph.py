"""The graphs that take rows out of a batch; shapes as in ``beam_audio.models.whisper.export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.models.whisper.decoder_graph import buffer_shapes, cross_shapes

if TYPE_CHECKING:
    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Layers


def write_audio_rows(layers: Layers, config: WhisperConfig) -> None:
    """Rows of what the decoder needs of the audio, with the first of their positions."""
    graph = layers.graph
    rows = graph.input("rows", "int64", ("k",))
    positions = graph.input("positions", "int64", (1,))
    graph.input("log_members", "float", ("b", "n"))
    shapes = cross_shapes(config)
    for name, shape in shapes.items():
        graph.input(name, layers.kind, ("b", *shape))
    for name, shape in {"log_members": ("n",), **shapes}.items():
        taken = graph.node("Gather", name, rows, axis=0)
        axis = graph.integers(1 + shape.index("n"))
        graph.node("Slice", taken, graph.integers(0), positions, axis, to=f"kept_{name}")
        kind = "float" if name == "log_members" else layers.kind
        kept = ("m" if size == "n" else size for size in shape)
        graph.output(f"kept_{name}", kind, ("k", *kept))


def write_rows(layers: Layers, config: WhisperConfig) -> None:
    """Rows of the buffers in which every token has a place."""
    graph = layers.graph
    rows = graph.input("rows", "int64", ("k",))
    for name, shape in buffer_shapes(config).items():
        graph.node(
            "Gather", graph.input(name, layers.kind, ("b", *shape)), rows, to=f"kept_{name}", axis=0
        )
        graph.output(f"kept_{name}", layers.kind, ("k", *shape))
