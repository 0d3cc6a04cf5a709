"""The one graph of a run, and what stands around it: checks before, the ledger after."""

from __future__ import annotations

import json
import os
import platform
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio import commits, store
from beam_audio.asr import ModelFacts, model_facts
from beam_audio.errors import ChecksumError, ConfigError, InputError, ModelError
from beam_audio.ledger import Ledger, read_ledger
from beam_audio.recording import PrepareSettings
from beam_audio.remote import local_model
from beam_audio.rows import RowSettings
from beam_audio.rules import load_rules
from beam_audio.runners import choose_runner, runs_in_this_process, threads_per_process
from beam_audio.text import normalizer_for
from beam_audio.transforms.read import ReadAudio, match_input, match_manifest
from beam_audio.transforms.transcribe import OnnxAsrModelHandler
from beam_audio.transforms.units import TranscribeUnits
from beam_audio.unit_work import UnitSettings
from beam_audio.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.commits import Commit
    from beam_audio.config import RunConfig

_VERSIONED: Final = (
    "apache-beam",
    "onnxruntime",
    "onnxruntime-gpu",
    "numpy",
    "soundfile",
    "av",
)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        run_id: Name of the run file, ``run-<run_id>.json``.
        ledger: The account of all rows against this run's inputs.
        listed: Inputs listed, duplicates counted.
        new_inputs: Distinct inputs that were not committed before.
        new_undecoded: Those of them without a row in ``recordings/``.
        done_again: Inputs that were committed before and of which something was done again.
        decoded_seconds: Source seconds decoded by this run.
        wall_seconds: From the start of the graph, once built, to its end.
        providers: Execution providers of this run's units.
    """

    run_id: str
    ledger: Ledger
    listed: int
    new_inputs: int
    new_undecoded: int
    done_again: int
    decoded_seconds: float
    wall_seconds: float
    providers: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """0: the ledger balances; 1: it does not; 3: new input and none of it decoded."""
        if not self.ledger.balances:
            return 1
        return 3 if self.new_inputs and self.new_inputs == self.new_undecoded else 0

    @property
    def times_real_time(self) -> float | None:
        """Source seconds decoded a second of the run, None when nothing was new."""
        return self.decoded_seconds / self.wall_seconds if self.decoded_seconds else None


def run(config: RunConfig, beam_flags: Sequence[str] = ()) -> RunResult:
    """Check, sweep, run the graph to its end, balance the ledger and write the run file.

    Raises:
        ConfigError: Flags that cannot be run, an input that matches nothing, or an output whose
            files are laid out otherwise.
        StoreError: The output is not writable.
        ModelError: The model cannot be had.
    """
    options = PipelineOptions(list(beam_flags))
    runner = choose_runner(options)
    _check_input(config)
    model = local_model(config.model)
    facts = _model_facts(config, model)
    settings = unit_settings(config, facts)
    store.require_writable(config.output)
    before = list(commits.read_commits(config.output))
    _check_same_layout(before, settings)
    handler = model_handler(config, threads=threads_per_process(options))
    # Loaded here, a local run's model fails before any work; the runner shares this very copy.
    recognizer = handler.acquire() if runs_in_this_process(options) else None
    commits.sweep(config.output)

    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    pipeline = beam.Pipeline(runner=runner, options=options)
    build(pipeline, config, settings, handler, run_id)
    start = time.monotonic()
    pipeline.run().wait_until_finish()
    wall_seconds = time.monotonic() - start
    del recognizer

    listed = _read_listing(config.output, run_id)
    result = _result(config.output, run_id, listed, before, wall_seconds)
    _write_run_file(config, settings, result)
    return result


def build(
    pipeline: beam.Pipeline,
    config: RunConfig,
    settings: UnitSettings,
    handler: OnnxAsrModelHandler,
    run_id: str,
) -> beam.PCollection:
    """Put the graph into a pipeline; the source is its only part that differs between modes."""
    refs, failures = pipeline | "Read" >> ReadAudio(
        input=config.input, manifest=config.manifest, exclude=config.output, limit=config.limit
    )
    inputs = (refs, failures) | "Inputs" >> beam.Flatten()
    _ = (
        inputs
        | "SourceIds" >> beam.Map(lambda item: item.source_id)
        | "List" >> beam.io.WriteToText(_listing(config.output, run_id))
    )
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
    return OnnxAsrModelHandler(
        config.model,
        precision=config.precision,
        padding=config.model_padding,
        provider=config.provider,
        require_provider=config.require_provider,
        task=config.model_task,
        prompt=config.prompt,
        threads=threads,
    )


def unit_settings(config: RunConfig, facts: ModelFacts) -> UnitSettings:
    """Settings of a unit for a configuration and a model.

    Raises:
        ConfigError: The flags do not fit the model, the normaliser is unknown, or the rules cannot
            be read.
    """
    stated = {"auto", "from_manifest"} | facts.languages
    if facts.languages and config.language not in stated:
        known = ", ".join(sorted(facts.languages))
        raise ConfigError(f"--language={config.language}: {config.model} knows {known}")
    normalizer_for(None, config.normalizer)
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
            normalizer=config.normalizer,
            rules=load_rules(config.rules),
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
        return model_facts(
            model,
            precision=config.precision,
            padding=config.model_padding,
            task=config.model_task,
        )
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


def _listing(output: str, run_id: str) -> str:
    return store.join(output, "_tmp", f"run-{run_id}", "inputs")


def _read_listing(output: str, run_id: str) -> list[str]:
    listed: list[str] = []
    for file_metadata in store.files_under(store.join(output, "_tmp", f"run-{run_id}")):
        with store.open_to_read(file_metadata.path) as file:
            listed += file.read().decode("ascii").split()
    store.remove_temporary(output)
    return listed


def _result(
    output: str,
    run_id: str,
    listed: list[str],
    before: list[Commit],
    wall_seconds: float,
) -> RunResult:
    versions = {commit.unit_id: commit.version for commit in before}
    known = {source_id: state for commit in before for source_id, state in commit.sources.items()}
    fresh = [
        commit
        for commit in commits.read_commits(output)
        if commit.version > versions.get(commit.unit_id, 0)
    ]
    ledger = read_ledger(output, listed)
    new = set(listed) - known.keys()
    return RunResult(
        run_id=run_id,
        ledger=ledger,
        listed=len(listed),
        new_inputs=len(new),
        new_undecoded=len(new & ledger.undecoded),
        done_again=sum(
            known.get(source_id, state) != state
            for commit in fresh
            for source_id, state in commit.sources.items()
        ),
        decoded_seconds=sum(commit.decoded_seconds for commit in fresh),
        wall_seconds=wall_seconds,
        providers=tuple(sorted({commit.provider for commit in fresh})),
    )


def _write_run_file(config: RunConfig, settings: UnitSettings, result: RunResult) -> None:
    ledger = result.ledger
    content = {
        "run_id": result.run_id,
        "configuration": asdict(config),
        "layout": settings.rows.layout(),
        "layers": settings.rows.layers,
        "model_id": settings.rows.model_id,
        "model_sha256": settings.rows.model_sha256,
        "versions": _versions(),
        "machine": {"cores": os.cpu_count()},
        "providers": result.providers,
        "ledger": {
            "balances": ledger.balances,
            "listed": result.listed,
            "inputs": ledger.inputs,
            "new_inputs": result.new_inputs,
            "done_again": result.done_again,
            "missing": ledger.missing,
            "unbalanced": ledger.unbalanced,
            "recordings": ledger.recordings,
            "seconds": ledger.seconds,
            "segments": ledger.segments,
            "failures": {"/".join(key): count for key, count in ledger.failures.items()},
            "corpus_wer": ledger.corpus_wer,
        },
        "throughput": {
            "decoded_seconds": result.decoded_seconds,
            "wall_seconds": result.wall_seconds,
            "times_real_time": result.times_real_time,
        },
    }
    text = json.dumps(content, indent=1, sort_keys=True)
    store.write_whole(config.output, f"run-{result.run_id}.json", text.encode())


def _versions() -> dict[str, str]:
    versions = {"beam_audio": __version__, "python": platform.python_version()}
    for name in _VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
