"""A job: the flags, the output and the model of a run, once all of them are checked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from beam_audio.asr.remote_model import local_model
from beam_audio.errors import ConfigError, InputError
from beam_audio.inputs.formats.choice import has_format, recognised
from beam_audio.inputs.listing import list_input, match_manifest, require_readable_manifest
from beam_audio.output import commits
from beam_audio.output.folder import require_writable
from beam_audio.output.holder import require_free
from beam_audio.output.layout import agree, require_same
from beam_audio.output.saved_work import delete_work_of_others
from beam_audio.run.dataflow import check_submission, require_subscription
from beam_audio.run.find_models import find_model, find_other_models
from beam_audio.run.job_settings import settings_by_model
from beam_audio.run.precision import with_precision
from beam_audio.run.runners import runs_in_this_process, threads_per_process
from beam_audio.run.unit_size import unit_bytes
from beam_audio.store.credentials import require_access
from beam_audio.transforms.live_model import FixedModel, LiveModel, SecondModel
from beam_audio.transforms.transcribe import OnnxAsrModelHandler
from beam_audio.unit.long_recordings import settings_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.inputs.listing import Listing
    from beam_audio.output.commits import Commit
    from beam_audio.run.config import OtherModels, RunConfig
    from beam_audio.stream.model_watch import Choice
    from beam_audio.unit.unit_settings import UnitSettings


@dataclass(frozen=True, slots=True)
class Job:
    """A run that has passed all checks; the graph of a batch and that of a stream take it.

    Attributes:
        config: The flags.
        run_id: Name of the run.
        settings: Everything the rows depend on, with the model as it was when the run began.
        handler: Loads the model.
        model: The model as units take it: fixed in a batch, exchangeable in a stream.
        second: The model that gives a second opinion; None for none.
        unit_bytes: Most encoded bytes of a unit.
        listing: The audio files that ``--input`` matches; None without that flag, or if they are
            of a format.
        input_format: The format of the inputs; None for audio files and plain manifests.
        held: Keeps the model in memory for workers that share this process; None for others.
    """

    config: RunConfig
    run_id: str
    settings: UnitSettings
    handler: OnnxAsrModelHandler
    model: FixedModel | LiveModel
    second: SecondModel | None
    unit_bytes: int
    listing: Listing | None = None
    input_format: str | None = None
    held: Callable[[], Choice] | None = None

    @property
    def output(self) -> str:
        """The output folder."""
        return self.config.output


def check_run(config: RunConfig, options: PipelineOptions) -> Job:
    """Check the flags and the model, which is loaded where workers share this process.

    Raises:
        ConfigError: The flags cannot be run.
        HeldError: A living batch holds the output.
        StoreError: The output is not writable.
        ModelError: The model cannot be loaded.
        MachineError: The machine is at fault, or a store does not answer.
    """
    check_submission(config, options)
    require_subscription(config, options)
    places = (config.input, config.manifest, config.output, config.model, config.drift_reference)
    require_access((*places, *config.other_model_names), options)
    input_format, listing = _source(config) if config.subscription is None else (None, None)
    job = make_job(config, options)
    # One record shows the schema of all: an output that is refused is left as it is.
    next(commits.read_commits(job.output), None)
    require_writable(job.output)
    if config.subscription is None:
        require_free(job.output)
    # Loaded here, a local run's model fails before any work; the runner shares this very copy.
    held = job.model.acquire() if runs_in_this_process(options) else None
    return replace(job, listing=listing, input_format=input_format, held=held)


def make_job(config: RunConfig, options: PipelineOptions) -> Job:
    """The job of flags whose places have been checked; nothing but a model is read.

    Raises:
        ConfigError: The model cannot be had as the flags ask, or they do not fit it.
        ModelError: The model's files are not those that its card names.
        MachineError: The machine is at fault, or the store of a model does not answer.
    """
    model_here = local_model(config.model)
    config = with_precision(config, options, model_here)
    threads = threads_per_process(options)
    facts = find_model(config, model_here)
    others = find_other_models(config, facts)
    settings_for = settings_by_model(config, threads, others)
    settings, handler = settings_for(facts), model_handler(config, threads=threads)
    is_stream = config.subscription is not None
    return Job(
        config=config,
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}",
        settings=settings,
        handler=handler,
        model=LiveModel(settings_for, handler) if is_stream else FixedModel(settings, handler),
        second=_second_model(config, others, threads),
        unit_bytes=unit_bytes(config, options),
    )


def committed_before(job: Job) -> Iterator[Commit]:
    """The commit records that the output holds now; one shows the layout of all.

    Raises:
        ConfigError: The files of the output are laid out otherwise.
    """
    layout = job.settings.rows.layout()
    for commit in commits.read_commits(job.output):
        if not commit.is_closed:
            require_same(layout, commit.layout)
            yield commit


def delete_left_overs(job: Job) -> None:
    """Delete files that count for nothing, among them work that was saved under other settings."""
    commits.delete_uncommitted(job.output)
    settings = job.settings
    delete_work_of_others(
        job.output, settings_id(settings.recognised_layers, settings.part_seconds)
    )


def agree_on_layout(job: Job, process: str) -> None:
    """Find that no other run has just begun with another layout; call it when all else is checked.

    Args:
        job: The job.
        process: The process that it ends with; empty for one that goes on without its command.

    Raises:
        ConfigError: One has.
        StoreError: The output cannot be written.
    """
    agree(job.output, job.settings.rows.layout(), process)


def model_handler(config: RunConfig, threads: int | None = None) -> OnnxAsrModelHandler:
    """The model as the configuration asks for it; nothing is loaded."""
    return OnnxAsrModelHandler(config.model, replace(config.model_options, threads=threads))


def _second_model(
    config: RunConfig, others: OtherModels, threads: int | None
) -> SecondModel | None:
    """What loads the model of ``--second_model``, with the options of the first."""
    if config.second_model is None or others.second is None:
        return None
    options = replace(config.model_options, threads=threads)
    handler = OnnxAsrModelHandler(config.second_model, options)
    return SecondModel(others.second.model_sha256, handler)


def _source(config: RunConfig) -> tuple[str | None, Listing | None]:
    """Refuse an input that matches nothing; returns its format, and what ``--input`` matches."""
    listing = None
    try:
        input_format = config.input_format or recognised(config.input, config.manifest)
        if input_format is not None:
            place = config.input or config.manifest or ""
            found = has_format(input_format, place, config.output)
            flag = f"--input_format={input_format} {place}"
        elif config.manifest is not None:
            found, flag = bool(match_manifest(config.manifest)), f"--manifest={config.manifest}"
            require_readable_manifest(config.manifest)
        else:
            listing = list_input(config.input or "", config.output)
            found, flag = len(listing.files) > 0, f"--input={config.input}"
    except InputError as error:
        raise ConfigError(str(error)) from error
    if not found:
        raise ConfigError(f"{flag} matches no file; check the path, and quote globs in the shell")
    return input_format, listing
