"""The models of a run: each is found, and an error names its flag."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from beam_audio.asr import ModelFacts, model_facts
from beam_audio.asr.remote_model import local_model
from beam_audio.classifiers.dnsmos import model_file
from beam_audio.classifiers.load import classifier_id
from beam_audio.enhancers.network import load_enhancer
from beam_audio.errors import ChecksumError, ConfigError, ModelError
from beam_audio.run.config import OtherModels
from beam_audio.speakers.networks import load_networks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.classifiers.load import ClassifierId
    from beam_audio.enhancers.network import EnhancerModel
    from beam_audio.run.config import RunConfig
    from beam_audio.speakers.networks import SpeakerModel


def find_model(config: RunConfig, model_here: str) -> ModelFacts:
    """What the model of ``--model`` is.

    Args:
        config: The flags.
        model_here: The model as it is on this machine.

    Raises:
        ConfigError: It cannot be had as the flags ask.
        ChecksumError: Its files are not those that its card names.
        MachineError: The machine is at fault.
    """
    with _names_flag("model", config.model):
        return model_facts(model_here, config.model_options)


def find_other_models(config: RunConfig, first: ModelFacts) -> OtherModels:
    """What the models are that are used beside ``--model``.

    Args:
        config: The flags.
        first: The model of ``--model``.

    Raises:
        ConfigError: One cannot be had, or does not go with the first.
        ChecksumError: The files of one are not those that its card names.
        MachineError: The machine is at fault, or the store of a model does not answer.
    """
    if config.dnsmos:
        with _names_flag("dnsmos"):
            model_file()
    return OtherModels(
        second=_second(config, first),
        classifier=_classifier(config),
        speakers=_speakers(config),
        enhancer=_enhancer(config),
    )


@contextmanager
def _names_flag(flag: str, value: str = "") -> Iterator[None]:
    """Names the flag where a model cannot be had; an error about a file names the file."""
    try:
        yield
    except ChecksumError:
        raise
    except ModelError as error:
        given = f"--{flag}={value}" if value else f"--{flag}"
        raise ConfigError(f"{given}: {error}") from error


def _second(config: RunConfig, first: ModelFacts) -> ModelFacts | None:
    name = config.second_model
    if name is None:
        return None
    with _names_flag("second_model", name):
        facts = model_facts(local_model(name), config.model_options)
    if facts.sample_rate_hz != first.sample_rate_hz:
        raise ConfigError(
            f"--second_model={name} hears {facts.sample_rate_hz} Hz and --model={config.model} "
            f"{first.sample_rate_hz} Hz: name two of the same rate"
        )
    if facts.model_sha256 == first.model_sha256:
        raise ConfigError(f"--second_model={name} is --model: name another model")
    return facts


def _classifier(config: RunConfig) -> ClassifierId | None:
    name = config.classify_model
    if name is None:
        return None
    with _names_flag("classify_model", name):
        found = classifier_id(local_model(name), config.labels, config.hypothesis_template)
    return replace(found, name=name)


def _speakers(config: RunConfig) -> SpeakerModel | None:
    name = config.speaker_model
    if name is None:
        return None
    with _names_flag("speaker_model", name):
        found = load_networks(local_model(name)).model
    return replace(found, name=name)


def _enhancer(config: RunConfig) -> EnhancerModel | None:
    name = config.enhance_model
    if name is None:
        return None
    with _names_flag("enhance_model", name):
        found = load_enhancer(local_model(name)).model
    return replace(found, folder=name)
