"""Takes parts out of an exported graph, so that a graph of our own can hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


_SHAPES_BYTES: Final = 1024  # constants up to this size may be shapes, which decide other shapes


@dataclass(frozen=True, slots=True, eq=False)
class GraphPart:
    """Some nodes of a graph, in order, and the constants they read.

    Attributes:
        nodes: As protobuf messages.
        weights: As protobuf messages.
    """

    nodes: tuple[Any, ...]
    weights: tuple[Any, ...]


def depending_on(graph: Any, names: Iterable[str]) -> set[str]:  # noqa: ANN401 (protobuf has no types)
    """These values, and all that are computed from them."""
    found = set(names)
    for node in graph.node:
        if not found.isdisjoint(_read(node)):
            found.update(node.output)
    return found


def crossing(graph: Any, inside: set[str]) -> list[str]:  # noqa: ANN401 (protobuf has no types)
    """The values outside a set that the nodes which make its values read, constants included."""
    makers = (node for node in graph.node if not inside.isdisjoint(node.output))
    return list(
        dict.fromkeys(name for node in makers for name in _read(node) if name not in inside)
    )


def part_of(
    graph: Any,  # noqa: ANN401 (protobuf has no types)
    wanted: Iterable[str],
    given: Mapping[str, str],
    prefix: str,
) -> GraphPart:
    """The nodes that compute some values.

    Args:
        graph: An exported graph.
        wanted: The values.
        given: Values that are already there, each with its name in the graph that takes the part.
        prefix: Put before every other name.

    Raises:
        ModelError: The values depend on an input of the graph that is not given.
    """
    missing = set(wanted) - given.keys()
    nodes = []
    for node in reversed(graph.node):
        if not missing.isdisjoint(node.output):
            nodes.append(node)
            missing.difference_update(node.output)
            missing.update(name for name in _read(node) if name not in given)
    weights = [tensor for tensor in graph.initializer if tensor.name in missing]
    missing -= {tensor.name for tensor in weights}
    if missing:
        raise ModelError(f"{prefix} parts of the graph cannot do without {', '.join(missing)}")
    return GraphPart(
        tuple(_renamed(node, given, prefix) for node in reversed(nodes)),
        tuple(_renamed_weight(tensor, prefix) for tensor in weights),
    )


def inferred_shapes(
    model: Any,  # noqa: ANN401 (protobuf has no types)
    inputs: Mapping[str, Sequence[int | str]],
) -> dict[str, tuple[int | str, ...]]:
    """Shapes of the values of a model, as far as they follow from those of its inputs.

    Args:
        model: An exported model.
        inputs: Shapes of its inputs; a free dimension has a name.

    Returns:
        Shapes by the names of values; a dimension that is not known is an empty str.
    """
    from onnx import helper, shape_inference  # noqa: PLC0415 (slow to load)

    def declared(name: str, kind: int, shape: Sequence[int | str]) -> Any:  # noqa: ANN401
        return helper.make_tensor_value_info(name, kind, list(shape))

    graph = model.graph
    large = [tensor for tensor in graph.initializer if tensor.ByteSize() > _SHAPES_BYTES]
    small = [tensor for tensor in graph.initializer if tensor.ByteSize() <= _SHAPES_BYTES]
    kinds = {entry.name: entry.type.tensor_type.elem_type for entry in graph.input}
    values = [declared(name, kinds[name], shape) for name, shape in inputs.items()]
    values += [declared(tensor.name, tensor.data_type, tensor.dims) for tensor in large]
    outputs = [helper.make_empty_tensor_value_info(entry.name) for entry in graph.output]
    light = helper.make_model(
        helper.make_graph(list(graph.node), "shapes", values, outputs, small),
        opset_imports=list(model.opset_import),
        functions=list(model.functions),
    )
    inferred = shape_inference.infer_shapes(light, data_prop=True).graph
    return {
        entry.name: tuple(
            each.dim_value if each.HasField("dim_value") else each.dim_param
            for each in entry.type.tensor_type.shape.dim
        )
        for entry in (*inferred.value_info, *inferred.output)
    }


def _read(node: Any) -> Iterator[str]:  # noqa: ANN401 (protobuf has no types)
    """Names of the values that a node reads, also inside its own graphs."""
    yield from filter(None, node.input)
    for graph in _inner_graphs(node):
        own = {value.name for value in (*graph.input, *graph.initializer)}
        own.update(name for inner in graph.node for name in inner.output)
        reads = [name for inner in graph.node for name in _read(inner)]
        reads += [value.name for value in graph.output]
        yield from (name for name in reads if name not in own)


def _inner_graphs(node: Any) -> Iterator[Any]:  # noqa: ANN401 (protobuf has no types)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _renamed(node: Any, given: Mapping[str, str], prefix: str) -> Any:  # noqa: ANN401 (protobuf has no types)
    def new(name: str) -> str:
        return given.get(name, prefix + name) if name else ""

    copy = type(node)()
    copy.CopyFrom(node)
    copy.name = node.name and prefix + node.name
    copy.input[:] = map(new, node.input)
    copy.output[:] = map(new, node.output)
    for graph in _inner_graphs(copy):
        for value in (*graph.input, *graph.output, *graph.initializer):
            value.name = new(value.name)
        inner = [_renamed(each, given, prefix) for each in graph.node]
        del graph.node[:]
        graph.node.extend(inner)
        del graph.value_info[:]
    return copy


def _renamed_weight(tensor: Any, prefix: str) -> Any:  # noqa: ANN401 (protobuf has no types)
    copy = type(tensor)()
    copy.CopyFrom(tensor)
    copy.name = prefix + tensor.name
    return copy
