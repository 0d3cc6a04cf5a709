"""The one graph of a run, and what stands around it: checks before, the ledger after."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio.asr import ModelFacts, model_facts
from beam_audio.asr.remote_model import local_model
from beam_audio.errors import ChecksumError, ConfigError, InputError, ModelError
from beam_audio.inputs.listing import match_input, match_manifest
from beam_audio.output import commits
from beam_audio.output.compact import drop_stale_rows
from beam_audio.output.folder import in_use, require_writable
from beam_audio.quality.normalizers import resolved_choice
from beam_audio.quality.rules import Rules, load_rules
from beam_audio.run.dataflow import check_submission
from beam_audio.run.run_file import RunResult, result_of, write_run_file
from beam_audio.run.runners import choose_runner, runs_in_this_process, threads_per_process
from beam_audio.store.credentials import require_access
from beam_audio.transforms.input_ids import WriteNames, read_names
from beam_audio.transforms.live_model import FixedModel, LiveModel
from beam_audio.transforms.read import ReadAudio
from beam_audio.transforms.transcribe import OnnxAsrModelHandler
from beam_audio.transforms.units import TranscribeUnits
from beam_audio.unit.prepare import PrepareSettings
from beam_audio.unit.rows import RowSettings
from beam_audio.unit.work import UnitSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apache_beam.runners.runner import PipelineResult

    from beam_audio.output.commits import Commit
    from beam_audio.run.config import RunConfig
    from beam_audio.stream.model_watch import Choice


def run(config: RunConfig, beam_flags: Sequence[str] = ()) -> RunResult:
    """Check, clean up, run the graph to its end, balance the ledger and write the run file.

    Raises:
        ConfigError: Flags that cannot be run, an input that matches nothing, or an output whose
            files are laid out otherwise.
        StoreError: The output is not writable.
        ModelError: The model cannot be had.
    """
    options = PipelineOptions(list(beam_flags))
    runner = choose_runner(options)
    job = check_run(config, options)
    output = config.output
    with in_use(output, lambda: commits.delete_uncommitted(output)):
        pipeline = beam.Pipeline(runner=runner, options=options)
        build(pipeline, config, job.settings, job.handler, job.run_id)
        start = time.monotonic()
        pipeline.run().wait_until_finish()
        wall_seconds = time.monotonic() - start
    listed = read_names(output, job.run_id)
    if any(commits.is_shared(name) for commit in job.before for name in commit.files):
        with in_use(output, lambda: drop_stale_rows(output)):
            pass
    result = result_of(output, job.run_id, listed, job.before, wall_seconds)
    write_run_file(config, job.settings, result)
    return result


def submit(config: RunConfig, beam_flags: Sequence[str]) -> PipelineResult:
    """Check, clean up and hand the graph over; a later run over the output balances the ledger.

    Raises:
        ConfigError: As in :func:`run`.
        StoreError: The output is not writable.
        ModelError: The model cannot be had.
    """
    options = PipelineOptions(list(beam_flags))
    runner = choose_runner(options)
    job = check_run(config, options)
    commits.delete_uncommitted(config.output)
    pipeline = beam.Pipeline(runner=runner, options=options)
    build(pipeline, config, job.settings, job.handler, job.run_id)
    return pipeline.run()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What stands when all checks are passed.

    Attributes:
        settings: What the rows depend on.
        handler: The model.
        model: Both, as the units take them: a stream's model may be exchanged while it runs.
        run_id: Name of the run.
        before: What the output held, one record of it for a stream.
        held: Keeps the model in memory for workers that share this process.
    """

    settings: UnitSettings
    handler: OnnxAsrModelHandler
    model: FixedModel | LiveModel
    run_id: str
    before: list[Commit]
    held: Callable[[], Choice] | None


def check_run(config: RunConfig, options: PipelineOptions) -> Prepared:
    """Check the flags, the output and the model, which is loaded where workers share this process.

    Raises:
        ConfigError: Flags that cannot be run, or an output whose files are laid out otherwise.
        StoreError: The output is not writable.
        ModelError: The model cannot be had.
    """
    check_submission(config, options)
    places = (config.input, config.manifest, config.output, config.model, config.drift_reference)
    require_access(places, options)
    if config.subscription is None:
        _check_input(config)
    settings_for = settings_by_model(config)
    settings = settings_for(_model_facts(config, local_model(config.model)))
    require_writable(config.output)
    is_stream = config.subscription is not None
    committed = (each for each in commits.read_commits(config.output) if not each.is_closed)
    # A stream, which runs for months, keeps none of them; one tells of the layout of all.
    before = list(islice(committed, 1 if is_stream else None))
    _check_same_layout(before, settings)
    handler = model_handler(config, threads=threads_per_process(options))
    model = LiveModel(settings_for, handler) if is_stream else FixedModel(settings, handler)
    # Loaded here, a local run's model fails before any work; the runner shares this very copy.
    held = model.acquire() if runs_in_this_process(options) else None
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    return Prepared(settings, handler, model, run_id, before, held)


