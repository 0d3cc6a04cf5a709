"""A fleet on paper: what can be reckoned by hand, and what holds for any job."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.command.fleet import Fleet, simulate

UNITS = st.lists(st.floats(1.0, 600.0), min_size=1, max_size=60)
FLEETS = st.builds(
    Fleet,
    max_workers=st.integers(1, 9),
    units_at_a_time=st.integers(1, 4),
    start_seconds=st.floats(0.0, 300.0),
    scale_seconds=st.sampled_from([0.0, 30.0, 180.0]),
    preemptions_per_hour=st.sampled_from([0.0, 0.5, 3.0]),
    slow_share=st.sampled_from([0.0, 0.3]),
    slow_factor=st.sampled_from([1.0, 2.0]),
)


def seconds(*units: float) -> np.ndarray:
    return np.array(units)


def test_one_worker_does_one_unit_after_the_other() -> None:
    outcome = simulate(seconds(10, 20, 30), Fleet(max_workers=1, start_seconds=5))
    assert outcome.seconds == outcome.worker_seconds == 65
    assert outcome.idle_share == pytest.approx(5 / 65)


def test_the_last_unit_keeps_the_others_waiting() -> None:
    outcome = simulate(seconds(10, 10, 40), Fleet(max_workers=2))
    assert (outcome.seconds, outcome.worker_seconds, outcome.peak_workers) == (50, 100, 2)
    assert outcome.idle_share == pytest.approx(0.4)


def test_hands_of_a_worker_are_paid_for_once() -> None:
    outcome = simulate(seconds(*[30.0] * 8), Fleet(max_workers=1, units_at_a_time=4))
    assert (outcome.seconds, outcome.worker_seconds, outcome.idle_share) == (60, 60, 0)


def test_a_fleet_doubles_while_units_wait_and_shrinks_when_none_do() -> None:
    fleet = Fleet(max_workers=8, scale_seconds=10)
    outcome = simulate(seconds(*[20.0] * 12, 200.0), fleet)
    assert 4 <= outcome.peak_workers <= 8
    everyone = simulate(seconds(*[20.0] * 12, 200.0), dataclasses.replace(fleet, scale_seconds=0))
    assert outcome.seconds > everyone.seconds
    assert outcome.worker_seconds < everyone.worker_seconds / 2


def test_slow_workers_make_the_job_longer() -> None:
    slow = Fleet(max_workers=2, slow_share=1.0, slow_factor=3.0)
    assert simulate(seconds(10, 10, 10, 10), slow).seconds == 60


def test_units_of_a_worker_that_is_taken_away_are_done_again() -> None:
    units = seconds(*[600.0] * 40)
    calm = Fleet(max_workers=4, start_seconds=60)
    outcome = simulate(units, dataclasses.replace(calm, preemptions_per_hour=1.0))
    assert outcome.preemptions > 0
    assert outcome.seconds > simulate(units, calm).seconds
    assert outcome.worker_seconds > units.sum() + 60 * (4 + outcome.preemptions) * 0.5


def test_units_that_outlive_every_worker_are_an_error() -> None:
    fleet = Fleet(max_workers=2, preemptions_per_hour=60.0)
    with pytest.raises(ValueError, match=r"units of up to 2\.0 h do not end at 60 preemptions"):
        simulate(seconds(7200.0, 7200.0), fleet)


@given(units=UNITS, fleet=FLEETS, seed=st.integers(0, 5))
def test_no_job_is_shorter_than_its_work(units: list[float], fleet: Fleet, seed: int) -> None:
    outcome = simulate(seconds(*units), fleet, seed=seed)
    hands = fleet.max_workers * fleet.units_at_a_time
    least = max(*units, sum(units) / hands)
    assert outcome.seconds >= fleet.start_seconds + least - 1e-6
    assert outcome.worker_seconds * fleet.units_at_a_time >= sum(units) - 1e-6
    assert -1e-9 <= outcome.idle_share < 1
    assert 1 <= outcome.peak_workers <= fleet.max_workers
    assert outcome.worker_seconds <= outcome.seconds * fleet.max_workers + 1e-6
    assert simulate(seconds(*units), fleet, seed=seed) == outcome
