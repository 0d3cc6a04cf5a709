from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
from support.random_transducer import (
    BLANK,
    DURATIONS,
    MOST_ON_A_FRAME,
    TOKENS,
    WIDTH,
    decode_one,
    random_transducer,
    write_decoder_joint,
)

from beam_audio.asr.frames.label_loop import FOUND, TransducerRules, label_loop

if TYPE_CHECKING:
    from pathlib import Path

RULES = TransducerRules(BLANK, len(TOKENS), MOST_ON_A_FRAME, has_durations=True)


def test_the_graph_gives_a_label_of_each_clip_a_round(tmp_path: Path) -> None:
    weights = random_transducer(2, durations=DURATIONS)
    path = tmp_path / "decoder_joint-model.onnx"
    write_decoder_joint(path, weights)
    session = onnxruntime.InferenceSession(label_loop(path, RULES))
    lengths = np.array([30, 0, 12])
    packed = np.random.default_rng(0).normal(size=(3, WIDTH, 30)).astype(np.float32)
    found = session.run(list(FOUND), {"packed": packed, "lengths": lengths})
    token, frame, frames, _ = found
    for row, length in enumerate(lengths):
        spoken = token[:, row] != BLANK
        right = decode_one(packed[row, :, :length].T, weights, durations=True)
        places = zip(token[spoken, row], frame[spoken, row], strict=True)
        assert list(places) == [(one, at) for one, at, _ in right]
        assert (frames[spoken, row] >= 1).all()


def test_the_prediction_network_runs_once_a_label_not_once_a_frame(tmp_path: Path) -> None:
    """It stands in the outer loop, and the joint network, which blanks need, in the inner one."""
    path = tmp_path / "decoder_joint-model.onnx"
    write_decoder_joint(path, random_transducer(durations=DURATIONS))
    outer = inner_graph(onnx.load_from_string(label_loop(path, RULES)).graph)
    inner = inner_graph(outer)
    assert "LSTM" in {node.op_type for node in outer.node}
    assert "LSTM" not in {node.op_type for node in inner.node}
    assert "joint.outputs" in {name for node in inner.node for name in node.output}


def inner_graph(graph: onnx.GraphProto) -> onnx.GraphProto:
    (loop,) = (node for node in graph.node if node.op_type == "Loop")
    body: onnx.GraphProto = loop.attribute[0].g
    return body
