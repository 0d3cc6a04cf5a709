"""Which fleet and which units: those that end in time, as the packing has them."""

from __future__ import annotations

import numpy as np
import pytest

from beam_audio.command.fleet import Fleet
from beam_audio.command.fleet_choice import (
    Worker,
    choices,
    fleet_table,
    recommended,
    simulated,
)
from beam_audio.command.fleet_work import Pace, Recordings
from beam_audio.errors import ConfigError

MIB = 1 << 20


def corpus(count: int, seconds: float, size_bytes: int) -> Recordings:
    return Recordings(np.full(count, seconds), np.full(count, size_bytes))


def test_each_choice_ends_in_time_and_a_smaller_fleet_would_not() -> None:
    # 1,000 hours at 100 x real time are 10 worker-hours.
    found = choices(
        corpus(12_000, 300, 5 * MIB),
        Fleet(max_workers=1, units_at_a_time=2, start_seconds=300),
        Pace(100 / 2, unit_seconds=1),
        deadline_hours=2,
    )
    assert [each.unit_mebibytes for each in found] == [4, 8, 16, 32, 64, 128, 256]
    for each in found:
        assert each.outcome.seconds <= 7200
        assert 5 < each.fleet.max_workers <= 8
    assert found[0].pieces == 12_000
    assert found[-1].pieces < 600


def test_the_smallest_of_the_cheap_units_is_recommended() -> None:
    found = choices(
        corpus(12_000, 300, MIB),
        Fleet(max_workers=1, start_seconds=60),
        Pace(100, unit_seconds=2),
        deadline_hours=4,
    )
    best, costs = recommended(found), [each.cost(1.0) for each in found]
    assert best.cost(1.0) <= min(costs) * 1.03
    assert best.unit_mebibytes < 256
    assert f"--unit_bytes={best.unit_mebibytes * MIB}" in fleet_table(found, price=1.0)


def test_a_deadline_that_nobody_keeps_is_an_error() -> None:
    day_long = corpus(1, 86_400, 900 * MIB)
    worker = Worker(times_real_time=40, units_at_a_time=4, price=1.0)
    with pytest.raises(ConfigError, match=r"--deadline_hours=0\.1 .* longest recording 2\.40 h"):
        simulated(day_long, worker, 0.1)


def test_shorter_parts_are_recommended_where_long_recordings_are_late() -> None:
    # Forty minutes at 1 x real time: parts of 15 minutes are not shared, those of 5 are, by two.
    three, one = corpus(3, 2400, 30 * MIB), Fleet(max_workers=1)
    found = choices(three, one, Pace(1.0), deadline_hours=0.5)
    assert {each.part_minutes for each in found} == {5}
    assert "--part_minutes=5" in fleet_table(found, price=1.0)
    relaxed = choices(three, one, Pace(1.0), deadline_hours=3)
    assert {each.part_minutes for each in relaxed} == {15}
    assert "--part_minutes" not in fleet_table(relaxed, price=1.0).splitlines()[-1]


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
