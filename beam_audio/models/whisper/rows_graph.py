"""The graphs that take rows out of a batch; shapes as in ``beam_audio.models.whisper.export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beam_audio.models.whisper.decoder_graph import buffer_shapes
from beam_audio.models.whisper.encoder_graph import cross_shapes

if TYPE_CHECKING:
    from beam_audio.models.onnx_graph import Kind
    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Layers


_HIDDEN = -1e4


def write_audio_rows(layers: Layers, config: WhisperConfig) -> None:
    """Rows of what the decoder needs of the audio, with as many positions as asked for.

    Positions that are added are hidden.
    """
    graph, shapes = layers.graph, cross_shapes(layers, config)
    rows = graph.input("rows", "int64", ("k",))
    positions = graph.input("positions", "int64", (1,))
    graph.input("log_members", "float", ("b", "n"))
    more = graph.node("Sub", positions, graph.node("Shape", "log_members", start=1))
    hidden = graph.weight("hidden", np.array(_HIDDEN, np.float32))
    _take(layers, "log_members", ("n",), (rows, more), ("float", hidden))
    nothing = layers.array("nothing", np.array(0.0, np.float32))
    for name, shape in shapes.items():
        graph.input(name, layers.kind, ("b", *shape))
        _take(layers, name, shape, (rows, more), (layers.kind, nothing))


def _take(
    layers: Layers,
    name: str,
    shape: tuple[int | str, ...],
    which: tuple[str, str],
    filling: tuple[Kind, str],
) -> None:
    graph, (rows, more), (kind, value) = layers.graph, which, filling
    taken = graph.node("Gather", name, rows, axis=0)
    before = graph.integers(0)
    axis = graph.integers(1 + shape.index("n"))
    pads = graph.node("Concat", before, more, axis=0)
    graph.node("Pad", taken, pads, value, axis, to=f"kept_{name}")
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
