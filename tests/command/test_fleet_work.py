"""The work of a fleet on paper: units as they are packed, long recordings as they are shared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.packed_units import tasks_of

from beam_audio.command.fleet_work import Cut, Pace, Recordings, seconds_of_work
from beam_audio.unit.packing import into_units, size_bytes

LONG = Recordings(np.array([60.0, 8 * 900.0]), np.array([100, 10_000]))


@given(sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=300))
def test_units_are_those_that_a_run_packs(sizes: list[int]) -> None:
    ordered = sorted(tasks_of(sizes), key=lambda task: task.source_id)
    held = np.array([size_bytes(task) for task in ordered])
    found = seconds_of_work(Recordings(held / 100, held), Cut(9000), Pace(1.0))
    units = [sum(map(size_bytes, unit)) for unit in into_units(ordered, 9000)]
    assert found.tolist() == pytest.approx([size / 100 for size in units])


def test_a_long_recording_is_decoded_again_before_each_share() -> None:
    work = seconds_of_work(LONG, Cut(1, 900), Pace(10.0, decode_seconds=0.01), workers=5)
    assert work.tolist() == pytest.approx([360, 360 + 36, 6, 0])
    assert seconds_of_work(LONG, Cut(1, 900), Pace(10.0)).tolist() == pytest.approx([6, 720])


def test_each_part_is_written() -> None:
    work = seconds_of_work(LONG, Cut(1, 900), Pace(10.0, unit_seconds=2.0))
    assert work.tolist() == pytest.approx([6 + 2, 720 + 8 * 2 + 2])
    shared = seconds_of_work(LONG, Cut(1, 900), Pace(10.0, unit_seconds=2.0), workers=2)
    assert shared.tolist() == pytest.approx([360 + 5 * 2, 360 + 5 * 2, 6 + 2, 2])


def test_more_hours_are_drawn_from_the_lengths_there_are() -> None:
    few = Recordings(np.array([60.0, 3600.0]), np.array([100, 6000]))
    many = few.scaled_to(5000)
    assert many.seconds.sum() / 3600 == pytest.approx(5000, rel=0.05)
    assert set(many.seconds) == {60.0, 3600.0}
    assert np.array_equal(many.size_bytes == 100, many.seconds == 60)
