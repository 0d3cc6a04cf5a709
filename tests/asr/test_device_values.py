from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from beam_audio.asr.device_values import Device
from beam_audio.models.onnx_graph import GraphWriter

CPU = "CPUExecutionProvider"


@pytest.fixture
def sums() -> onnxruntime.InferenceSession:
    """From x: twice and three times x."""
    graph = GraphWriter("sums")
    x = graph.input("x", "float", ("n",))
    for name in ("twice", "thrice"):
        x = graph.node("Add", x, "x", to=name)
        graph.output(name, "float", ("n",))
    return onnxruntime.InferenceSession(graph.model_bytes(), providers=[CPU])


@pytest.mark.parametrize(("provider", "name"), [(CPU, "cpu"), ("CUDAExecutionProvider", "cuda")])
def test_a_provider_computes_in_its_memory(provider: str, name: str) -> None:
    assert Device(provider).name == name


def test_outputs_stay_under_their_names_until_they_are_fetched(
    sums: onnxruntime.InferenceSession,
) -> None:
    device = Device(CPU)
    x = device.put(np.array([1, 2], np.float32))
    found = device.run(sums, {"x": x}, stay=["thrice", "twice"])
    assert {name: device.fetch(value).tolist() for name, value in found.items()} == {
        "thrice": [3, 6],
        "twice": [2, 4],
    }


def test_a_value_takes_an_output_again_and_again(sums: onnxruntime.InferenceSession) -> None:
    device = Device(CPU)
    twice = device.empty((2,), np.float32)
    for factor in (1, 5):
        x = device.put(np.array([1, 2], np.float32) * np.float32(factor))
        found = device.run(sums, {"x": x}, stay=["thrice"], into={"twice": twice})
        assert device.fetch(found["thrice"]).tolist() == [3 * factor, 6 * factor]
        assert device.fetch(twice).tolist() == [2 * factor, 4 * factor]
