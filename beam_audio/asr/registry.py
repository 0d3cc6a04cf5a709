"""From the name of a model, or a directory, to a recogniser; building what is not built yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from beam_audio.asr.frames.recognizer import load_frame_recognizer
from beam_audio.asr.memory_bound import MemoryBound
from beam_audio.asr.model_facts import ModelFacts, identify
from beam_audio.asr.placeholder import PlaceholderRecognizer
from beam_audio.asr.session import CPU, resolve_provider
from beam_audio.asr.whisper.recognizer import (
    WhisperRecognizer,
    whisper_facts,
    whisper_model_id,
)
from beam_audio.errors import ModelError, ProviderError
from beam_audio.models.build import check_built, model_sha256
from beam_audio.models.card import has_card, load_card
from beam_audio.models.layout import recognise_layout
from beam_audio.models.resolve import ensure_built, require_precision

if TYPE_CHECKING:
    from beam_audio.asr.recognizer import Mode, Recognizer
    from beam_audio.models.build import BuiltModel
    from beam_audio.models.card import Padding
    from beam_audio.models.layout import ModelLayout

PLACEHOLDER = "placeholder"


def load_model(  # noqa: PLR0913  keyword arguments, each with a default
    name_or_dir: str,
    *,
    precision: str | None = None,
    padding: Padding | None = None,
    provider: str = "auto",
    require_provider: bool = False,
    task: Mode = "transcribe",
    prompt: str | None = None,
    safeguards: bool = True,
    threads: int | None = None,
) -> Recognizer:
    """Load a model; one that is not built yet is built into the cache first.

    Args:
        name_or_dir: Name of a card, or a directory of one of the layouts in
            ``beam_audio.models.kinds``.
        precision: Number type of the graphs; None takes the card's, or what the directory holds.
        padding: What follows a clip in Whisper's window of 30 s: ``full`` is silence, as in the
            reference; ``condensed`` gives nearly the same text of short clips several times as
            fast (see ``beam_audio.asr.whisper.padding``). None takes the card's, or full.
        provider: ``auto`` (CUDA where ONNX Runtime has it, else CPU), ``cpu``, ``cuda``, or ONNX
            Runtime's own name.
        require_provider: Whether running on another provider is an error.
        task: ``translate`` gives English text of speech in another language.
        prompt: Text the model takes as what was said before.
        safeguards: Whether Whisper decodes again, at higher temperatures, what looks wrong; off,
            it takes the likeliest tokens once, for comparisons.
        threads: Threads inside an operator; None is one a core.

    Raises:
        ChecksumError: A weight file or a built file is damaged.
        ProviderError: The provider was required and cannot be used.
        ModelError: The model is unknown or incomplete, or cannot do what is asked.
    """
    if name_or_dir == PLACEHOLDER:
        if precision is not None:
            require_precision(precision)
        if require_provider and provider.lower() not in {"auto", "cpu", "cpuexecutionprovider"}:
            raise ProviderError(f"{provider} was required, and the placeholder has no use for it")
        return PlaceholderRecognizer(load_card(PLACEHOLDER), task)
    layout = frame_layout(name_or_dir, precision)
    if layout is not None:
        _refuse_whispers_options(layout, padding=padding, task=task, prompt=prompt)
        return _within_memory(
            load_frame_recognizer(
                layout, provider=provider, require_provider=require_provider, threads=threads
            )
        )
    built = ensure_built(name_or_dir, precision)
    check_built(built)
    recognizer = WhisperRecognizer(
        built,
        padding=padding or _usual_padding(name_or_dir, built),
        provider=_fitting_provider(built, provider),
        require_provider=require_provider,
        task=task,
        prompt=prompt,
        safeguards=safeguards,
        threads=threads,
    )
    return _within_memory(recognizer)


def _within_memory(recognizer: Recognizer) -> Recognizer:
    # Main memory is swapped or ends the process: nothing is to be learnt from its failing.
    return recognizer if recognizer.provider == CPU else MemoryBound(recognizer)


def frame_layout(name_or_dir: str, precision: str | None) -> ModelLayout | None:
    """What a directory holds, when it is a model that runs as it is: any but a Whisper.

    Raises:
        ModelError: It is a directory that holds no model.
    """
    directory = Path(name_or_dir).expanduser()
    if has_card(name_or_dir) or not directory.is_dir():
        return None
    layout = recognise_layout(directory, precision)
    return None if layout.is_whisper else layout


def _refuse_whispers_options(
    layout: ModelLayout, *, padding: Padding | None, task: Mode, prompt: str | None
) -> None:
    given = {"padding": padding, "prompt": prompt, "task": task if task != "transcribe" else None}
    for name, value in given.items():
        if value is not None:
            raise ModelError(
                f"--{name}={value} is for Whisper models; {layout.directory} holds a "
                f"{layout.family} model, which has no use for it"
            )


def _fitting_provider(built: BuiltModel, provider: str) -> str:
    """The provider; ``auto`` is the CPU for a precision that runs on no other.

    Raises:
        ProviderError: Another one is asked for by name.
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
    # A directory may have been built from an older card of the same name.
    return load_card(name_or_dir).padding if has_card(name_or_dir) else built.padding


def model_facts(
    name_or_dir: str,
    *,
    precision: str | None = None,
    padding: Padding | None = None,
    task: Mode = "transcribe",
) -> ModelFacts:
    """What is known of a model without loading it.

    A card answers by itself, whether or not its weights are installed; a directory of Whisper
    weights is built into the cache first.

    Raises:
        ModelError: The model is unknown or incomplete.
    """
    if name_or_dir == PLACEHOLDER:
        card = load_card(PLACEHOLDER)
        require_precision(precision or card.precision)
        return PlaceholderRecognizer(card, task).facts
    if has_card(name_or_dir):
        card = load_card(name_or_dir)
        number = require_precision(precision or card.precision)
        return ModelFacts(
            model_id=whisper_model_id(card.name, number, padding or card.padding, task),
            model_sha256=model_sha256(card.files, number),
            sample_rate_hz=card.sample_rate_hz,
            max_seconds=card.max_seconds,
            languages=frozenset(card.languages),
        )
    layout = frame_layout(name_or_dir, precision)
    if layout is not None:
        _refuse_whispers_options(layout, padding=padding, task=task, prompt=None)
        return identify(layout)
    built = ensure_built(name_or_dir, precision)
    return whisper_facts(built, padding or built.padding, task)
