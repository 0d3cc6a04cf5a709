from __future__ import annotations

import random
from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from support.packed_units import check_units, failed_task, tasks_of

from beam_audio.transforms.plan_units import PlanUnits
from beam_audio.unit.tasks import Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.unit.transcribe import Unit


@pytest.mark.parametrize("unit_bytes", [1, 5_000, 1 << 30])
def test_a_pipeline_puts_every_task_into_one_unit(unit_bytes: int, tmp_path: Path) -> None:
    rng = random.Random(0)
    tasks = [
        *tasks_of([rng.randrange(3000) for _ in range(150)]),
        failed_task("1"),
        failed_task("2"),
    ]

    def check(units: list[Unit]) -> None:
        check_units(units, tasks, unit_bytes)

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        items = pipeline | beam.Create([task.item for task in tasks])
        units = items | PlanUnits(str(tmp_path), Wanted({}), unit_bytes)
        assert_that(units, check)
