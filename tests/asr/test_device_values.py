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
    found = device.run(sums, {"x": x}, ["thrice", "twice"])
    assert {name: device.fetch(value).tolist() for name, value in found.items()} == {
        "thrice": [3, 6],
        "twice": [2, 4],
    }


def test_values_take_outputs_again_and_again(sums: onnxruntime.InferenceSession) -> None:
    device = Device(CPU)
    into = {name: device.empty((2,), np.float32) for name in ("twice", "thrice")}
    for factor in (1, 5):
        x = device.put(np.array([1, 2], np.float32) * np.float32(factor))
        device.run(sums, {"x": x}, list(into), into)
        assert device.fetch(into["twice"]).tolist() == [2 * factor, 4 * factor]
        assert device.fetch(into["thrice"]).tolist() == [3 * factor, 6 * factor]


def test_bytes_are_counted_on_their_way() -> None:
    device = Device(CPU)
    value = device.put(np.zeros((2, 3), np.float32))
    assert (device.put_bytes, device.fetched_bytes) == (24, 0)
    device.update(value, np.ones((2, 3), np.float32))
    assert device.fetch(value).tolist() == [[1, 1, 1], [1, 1, 1]]
    assert (device.put_bytes, device.fetched_bytes) == (48, 24)


def test_what_is_fetched_stays_as_it_was() -> None:
    device = Device(CPU)
    value = device.put(np.array([1, 2]))
    before = device.fetch(value)
    device.update(value, np.array([3, 4]))
    assert before.tolist() == [1, 2]


def test_a_longer_value_has_zeros_at_its_end() -> None:
    device = Device(CPU)
    longer = device.longer(device.put(np.ones((2, 2))), axis=1, more=1)
    assert device.fetch(longer).tolist() == [[1, 1, 0], [1, 1, 0]]


def test_a_part_has_some_rows_and_the_first_places() -> None:
    device = Device(CPU)
    value = device.put(np.arange(24).reshape(3, 2, 4))
    rows = np.array([2, 0])
    expected = np.arange(24).reshape(3, 2, 4)[rows]
    assert device.fetch(device.part(value, rows, 2, 3)).tolist() == expected[:, :, :3].tolist()
    assert device.fetch(device.part(value, rows, 1, 1)).tolist() == expected[:, :1].tolist()
