"""Which fleet and which units: those that end in time, as the packing has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.packed_units import tasks_of

from beam_audio.command.fleet import Fleet
from beam_audio.command.fleet_choice import (
    Recordings,
    Worker,
    choices,
    fleet_table,
    recommended,
    seconds_of_units,
    simulated,
)
from beam_audio.errors import ConfigError
from beam_audio.unit.packing import into_units, size_bytes

MIB = 1 << 20


def corpus(count: int, seconds: float, size_bytes: int) -> Recordings:
    return Recordings(np.full(count, seconds), np.full(count, size_bytes))


@given(sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=300))
def test_units_are_those_that_a_run_packs(sizes: list[int]) -> None:
    ordered = sorted(tasks_of(sizes), key=lambda task: task.source_id)
    held = np.array([size_bytes(task) for task in ordered])
    found = seconds_of_units(
        Recordings(held / 100, held), 9000, times_real_time=1.0, unit_seconds=0.0
    )
    units = [sum(map(size_bytes, unit)) for unit in into_units(ordered, 9000)]
    assert found.tolist() == pytest.approx([size / 100 for size in units])


def test_each_choice_ends_in_time_and_a_smaller_fleet_would_not() -> None:
    # 1,000 hours at 100 x real time are 10 worker-hours.
    found = choices(
        corpus(12_000, 300, 5 * MIB),
        Fleet(max_workers=1, units_at_a_time=2, start_seconds=300),
        times_real_time=100,
        unit_seconds=1,
        deadline_hours=2,
    )
    assert [each.unit_mebibytes for each in found] == [4, 8, 16, 32, 64, 128]
    for each in found:
        assert each.outcome.seconds <= 7200
        assert 5 < each.fleet.max_workers <= 8
    assert found[0].units == 12_000
    assert found[-1].units < 600


def test_the_smallest_of_the_cheap_units_is_recommended() -> None:
    found = choices(
        corpus(12_000, 300, MIB),
        Fleet(max_workers=1, start_seconds=60),
        times_real_time=100,
        unit_seconds=2,
        deadline_hours=4,
    )
    best, costs = recommended(found), [each.cost(1.0) for each in found]
    assert best.cost(1.0) <= min(costs) * 1.03
    assert best.unit_mebibytes < 128
    assert f"--unit_bytes={best.unit_mebibytes * MIB}" in fleet_table(found, price=1.0)


def test_a_deadline_that_nobody_keeps_is_an_error() -> None:
    day_long = corpus(1, 86_400, 900 * MIB)
    worker = Worker(times_real_time=40, units_at_a_time=4, price=1.0)
    with pytest.raises(ConfigError, match=r"--deadline_hours=1 .* longest recording 2\.40 h"):
        simulated(day_long, worker, 1.0)


def test_more_hours_are_drawn_from_the_lengths_there_are() -> None:
    few = Recordings(np.array([60.0, 3600.0]), np.array([100, 6000]))
    many = few.scaled_to(5000)
    assert many.seconds.sum() / 3600 == pytest.approx(5000, rel=0.05)
    assert set(many.seconds) == {60.0, 3600.0}
    assert np.array_equal(many.size_bytes == 100, many.seconds == 60)


def test_recordings_without_a_length_are_nothing_to_simulate() -> None:
    none = Recordings(np.array([]), np.array([], np.int64))
    with pytest.raises(ConfigError, match="--simulate needs at least one recording"):
        none.scaled_to(1)
    with pytest.raises(ConfigError, match="--simulate needs at least one recording"):
        simulated(none, Worker(100, 4, 0.5), 3.0)


def test_what_is_assumed_is_said_and_can_be_given() -> None:
    worker = Worker(100, 4, 0.5, start_seconds=77, preemptions_per_hour=0)
    text = simulated(corpus(2000, 300, 5 * MIB), worker, 3.0)
    assert "2,000 recordings of 166.67 h" in text
    assert "77 s to start" in text
    assert "0 preemptions an hour" in text
    assert "assumptions: nothing here was measured on Dataflow" in text
