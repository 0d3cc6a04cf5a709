"""Units: every input once, bounded in bytes, whatever the order of the inputs."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.transforms.plan_units import (
    MAX_UNIT_INPUTS,
    PlanUnits,
    bucket_count,
    pack,
    size_bytes,
)
from beam_audio.types import AudioRef, Failure
from beam_audio.unit.tasks import Task, Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.unit.transcribe import Unit

SIZES = st.lists(st.integers(0, 3000), max_size=200)


def tasks_of(sizes: list[int]) -> list[Task]:
    return [Task(AudioRef(f"/{index}.wav", size)) for index, size in enumerate(sizes)]


def failure(name: str) -> Task:
    failed = Failure(
        unit="input",
        stage="read",
        source_id=f"{int(name):032x}",
        uri="m",
        error_type="E",
        message="",
    )
    return Task(failed)


def check_units(units: list[Unit], tasks: list[Task], unit_bytes: int) -> None:
    found = [task.source_id for unit in units for task in unit.tasks]
    assert sorted(found) == sorted(task.source_id for task in tasks)
    assert len({unit.unit_id for unit in units}) == len(units)
    for unit in units:
        assert unit.version == 0
        assert 1 <= len(unit.tasks) <= MAX_UNIT_INPUTS
        assert len(unit.tasks) == 1 or sum(map(size_bytes, unit.tasks)) <= unit_bytes


@given(SIZES, st.integers(1, 5000), st.randoms(use_true_random=False))
def test_packing_loses_nothing_and_keeps_its_bounds(
    sizes: list[int], unit_bytes: int, rng: random.Random
) -> None:
    tasks = [*tasks_of(sizes), *(failure(str(index)) for index in range(3))]
    units = list(pack(tasks, unit_bytes))
    check_units(units, tasks, unit_bytes)
    shuffled = rng.sample(tasks, len(tasks))
    assert list(pack(shuffled, unit_bytes)) == units


@pytest.mark.parametrize(
    ("total", "buckets"),
    [((0, 0), 1), ((100, 1), 1), ((101, 2), 2), ((0, 65), 2), ((1000, 65), 10)],
)
def test_buckets_follow_bytes_and_count(total: tuple[int, int], buckets: int) -> None:
    assert bucket_count(total, 100) == buckets


@pytest.mark.parametrize("unit_bytes", [1, 5_000, 1 << 30])
def test_a_pipeline_puts_every_task_into_one_unit(unit_bytes: int, tmp_path: Path) -> None:
    rng = random.Random(0)
    tasks = [*tasks_of([rng.randrange(3000) for _ in range(150)]), failure("1"), failure("2")]

    def check(units: list[Unit]) -> None:
        check_units(units, tasks, unit_bytes)

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        items = pipeline | beam.Create([task.item for task in tasks])
        units = items | PlanUnits(str(tmp_path), Wanted({}), unit_bytes)
        assert_that(units, check)


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
