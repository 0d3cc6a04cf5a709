"""Encoding a segment's audio for storage beside its row."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

import soundfile
import soxr

if TYPE_CHECKING:
    from beam_audio.types import Segment

ClipCodec = Literal["flac", "opus"]

_OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
_FLAC_MAX_RATE_HZ = 655_350


def encode(segment: Segment, codec: ClipCodec) -> bytes:
    """Encode a segment's samples.

    FLAC keeps the source rate and 16 bits a sample. Opus takes the source rate when the codec has
    it, else the next rate above, else 48 kHz. Samples beyond full scale are clipped.
    """
    samples, rate_hz = segment.samples, segment.sample_rate_hz
    target_hz = _opus_rate_hz(rate_hz) if codec == "opus" else min(rate_hz, _FLAC_MAX_RATE_HZ)
    if target_hz != rate_hz:
        samples = soxr.resample(samples, rate_hz, target_hz)
    container, subtype = ("OGG", "OPUS") if codec == "opus" else ("FLAC", "PCM_16")
    encoded = io.BytesIO()
    soundfile.write(encoded, samples.clip(-1.0, 1.0), target_hz, format=container, subtype=subtype)
    return encoded.getvalue()


def file_name(segment: Segment, codec: ClipCodec) -> str:
    """Name under which a stored clip is known in its row."""
    return f"{segment.segment_id}.{'ogg' if codec == 'opus' else 'flac'}"


def _opus_rate_hz(rate_hz: int) -> int:
    return next((rate for rate in _OPUS_RATES_HZ if rate >= rate_hz), _OPUS_RATES_HZ[-1])
