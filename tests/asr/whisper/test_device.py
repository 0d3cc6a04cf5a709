from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from beam_audio.asr.whisper.device import Device
from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from pathlib import Path

CPU = "CPUExecutionProvider"


@pytest.mark.parametrize(("provider", "name"), [(CPU, "cpu"), ("CUDAExecutionProvider", "cuda")])
def test_a_provider_computes_in_its_memory(provider: str, name: str) -> None:
    assert Device(provider).name == name


def test_outputs_have_their_names_wherever_they_go(tmp_path: Path) -> None:
    graph = GraphWriter("sums", tmp_path / "sums.onnx", external=False)
    x = graph.input("x", "float", ("n",))
    for name in ("twice", "thrice", "unused"):
        x = graph.node("Add", x, "x", to=name)
        graph.output(name, "float", ("n",))
    graph.write()
    session = onnxruntime.InferenceSession(tmp_path / "sums.onnx", providers=[CPU])
    device = Device(CPU)
    feed = {"x": device.put(np.array([1, 2], np.float32))}
    found = device.run(session, feed, stay=["thrice"], come=["twice"])
    assert {name: value.numpy().tolist() for name, value in found.items()} == {
        "thrice": [3, 6],
        "twice": [2, 4],
    }
