from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import pytest
from support.random_transducer import (
    DURATIONS,
    TOKENS,
    Sizes,
    random_transducer,
    write_decoder_joint,
)

from beam_audio.asr.frames.decoder_joint import DecoderJoint
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, *, clips: int | str = "b", operators: str = "") -> DecoderJoint:
    write_decoder_joint(path, random_transducer(durations=DURATIONS, sizes=Sizes(layers=2)), clips)
    if operators:
        model = onnx.load(path)
        model.graph.node.append(onnx.helper.make_node(operators, ["bias"], ["a", "b", "c"]))
        onnx.save(model, path)
    return DecoderJoint.read(path)


def test_the_joint_network_computes_the_audios_share_ahead(tmp_path: Path) -> None:
    export = read(tmp_path / "decoder_joint-model.onnx")
    assert export.ahead == ("b_t_1_h",)
    assert export.scores == len(TOKENS) + DURATIONS
    assert export.states == ((2, 12), (2, 12))
    part, (name,) = export.audio("frames")
    assert [node.op_type for node in part.nodes] == ["Transpose", "MatMul", "Unsqueeze"]
    assert name == "audio.b_t_1_h"
    part, scores = export.joint(["now"])
    assert [node.op_type for node in part.nodes] == ["Add", "Tanh", "MatMul", "Add"]
    assert scores == "joint.outputs"


def test_the_prediction_network_holds_no_audio(tmp_path: Path) -> None:
    export = read(tmp_path / "decoder_joint-model.onnx")
    part, states = export.prediction("token", "one", ["h", "c"])
    assert [node.op_type for node in part.nodes].count("LSTM") == 2
    assert states == ("prediction.output_states_1", "prediction.output_states_2")
    read_names = {name for node in part.nodes for name in node.input}
    assert {"token", "h", "c"} <= read_names


def test_a_scale_for_all_rows_forbids_to_compute_ahead(tmp_path: Path) -> None:
    export = read(tmp_path / "decoder_joint-model.onnx", operators="DynamicQuantizeLinear")
    assert export.ahead == ()
    part, _ = export.joint(["frame"])
    assert "Transpose" in {node.op_type for node in part.nodes}


def test_old_operators_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "decoder_joint-model.onnx"
    read(path)
    model = onnx.load(path)
    model.opset_import[0].version = 11
    onnx.save(model, path)
    with pytest.raises(ModelError, match="export it again with at least 13"):
        DecoderJoint.read(path)


def test_functions_of_an_export_become_nodes(tmp_path: Path) -> None:
    path = tmp_path / "decoder_joint-model.onnx"
    read(path)
    model = onnx.load(path)
    (last,) = (node for node in model.graph.node if "outputs" in node.output)
    last.op_type, last.domain = "Biased", "own"
    opset = onnx.helper.make_opsetid("", 17)
    add = onnx.helper.make_node("Add", ["x", "y"], ["z"])
    function = onnx.helper.make_function("own", "Biased", ["x", "y"], ["z"], [add], [opset])
    model.functions.append(function)
    model.opset_import.append(onnx.helper.make_opsetid("own", 1))
    model.opset_import[0].domain = "ai.onnx"
    onnx.save(model, path)
    export = DecoderJoint.read(path)
    part, _ = export.joint(["now"])
    assert [node.op_type for node in part.nodes] == ["Add", "Tanh", "MatMul", "Add"]
    assert export.opsets[""] == 17
