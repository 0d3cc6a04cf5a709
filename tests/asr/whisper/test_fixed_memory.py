from __future__ import annotations

import pytest

from beam_audio.asr.device_values import Device
from beam_audio.asr.whisper.fixed_memory import FixedMemory

SHAPES = {
    "log_members": ("b", "n"),
    "cross_key_0": ("b", 2, 4, "n"),
    "key_0": ("b", 2, "s", 4),
}


@pytest.fixture
def memory() -> FixedMemory:
    return FixedMemory(Device("CPUExecutionProvider"), "float16", SHAPES, (48, 1500))


@pytest.mark.parametrize(
    ("rows", "longest", "size", "positions"),
    [(1, 20, 1, 500), (5, 500, 8, 500), (8, 501, 8, 1500), (33, 1500, 64, 1500)],
)
def test_batches_have_few_sizes(
    memory: FixedMemory, rows: int, longest: int, size: int, positions: int
) -> None:
    batch = memory.batch(rows, longest)
    assert (batch.size, batch.positions) == (size, positions)
    assert {name: value.shape() for name, value in (batch.audio | batch.buffers).items()} == {
        "log_members": [size, positions],
        "cross_key_0": [size, 2, 4, positions],
        "key_0": [size, 2, 48, 4],
    }
    assert batch.audio["cross_key_0"].data_type() == "tensor(float16)"
    assert batch.audio["log_members"].data_type() == "tensor(float)"


def test_a_size_has_one_place_and_one_graph(memory: FixedMemory) -> None:
    first, other, again = memory.batch(5, 80), memory.batch(4, 80), memory.batch(7, 90)
    assert again is first
    assert {first.graph, other.graph} == {1, 2}


def test_clips_of_just_a_size_have_its_batch(memory: FixedMemory) -> None:
    batch = memory.of_size(4, 1500)
    assert batch is memory.batch(3, 900)
    assert memory.of_size(3, 1500) is None
    assert memory.of_size(4, 640) is None
