"""Which Whisper it is: the facts of a built model, without loading it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.asr.recognizer import ModelFacts

if TYPE_CHECKING:
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.recognizer import Mode
    from beam_audio.models.build import BuiltModel
    from beam_audio.models.card import Padding


def built_facts(built: BuiltModel, options: ModelOptions) -> ModelFacts:
    """Facts of a built Whisper with these options."""
    padding = options.padding or built.padding
    return ModelFacts(
        model_id=whisper_model_id(built.name, built.precision, padding, options.mode),
        model_sha256=built.model_sha256,
        sample_rate_hz=built.sample_rate_hz,
        max_seconds=built.max_seconds,
        languages=frozenset(built.whisper.languages),
    )


def whisper_model_id(name: str, precision: str, padding: Padding, mode: Mode) -> str:
    """Name and precision, then ``condensed`` and ``translate`` if they are asked for."""
    condensed = "/condensed" if padding == "condensed" else ""
    return f"{name}/{precision}{condensed}" + ("/translate" if mode == "translate" else "")
