from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from beam_audio.errors import ModelError
from beam_audio.models.graph_files import external_weights, last_dimension, mixes_rows, read_graph

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, operator: str = "MatMul", weights: str | None = None) -> Path:
    """One node with one weight, stored in another file if one is named."""
    value = helper.make_tensor_value_info
    tensor = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
    node = helper.make_node(operator, ["x", "w"], ["y"])
    inputs = [value("x", TensorProto.FLOAT, ["n", 4])]
    graph = helper.make_graph(
        [node], "g", inputs, [value("y", TensorProto.FLOAT, ["n", 3])], [tensor]
    )
    model = helper.make_model(graph)
    if weights is None:
        onnx.save(model, path)
        return path
    onnx.save(model, path, save_as_external_data=True, location="held.bin", size_threshold=0)
    content = path.read_bytes().replace(b"held.bin", weights.encode())
    path.write_bytes(content)
    return path


def test_weights_beside_a_graph_are_found(tmp_path: Path) -> None:
    assert external_weights(write(tmp_path / "a.onnx")) == set()
    assert external_weights(write(tmp_path / "b.onnx", weights="held.bin")) == {
        tmp_path / "held.bin"
    }


def test_weights_inside_a_branch_are_found(tmp_path: Path) -> None:
    write(tmp_path / "inner.onnx", weights="held.bin")
    branch = onnx.load(tmp_path / "inner.onnx", load_external_data=False).graph
    value = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    outer = helper.make_graph([node], "outer", [value], list(branch.output))
    (tmp_path / "outer.onnx").write_bytes(helper.make_model(outer).SerializeToString())
    assert external_weights(tmp_path / "outer.onnx") == {tmp_path / "held.bin"}


def test_missing_weights_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx", weights="held.bin")
    (tmp_path / "held.bin").unlink()
    with pytest.raises(ModelError, match=r"held\.bin, which holds weights of a\.onnx, is missing"):
        external_weights(path)


def test_weights_outside_the_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "ab.bin").touch()
    path = write(tmp_path / "deep" / "a.onnx", weights="../ab.bi")
    with pytest.raises(ModelError, match="outside its directory"):
        external_weights(path)


def test_dynamic_quantisation_mixes_rows(tmp_path: Path) -> None:
    assert not mixes_rows(write(tmp_path / "a.onnx"))
    assert mixes_rows(write(tmp_path / "b.onnx", operator="DynamicQuantizeMatMul"))
    (tmp_path / "empty.onnx").touch()
    assert not mixes_rows(tmp_path / "empty.onnx")


def test_the_last_dimension_is_read_where_it_is_declared(tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx")
    assert last_dimension(path, "y") == 3
    assert last_dimension(path, "z") is None


def test_other_files_are_no_graphs(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"\xff\xff location")
    for function in (read_graph, external_weights):
        with pytest.raises(ModelError, match=r"a\.onnx is not an ONNX file"):
            function(tmp_path / "a.onnx")
