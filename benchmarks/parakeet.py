"""Speed of a whole transducer of Parakeet-TDT-0.6b's shape, from samples to words.

The weights are random, so the words mean nothing. Noise is added to the encoder's frames, so that
they have about as many tokens as frames of speech.
The encoder is a FastConformer: three convolutions that make one frame of eight, and 24 layers of
half a feed-forward network, attention with relative positions, a convolution over time, and the
other half. It is written as the export that ``--model=DIR`` takes, with its decoder beside it.

    python benchmarks/parakeet.py --provider=cuda --half --batch=32
    python benchmarks/parakeet.py --layers=1 --batch=2 --rounds=1    # a rehearsal on a CPU
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from machine import describe_machine, machine_line
from reference import markdown_table
from repeated_noise import RepeatedNoise

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.random_transducer import PARAKEET, random_transducer, write_decoder_joint

from beam_audio.asr import ModelOptions, Request, load_model
from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from beam_audio.models.onnx_graph import Kind

FEATURES: Final = 128
WIDTH: Final = PARAKEET.width
HEADS: Final = 8
LAYERS: Final = 24
CHANNELS: Final = 256  # of the convolutions before the layers
TIME_KERNEL: Final = 9
RATE_HZ: Final = 16_000
DURATIONS: Final = 5
_MOST_WEIGHTS: Final = 4 * WIDTH**2  # of one matrix
_CLIPS: Final = 1000  # that differ in when they say something
_FIRST_NUMBER: Final = ((0, 0), (1, 1), (1, 2))  # of each clip: starts, ends, axes
_HIDDEN: Final = -1e4  # hides a frame of padding, in float16 too


class Encoder:
    """Writes the graph.

    Args:
        path: The file; weights go beside it.
        layers: Number of layers.
        half: Whether weights and products are float16.
    """

    def __init__(self, path: Path, layers: int, *, half: bool) -> None:
        self._graph = GraphWriter("encoder", path, external=True)
        self._kind: Kind = "float16" if half else "float"
        self._dtype = np.float16 if half else np.float32
        self._noise = RepeatedNoise(_MOST_WEIGHTS, 1.0, np.float32)
        self._count = 0
        self._write(layers)

    def _random(self, *shape: int, inputs: int) -> str:
        self._count += 1
        array = self._noise(*shape) * np.float32(inputs**-0.5)
        return self._graph.weight(f"w{self._count}", array.astype(self._dtype))

    def _number(self, value: float) -> str:
        return self._graph.weight(f"number_{value}", np.array([value], self._dtype))

    def _linear(self, x: str, inputs: int, outputs: int) -> str:
        product = self._graph.node("MatMul", x, self._random(inputs, outputs, inputs=inputs))
        return self._graph.node("Add", product, self._random(outputs, inputs=10_000))

    def _norm(self, x: str) -> str:
        ones = self._graph.weight("ones", np.ones(WIDTH, self._dtype))
        return self._graph.node("LayerNormalization", x, ones, axis=-1)

    def _swish(self, x: str) -> str:
        return self._graph.node("Mul", x, self._graph.node("Sigmoid", x))

    def _conv(self, x: str, ins: int, outs: int, **attributes: Any) -> str:  # noqa: ANN401 (ONNX attributes are of any kind)
        kernel = attributes["kernel_shape"]
        shape = (outs, ins // attributes.get("group", 1), *kernel)
        weight = self._random(*shape, inputs=int(np.prod(shape[1:])))
        return self._graph.node("Conv", x, weight, **attributes)

    def _write(self, layers: int) -> None:
        graph = self._graph
        graph.input("audio_signal", "float", ("b", FEATURES, "n"))
        graph.input("length", "int64", ("b",))
        whole = graph.node("Add", "length", graph.integers(7))
        graph.node("Div", whole, graph.integers(8), to="encoded_lengths")
        x = self._subsampled(graph.cast("audio_signal", self._kind))
        frames = graph.node("Gather", graph.node("Shape", x), graph.integers(1), axis=0)
        zero, one = (graph.node("Squeeze", graph.integers(n), graph.integers(0)) for n in (0, 1))
        last = graph.node("Squeeze", frames, graph.integers(0))
        places = graph.node("Range", zero, last, one)
        ends = graph.node("Unsqueeze", "encoded_lengths", graph.integers(1))
        heard = graph.cast(graph.node("Less", places, ends), self._kind)
        missing = graph.node("Sub", self._number(1.0), heard)
        hidden = graph.node("Mul", missing, self._number(_HIDDEN))
        bias = graph.node("Unsqueeze", hidden, graph.integers(1, 2))
        column = graph.node("Unsqueeze", heard, graph.integers(2))
        apart = self._distances(frames)
        for _ in range(layers):
            x = self._layer(x, bias, column, apart)
        x = graph.node("Transpose", self._spoken(x, places), perm=[0, 2, 1])
        graph.cast(x, "float", to="outputs")
        graph.output("outputs", "float", ("b", WIDTH, "t"))
        graph.output("encoded_lengths", "int64", ("b",))
        graph.write()

    def _subsampled(self, x: str) -> str:
        """From (b, features, n) to (b, n / 8, width)."""
        graph = self._graph
        x = graph.node("Unsqueeze", graph.node("Transpose", x, perm=[0, 2, 1]), graph.integers(1))
        halved: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
        x = graph.node("Relu", self._conv(x, 1, CHANNELS, **halved))
        for _ in range(2):
            x = self._conv(x, CHANNELS, CHANNELS, group=CHANNELS, **halved)
            x = graph.node("Relu", self._conv(x, CHANNELS, CHANNELS, kernel_shape=[1, 1]))
        size = CHANNELS * FEATURES // 8
        x = graph.node("Transpose", x, perm=[0, 2, 1, 3])
        return self._linear(graph.node("Reshape", x, graph.integers(0, -1, size)), size, WIDTH)

    def _spoken(self, x: str, places: str) -> str:
        """Frames (b, t, width) that are mostly noise: other noise for each clip and place.

        Frames of random weights are so alike that all of them say something, or none.
        """
        graph = self._graph
        first = graph.node("Slice", "audio_signal", *(graph.integers(*n) for n in _FIRST_NUMBER))
        large = graph.node("Mul", first, graph.weight("thousand", np.array([1000], np.float32)))
        clips = graph.node("Mod", graph.cast(large, "int64"), graph.integers(_CLIPS))
        row = graph.node("Add", graph.node("Squeeze", clips, graph.integers(2)), places)
        noise = graph.node("Gather", self._random(_CLIPS + 512, WIDTH, inputs=1), row, axis=0)
        return graph.node("Add", noise, graph.node("Mul", x, self._number(0.1)))

    def _distances(self, frames: str) -> str:
        """Something for each distance of two frames, (2 frames - 1, width)."""
        graph = self._graph
        twice = graph.node("Mul", frames, graph.integers(2))
        count = graph.node("Sub", twice, graph.integers(1))
        table = self._random(2 * 512, WIDTH, inputs=1)
        return graph.node("Slice", table, graph.integers(0), count, graph.integers(0))

    def _layer(self, x: str, bias: str, heard: str, apart: str) -> str:
        graph = self._graph
        x = graph.node("Add", x, self._feed_forward(x))
        x = graph.node("Add", x, self._attention(self._norm(x), bias, apart))
        x = graph.node("Add", x, self._over_time(self._norm(x), heard))
        return self._norm(graph.node("Add", x, self._feed_forward(x)))

    def _feed_forward(self, x: str) -> str:
        wide = self._swish(self._linear(self._norm(x), WIDTH, 4 * WIDTH))
        return self._graph.node("Mul", self._linear(wide, 4 * WIDTH, WIDTH), self._number(0.5))

    def _attention(self, x: str, bias: str, apart: str) -> str:
        graph, size = self._graph, WIDTH // HEADS

        def heads(y: str, perm: list[int]) -> str:
            parted = graph.node("Reshape", y, graph.integers(0, -1, HEADS, size))
            return graph.node("Transpose", parted, perm=perm)

        query = heads(self._linear(x, WIDTH, WIDTH), [0, 2, 1, 3])
        key = heads(self._linear(x, WIDTH, WIDTH), [0, 2, 3, 1])
        value = heads(self._linear(x, WIDTH, WIDTH), [0, 2, 1, 3])
        far = graph.node("Unsqueeze", self._linear(apart, WIDTH, WIDTH), graph.integers(0))
        by_distance = graph.node("MatMul", query, heads(far, [0, 2, 3, 1]))
        scores = graph.node("Add", graph.node("MatMul", query, key), self._shifted(by_distance))
        scores = graph.node("Mul", scores, self._number(size**-0.5))
        weights = graph.node("Softmax", graph.node("Add", scores, bias), axis=-1)
        mixed = graph.node("Transpose", graph.node("MatMul", weights, value), perm=[0, 2, 1, 3])
        joined = graph.node("Reshape", mixed, graph.integers(0, -1, WIDTH))
        return self._linear(joined, WIDTH, WIDTH)

    def _shifted(self, scores: str) -> str:
        """From scores by distance, (b, heads, t, 2 t - 1), to those of frame and frame."""
        graph = self._graph
        shape = graph.node("Shape", scores)
        rows = graph.node("Gather", shape, graph.integers(2), axis=0)
        padded = graph.node("Pad", scores, graph.integers(0, 0, 0, 1, 0, 0, 0, 0))
        turned = graph.node("Concat", graph.integers(0, 0, -1), rows, axis=0)  # (b, heads, 2 t, t)
        flat = graph.node("Reshape", padded, turned)
        later = graph.node("Slice", flat, *(graph.integers(n) for n in (1, 10**6, 2)))
        wide = graph.node("Concat", graph.integers(0, 0), rows, graph.integers(-1), axis=0)
        back = graph.node("Reshape", later, wide)
        return graph.node("Slice", back, graph.integers(0), rows, graph.integers(3))

    def _over_time(self, x: str, heard: str) -> str:
        graph = self._graph
        both = self._linear(x, WIDTH, 2 * WIDTH)
        one, other = graph.nodes(
            "Split", both, to=(graph.fresh("a"), graph.fresh("b")), axis=-1, num_outputs=2
        )
        gated = graph.node("Mul", graph.node("Mul", one, graph.node("Sigmoid", other)), heard)
        turned = graph.node("Transpose", gated, perm=[0, 2, 1])
        around = TIME_KERNEL // 2
        depth: dict[str, Any] = {"kernel_shape": [TIME_KERNEL], "pads": [around, around]}
        mixed = self._swish(self._conv(turned, WIDTH, WIDTH, group=WIDTH, **depth))
        return self._linear(graph.node("Transpose", mixed, perm=[0, 2, 1]), WIDTH, WIDTH)


def write_model(directory: Path, layers: int, *, half: bool) -> None:
    """Write the files that ``load_model`` takes."""
    weights = random_transducer(1, durations=DURATIONS, sizes=replace(PARAKEET, blanks=0.7))
    Encoder(directory / "encoder-model.onnx", layers, half=half)
    write_decoder_joint(directory / "decoder_joint-model.onnx", weights)
    names = [f"\N{LOWER ONE EIGHTH BLOCK}t{number}" for number in range(weights.tokens - 1)]
    lines = [f"{name} {number}\n" for number, name in enumerate([*names, "<blk>"])]
    (directory / "vocab.txt").write_text("".join(lines), "utf-8")
    settings = {"model_type": "nemo-conformer-tdt", "features_size": FEATURES}
    (directory / "config.json").write_text(json.dumps(settings), "utf-8")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--provider", default="cpu")
    parser.add_argument("--half", action="store_true", help="float16 in the encoder")
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each clip")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((given.batch, round(given.seconds * RATE_HZ)), np.float32) / 10
    requests = [Request(clip) for clip in samples]
    print(machine_line(describe_machine()))
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        write_model(directory, given.layers, half=given.half)
        start = time.perf_counter()
        options = ModelOptions(provider=given.provider, require_provider=True)
        model = load_model(str(directory), options)
        loading = time.perf_counter() - start
        heard = model.transcribe(requests)  # this warms up, too
        spent = []
        for _ in range(given.rounds):
            start = time.perf_counter()
            model.transcribe(requests)
            spent.append(time.perf_counter() - start)
    seconds, median = given.batch * given.seconds, statistics.median(spent)
    tokens = sum(len(one.token_ids) for one in heard) / seconds
    columns = ("provider", "layers", "clips", "tokens a second", "load s", "s", "x real time")
    about = (model.provider, given.layers, f"{given.batch} of {given.seconds:g} s", f"{tokens:.1f}")
    times = (f"{loading:.1f}", f"{median:.3f}", f"{seconds / median:,.0f}")
    print(markdown_table(columns, [(*about, *times)]))


if __name__ == "__main__":
    main()
