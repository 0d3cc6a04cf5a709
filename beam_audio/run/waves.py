"""A batch on this machine: some thousand inputs at a time, each time with a graph of its own.

Beam's local runner and Prism keep every element until their graph has ended. The first begins no
work before all of a grouping is done, the second none on what a step gives before the step has
ended. So the list stays on disk, and the graph only works on the units of a wave.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.inputs.listed import WAVE_INPUTS
from beam_audio.run.runners import choose_runner, runs_in_this_process, worker_processes
from beam_audio.transforms.units import DoUnits, wanted_of
from beam_audio.unit.listed_units import listed_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.inputs.listed import ListedInputs
    from beam_audio.output.holder import Holder
    from beam_audio.run.job import Job
    from beam_audio.unit.record_index import RecordIndex
    from beam_audio.unit.transcribe import Unit

_STARTS: Final = 8
"""How many times longer waves are if processes start with each and load the model."""


def run_waves(
    job: Job,
    listed: ListedInputs,
    before: RecordIndex,
    options: PipelineOptions,
    holder: Holder,
) -> None:
    """Do what is left of a job, to the last commit; the ids of inputs are written.

    Args:
        job: The job.
        listed: Its inputs.
        before: What is committed.
        options: Options of Beam, for a runner whose workers read files of this machine.
        holder: The run as holder of the output.
    """
    config = job.config
    units = listed_units(
        listed,
        before,
        wanted_of(job.settings, job.run_id, retry_failures=config.retry_failures),
        output=job.output,
        unit_bytes=job.unit_bytes,
        most=WAVE_INPUTS if runs_in_this_process(options) else WAVE_INPUTS * _STARTS,
    )
    for wave in units:
        _run(job, options, holder, wave)


def _run(job: Job, options: PipelineOptions, holder: Holder, units: Sequence[Unit]) -> None:
    """Run the graph of these units to its end.

    They come through files: Beam compresses a graph's own data repeatedly.
    """
    if not units:
        return
    with TemporaryDirectory(prefix="beam_audio") as folder:
        paths = [Path(folder, str(number)) for number in range(len(units))]
        for path, unit in zip(paths, units, strict=True):
            path.write_bytes(pickle.dumps(unit))
        pipeline = beam.Pipeline(runner=choose_runner(options), options=options)
        _ = (
            pipeline
            | "Units" >> beam.Create(map(str, paths))
            | "Load" >> beam.Map(_load)
            | "DoUnits" >> do_units(job, holder, worker_processes(options))
        )
        pipeline.run().wait_until_finish()


def do_units(job: Job, holder: Holder, workers: int) -> DoUnits:
    """What does the units of a job; so many workers may share a long recording."""
    return DoUnits(
        job.model,
        job.settings,
        output=job.output,
        run_id=job.run_id,
        holder=holder,
        second=job.second,
        workers=workers,
    )


def _load(path: str) -> Unit:
    unit: Unit = pickle.loads(Path(path).read_bytes())  # noqa: S301 - written above
    return unit
