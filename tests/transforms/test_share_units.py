"""ShareUnits: units come out once each, and what was long in them is recognised."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from support.run_outputs import all_rows, read_rows, settings, write_speech
from support.unit_runs import ref

from beam_audio.output.saved_work import saved_folders
from beam_audio.run.job import check_run
from beam_audio.transforms.live_model import FixedModel
from beam_audio.transforms.share_units import ShareUnits
from beam_audio.transforms.units import DoUnits
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.run.job import Job


@pytest.fixture
def units(tmp_path: Path) -> list[Unit]:
    paths = [write_speech(tmp_path / "in" / f"{n}.wav", seconds=n) for n in (2.0, 20.0)]
    return [Unit.of([Task(ref(path))]) for path in paths]


def job_of(folder: Path, output: Path) -> Job:
    job = check_run(settings(input=folder, output=output), PipelineOptions())
    changed = replace(job.settings, part_seconds=2.0)
    return replace(job, settings=changed, model=FixedModel(changed, job.handler))


def test_long_units_come_when_their_parts_are_saved(tmp_path: Path, units: list[Unit]) -> None:
    output = tmp_path / "out"
    job = job_of(tmp_path / "in", output)
    with beam.Pipeline(runner=FnApiRunner()) as graph:
        found = (
            graph
            | beam.Create(units)
            | ShareUnits(job.settings, job.model, second=None, output=str(output), workers=2)
        )
        for each, expected in zip(found, units, strict=True):
            names = each | f"Name{expected.unit_id}" >> beam.Map(lambda unit: unit.unit_id)
            assert_that(names, equal_to([expected.unit_id]), label=expected.unit_id)
    (parts,) = saved_folders(str(output)).values()
    assert parts > 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["in_memory", "multi_processing"])
def test_workers_that_share_write_the_rows_of_one(
    tmp_path: Path, units: list[Unit], mode: str
) -> None:
    for workers in (1, 2):
        output = tmp_path / str(workers)
        job = job_of(tmp_path / "in", output)
        flags = [f"--direct_running_mode={mode}", f"--direct_num_workers={workers}"]
        with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(flags)) as graph:
            _ = (
                graph
                | beam.Create(units)
                | DoUnits(
                    job.model, job.settings, output=str(output), run_id="run", workers=workers
                )
            )
        assert len(read_rows(output, "recordings")) == 2
    assert all_rows(tmp_path / "2") == all_rows(tmp_path / "1")
