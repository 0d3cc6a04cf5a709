"""Enhancers of a few operators as ONNX, whose effect is known.

What they give of a frame is its numbers times ``gain``. A frame of which the largest number is
above ``breaks_above`` makes all numbers NaN. The state counts frames: with ``fades``, each frame is
divided by its number, from 1.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

SPECTRUM = {"content": "spectrum", "frame_samples": 512, "hop_samples": 256}
WAVEFORM = {"content": "waveform", "frame_samples": 160, "hop_samples": 160}


def write_enhancer(
    folder: Path,
    *,
    gain: float = 0.5,
    breaks_above: float = 1e9,
    fades: bool = False,
    shape: tuple[int | str, ...] = (1, 257, 1, 2),
    **described: Any,  # noqa: ANN401 - values of JSON
) -> Path:
    """A folder with an enhancer; ``described`` replaces values of its description."""
    folder.mkdir(parents=True, exist_ok=True)
    nodes = [
        helper.make_node("ReduceMax", ["mix"], ["peak"], keepdims=0),
        helper.make_node("Greater", ["peak", "limit"], ["breaks"]),
        helper.make_node("Where", ["breaks", "nan", "gain"], ["factor"]),
        helper.make_node("Add", ["count", "one"], ["count_out"]),
        helper.make_node("Div", ["factor", "count_out" if fades else "one"], ["scale"]),
        helper.make_node("Mul", ["mix", "scale"], ["enh"]),
    ]
    constants = {"limit": breaks_above, "nan": np.nan, "gain": gain, "one": 1.0}
    graph = helper.make_graph(
        nodes,
        "small",
        [_value("mix", shape), _value("count", (1,))],
        [_value("enh", shape), _value("count_out", (1,))],
        [
            numpy_helper.from_array(np.array(each, np.float32), name)
            for name, each in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "small.onnx")
    description = SPECTRUM | {"model": "small.onnx", "sample_rate_hz": 16_000}
    description |= {"input": "mix", "output": "enh", "states": {"count": "count_out"}}
    (folder / "enhancer.json").write_text(json.dumps(description | described), "utf-8")
    return folder


def _value(name: str, shape: tuple[int | str, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
