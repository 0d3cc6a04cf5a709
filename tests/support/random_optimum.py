"""A Whisper of random weights in the layout optimum exports, names and all.

The nodes are those that hold weights, under the names PyTorch's exporter gives them; the rest of
the network is left out, as nothing runs it. Exports that optimum itself made of the same weights
were read alike when this was written; they are too large to keep.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from support.random_whisper import Weights

_MATRIX = re.compile(r"(q|k|v|out)_proj\.weight$|fc[12]\.weight$")


class _Export:
    """One graph in the making."""

    def __init__(self, scope: str, *, half: bool) -> None:
        self._scope = scope
        self._dtype = np.float16 if half else np.float32
        self.nodes: list[Any] = []
        self.stored: dict[str, NDArray[Any]] = {}

    def parameter(self, name: str, array: NDArray[Any]) -> str:
        """Store an array; one equal to another becomes an ``Identity`` of it."""
        for known, other in self.stored.items():
            if other.shape == array.shape and np.array_equal(other, array.astype(self._dtype)):
                self.nodes.append(helper.make_node("Identity", [known], [name]))
                return name
        self.stored[name] = array.astype(self._dtype)
        return name

    def take(self, weights: Weights, prefix: str, *, name_prefix: str) -> None:
        """A node for every parameter whose name begins with ``prefix``."""
        for name, array in weights.items():
            if not name.startswith(prefix):
                continue
            inner = name.removeprefix(prefix)
            module, _, kind = inner.rpartition(".")
            path = f"{self._scope}/{module.replace('.', '/').replace('layers/', 'layers.')}"
            if inner == "embed_positions.weight" and prefix == "model.encoder.":
                self._add("Add", f"{self._scope}/Add", self.parameter("onnx::Add_241", array[None]))
            elif _MATRIX.search(inner):
                number = f"onnx::MatMul_{len(self.stored) + 500}"
                self._add("MatMul", f"{path}/MatMul", self.parameter(number, array.T))
            else:
                operator = "Conv" if "conv" in inner else "Gather" if "embed" in inner else "Add"
                stored = self.parameter(f"{name_prefix}{inner}", array)
                self._add(operator, f"{path}/{operator}_{kind}", stored)

    def _add(self, operator: str, name: str, weight: str) -> None:
        inputs = [weight, "x"] if operator == "Gather" else ["x", weight]
        self.nodes.append(helper.make_node(operator, inputs, [f"{name}_output_0"], name=name))

    def write(self, path: Path, *, merged: bool, external: bool) -> None:
        tail = "_merged_0" if merged else ""
        tensors = [numpy_helper.from_array(a, f"{name}{tail}") for name, a in self.stored.items()]
        for node in self.nodes:
            for index, name in enumerate(node.input):
                node.input[index] = f"{name}{tail}" if name in self.stored else name
        output = helper.make_tensor_value_info(self.nodes[-1].output[0], TensorProto.FLOAT, None)
        given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)]
        if merged:
            branch = helper.make_graph(self.nodes, "branch", [], [output])
            given.append(helper.make_tensor_value_info("use_cache_branch", TensorProto.BOOL, [1]))
            node = helper.make_node(
                "If", ["use_cache_branch"], ["y"], then_branch=branch, else_branch=branch
            )
            output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
            graph = helper.make_graph([node], "merged", given, [output], tensors)
        else:
            graph = helper.make_graph(self.nodes, "main_graph", given, [output], tensors)
        model = helper.make_model(graph, producer_name="pytorch")
        onnx.save(model, path, save_as_external_data=external, location=f"{path.name}_data")


def write_optimum(
    directory: Path,
    weights: Weights,
    *,
    merged: bool = False,
    external: bool = False,
    half: bool = False,
) -> None:
    """``encoder_model.onnx`` beside ``decoder_model.onnx`` or ``decoder_model_merged.onnx``."""
    directory.mkdir(parents=True, exist_ok=True)
    encoder = _Export("", half=half)
    encoder.take(weights, "model.encoder.", name_prefix="")
    encoder.write(directory / "encoder_model.onnx", merged=False, external=external)
    decoder = _Export("/model/decoder", half=half)
    decoder.take(weights, "model.decoder.", name_prefix="model.decoder.")
    name = "decoder_model_merged.onnx" if merged else "decoder_model.onnx"
    decoder.write(directory / name, merged=merged, external=external)