def build(
    pipeline: beam.Pipeline,
    config: RunConfig,
    settings: UnitSettings,
    handler: OnnxAsrModelHandler,
    run_id: str,
) -> beam.PCollection:
    """Put the graph of files and manifests into a pipeline."""
    refs, failures = pipeline | "Read" >> ReadAudio(
        input=config.input, manifest=config.manifest, exclude=config.output, limit=config.limit
    )
    inputs = (refs, failures) | "Inputs" >> beam.Flatten()
    names = inputs | "Names" >> beam.Map(lambda item: item.source_id)
    _ = names | "List" >> WriteNames(config.output, run_id)
    return inputs | "TranscribeUnits" >> TranscribeUnits(
        settings,
        handler,
        output=config.output,
        unit_bytes=config.unit_bytes,
        retry_failures=config.retry_failures,
        run_id=run_id,
    )


def model_handler(config: RunConfig, threads: int | None = None) -> OnnxAsrModelHandler:
    """The model as the configuration asks for it; nothing is loaded."""
    return OnnxAsrModelHandler(config.model, replace(config.model_options, threads=threads))


def unit_settings(config: RunConfig, facts: ModelFacts) -> UnitSettings:
    """Settings of a unit for a configuration and a model.

    Raises:
        ConfigError: The flags do not fit the model, the normaliser is unknown, or the rules cannot
            be read.
    """
    return settings_by_model(config)(facts)


def settings_by_model(config: RunConfig) -> Callable[[ModelFacts], UnitSettings]:
    """What :func:`unit_settings` gives for each model, for workers: no file is read there.

    Raises:
        ConfigError: The normaliser is unknown, or the rules cannot be read.
    """
    normalizer = resolved_choice(config.normalizer)
    return partial(_unit_settings, config, load_rules(config.rules), normalizer)


def _unit_settings(
    config: RunConfig, rules: Rules, normalizer: str, facts: ModelFacts
) -> UnitSettings:
    stated = {"auto", "from_manifest"} | facts.languages
    if facts.languages and config.language not in stated:
        known = ", ".join(sorted(facts.languages))
        raise ConfigError(f"--language={config.language}: {config.model} knows {known}")
    return UnitSettings(
        prepare=PrepareSettings(
            decoder=config.decoder,  # type: ignore[arg-type] # checked against its choices
            channels=config.channel_policy,
            limits=config.limits,
            segments=config.segment_settings(facts.max_seconds),
            clip_rate_hz=facts.sample_rate_hz,
            store_audio=config.store_audio,  # type: ignore[arg-type] # checked against its choices
        ),
        rows=RowSettings(
            normalizer=normalizer,
            rules=rules,
            partition_by=config.partition_keys,
            store_audio=config.store_audio,
            model_id=facts.model_id,
            model_sha256=facts.model_sha256,
            config_layers=config.layers(facts),
        ),
        language=config.language,
        batch_seconds=config.batch_seconds,
    )


def _model_facts(config: RunConfig, model: str) -> ModelFacts:
    try:
        return model_facts(model, config.model_options)
    except ChecksumError:
        raise
    except ModelError as error:
        raise ConfigError(f"--model={config.model}: {error}") from error


def _check_input(config: RunConfig) -> None:
    try:
        if config.manifest is not None:
            found, flag = bool(match_manifest(config.manifest)), f"--manifest={config.manifest}"
        else:
            found = bool(match_input(config.input or "", config.output))
            flag = f"--input={config.input}"
    except InputError as error:
        raise ConfigError(str(error)) from error
    if not found:
        raise ConfigError(f"{flag} matches no file; check the path, and quote globs in the shell")


def _check_same_layout(committed: Sequence[Commit], settings: UnitSettings) -> None:
    """One output has one layout of folders and columns; anything else may change."""
    wanted = settings.rows.layout()
    for commit in committed:
        differs = [name for name, value in wanted.items() if commit.layout.get(name) != value]
        if differs:
            flags = ", ".join(f"--{name}" for name in sorted(differs))
            raise ConfigError(
                f"--output holds rows made with another {flags}; "
                "name another --output or use the flag of the earlier run (see its run-*.json)"
            )
