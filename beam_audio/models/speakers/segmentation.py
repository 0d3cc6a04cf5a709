"""The graph of pyannote segmentation 3.0, which tells who speaks when, from its weights.

Filters that each pass one band of the samples, two convolutions, four recurrent layers in both
directions, three linear ones. Sources: Bredin, "pyannote.audio 2.1 speaker diarization pipeline",
Interspeech 2023; for the filters, Ravanelli and Bengio, "Speaker recognition from raw waveform with
SincNet", SLT 2018, with a cosine and a sine for each band.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.models.onnx_graph import GraphWriter
from beam_audio.models.torch_archive import read_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.models.torch_archive import Checkpoint

_LOWEST_HZ: Final = np.float32(50)
_NARROWEST_HZ: Final = np.float32(50)
_HIGHEST_HZ: Final = np.float32(8_000)
_TWO: Final = np.float32(2)
_STRIDE_SAMPLES: Final = 10
_CONVOLUTIONS: Final = 2
_LAYERS: Final = 4
_CELLS: Final = 128
_LINEAR_LAYERS: Final = 2
_CLASSES: Final = 7
_EPSILON: Final = 1e-5
_SLOPE: Final = 0.01
"""Of a leaky ReLU below 0."""
_GATES: Final = (0, 3, 1, 2)
"""Torch has input, forget, cell and output in a row; ONNX has input, output, forget and cell."""


def write_segmentation(weights: Path, path: Path) -> None:
    """Write the graph; the same weights give the same bytes.

    It takes ``waveform``, float32 of shape (b, 1, samples) at 16 kHz. It gives ``log_probs``,
    float32 of shape (b, frames, 7): nobody, one of three voices, or two of them at once.

    Args:
        weights: A checkpoint of the network, as torch saves it.
        path: The ``.onnx`` file.

    Raises:
        ModelError: The checkpoint is damaged, or another network's.
    """
    graph = GraphWriter("segmentation", path)
    writer = _Writer(graph, read_checkpoint(weights))
    waveform = graph.input("waveform", "float", ("b", 1, "samples"))
    x = writer.linear(writer.recurrent(writer.bands(waveform)))
    graph.node("LogSoftmax", x, axis=-1, to="log_probs")
    graph.output("log_probs", "float", ("b", "frames", _CLASSES))
    graph.write()


def band_filters(
    low_hz: NDArray[np.float32],
    width_hz: NDArray[np.float32],
    radians: NDArray[np.float32],
    window: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Filters that pass one band each: first those that are even in time, then those that are odd.

    The even one is ``(sin 2πft at the upper edge - at the lower) / πt``, the odd one the same of
    cosines with the sign changed; both over twice the width of the band, and times a window. Steps
    are rounded to float32 as in training, because the network hears the difference; sines are
    computed in float64 first, so that all processors agree on their float32.

    Args:
        low_hz: Lower edges less 50 Hz, of shape (f, 1); the sign does not count.
        width_hz: Widths less 50 Hz, of shape (f, 1); the sign does not count.
        radians: 2πt on the left of the middle, t in seconds, of shape (1, n).
        window: On the left of the middle, of shape (n,).

    Returns:
        float32 of shape (2 f, 1, 2 n + 1).
    """
    low = np.abs(low_hz) + _LOWEST_HZ
    high = np.clip(low + _NARROWEST_HZ + np.abs(width_hz), _LOWEST_HZ, _HIGHEST_HZ)
    even = _rounded(np.sin, high * radians) - _rounded(np.sin, low * radians)
    odd = _rounded(np.cos, low * radians) - _rounded(np.cos, high * radians)
    even, odd = (each / (radians / _TWO) * window for each in (even, odd))
    double = _TWO * (high - low)
    filters = [
        np.concatenate([even, double, even[:, ::-1]], axis=1) / double,
        np.concatenate([odd, np.zeros_like(double), -odd[:, ::-1]], axis=1) / double,
    ]
    return np.concatenate(filters)[:, np.newaxis]


