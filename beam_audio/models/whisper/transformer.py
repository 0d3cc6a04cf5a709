"""Parts of a transformer as ONNX nodes, in the number type of a precision.

``float32`` and ``float16`` are the network as published. ``int8``, for CPUs, multiplies integers.
Every row on the left is scaled by its own largest magnitude, so that its result never depends on
other rows, and every output channel of a weight has its own scale. Weights only take the integers
from -63 to 63: AVX2 adds pairs of products in 16 bits, which larger weights overflow, and a machine
without VNNI would then give other results than one with it. Norms, softmax, attention, convolutions
and the scores of the vocabulary stay in float32; integer scores of the vocabulary alone would cost
as much accuracy as all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from beam_audio.models.onnx_graph import GraphWriter, Kind
    from beam_audio.models.weights import Tensor

Precision = Literal["float32", "float16", "int8"]
PRECISIONS: Final[tuple[Precision, ...]] = ("float32", "float16", "int8")

_EPSILON = 1e-5
_LARGEST_WEIGHT = 63
_LARGEST_ACTIVATION = 127
_ZERO_POINT = 128
_SMALLEST_SCALE = 1e-12
MICROSOFT = "com.microsoft"


class Layers:
    """Writes layers of a checkpoint into a graph.

    Args:
        graph: The graph.
        weights: Weights by name; linear layers have a ``.weight`` (out, in) and a ``.bias``.
        width: Size of the hidden state.
        precision: Number type of weights and activations.
    """

    def __init__(
        self, graph: GraphWriter, weights: dict[str, Tensor], width: int, precision: Precision
    ) -> None:
        self.graph = graph
        self.weights = weights
        self.width = width
        self.precision = precision
        self.kind: Kind = "float16" if precision == "float16" else "float"
        self._dtype = np.float16 if precision == "float16" else np.float32
        self._rows: dict[str, tuple[str, str]] = {}

    def array(self, name: str, array: NDArray[np.float32]) -> str:
        """A constant in the graph's number type."""
        return self.graph.weight(name, array.astype(self._dtype))

    def constant(self, name: str) -> str:
        """A weight, in the graph's number type."""
        return self.array(name, self.weights[name].read())

    def lowest(self) -> str:
        """The least finite number; added to a score, it hides the score from a softmax."""
        return self.graph.weight("lowest", np.array(np.finfo(self._dtype).min))

    def linear(self, x: str, name: str, scale_rows: slice = slice(0), scale: float = 1.0) -> str:
        """``x`` times the transposed weight, plus the bias; some outputs may be scaled."""
        return self.graph.node("Add", *self.projected(x, name, scale_rows, scale))

    def projected(
        self, x: str, name: str, scale_rows: slice = slice(0), scale: float = 1.0
    ) -> tuple[str, str]:
        """The product and the bias whose sum is ``linear``."""
        weight, bias = self.parameters(name)
        for array in (weight, bias):
            array[scale_rows] *= np.float32(scale)
        product = self.multiply(x, f"{name}.weight", weight)
        return product, self.array(f"{name}.bias", bias)

    def parameters(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weight (out, in) and bias (out,) of a linear layer, which may be changed."""
        return self.weights[f"{name}.weight"].read(), self.weights[f"{name}.bias"].read()

    def multiply(self, x: str, name: str, weight: NDArray[np.float32]) -> str:
        """``x`` times the transpose of ``weight``, float32 (out, in)."""
        if self.precision != "int8":
            return self.graph.node("MatMul", x, self.array(name, weight.T))
        rows, peaks = self._quantized_rows(x)
        whole, scales = self.quantized(name, weight)
        product = self.graph.node(
            "MatMulIntegerToFloat",
            rows,
            whole,
            self._scalar("activation_step", np.float32(1 / _LARGEST_ACTIVATION)),
            scales,
            self._scalar("activation_zero", np.uint8(_ZERO_POINT)),
            domain=MICROSOFT,
        )
        return self.graph.node("Mul", product, peaks)

    def quantized(self, name: str, weight: NDArray[np.float32]) -> tuple[str, str]:
        """The transpose of ``weight`` (out, in) as int8, and the scale of each output channel."""
        scales = np.abs(weight).max(axis=1) / np.float32(_LARGEST_WEIGHT)
        scales = np.maximum(scales, np.float32(_SMALLEST_SCALE))
        whole = np.rint(weight / scales[:, None]).astype(np.int8)
        return (
            self.graph.weight(f"{name}.int8", whole.T),
            self.graph.weight(f"{name}.scales", scales),
        )

    def _quantized_rows(self, x: str) -> tuple[str, str]:
        """``x`` as unsigned bytes around 128, and the largest magnitude of each of its rows."""
        if x not in self._rows:
            sizes = self.graph.node("Abs", x)
            peaks = self.graph.node("ReduceMax", sizes, self.graph.integers(-1), keepdims=1)
            peaks = self.graph.node(
                "Max", peaks, self._scalar("smallest_peak", np.float32(_SMALLEST_SCALE))
            )
            rows = self.graph.node(
                "QuantizeLinear",
                self.graph.node("Div", x, peaks),
                self._scalar("activation_step", np.float32(1 / _LARGEST_ACTIVATION)),
                self._scalar("activation_zero", np.uint8(_ZERO_POINT)),
            )
            self._rows[x] = rows, peaks
        return self._rows[x]

    def _scalar(self, name: str, value: np.generic) -> str:
        return self.graph.weight(name, np.array(value))

    def embed(self, tokens: str, name: str) -> str:
        """Rows of the table ``name`` (vocabulary, width) for int64 ``tokens`` (b, t)."""
        return self.graph.node("Gather", self.constant(name), tokens, axis=0)

    def logits(self, x: str, name: str) -> str:
        """Scores (rows, vocabulary) of ``x`` (rows, width) against the table ``name``."""
        return self.graph.node("Gemm", x, self.constant(name), transB=1)

    def norm(self, x: str, name: str) -> str:
        """Layer normalisation."""
        return self.graph.node(
            "LayerNormalization",
            x,
            self.constant(f"{name}.weight"),
            self.constant(f"{name}.bias"),
            axis=-1,
            epsilon=_EPSILON,
        )

    def add_and_norm(self, x: str, product: str, bias: str, name: str) -> tuple[str, str]:
        """The sum of all three, and its layer normalisation."""
        if self.kind == "float":
            total = self.graph.node("Add", x, self.graph.node("Add", product, bias))
            return total, self.norm(total, name)
        # One operator on a GPU: it took .15 ms for 32 windows of large-v3, and those three .41 ms.
        normed, total = self.graph.fresh("Normed"), self.graph.fresh("Total")
        parameters = (self.constant(f"{name}.{each}") for each in ("weight", "bias"))
        self.graph.nodes(
            "SkipLayerNormalization",
            *(x, product, *parameters, bias),
            to=(normed, "", "", total),
            domain=MICROSOFT,
            epsilon=_EPSILON,
        )
        return total, normed

    def mlp(self, x: str, name: str) -> tuple[str, str]:
        """Two linear layers of ``x`` with exact GELU between them; the second as ``projected``."""
        hidden = self.graph.node("Gelu", self.linear(x, f"{name}.up"))
        return self.projected(hidden, f"{name}.down")

    def heads(self, x: str, count: int, *, swapped: bool = False, to: str | None = None) -> str:
        """(b, n, width) to (b, heads, n, size), or to (b, heads, size, n) when swapped."""
        split = self.graph.node(
            "Reshape", x, self.graph.integers(0, -1, count, self.width // count)
        )
        order = [0, 2, 3, 1] if swapped else [0, 2, 1, 3]
        return self.graph.node("Transpose", split, to=to, perm=order)

    def attend(self, scores: str, value: str, mask: str, *, swapped: bool = False) -> str:
        """Mix ``value`` by the softmax of ``scores`` (b, heads, t, n) plus ``mask``.

        ``value`` is (b, heads, n, size), or (b, heads, size, n) when swapped.
        """
        weights = self.graph.node("Softmax", self.graph.node("Add", scores, mask), axis=-1)
        if swapped:
            mixed = self.graph.node("FusedMatMul", weights, value, domain=MICROSOFT, transB=1)
        else:
            mixed = self.graph.node("MatMul", weights, value)
        joined = self.graph.node("Transpose", mixed, perm=[0, 2, 1, 3])
        return self.graph.node("Reshape", joined, self.graph.integers(0, -1, self.width))

    def split(self, x: str, parts: Iterable[str]) -> tuple[str, ...]:
        """Equal parts along the last axis."""
        names = tuple(f"{x}_{part}" for part in parts)
        return self.graph.nodes("Split", x, to=names, axis=-1, num_outputs=len(names))
