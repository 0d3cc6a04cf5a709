"""From the name of a model, or a directory, to a recogniser; a model not built yet is built.

The code of a family is imported when one of its models is loaded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio.asr.device_memory import MOST_BATCH_SECONDS, cuda_memory, fitting_seconds
from beam_audio.asr.frames.identity import identify
from beam_audio.asr.memory_bound import MemoryBound
from beam_audio.asr.model_options import DEFAULT_OPTIONS
from beam_audio.asr.placeholder import PlaceholderRecognizer
from beam_audio.asr.recognizer import ModelFacts
from beam_audio.asr.session import CPU, resolve_provider
from beam_audio.asr.shared_batches import SharedBatches
from beam_audio.asr.whisper.identity import built_facts, whisper_model_id
from beam_audio.errors import ModelError, ProviderError
from beam_audio.models.build import check_built, model_sha256
from beam_audio.models.card import has_card, load_card
from beam_audio.models.layout import recognise_layout
from beam_audio.models.resolve import ensure_built, require_precision

if TYPE_CHECKING:
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.models.build import BuiltModel
    from beam_audio.models.card import Padding
    from beam_audio.models.layout import ModelLayout

PLACEHOLDER: Final = "placeholder"
_CPU_NAMES: Final = {"auto", "cpu", "cpuexecutionprovider"}


def load_model(name_or_dir: str, options: ModelOptions = DEFAULT_OPTIONS) -> Recognizer:
    """Load a model; build it into the cache first if it is not built yet.

    Args:
        name_or_dir: Name of a card, or a directory in one of the layouts of
            ``beam_audio.models.kinds``.
        options: How it is loaded and used.

    Raises:
        ChecksumError: A weight file or a built file is damaged.
        ProviderError: The provider was required and cannot be used.
        ModelError: The model is unknown or incomplete, or lacks what an option asks for.
    """
    if name_or_dir == PLACEHOLDER:
        if options.require_provider and options.provider.lower() not in _CPU_NAMES:
            raise ProviderError(
                f"{options.provider} was required, but the placeholder runs on the CPU only"
            )
        return _placeholder(options)
    layout = frame_layout(name_or_dir, options.precision)
    if layout is not None:
        from beam_audio.asr.frames.recognizer import load_frame_recognizer  # noqa: PLC0415 - one family

        _refuse_whispers_options(layout, options)
        return _on_device(load_frame_recognizer(layout, options), options)
    from beam_audio.asr.whisper.recognizer import WhisperRecognizer  # noqa: PLC0415 - one family

    built = ensure_built(name_or_dir, options.precision)
    check_built(built)
    fitting = replace(
        options,
        padding=options.padding or _usual_padding(name_or_dir, built),
        provider=_fitting_provider(built, options.provider),
    )
    return _on_device(WhisperRecognizer(built, fitting), options)


def _placeholder(options: ModelOptions) -> PlaceholderRecognizer:
    card = load_card(PLACEHOLDER)
    require_precision(options.precision or card.precision)
    return PlaceholderRecognizer(card, options.mode)


def _on_device(recognizer: Recognizer, options: ModelOptions) -> Recognizer:
    """A recogniser that keeps within the memory of its device, and fills its batches."""
    # Main memory is swapped, or the process is killed: no error says that a batch is too large.
    if recognizer.provider == CPU:
        return recognizer
    bound = MemoryBound(recognizer, options.batch_seconds or MOST_BATCH_SECONDS)
    shared = SharedBatches(bound)
    if options.batch_seconds is None:
        fraction = options.gpu_memory_fraction
        bound.limit(fitting_seconds(shared, cuda_memory, memory_fraction=fraction))
    return shared


def frame_layout(name_or_dir: str, precision: str | None) -> ModelLayout | None:
    """The layout of a directory whose model runs as it is; None for a Whisper or a card's name.

    Raises:
        ModelError: The directory holds no known model.
    """
    directory = Path(name_or_dir).expanduser()
    if has_card(name_or_dir) or not directory.is_dir():
        return None
    layout = recognise_layout(directory, precision)
    return None if layout.is_whisper else layout


def _refuse_whispers_options(layout: ModelLayout, options: ModelOptions) -> None:
    for flag, value in options.only_whisper_has().items():
        raise ModelError(
            f"--{flag}={value} is for Whisper models; {layout.directory} holds a "
            f"{layout.family} model, which has no use for it"
        )


def _fitting_provider(built: BuiltModel, provider: str) -> str:
    """The provider; for int8, which runs on the CPU only, ``auto`` is the CPU.

    Raises:
        ProviderError: The model is int8, and another provider is asked for by name.
    """
    if built.precision != "int8" or resolve_provider(provider) == CPU:
        return provider
    if provider != "auto":
        raise ProviderError(
            f"{built.name} in int8 runs on the CPU only, not on {provider}: use "
            "--precision=float16, or --provider=cpu"
        )
    return "cpu"


def _usual_padding(name_or_dir: str, built: BuiltModel) -> Padding:
    # The directory may have been built from an older card of the same name.
    return load_card(name_or_dir).padding if has_card(name_or_dir) else built.padding


def model_facts(name_or_dir: str, options: ModelOptions = DEFAULT_OPTIONS) -> ModelFacts:
    """What is known of a model without loading it.

    A card answers by itself, whether or not its weights are installed. A directory of Whisper
    weights is built into the cache first.

    Raises:
        ModelError: The model is unknown or incomplete, or lacks what an option asks for.
    """
    if name_or_dir == PLACEHOLDER:
        return _placeholder(options).facts
    if has_card(name_or_dir):
        card = load_card(name_or_dir)
        number = require_precision(options.precision or card.precision)
        padding = options.padding or card.padding
        return ModelFacts(
            model_id=whisper_model_id(card.name, number, padding, options.mode),
            model_sha256=model_sha256(card.files, number),
            sample_rate_hz=card.sample_rate_hz,
            max_seconds=card.max_seconds,
            languages=frozenset(card.languages),
        )
    layout = frame_layout(name_or_dir, options.precision)
    if layout is not None:
        _refuse_whispers_options(layout, options)
        return identify(layout)
    return built_facts(ensure_built(name_or_dir, options.precision), options)
