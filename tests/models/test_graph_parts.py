"""A graph of two networks that share a constant: one doubles x, the other adds it to y."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from beam_audio.errors import ModelError
from beam_audio.models.graph_parts import crossing, depending_on, inferred_shapes, part_of
from beam_audio.models.onnx_graph import GraphWriter


@pytest.fixture
def model() -> Any:  # noqa: ANN401 (protobuf has no types)
    value = helper.make_tensor_value_info
    inside = helper.make_graph(
        [helper.make_node("Mul", ["double", "two"], ["mul"])],
        "inside",
        [],
        [value("mul", TensorProto.FLOAT, None)],
    )
    otherwise = helper.make_graph(
        [helper.make_node("Identity", ["double"], ["same"])],
        "otherwise",
        [],
        [value("same", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["double"]),
        helper.make_node("If", ["sure"], ["fourfold"], then_branch=inside, else_branch=otherwise),
        helper.make_node("Add", ["y", "two"], ["more"]),
        helper.make_node("Add", ["more", "fourfold"], ["sum"]),
    ]
    graph = helper.make_graph(
        nodes,
        "two networks",
        [value(name, TensorProto.FLOAT, ["n", 3]) for name in "xy"],
        [value("sum", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.full(3, 2, np.float32), "two"),
            numpy_helper.from_array(np.array(True), "sure"),  # noqa: FBT003 (a number)
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_values_follow_from_inputs_also_through_inner_graphs(model: Any) -> None:  # noqa: ANN401
    assert depending_on(model.graph, ["x"]) == {"x", "double", "fourfold", "sum"}
    assert depending_on(model.graph, ["y"]) == {"y", "more", "sum"}
    assert crossing(model.graph, depending_on(model.graph, ["y"])) == ["two", "fourfold"]


def test_two_parts_give_what_the_whole_gives(model: Any) -> None:  # noqa: ANN401
    graph = GraphWriter("parts")
    x, y = (graph.input(name, "float", ("n", 3)) for name in ("first", "second"))
    one = part_of(model.graph, ["fourfold"], {"x": x}, "one.")
    two = part_of(model.graph, ["sum"], {"y": y, "fourfold": "one.fourfold"}, "two.")
    for part in (one, two):
        graph.adopt(part.nodes, part.weights)
    graph.output("two.sum", "float", ("n", 3))
    feed = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    whole = onnxruntime.InferenceSession(model.SerializeToString())
    parts = onnxruntime.InferenceSession(graph.model_bytes({"": 17}))
    (right,) = whole.run(None, {"x": feed[0], "y": feed[1]})
    (found,) = parts.run(None, {"first": feed[0], "second": feed[1]})
    assert np.array_equal(found, right)


def test_a_part_that_needs_more_than_is_given_is_refused(model: Any) -> None:  # noqa: ANN401
    with pytest.raises(ModelError, match="cannot do without y"):
        part_of(model.graph, ["sum"], {"x": "x"}, "one.")


def test_shapes_follow_from_those_of_the_inputs(model: Any) -> None:  # noqa: ANN401
    shapes = inferred_shapes(model, {"x": ("rows", 3), "y": ("rows", 3)})
    assert shapes["double"] == ("rows", 3)
    assert shapes["more"] == ("rows", 3)
