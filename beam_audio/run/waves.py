"""A batch on the local runner: some thousand inputs at a time, each time with a graph of its own.

Beam's local runner keeps every element until its graph has ended, and begins no work before all of
a grouping is done. So the list stays on disk. A wave of it is read, compared with what is
committed, and packed into units; the graph only works on these. All lines about one file are in one
wave, so it does not matter where a wave ends.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.inputs.listed import WAVE_INPUTS, list_files, list_lines
from beam_audio.inputs.tombstones import read_forgotten
from beam_audio.output.input_ids import write_ahead, write_ids
from beam_audio.run.runners import choose_runner, runs_in_this_process, worker_processes
from beam_audio.store.groups_on_disk import GroupsOnDisk, batches
from beam_audio.transforms.units import DoUnits, wanted_of
from beam_audio.unit.packing import unit_again
from beam_audio.unit.planning import Plan, plan
from beam_audio.unit.progress import PROGRESS
from beam_audio.unit.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.output.holder import Holder
    from beam_audio.run.job import Job
    from beam_audio.unit.record_index import RecordIndex
    from beam_audio.unit.tasks import Input
    from beam_audio.unit.transcribe import Unit

_STARTS: Final = 8
"""How many times longer waves are if processes start with each and load the model."""


def run_waves(job: Job, options: PipelineOptions, holder: Holder, before: RecordIndex) -> None:
    """Do what is left of a job, from the listing to the last commit; the ids of inputs are written.

    New inputs are done wave by wave. Inputs whose rows are out of date come last: their units,
    which earlier runs may have grouped otherwise, are each done again once.

    Args:
        job: The job.
        options: Options of Beam, for the local runner.
        holder: The run as holder of the output.
        before: What is committed.
    """
    again = GroupsOnDisk[tuple[str, int, Task]]()
    most = WAVE_INPUTS if runs_in_this_process(options) else WAVE_INPUTS * _STARTS
    for wave in _plans(job, before, most):
        again.add((each[0], each) for each in wave.again)
        _run(job, options, holder, wave.new)
    for groups in batches(again.groups(), most):
        units = [
            unit_again(group[0][0], [(version, task) for _, version, task in group])
            for group in groups
        ]
        _run(job, options, holder, units)


def _plans(job: Job, before: RecordIndex, most: int) -> Iterator[Plan]:
    """List the inputs, and plan them wave by wave."""
    config = job.config
    if job.listing is not None:
        listed = list_files(job.listing.files, config.limit)
    else:
        listed = list_lines(config.manifest or "", config.limit, config.allowed_places)
    wanted = wanted_of(job.settings, job.run_id, retry_failures=config.retry_failures)
    left = listed.count
    PROGRESS.plan(inputs=left)
    write_ahead(job.output, job.run_id, left)
    for number, inputs in enumerate(listed.waves(most)):
        kept = _without_forgotten(job, f"{number:06}", inputs)
        left -= len(inputs)
        write_ahead(job.output, job.run_id, left)
        committed = before.at({item.place_id for item in kept})
        wave = plan(kept, committed, wanted, job.unit_bytes)
        PROGRESS.plan(inputs=wave.inputs - len(inputs))
        yield wave


def _without_forgotten(job: Job, part: str, inputs: Sequence[Input]) -> list[Input]:
    """Inputs that are not where a forgotten recording was; the ids of all are written."""
    known = read_forgotten(job.output)
    kept = [item for item in inputs if not known.has_address(item)]
    gone = [item for item in inputs if known.has_address(item)]
    ids = [item.source_id for item in kept] + [known.listed_name(item) for item in gone]
    write_ids(job.output, job.run_id, part, ids)
    return kept


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
            | "DoUnits"
            >> DoUnits(
                job.model,
                job.settings,
                output=job.output,
                run_id=job.run_id,
                holder=holder,
                second=job.second,
                workers=worker_processes(options),
            )
        )
        pipeline.run().wait_until_finish()


def _load(path: str) -> Unit:
    unit: Unit = pickle.loads(Path(path).read_bytes())  # noqa: S301 - written above
    return unit
