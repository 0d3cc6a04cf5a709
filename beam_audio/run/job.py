"""A job: the flags, the output and the model of a run, once all of them are checked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from beam_audio.asr import ModelFacts, model_facts
from beam_audio.asr.remote_model import local_model
from beam_audio.classifiers.load import classifier_id
from beam_audio.enhancers.network import load_enhancer
from beam_audio.errors import ChecksumError, ConfigError, InputError, ModelError
from beam_audio.inputs.formats.choice import has_format, recognised
from beam_audio.inputs.listing import list_input, match_manifest, require_readable_manifest
from beam_audio.output import commits
from beam_audio.output.folder import require_writable
from beam_audio.output.holder import require_free
from beam_audio.output.layout import agree, require_same
from beam_audio.output.saved_work import delete_work_of_others
from beam_audio.quality.dnsmos import model_file
from beam_audio.quality.languages import chosen_language, known_code
from beam_audio.quality.normalizers import resolved_choice
from beam_audio.quality.rules import load_rules
from beam_audio.run.dataflow import check_submission, require_subscription
from beam_audio.run.precision import with_precision
from beam_audio.run.runners import runs_in_this_process, threads_per_process
from beam_audio.run.unit_size import unit_bytes
from beam_audio.speakers.networks import load_networks
from beam_audio.store.credentials import require_access
from beam_audio.transforms.live_model import FixedModel, LiveModel, SecondModel
from beam_audio.transforms.transcribe import OnnxAsrModelHandler
from beam_audio.unit.long_recordings import settings_id
from beam_audio.unit.prepare import PrepareSettings
from beam_audio.unit.rows import RowSettings
from beam_audio.unit.unit_settings import UnitSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.classifiers.load import ClassifierId
    from beam_audio.enhancers.network import EnhancerModel
    from beam_audio.inputs.listing import Listing
    from beam_audio.output.commits import Commit
    from beam_audio.quality.ruleset import Rules
    from beam_audio.run.config import RunConfig
    from beam_audio.speakers.networks import SpeakerModel
    from beam_audio.stream.model_watch import Choice


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
    require_access((*places, *config.other_models), options)
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
    facts = _model_facts(config, "model", model_here)
    second_facts, second = _second_model(config, facts, threads)
    _check_dnsmos(config)
    settings_for = settings_by_model(
        config,
        threads,
        second=second_facts,
        classifier=_classifier(config),
        speakers=_speaker_model(config),
        enhancer=_enhance_model(config),
    )
    settings, handler = settings_for(facts), model_handler(config, threads=threads)
    is_stream = config.subscription is not None
    return Job(
        config=config,
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}",
        settings=settings,
        handler=handler,
        model=LiveModel(settings_for, handler) if is_stream else FixedModel(settings, handler),
        second=second,
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


def settings_by_model(  # noqa: PLR0913 - each has a default
    config: RunConfig,
    cores: int | None = None,
    *,
    second: ModelFacts | None = None,
    classifier: ClassifierId | None = None,
    speakers: SpeakerModel | None = None,
    enhancer: EnhancerModel | None = None,
) -> Callable[[ModelFacts], UnitSettings]:
    """What gives the settings for a model. Workers call it too, so it reads no file.

    Args:
        config: The flags.
        cores: Cores that a process may use; None for all there are.
        second: The model that gives a second opinion; None for none.
        classifier: What hears sounds; None for nothing.
        speakers: The networks that tell speakers apart; None for none.
        enhancer: What takes noise out of what the model hears; None for nothing.

    Raises:
        ConfigError: The normaliser is unknown or the rules cannot be read. The returned function
            raises it when the flags do not fit the model.
    """
    rules = load_rules(config.rules)
    if rules.fenced_columns:
        raise ConfigError(
            f"--rules={config.rules} compares {min(rules.fenced_columns)} with the quartiles of "
            "the corpus, which a run does not know; use them with 'beam-audio curate'"
        )
    return partial(
        _settings,
        config=config,
        cores=cores,
        rules=rules,
        normalizer=resolved_choice(config.normalizer),
        second=second,
        classifier=classifier,
        speakers=speakers,
        enhancer=enhancer,
    )


def _settings(  # noqa: PLR0913 - keyword arguments
    facts: ModelFacts,
    *,
    config: RunConfig,
    cores: int | None,
    rules: Rules,
    normalizer: str,
    second: ModelFacts | None,
    classifier: ClassifierId | None,
    speakers: SpeakerModel | None,
    enhancer: EnhancerModel | None,
) -> UnitSettings:
    """The settings of a run with these flags and rules and a model with these facts."""
    language = chosen_language(config.language)
    if not _is_known(language, facts.languages):
        known = ", ".join(sorted(facts.languages))
        raise ConfigError(f"--language={config.language}: {config.model} knows {known}")
    return UnitSettings(
        prepare=PrepareSettings(
            decoder=config.decoder,  # type: ignore[arg-type] # checked against its choices
            rare_containers=config.rare_containers,
            isolate_decoding=config.isolate_decoding,
            channels=config.channel_policy,
            tracks=config.track_policy,
            limits=config.limits,
            segments=config.segment_settings(facts.max_seconds),
            clip_rate_hz=facts.sample_rate_hz,
            store_audio=config.store_audio,  # type: ignore[arg-type] # checked against its choices
            dnsmos=config.dnsmos,
            classifier=classifier,
            speakers=speakers,
            enhancer=enhancer,
        ),
        rows=RowSettings(
            normalizer=normalizer,
            rules=rules,
            partition_by=config.partition_keys,
            metadata_columns=config.metadata_keys,
            store_audio=config.store_audio,
            model_id=facts.model_id,
            model_sha256=facts.model_sha256,
            config_layers=config.layers(
                facts, second=second, classifier=classifier, speakers=speakers, enhancer=enhancer
            ),
            speaker_count=config.speaker_count,
            enhance_model_id=enhancer.model_id if enhancer else None,
        ),
        language=language,
        batch_seconds=config.batch_seconds,
        cores=cores,
        part_seconds=60 * config.part_minutes,
        stops_if_refused=config.subscription is None,
    )


def _is_known(language: str, languages: frozenset[str]) -> bool:
    """Whether a model takes a ``--language``; one without a list takes every language."""
    if not languages or language in {"auto", "from_manifest"} | languages:
        return True
    return language in map(known_code, languages)  # Whisper calls Javanese jw and not jv


def _model_facts(config: RunConfig, flag: str, model: str) -> ModelFacts:
    try:
        return model_facts(model, config.model_options)
    except ChecksumError:
        raise
    except ModelError as error:
        raise ConfigError(f"--{flag}={getattr(config, flag)}: {error}") from error


def _second_model(
    config: RunConfig, first: ModelFacts, threads: int | None
) -> tuple[ModelFacts | None, SecondModel | None]:
    """The model of ``--second_model``, with the options of the first; None without the flag."""
    if config.second_model is None:
        return None, None
    facts = _model_facts(config, "second_model", local_model(config.second_model))
    if facts.sample_rate_hz != first.sample_rate_hz:
        raise ConfigError(
            f"--second_model={config.second_model} hears {facts.sample_rate_hz} Hz and "
            f"--model={config.model} {first.sample_rate_hz} Hz: name two of the same rate"
        )
    if facts.model_sha256 == first.model_sha256:
        raise ConfigError(f"--second_model={config.second_model} is --model: name another model")
    options = replace(config.model_options, threads=threads)
    return facts, SecondModel(facts.model_sha256, OnnxAsrModelHandler(config.second_model, options))


def _classifier(config: RunConfig) -> ClassifierId | None:
    """The classifier of ``--classify_model``; None without the flag."""
    if config.classify_model is None:
        return None
    try:
        name = local_model(config.classify_model)
        found = classifier_id(name, config.labels, config.hypothesis_template)
    except ChecksumError:
        raise
    except ModelError as error:
        raise ConfigError(f"--classify_model={config.classify_model}: {error}") from error
    return replace(found, name=config.classify_model)


def _speaker_model(config: RunConfig) -> SpeakerModel | None:
    """The networks of ``--speaker_model``; None without the flag."""
    if config.speaker_model is None:
        return None
    try:
        found = load_networks(local_model(config.speaker_model)).model
    except ModelError as error:
        raise ConfigError(f"--speaker_model={config.speaker_model}: {error}") from error
    return replace(found, folder=config.speaker_model)


def _enhance_model(config: RunConfig) -> EnhancerModel | None:
    """The network of ``--enhance_model``; None without the flag."""
    if config.enhance_model is None:
        return None
    try:
        found = load_enhancer(local_model(config.enhance_model)).model
    except ModelError as error:
        raise ConfigError(f"--enhance_model={config.enhance_model}: {error}") from error
    return replace(found, folder=config.enhance_model)


def _check_dnsmos(config: RunConfig) -> None:
    if config.dnsmos:
        try:
            model_file()
        except ModelError as error:
            raise ConfigError(str(error)) from error


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
