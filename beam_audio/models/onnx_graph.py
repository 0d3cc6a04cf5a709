"""A small writer of ONNX graphs: one call per node, weights inside the file or beside it.

A graph without a file stays in memory: a session loads it, or it is the body of a loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

try:
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:  # pragma: no cover - onnx is a core dependency
    raise ModelError("building a model needs the onnx package: run pip install onnx") from error

Kind = Literal["float", "float16", "int32", "int64", "bool"]

OPSET = 20  # the first with Gelu; onnxruntime has it since 1.18
_IR_VERSION = 9  # the file format version of that opset
_KINDS: dict[Kind, int] = {
    "float": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}
_ALIGNMENT_BYTES = 65536  # so that every system can map external weights instead of reading them
_INLINE_BYTES = 1024  # shapes and scalars stay in the file even if weights go beside it


class GraphWriter:
    """Collects nodes and weights of one model and writes it.

    Args:
        name: Name of the graph. Without a file, the names of its nodes begin with it, so that they
            differ from those of a graph around it.
        path: The ``.onnx`` file to write, if any.
        external: Whether weights go to a ``.data`` file beside it, which they must above 2 GB. Each
            is written when it is added, so that one weight is in memory at a time.
    """

    def __init__(self, name: str, path: Path | None = None, *, external: bool = False) -> None:
        self._name = name
        self._path = path
        self._prefix = "" if path else f"{name}_"
        self._data = path.with_suffix(".data").open("wb") if path and external else None
        self._nodes: list[Any] = []
        self._weights: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._domains = {""}

    def input(self, name: str, kind: Kind, shape: Sequence[int | str]) -> str:
        """Declare an input; a str dimension is free."""
        self._inputs.append(_value(name, kind, shape))
        return name

    def output(self, name: str, kind: Kind, shape: Sequence[int | str]) -> None:
        """Declare an output that some node produces."""
        self._outputs.append(_value(name, kind, shape))

    def weight(self, name: str, array: NDArray[Any]) -> str:
        """Add a constant; one that has been added by this name is kept."""
        if name in self._weights:
            return name
        array = np.ascontiguousarray(array)
        if self._data is None or array.nbytes < _INLINE_BYTES:
            self._weights[name] = numpy_helper.from_array(array, name)
        else:
            self._weights[name] = self._external(name, array)
        return name

    def _external(self, name: str, array: NDArray[Any]) -> Any:  # noqa: ANN401 (protobuf has no types)
        if self._data is None or self._path is None:
            raise AssertionError(name)
        self._data.write(b"\0" * (-self._data.tell() % _ALIGNMENT_BYTES))
        tensor = TensorProto(name=name, dims=array.shape)
        tensor.data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor.data_location = TensorProto.EXTERNAL
        where = {
            "location": self._path.with_suffix(".data").name,
            "offset": self._data.tell(),
            "length": array.nbytes,
        }
        for key, value in where.items():
            tensor.external_data.add(key=key, value=str(value))
        self._data.write(array.tobytes())
        return tensor

    def integers(self, *values: int) -> str:
        """A constant vector of int64."""
        name = f"{self._prefix}integers_" + "_".join(map(str, values))
        return self.weight(name, np.array(values, np.int64))

    def cast(self, x: str, kind: Kind, to: str | None = None) -> str:
        """``x`` in another number type."""
        name = to or self.fresh("Cast")
        self._nodes.append(helper.make_node("Cast", [x], [name], name=name, to=_KINDS[kind]))
        return name

    def node(self, operator: str, *inputs: str, to: str | None = None, **attributes: Any) -> str:  # noqa: ANN401 (ONNX attributes are of any kind)
        """Add a node with one output and return the output's name."""
        return self.nodes(operator, *inputs, to=(to or self.fresh(operator),), **attributes)[0]

    def nodes(
        self,
        operator: str,
        *inputs: str,
        to: tuple[str, ...],
        **attributes: Any,  # noqa: ANN401 (ONNX attributes are of any kind)
    ) -> tuple[str, ...]:
        """Add a node with the outputs ``to``; ``domain`` names a set of operators not of ONNX."""
        self._domains.add(attributes.get("domain", ""))
        self._nodes.append(
            helper.make_node(operator, inputs, to, name=self.fresh(operator), **attributes)
        )
        return to

    def fresh(self, operator: str) -> str:
        """A name for an output of the next node."""
        return f"{self._prefix}{operator.lower()}_{len(self._nodes)}"

    def adopt(self, nodes: Sequence[Any], weights: Sequence[Any]) -> None:
        """Add nodes and constants of another graph; their names must differ from all others."""
        self._nodes += nodes
        self._weights |= {tensor.name: tensor for tensor in weights}

    def graph(self) -> Any:  # noqa: ANN401 (protobuf has no types)
        """The graph as ONNX has it, such as the ``body`` of a ``Loop``."""
        return helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, list(self._weights.values())
        )

    def model_bytes(self, opsets: Mapping[str, int] | None = None) -> bytes:
        """The model as a file holds it; the same calls give the same bytes.

        Args:
            opsets: Version of each set of operators; None is the version all are written in.
        """
        usual = {domain: 1 if domain else OPSET for domain in sorted(self._domains)}
        model = helper.make_model(
            self.graph(),
            opset_imports=[helper.make_opsetid(*each) for each in (opsets or usual).items()],
            ir_version=_IR_VERSION,
            producer_name="beam_audio",
        )
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def write(self) -> None:
        """Write the files. The same calls give the same bytes.

        Raises:
            AssertionError: The graph has no file.
        """
        if self._path is None:
            raise AssertionError(self._name)
        if self._data is not None:
            self._data.close()
        self._path.write_bytes(self.model_bytes())


def _value(name: str, kind: Kind, shape: Sequence[int | str]) -> Any:  # noqa: ANN401 (protobuf has no types)
    return helper.make_tensor_value_info(name, _KINDS[kind], list(shape))
