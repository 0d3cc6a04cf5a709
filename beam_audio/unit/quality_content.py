"""Measures of a segment as JSON holds them, and back: bytes are text of hexadecimal digits."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from beam_audio.types import AudioEvent, Quality, Voice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beam_audio.types import Row


def quality_content(quality: Quality) -> dict[str, Any]:
    """Measures as JSON holds them."""
    voices = None if quality.voices is None else [_voice_content(each) for each in quality.voices]
    return asdict(quality) | {"fingerprint": _hex(quality.fingerprint), "voices": voices}


def quality_of_content(content: Mapping[str, Any]) -> Quality:
    """The same measures; what earlier versions did not save is None."""
    voices = content.get("voices")
    known = {
        "fingerprint": _bytes(content["fingerprint"]),
        "audio_events": events_of(content.get("audio_events")),
        "voices": None if voices is None else tuple(map(_voice, voices)),
    }
    return Quality(**{**content, **known})


def events_of(stored: Iterable[Row] | None) -> tuple[AudioEvent, ...] | None:
    """Events from what JSON or a column holds of them."""
    return None if stored is None else tuple(AudioEvent(**each) for each in stored)


def _voice_content(voice: Voice) -> dict[str, Any]:
    return asdict(voice) | {"embedding": _hex(voice.embedding)}


def _voice(content: Mapping[str, Any]) -> Voice:
    turns = tuple((start, end) for start, end in content["turns"])
    return Voice(**{**content, "turns": turns, "embedding": _bytes(content["embedding"])})


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)
