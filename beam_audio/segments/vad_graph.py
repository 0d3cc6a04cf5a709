"""The voice activity network, rebuilt to take eight frames at a time: the same bits, much faster.

Silero's graph convolves every frame of 512 samples on its own, in matrix products of four columns
or of one. Here eight frames lie side by side: each sum has the same terms in the same order, and
the products fill the registers of a processor. MLAS, the linear algebra of ONNX Runtime, sums so:

* A product of 3 to 32 columns adds up to 512 terms one after the other, and a product with a
  constant matrix up to 256. So the spectrum and the first two layers, which have four columns or
  two a frame, may have more.
* A product of one column adds term k to lane k mod 8, and the lanes at the end. The last two layers
  stay so. Their kernels reach into the padding: those terms, which are zero, are left out, and the
  others keep their lanes and their order.

Processors without AVX sum otherwise: :mod:`beam_audio.segments.vad_network` tries it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME_SAMPLES: Final = 512
CONTEXT_SAMPLES: Final = 64
"""The network takes a frame with the 64 samples before it."""

SIDE_BY_SIDE: Final = 8
"""Frames in a block, of four columns each: 32 columns are the most that are summed as four are."""

_MIRRORED = 64  # samples repeated backwards after a frame, for its last window
_WINDOWS, _WINDOW, _HOP = 4, 256, 128
_BINS = _WINDOW // 2 + 1
_HIDDEN = 128
_TAPS = 3
_LANES = 8


def side_by_side(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay out the windows of frames as the network takes them.

    Args:
        samples: The frames behind their context, shape (64 + 512 * n,).

    Returns:
        Shape (blocks * 32, 256): of each block the first windows of its frames, then the second
        ones, and so on. The last block is filled up with silence.
    """
    missing = -(len(samples) // FRAME_SAMPLES) % SIDE_BY_SIDE
    if missing:
        samples = np.concatenate((samples, np.zeros(missing * FRAME_SAMPLES, np.float32)))
    blocks = len(samples) // FRAME_SAMPLES // SIDE_BY_SIDE
    frames = np.lib.stride_tricks.as_strided(
        samples,
        (blocks, SIDE_BY_SIDE, CONTEXT_SAMPLES + FRAME_SAMPLES),
        tuple(samples.itemsize * step for step in (SIDE_BY_SIDE * FRAME_SAMPLES, FRAME_SAMPLES, 1)),
        writeable=False,
    )
    windows = np.empty((blocks, _WINDOWS, SIDE_BY_SIDE, _WINDOW), np.float32)
    for number in range(_WINDOWS - 1):
        windows[:, number] = frames[:, :, number * _HOP : number * _HOP + _WINDOW]
    windows[:, -1, :, :-_MIRRORED] = frames[:, :, (_WINDOWS - 1) * _HOP :]
    windows[:, -1, :, -_MIRRORED:] = frames[:, :, -2 : -2 - _MIRRORED : -1]
    return windows.reshape(-1, _WINDOW)


def side_by_side_model(original: bytes) -> bytes:
    """Rebuild the network from the weights of ``silero_vad_16k_sequence.onnx``.

    Inputs are ``windows`` as made by :func:`side_by_side`, ``count`` (1,), the number of frames,
    and the state ``h`` and ``c``. Outputs are ``speech_probs`` (count,), ``hn`` and ``cn``. ONNX
    Runtime must not change the layout of convolutions: it would sum in another order.

    Raises:
        ModelError: The onnx package is not installed.
    """
    graph = _Graph(original)
    features = graph.alone(graph.convolved(graph.spectrum("windows")))
    first = graph.integers(0)
    return graph.finished(graph.node("Slice", features, first, "count", first))


class _Graph:
    """Nodes and weights of the new graph."""

    def __init__(self, original: bytes) -> None:
        try:
            from onnx import TensorProto, helper, load_model_from_string, numpy_helper  # noqa: PLC0415 - slow
        except ImportError as error:
            raise ModelError(
                "voice activity detection needs the onnx package: pip install onnx"
            ) from error
        self._helper, self._numpy_helper = helper, numpy_helper
        self._float, self._int64 = TensorProto.FLOAT, TensorProto.INT64
        self._source = load_model_from_string(original)
        self._weights: dict[str, Any] = {
            tensor.name: tensor for tensor in self._source.graph.initializer
        }
        self._nodes: list[Any] = []

    def weight(self, name: str) -> NDArray[np.float32]:
        return np.asarray(self._numpy_helper.to_array(self._weights[name]))

    def constant(self, name: str, value: NDArray[Any]) -> str:
        value = np.ascontiguousarray(value)
        self._weights[name] = self._numpy_helper.from_array(value, name)
        return name

    def integers(self, *values: int) -> str:
        return self.constant(f"integers{values}", np.array(values, np.int64))

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - ONNX attributes are of any kind
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(operator, inputs, [name], **attributes))
        return name

    def shaped(self, x: str, *shape: int) -> str:
        return self.node("Reshape", x, self.integers(*shape))

    def spectrum(self, windows: str) -> str:
        """Magnitudes (blocks, 129, 4 windows, 8 frames)."""
        basis = self.weight("stft.forward_basis_buffer")[:, 0].T
        squares = []
        for name, part in (("real", basis[:, :_BINS]), ("imaginary", basis[:, _BINS:])):
            product = self.node("MatMul", windows, self.constant(name, part))
            squares.append(self.node("Mul", product, product))
        magnitudes = self.node("Sqrt", self.node("Add", *squares))
        blocks = self.shaped(magnitudes, -1, _WINDOWS * SIDE_BY_SIDE, _BINS)
        turned = self.node("Transpose", blocks, perm=[0, 2, 1])
        return self.shaped(turned, -1, _BINS, _WINDOWS, SIDE_BY_SIDE)

    def convolved(self, spectrum: str) -> str:
        """The first two layers: (blocks, 64 channels, 2 steps, 8 frames)."""
        x = spectrum
        for number, stride in ((0, 1), (1, 2)):
            kernel = self.weight(f"encoder.{number}.weight")[..., np.newaxis]
            name = self.constant(f"encoder.{number}.kernel", kernel)
            attributes = {"kernel_shape": [_TAPS, 1], "pads": [1, 0, 1, 0], "strides": [stride, 1]}
            x = self.node("Conv", x, name, f"encoder.{number}.bias", **attributes)
            x = self.node("Relu", x)
        return x

    def alone(self, x: str) -> str:
        """The last two layers, each frame on its own: features (frames, 1, 128)."""
        channels = len(self.weight("encoder.2.bias"))
        # The kernel of the third layer meets two steps, that of the fourth layer one.
        third, fourth = _in_lanes(channels, (1, 2)), _in_lanes(channels, (1,))
        rows = [channel * 2 + tap - 1 for channel, tap in third]
        lanes = self.node(
            "Gather", self.shaped(x, -1, channels * 2, SIDE_BY_SIDE), self.integers(*rows), axis=1
        )
        x = self.shaped(self.node("Transpose", lanes, perm=[0, 2, 1]), -1, len(rows), 1)
        order = [channel for channel, _ in fourth]
        x = self._product(2, x, third, order)
        x = self._product(3, x, fourth, [*range(_HIDDEN)])
        return self.shaped(x, -1, 1, _HIDDEN)

    def _product(self, number: int, x: str, terms: list[tuple[int, int]], order: list[int]) -> str:
        """A layer whose terms are (channel, tap), with its outputs in an order."""
        columns = tuple(np.transpose(terms))
        kernel = self.weight(f"encoder.{number}.weight")[order][:, *columns]
        name = self.constant(f"encoder.{number}.terms", kernel[..., np.newaxis])
        bias = self.constant(
            f"encoder.{number}.shift", self.weight(f"encoder.{number}.bias")[order]
        )
        return self.node("Relu", self.node("Conv", x, name, bias, kernel_shape=[1]))

    def finished(self, features: str) -> bytes:
        """Put the graph together, with the original's recurrent layers at its end."""
        original = self._source.graph
        place, recurrent = next(
            (place, node) for place, node in enumerate(original.node) if node.op_type == "LSTM"
        )
        recurrent.input[0] = features
        nodes = [*self._nodes, *original.node[place:]]
        value, state = self._helper.make_tensor_value_info, [1, 1, _HIDDEN]
        inputs = [
            value("windows", self._float, ["rows", _WINDOW]),
            value("count", self._int64, [1]),
            value("h", self._float, state),
            value("c", self._float, state),
        ]
        used = {name for node in nodes for name in node.input}
        weights = [tensor for name, tensor in self._weights.items() if name in used]
        graph = self._helper.make_graph(nodes, "vad", inputs, list(original.output), weights)
        model = self._helper.make_model(
            graph,
            opset_imports=list(self._source.opset_import),
            ir_version=self._source.ir_version,
        )
        content: bytes = model.SerializeToString()
        return content


def _in_lanes(channels: int, taps: tuple[int, ...]) -> list[tuple[int, int]]:
    """Terms (channel, tap) of a sum so that they lie in the lanes in which the original has them.

    There, a term's number is ``3 * channel + tap``.
    """
    terms = [(channel, tap) for channel in range(channels) for tap in taps]
    lanes: list[list[tuple[int, int]]] = [[] for _ in range(_LANES)]
    for channel, tap in terms:
        lanes[(_TAPS * channel + tap) % _LANES].append((channel, tap))
    return [term for together in zip(*lanes, strict=True) for term in together]
