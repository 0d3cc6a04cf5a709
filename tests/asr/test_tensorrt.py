"""What TensorRT is told of a graph; TensorRT itself runs in tests/gpu only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from beam_audio.asr.tensorrt import engine_folder, engine_options
from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from pathlib import Path


def write_model(path: Path, kind: Literal["float", "float16"] = "float") -> Path:
    graph = GraphWriter("g", path, external=False)
    x = graph.cast(graph.input("x", "float", ("n",)), kind)
    weight = np.ones(1, np.float16 if kind == "float16" else np.float32)
    graph.node("Add", x, graph.weight("w", weight), to="y")
    graph.output("y", kind, ("n",))
    graph.write()
    return path


@pytest.fixture
def model(tmp_path: Path, cache: None) -> Path:  # noqa: ARG001 - engines go there
    (tmp_path / "tiny").mkdir()
    return write_model(tmp_path / "tiny" / "encoder.onnx")


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
