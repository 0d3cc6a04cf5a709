"""Measures of a segment as JSON holds them, and back: bytes are text of hexadecimal digits."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from beam_audio.types import Quality, Voice

Content = dict[str, Any]


def quality_content(quality: Quality) -> Content:
    """Measures as JSON holds them."""
    voices = None if quality.voices is None else [_voice_content(each) for each in quality.voices]
    return asdict(quality) | {"fingerprint": _hex(quality.fingerprint), "voices": voices}


def quality_of_content(content: Content) -> Quality:
    """The same measures; what an earlier version wrote knows nothing of voices."""
    voices = content.get("voices")
    known = {
        "fingerprint": _bytes(content["fingerprint"]),
        "voices": None if voices is None else tuple(map(_voice, voices)),
    }
    return Quality(**content | known)


def _voice_content(voice: Voice) -> Content:
    return asdict(voice) | {"embedding": _hex(voice.embedding)}


def _voice(content: Content) -> Voice:
    turns = tuple((start, end) for start, end in content["turns"])
    return Voice(**content | {"turns": turns, "embedding": _bytes(content["embedding"])})


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)
