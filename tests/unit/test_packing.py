"""Every input is in one unit, within the bounds, whatever the order of the inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.packed_units import check_units, failed_task, tasks_of

from beam_audio.types import AudioRef
from beam_audio.unit.packing import bucket_count, pack
from beam_audio.unit.tasks import Task

if TYPE_CHECKING:
    import random

SIZES = st.lists(st.integers(0, 3000), max_size=200)


@given(SIZES, st.integers(1, 5000), st.randoms(use_true_random=False))
def test_packing_loses_nothing_and_keeps_its_bounds(
    sizes: list[int], unit_bytes: int, rng: random.Random
) -> None:
    tasks = [*tasks_of(sizes), *(failed_task(str(index)) for index in range(3))]
    units = list(pack(tasks, unit_bytes))
    check_units(units, tasks, unit_bytes)
    shuffled = rng.sample(tasks, len(tasks))
    assert list(pack(shuffled, unit_bytes)) == units


def test_cuts_of_a_file_are_together_and_its_size_counts_once() -> None:
    cuts = [
        Task(AudioRef(f"/{name}.wav", 60, offset_seconds=float(n), duration_seconds=1.0))
        for n in range(70)
        for name in "abc"
    ]
    units = list(pack(cuts, 100))
    names = [[task.item.uri for task in unit.tasks] for unit in units]
    assert [len(set(each)) for each in names] == [1] * 6
    assert sorted(map(len, names)) == [6] * 3 + [64] * 3


@pytest.mark.parametrize(
    ("total", "buckets"),
    [((0, 0), 1), ((100, 1), 1), ((101, 2), 2), ((0, 65), 2), ((1000, 65), 10)],
)
def test_buckets_follow_bytes_and_count(total: tuple[int, int], buckets: int) -> None:
    assert bucket_count(total, 100) == buckets


@given(SIZES, st.integers(1, 5000), st.randoms(use_true_random=False), st.booleans())
def test_planned_again_midway_units_are_the_same_and_no_input_is_in_two(
    sizes: list[int],
    unit_bytes: int,
    rng: random.Random,
    more: bool,  # noqa: FBT001 - drawn
) -> None:
    units = list(pack(tasks_of(sizes), unit_bytes))
    committed = {unit.unit_id for unit in units if rng.random() < 0.5}
    again = [
        replace(task, held_by=unit.unit_id if unit.unit_id in committed else "")
        for unit in units
        for task in unit.tasks
    ]
    added = tasks_of([*sizes, 100])[-1:] if more else []
    planned = list(pack([*again, *added], unit_bytes))
    if not more:
        assert [unit.unit_id for unit in planned] == [unit.unit_id for unit in units]
    to_do = [unit for unit in planned if unit.unit_id not in committed]
    done = [task.source_id for unit in units if unit.unit_id in committed for task in unit.tasks]
    doing = [task.source_id for unit in to_do for task in unit.tasks]
    assert sorted(done + doing) == sorted(task.source_id for task in [*again, *added])
