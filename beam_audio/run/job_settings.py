"""The settings of a run's units: what the flags come to with a model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from beam_audio.errors import ConfigError
from beam_audio.quality.languages import chosen_language, known_code
from beam_audio.quality.normalizers import resolved_choice
from beam_audio.quality.rules import load_rules
from beam_audio.run.config import NO_OTHERS, OtherModels
from beam_audio.unit.prepare_settings import PrepareSettings
from beam_audio.unit.rows import RowSettings
from beam_audio.unit.unit_settings import UnitSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from beam_audio.asr import ModelFacts
    from beam_audio.quality.ruleset import Rules
    from beam_audio.run.config import RunConfig


def settings_by_model(
    config: RunConfig, cores: int | None = None, others: OtherModels = NO_OTHERS
) -> Callable[[ModelFacts], UnitSettings]:
    """What gives the settings for a model. Workers call it too, so it reads no file.

    Args:
        config: The flags.
        cores: Cores that a process may use; None for all there are.
        others: What is used beside the model.

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
        others=others,
    )


def _settings(  # noqa: PLR0913 - keyword arguments
    facts: ModelFacts,
    *,
    config: RunConfig,
    cores: int | None,
    rules: Rules,
    normalizer: str,
    others: OtherModels,
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
            classifier=others.classifier,
            speakers=others.speakers,
            enhancer=others.enhancer,
        ),
        rows=RowSettings(
            normalizer=normalizer,
            rules=rules,
            partition_by=config.partition_keys,
            metadata_columns=config.metadata_keys,
            store_audio=config.store_audio,
            model_id=facts.model_id,
            model_sha256=facts.model_sha256,
            config_layers=config.layers(facts, others),
            speaker_count=config.speaker_count,
            enhance_model_id=others.enhancer.model_id if others.enhancer else None,
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
