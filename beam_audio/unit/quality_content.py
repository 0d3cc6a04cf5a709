"""Measures of a segment as JSON holds them, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from beam_audio.types import AudioEvent, Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beam_audio.types import Row


def quality_content(quality: Quality) -> dict[str, Any]:
    """Measures as JSON holds them."""
    fingerprint = quality.fingerprint
    return asdict(quality) | {"fingerprint": fingerprint and fingerprint.hex()}


def quality_of_content(content: Mapping[str, Any]) -> Quality:
    """The same measures; what earlier versions did not save is None."""
    fingerprint = content["fingerprint"]
    return Quality(
        **{
            **content,
            "fingerprint": fingerprint and bytes.fromhex(fingerprint),
            "audio_events": events_of(content.get("audio_events")),
        }
    )


def events_of(stored: Iterable[Row] | None) -> tuple[AudioEvent, ...] | None:
    """Events from what JSON or a column holds of them."""
    return None if stored is None else tuple(AudioEvent(**each) for each in stored)