def _rounded(wave: np.ufunc, angle: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = wave(angle.astype(np.float64)).astype(np.float32)
    return found


class _Writer:
    """Writes parts of the network."""

    def __init__(self, graph: GraphWriter, weights: Checkpoint) -> None:
        self._graph = graph
        self._weights = weights

    def bands(self, waveform: str) -> str:
        """Of samples (b, 1, n), channels (b, 60, frames)."""
        graph, bank = self._graph, "sincnet.conv1d.0.filterbank"
        filters = band_filters(
            *(
                self._weights.read(f"{bank}.{name}_")
                for name in ("low_hz", "band_hz", "n", "window")
            )
        )
        x = self._normed("sincnet.wav_norm1d", waveform)
        x = graph.node("Conv", x, graph.weight(bank, filters), strides=[_STRIDE_SAMPLES])
        x = self._pooled("sincnet.norm1d.0", graph.node("Abs", x))
        for layer in range(1, _CONVOLUTIONS + 1):
            names = [f"sincnet.conv1d.{layer}.{name}" for name in ("weight", "bias")]
            x = graph.node("Conv", x, *map(self._weight, names))
            x = self._pooled(f"sincnet.norm1d.{layer}", x)
        return x

    def recurrent(self, x: str) -> str:
        """Of channels (b, 60, frames), those of both directions, (b, frames, 256)."""
        graph = self._graph
        x = graph.node("Transpose", x, perm=[2, 0, 1])
        for layer in range(_LAYERS):
            given = [
                graph.weight(f"lstm.{layer}.{name}", self._both_directions(layer, *names))
                for name, *names in (
                    ("weight", "weight_ih"),
                    ("recurrence", "weight_hh"),
                    ("bias", "bias_ih", "bias_hh"),
                )
            ]
            x = graph.node("LSTM", x, *given, direction="bidirectional", hidden_size=_CELLS)
            # Dimensions: frames, directions, b, cells.
            x = graph.node("Transpose", x, perm=[0, 2, 1, 3])
            x = graph.node("Reshape", x, graph.integers(0, 0, -1))
        return graph.node("Transpose", x, perm=[1, 0, 2])

    def linear(self, x: str) -> str:
        """Of channels (b, frames, 256), scores of the classes (b, frames, 7)."""
        for layer in range(_LINEAR_LAYERS):
            x = self._leaky(self._multiplied(f"linear.{layer}", x))
        return self._multiplied("classifier", x)

    def _both_directions(self, layer: int, *names: str) -> NDArray[np.float32]:
        """Weights of both directions as ONNX has them; several are joined in a row."""
        return np.stack(
            [
                np.concatenate(
                    [
                        _onnx_gates(self._weights.read(f"lstm.{name}_l{layer}{way}"))
                        for name in names
                    ]
                )
                for way in ("", "_reverse")
            ]
        )

    def _pooled(self, norm: str, x: str) -> str:
        x = self._graph.node("MaxPool", x, kernel_shape=[3], strides=[3])
        return self._leaky(self._normed(norm, x))

    def _normed(self, part: str, x: str) -> str:
        """Each channel less its mean over time, over its deviation."""
        names = [f"{part}.{name}" for name in ("weight", "bias")]
        return self._graph.node(
            "InstanceNormalization", x, *map(self._weight, names), epsilon=_EPSILON
        )

    def _multiplied(self, part: str, x: str) -> str:
        matrix = self._graph.weight(f"{part}.matrix", self._weights.read(f"{part}.weight").T)
        product = self._graph.node("MatMul", x, matrix)
        return self._graph.node("Add", product, self._weight(f"{part}.bias"))

    def _leaky(self, x: str) -> str:
        return self._graph.node("LeakyRelu", x, alpha=_SLOPE)

    def _weight(self, name: str) -> str:
        return self._graph.weight(name, self._weights.read(name))


def _onnx_gates(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    return weight.reshape(len(_GATES), -1, *weight.shape[1:])[list(_GATES)].reshape(weight.shape)
