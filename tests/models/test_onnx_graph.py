from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from pathlib import Path

WEIGHT = np.arange(800, dtype=np.float32).reshape(2, 400)


def write(path: Path, *, external: bool) -> None:
    graph = GraphWriter("product", path, external=external)
    x = graph.input("x", "float", ("n", 2))
    product = graph.node("MatMul", x, graph.weight("w", WEIGHT))
    graph.node("Reshape", product, graph.integers(0, 200, 2), to="y")
    graph.output("y", "float", ("n", 200, 2))
    graph.write()


@pytest.mark.parametrize("external", [False, True])
def test_a_written_graph_runs(tmp_path: Path, external: bool) -> None:  # noqa: FBT001 (a parameter)
    path = tmp_path / "model.onnx"
    write(path, external=external)
    assert path.with_suffix(".data").exists() == external
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = np.array([[1, 2], [0, 1]], np.float32)
    (y,) = session.run(["y"], {"x": x})
    assert np.array_equal(y, (x @ WEIGHT).reshape(2, 200, 2))


@pytest.mark.parametrize("external", [False, True])
def test_the_same_calls_give_the_same_bytes(tmp_path: Path, external: bool) -> None:  # noqa: FBT001 (a parameter)
    written = []
    for name in "ab":
        (tmp_path / name).mkdir()
        write(tmp_path / name / "model.onnx", external=external)
        written.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert written[0] == written[1]


def test_a_weight_used_twice_is_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    graph = GraphWriter("twice", path, external=False)
    x = graph.input("x", "float", (2, 400))
    for target in "yz":
        graph.node("Add", x, graph.weight("w", WEIGHT), to=target)
        graph.output(target, "float", (2, 400))
    graph.write()
    assert path.stat().st_size < 2 * WEIGHT.nbytes


def test_a_graph_without_a_file_is_the_body_of_a_loop() -> None:
    body = GraphWriter("body")
    body.input("number", "int64", ())
    body.input("going", "bool", ())
    x = body.input("x_before", "int64", (1,))
    x = body.node("Add", x, body.integers(3))
    less = body.node("Less", x, body.integers(10))
    body.output(body.node("Squeeze", less, body.integers(0)), "bool", ())
    body.output(x, "int64", (1,))
    graph = GraphWriter("around")
    x = graph.input("x", "int64", (1,))
    on = graph.cast(graph.node("Squeeze", graph.integers(1), graph.integers(0)), "bool")
    graph.nodes("Loop", "", on, x, to=("y",), body=body.graph())
    graph.output("y", "int64", (1,))
    session = onnxruntime.InferenceSession(graph.model_bytes({"": 17}))
    (y,) = session.run(["y"], {"x": np.array([2])})
    assert y.tolist() == [11]
