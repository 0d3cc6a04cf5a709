"""Weights of a Whisper that optimum exported to ONNX, by the names of its checkpoint.

PyTorch's exporter keeps the names of most parameters, but transposes the matrices of linear layers
and numbers them (``onnx::MatMul_505``). The node that multiplies such a matrix has a telling name,
``/model/decoder/layers.0/self_attn/k_proj/MatMul``. Equal tensors are stored once; the others are
``Identity`` nodes of the first. In ``decoder_model_merged.onnx`` the nodes are inside an ``If``,
and names of tensors end in ``_merged_0``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.errors import ModelError
from beam_audio.models.graph_files import constants, external_weights, read_graph
from beam_audio.models.weights import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_MERGED: Final = re.compile(r"_merged_\d+$")
_LINEAR: Final = re.compile(
    r"(layers\.\d+\.(?:(?:self|encoder)_attn\.(?:[qkv]|out)_proj|fc[12]))\.MatMul"
)
_FLOATS: Final = (1, 10)  # ONNX's numbers of float and float16


def read_optimum_tensors(encoder: Path, decoder: Path) -> dict[str, Tensor]:
    """Index the weights of both graphs; each stays on disk until it is read.

    Args:
        encoder: ``encoder_model.onnx``.
        decoder: ``decoder_model.onnx`` or ``decoder_model_merged.onnx``. The decoder of later
            tokens, ``decoder_with_past_model.onnx``, lacks some of the weights.

    Returns:
        Tensors by their names in a Hugging Face checkpoint, such as
        ``model.encoder.layers.0.fc1.weight``; matrices are (output, input) again.

    Raises:
        ModelError: A file is not an ONNX file, or weights beside it are missing.
    """
    return {
        f"model.{side}.{name}": tensor
        for side, path in (("encoder", encoder), ("decoder", decoder))
        for name, tensor in _read(path).items()
    }


def _read(path: Path) -> dict[str, Tensor]:
    """Weights of one graph, by their names inside the encoder or the decoder."""
    external_weights(path)  # raises if files are missing or elsewhere
    graph = read_graph(path)
    stored = _stored(graph)
    named: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        plain = re.sub(r"^(model\.)?((encoder|decoder)\.)?", "", _MERGED.sub("", name))
        if plain.endswith((".weight", ".bias")) and tensor.data_type in _FLOATS:
            named[plain] = _tensor(tensor, path)
    for node in _nodes(graph):
        match = _LINEAR.search(node.name.replace("/", "."))
        if match and node.op_type in {"MatMul", "Gemm"} and node.input[1] in stored:
            turned = any(entry.name == "transB" and entry.i for entry in node.attribute)
            tensor = _tensor(stored[node.input[1]], path, transposed=not turned)
            named.setdefault(f"{match[1]}.weight", tensor)
    if "conv1.weight" in named and "embed_positions.weight" not in named:
        width = named["conv1.weight"].shape[0]
        named["embed_positions.weight"] = _positions(graph, stored, path, width)
    return named


def _positions(
    graph: Any,  # noqa: ANN401 (protobuf has no types)
    stored: dict[str, Any],
    path: Path,
    width: int,
) -> Tensor:
    """The encoder's position embeddings: a constant without a name that an ``Add`` node uses.

    Raises:
        ModelError: No constant has their shape, or several have.
    """
    added = {name for node in _nodes(graph) if node.op_type == "Add" for name in node.input}
    tensors = [stored[name] for name in sorted(added & stored.keys())]
    found = [tensor for tensor in tensors if len(tensor.dims) > 1 and tensor.dims[-1] == width]
    if len(found) != 1:
        raise ModelError(f"{path} has {len(found)} constants that could be the encoder's positions")
    tensor = _tensor(found[0], path)
    shape = tensor.shape[-2:]
    return Tensor(shape, lambda: tensor.read().reshape(shape))


def _stored(graph: Any) -> dict[str, Any]:  # noqa: ANN401 (protobuf has no types)
    """Constants by name, including the names that ``Identity`` nodes give them."""
    stored = {tensor.name: tensor for tensor in constants(graph) if tensor.name}
    for node in _nodes(graph):
        if node.op_type == "Identity" and node.input[0] in stored:
            stored.setdefault(node.output[0], stored[node.input[0]])
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                stored.setdefault(node.output[0], attribute.t)
    return stored


def _nodes(graph: Any) -> Iterator[Any]:  # noqa: ANN401 (protobuf has no types)
    """Nodes of a graph and of the graphs inside it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _tensor(tensor: Any, path: Path, *, transposed: bool = False) -> Tensor:  # noqa: ANN401 (protobuf has no types)
    shape = tuple(int(size) for size in tensor.dims)

    def read() -> NDArray[np.float32]:
        from onnx import TensorProto, numpy_helper  # noqa: PLC0415 (slow to load)

        copy = TensorProto()  # onnx would keep the external data it reads in the original
        copy.CopyFrom(tensor)
        array: NDArray[np.float32] = numpy_helper.to_array(copy, str(path.parent)).astype(
            np.float32
        )
        return np.ascontiguousarray(array.T) if transposed else array

    return Tensor(shape[::-1] if transposed else shape, read)
