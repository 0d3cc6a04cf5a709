from __future__ import annotations

import os

import numpy as np
import pytest

from beam_audio.audio.decoders.stream import MAX_BLOCK_VALUES
from beam_audio.audio.isolated.memory import SharedMemory, memory_file, places


def test_what_one_side_puts_the_other_takes() -> None:
    with memory_file() as file:
        here, there = SharedMemory(file.fileno()), SharedMemory(os.dup(file.fileno()))
    block = np.arange(12, dtype=np.float32).reshape(4, 3)
    there.put(36, block)
    taken = here.take(36, (4, 3))
    np.testing.assert_array_equal(taken, block)
    there.put(36, np.zeros((4, 3), np.float32))
    np.testing.assert_array_equal(taken, block)


def test_progress_and_the_decoder_at_work_are_seen() -> None:
    with memory_file() as file:
        here, there = SharedMemory(file.fileno()), SharedMemory(file.fileno())
    assert (here.progress, here.decoder) == (0, "")
    there.watch("soundfile")
    there.watch()
    assert (here.progress, here.decoder) == (2, "soundfile")
    there.clear()
    assert (here.progress, here.decoder) == (2, "")


@pytest.mark.parametrize("values", [1, 16_000, 1_000_003, MAX_BLOCK_VALUES])
def test_blocks_of_any_length_have_places_of_their_own(values: int) -> None:
    found = places(values)
    with memory_file() as file:
        memory = SharedMemory(file.fileno())
    assert 4 <= len(found) <= 32
    assert found.step == values
    last = np.full((values, 1), 0.5, np.float32)
    memory.put(found[-1], last)
    np.testing.assert_array_equal(memory.take(found[-1], (values, 1)), last)
