"""The graph of files and manifests, what is cleaned up before it and what is written after it."""

from __future__ import annotations

import time
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio.inputs.formats.choice import read_format
from beam_audio.inputs.listed import list_files, list_found, list_lines
from beam_audio.inputs.listing import list_input
from beam_audio.output.compact import drop_stale_rows
from beam_audio.output.folder import in_use
from beam_audio.output.holder import Holder, held, let_go
from beam_audio.output.input_ids import delete_ids
from beam_audio.run.job import agree_on_layout, check_run, committed_before, delete_left_overs
from beam_audio.run.run_file import RunResult, result_of, write_run_file
from beam_audio.run.runners import (
    choose_runner,
    is_dataflow,
    overlap_units,
    reads_files_here,
    worker_processes,
)
from beam_audio.run.waves import do_units, run_waves
from beam_audio.transforms.list_units import ListUnits
from beam_audio.transforms.units import wanted_of
from beam_audio.unit.record_index import RecordIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from apache_beam.runners.runner import PipelineResult

    from beam_audio.inputs.listed import ListedInputs
    from beam_audio.run.config import RunConfig
    from beam_audio.run.job import Job


def run(
    config: RunConfig,
    beam_flags: Sequence[str] = (),
    *,
    meanwhile: AbstractContextManager[object] | None = None,
) -> RunResult:
    """Check, clean up, run the graph to its end, balance the ledger and write the run file.

    Args:
        config: The flags.
        beam_flags: Flags of Beam.
        meanwhile: Is entered while the graph runs, as to show progress.

    Raises:
        ConfigError: The flags cannot be run, the input matches nothing, or the files of the
            output are laid out otherwise.
        HeldError: Another batch holds the output.
        StoreError: The output is not writable.
        ModelError: The model cannot be loaded.
    """
    options = PipelineOptions(list(beam_flags))
    runner = choose_runner(options)
    job = check_run(config, options)
    holder = _holder(job, options)
    with held(job.output, holder):
        before = RecordIndex(committed_before(job))
        agree_on_layout(job, holder.process)
        if job.held is not None:
            _, recognizer = job.held()
            overlap_units(options, recognizer.batch_limits.at_a_time)
        with in_use(job.output, lambda: delete_left_overs(job)):
            start = time.monotonic()
            with meanwhile or nullcontext():
                if reads_files_here(options):
                    run_waves(job, _listed(job), before, options, holder)
                else:
                    pipeline = beam.Pipeline(runner=runner, options=options)
                    build(pipeline, job, holder)
                    pipeline.run().wait_until_finish()
            wall_seconds = time.monotonic() - start
        return _close(job, before, wall_seconds)


def submit(config: RunConfig, beam_flags: Sequence[str]) -> PipelineResult:
    """Check, clean up and hand the graph over; a later run over the output balances the ledger.

    Raises:
        ConfigError: As in :func:`run`.
        HeldError: Another batch holds the output.
        StoreError: The output is not writable.
        ModelError: The model cannot be loaded.
    """
    options = PipelineOptions(list(beam_flags))
    runner = choose_runner(options)
    job = check_run(config, options)
    for _ in committed_before(job):
        pass
    holder = _holder(job, options)
    agree_on_layout(job, holder.process)
    delete_left_overs(job)
    pipeline = beam.Pipeline(runner=runner, options=options)
    build(pipeline, job, holder)
    return pipeline.run()


def build(pipeline: beam.Pipeline, job: Job, holder: Holder) -> None:
    """Put the graph of files and manifests into a pipeline.

    A job that goes on without its command takes hold of the output and lets go of it by itself.
    """
    config = job.config
    units = pipeline | "Read" >> ListUnits(
        _listing(job),
        wanted_of(job.settings, job.run_id, retry_failures=config.retry_failures),
        output=job.output,
        unit_bytes=job.unit_bytes,
        holder=holder,
    )
    reports = units | "TranscribeUnits" >> do_units(job, holder, worker_processes(pipeline.options))
    if not holder.process:
        all_done = reports | "All" >> beam.combiners.Count.Globally()
        _ = all_done | "LetGo" >> beam.Map(lambda _: let_go(config.output, holder.run_id))


def _listed(job: Job) -> ListedInputs:
    if job.listing is not None:
        return list_files(job.listing, job.config.limit)
    return _listing(job)()


def _listing(job: Job) -> Callable[[], ListedInputs]:
    """What lists the inputs of a run, on whatever machine it is called."""
    config = job.config
    if job.input_format is not None:
        return partial(_list_format, job.input_format, config)
    if config.manifest is not None:
        return partial(list_lines, config.manifest, config.limit, config.allowed_places)
    return partial(_list_matches, config.input or "", config.output, config.limit)


def _list_format(name: str, config: RunConfig) -> ListedInputs:
    found = read_format(name, config.input or config.manifest or "", config.output)
    return list_found(found, config.limit, config.allowed_places)


def _list_matches(pattern: str, output: str, limit: int | None) -> ListedInputs:
    return list_files(list_input(pattern, output), limit)


def _holder(job: Job, options: PipelineOptions) -> Holder:
    return Holder.here(job.run_id, ends_with_process=not is_dataflow(options))


def _close(job: Job, before: RecordIndex, wall_seconds: float) -> RunResult:
    """Balance the ledger of a graph that has ended, and write the run file."""
    result = result_of(job, before, wall_seconds)
    delete_ids(job.output, job.run_id)
    # It deletes unfinished files, among them the ids of inputs: the result is read before.
    if before.shares_files:
        with in_use(job.output, lambda: drop_stale_rows(job.output)):
            pass
    write_run_file(job, result)
    return result
