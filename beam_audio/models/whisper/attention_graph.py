"""The graph that says, for devices, how much more a token attends to a frame than others do.

It is ``beam_audio.asr.whisper.alignment.attention`` for several clips at once. The scores of all
heads would be many times as much to fetch, and a processor's core would need longer for them than
the device needs for the texts. Shapes, with b clips of a batch, a alignment heads of size d, s
places, n audio positions, and k of the clips, of which t places and m positions are looked at::

    query (b, a, s, d), cross_key_N (b, h, d, n) of some layers, rows (k,), first (1,), stop (1,),
    positions (1,), hidden (k, m), fed (k, t), columns (k, m + 6, 1) -> attention (k, t, m)

``first`` and ``stop`` bound the places, and ``positions`` is m. ``hidden`` is added to the scores
of positions; ``fed`` is 1 for the places that a clip has, else 0. ``columns`` are the positions
that the median filter sees: each clip's own, mirrored at both of its ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.models.onnx_graph import GraphWriter
from beam_audio.models.whisper.decoder_graph import buffer_shapes, of_alignment_heads
from beam_audio.models.whisper.encoder_graph import cross_shapes
from beam_audio.models.whisper.transformer import Layers

if TYPE_CHECKING:
    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Precision

HALF_FILTER_FRAMES: Final = 3
"""The median is that of a frame and so many on both sides of it."""
_HALF: Final = HALF_FILTER_FRAMES
_TO_THE_END: Final = np.iinfo(np.int64).max
_LEAST_SPREAD: Final = 1e-30  # where all weigh the same, nothing is divided by it


def attention_model(config: WhisperConfig, precision: Precision) -> bytes:
    """The graph as a file would hold it."""
    graph = GraphWriter("attention")
    layers = Layers(graph, {}, config.dimensions.width, precision)
    weights = _weights(layers, config)
    z_scores = _z_scores(graph, weights)
    frames_first = graph.node("Transpose", z_scores, perm=[0, 3, 1, 2])
    columns = graph.input("columns", "int64", ("k", "c", 1))
    mirrored = graph.node("GatherND", frames_first, columns, batch_dims=1)
    mean = graph.node("ReduceMean", _median(graph, mirrored), graph.integers(2), keepdims=0)
    graph.node("Transpose", mean, to="attention", perm=[0, 2, 1])
    graph.output("attention", "float", ("k", "t", "m"))
    return graph.model_bytes()


def _weights(layers: Layers, config: WhisperConfig) -> str:
    """The softmax of every head that follows time over the positions of a clip (k, a, t, m)."""
    graph = layers.graph
    query = graph.input("query", layers.kind, ("b", *buffer_shapes(config)["query"]))
    rows = graph.input("rows", "int64", ("k",))
    first, stop, positions = (
        graph.input(name, "int64", (1,)) for name in ("first", "stop", "positions")
    )
    keys = {}
    for layer in sorted({layer for layer, _ in config.alignment_heads}):
        name = f"cross_key_{layer}"
        graph.input(name, layers.kind, ("b", *cross_shapes(layers, config)[name]))
        taken = graph.node("Gather", name, rows, axis=0)
        keys[layer] = graph.node("Slice", taken, graph.integers(0), positions, graph.integers(3))
    asked = graph.node(
        "Slice", graph.node("Gather", query, rows, axis=0), first, stop, graph.integers(2)
    )
    scores = graph.cast(
        graph.node("MatMul", asked, of_alignment_heads(layers, config, keys)), "float"
    )
    hidden = graph.node(
        "Unsqueeze", graph.input("hidden", "float", ("k", "m")), graph.integers(1, 2)
    )
    return graph.node("Softmax", graph.node("Add", scores, hidden), axis=-1)


def _z_scores(graph: GraphWriter, weights: str) -> str:
    """Each position's z-score over the places that a clip has; 0 where all weigh the same."""
    fed = graph.node("Unsqueeze", graph.input("fed", "float", ("k", "t")), graph.integers(1, 3))
    places = graph.integers(2)
    count = graph.node("ReduceSum", fed, places, keepdims=1)

    def mean(x: str) -> str:
        return graph.node("Div", graph.node("ReduceSum", x, places, keepdims=1), count)

    middle = mean(graph.node("Mul", weights, fed))
    above = graph.node("Mul", graph.node("Sub", weights, middle), fed)
    spread = graph.node("Sqrt", mean(graph.node("Mul", above, above)))
    least = graph.weight("least_spread", np.array(_LEAST_SPREAD, np.float32))
    return graph.node("Div", above, graph.node("Max", spread, least))


def _median(graph: GraphWriter, rows: str) -> str:
    """Median of each seven neighbours along axis 1, as ``alignment.median_of_7`` finds it."""

    def part(x: str, first: int, stop: int) -> str:
        return graph.node(
            "Slice", x, graph.integers(first), graph.integers(stop), graph.integers(1)
        )

    def low(x: str, y: str) -> str:
        return graph.node("Min", x, y)

    def high(x: str, y: str) -> str:
        return graph.node("Max", x, y)

    one, two, three = part(rows, 0, -2), part(rows, 1, -1), part(rows, 2, _TO_THE_END)
    smaller, larger = low(one, two), high(one, two)
    rest = high(smaller, three)
    triples = low(smaller, three), low(larger, rest), high(larger, rest)
    a1, a2, a3 = (part(x, 0, -_HALF - 1) for x in triples)
    b1, b2, b3 = (part(x, _HALF, -1) for x in triples)
    third = low(low(a3, b3), low(high(a2, b1), high(a1, b2)))
    fourth = high(high(a1, b1), high(low(a2, b3), low(a3, b2)))
    return high(third, low(fourth, part(rows, 2 * _HALF, _TO_THE_END)))
