"""What TensorRT is told of a graph; TensorRT itself runs in tests/gpu only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from beam_audio.asr.tensorrt import Extent, engine_folder, engine_options, profile_options
from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from pathlib import Path

EXTENTS = {"b": Extent(1, 8, 32), "n": Extent(16, 400, 1500)}


def write_model(path: Path, kind: Literal["float", "float16"] = "float") -> Path:
    graph = GraphWriter("g", path, external=False)
    x = graph.input("x", "float", ("b", 80, "n"))
    place = graph.input("place", "int64", ("b", "n"))
    start = graph.input("start", "int64", (1,))
    weight = graph.weight("w", np.ones(1, np.float16 if kind == "float16" else np.float32))
    total = graph.node("Add", graph.cast(x, kind), weight)
    whole = graph.node("Add", graph.cast(place, kind), graph.cast(start, kind))
    graph.node("Add", total, graph.node("Unsqueeze", whole, graph.integers(1)), to="y")
    graph.output("y", kind, ("b", 80, "n"))
    graph.write()
    return path


@pytest.fixture
def model(tmp_path: Path, cache: None) -> Path:  # noqa: ARG001 - engines go there
    (tmp_path / "tiny").mkdir()
    return write_model(tmp_path / "tiny" / "encoder.onnx")


def test_shapes_name_every_input_that_has_no_fixed_one(model: Path) -> None:
    assert profile_options(model, EXTENTS) == {
        "trt_profile_min_shapes": "x:1x80x16,place:1x16",
        "trt_profile_opt_shapes": "x:8x80x400,place:8x400",
        "trt_profile_max_shapes": "x:32x80x1500,place:32x1500",
    }


def test_shapes_are_left_to_tensorrt_where_a_size_is_not_known(model: Path) -> None:
    assert profile_options(model, {"b": EXTENTS["b"]}) == {}


def test_a_float32_graph_is_not_computed_in_float16(model: Path) -> None:
    assert engine_options(model)["trt_fp16_enable"] == "0"
    write_model(model, "float16")
    assert engine_options(model)["trt_fp16_enable"] == "1"


def test_engines_are_kept_in_the_cache_and_never_shared_by_two_models(
    model: Path, tmp_path: Path
) -> None:
    folder = engine_folder(model)
    assert engine_options(model)["trt_engine_cache_path"] == str(folder)
    assert folder.is_dir()
    assert (tmp_path / "cache") in folder.parents
    assert engine_folder(model) == folder  # the engines themselves do not stand in the folder
    other = tmp_path / "other" / "tiny"
    other.mkdir(parents=True)
    other_model = write_model(other / "encoder.onnx")
    os.utime(other_model, ns=(0, 1))
    assert engine_folder(other_model) != folder
