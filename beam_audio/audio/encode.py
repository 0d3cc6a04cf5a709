"""Encoding audio of segments, for their rows and for exports, and muting parts of it."""

from __future__ import annotations

import io
import math
import zlib
from typing import TYPE_CHECKING, Literal

import numpy as np
import soundfile
import soxr

from beam_audio.audio.pcm import to_pcm16

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from beam_audio.types import Segment

StoredCodec = Literal["flac", "opus"]
ClipCodec = Literal["flac", "opus", "wav"]

_FADE_SECONDS = 0.005
_FLAC = b"fLaC"
_OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
_FLAC_MAX_RATE_HZ = 655_350
_FLAC_ANY_RATE_HZ = 65_535
"""At higher rates the encoder takes only multiples of ten."""

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Each byte with its bits in reverse."""


def encode(segment: Segment, codec: StoredCodec) -> bytes:
    """Encode a segment's samples; the same samples give the same bytes.

    FLAC keeps 16 bits per sample at the source rate; above 65 kHz it takes the next lower rate that
    the codec has. Opus takes the source rate when the codec has it, else the next higher rate, else
    48 kHz. Samples beyond full scale are clipped.
    """
    samples, rate_hz = segment.samples, segment.sample_rate_hz
    target_hz = _opus_rate_hz(rate_hz) if codec == "opus" else _flac_rate_hz(rate_hz)
    if target_hz != rate_hz:
        samples = soxr.resample(samples, rate_hz, target_hz)
    container, subtype = ("OGG", "OPUS") if codec == "opus" else ("FLAC", "PCM_16")
    encoded = io.BytesIO()
    soundfile.write(encoded, samples.clip(-1.0, 1.0), target_hz, format=container, subtype=subtype)
    if codec == "opus":
        return _with_serial(encoded.getvalue(), zlib.crc32(segment.segment_id.encode()))
    return encoded.getvalue()


def encode_clip(segment: Segment, codec: ClipCodec) -> bytes:
    """Encode a segment's samples; as WAV, they are 16 bits each at the source rate."""
    if codec != "wav":
        return encode(segment, codec)
    encoded = io.BytesIO()
    samples = np.frombuffer(to_pcm16(segment.samples), "<i2")
    soundfile.write(encoded, samples, segment.sample_rate_hz, format="WAV", subtype="PCM_16")
    return encoded.getvalue()


def mute(encoded: bytes, stretches: Sequence[tuple[float, float]], segment_id: str) -> bytes:
    """Stored audio with silence in place of some stretches, see :func:`muted`.

    Args:
        encoded: What :func:`encode` made.
        stretches: Start and end of each in seconds from the start of the audio.
        segment_id: The segment.
    """
    samples, rate_hz = soundfile.read(io.BytesIO(encoded), dtype="int16")
    quiet = np.rint(muted(samples, rate_hz, stretches)).astype(np.int16)
    is_flac = encoded.startswith(_FLAC)
    container, subtype = ("FLAC", "PCM_16") if is_flac else ("OGG", "OPUS")
    written = io.BytesIO()
    soundfile.write(written, quiet, rate_hz, format=container, subtype=subtype)
    if is_flac:
        return written.getvalue()
    return _with_serial(written.getvalue(), zlib.crc32(segment_id.encode()))


def muted(
    samples: NDArray[np.int16] | NDArray[np.float32],
    rate_hz: int,
    stretches: Sequence[tuple[float, float]],
) -> NDArray[np.float32]:
    """Samples with silence in place of some stretches.

    A stretch is silent from its first sample to its last; the sound around it fades for 5 ms, which
    avoids a click. Other samples stay as they are.

    Args:
        samples: Shape (n,).
        rate_hz: Their rate.
        stretches: Start and end of each in seconds from the first sample.
    """
    gain = np.ones(len(samples), np.float32)
    fade = max(round(_FADE_SECONDS * rate_hz), 1)
    for start_seconds, end_seconds in stretches:
        start = max(math.floor(start_seconds * rate_hz), 0)
        end = max(math.ceil(end_seconds * rate_hz), start)
        distance = np.arange(len(samples), dtype=np.float32)
        distance = np.maximum(start - distance, distance - (end - 1)).clip(0, fade)
        gain = np.minimum(gain, distance / fade)
    return samples * gain


def file_name(segment: Segment, codec: StoredCodec) -> str:
    """The file name that a row gives its stored audio."""
    return f"{segment.segment_id}.{'ogg' if codec == 'opus' else 'flac'}"


def _opus_rate_hz(rate_hz: int) -> int:
    return next((rate for rate in _OPUS_RATES_HZ if rate >= rate_hz), _OPUS_RATES_HZ[-1])


def _flac_rate_hz(rate_hz: int) -> int:
    if rate_hz <= _FLAC_ANY_RATE_HZ:
        return rate_hz
    return min(rate_hz // 10 * 10, _FLAC_MAX_RATE_HZ)


def _with_serial(ogg: bytes, serial: int) -> bytes:
    """Replace the serial number of an Ogg stream, which the encoder draws at random.

    Pages and checksums follow RFC 3533: a CRC-32 like zlib's, but with the most significant bit
    first and without the inversions.
    """
    stream = bytearray(ogg)
    start = 0
    while start < len(stream):
        lacing = start + 27
        body = lacing + stream[start + 26]
        end = body + sum(stream[lacing:body])
        stream[start + 14 : start + 18] = serial.to_bytes(4, "little")
        stream[start + 22 : start + 26] = bytes(4)
        checksum = ~zlib.crc32(stream[start:end].translate(_MIRRORED), 0xFFFFFFFF) & 0xFFFFFFFF
        stream[start + 22 : start + 26] = checksum.to_bytes(4, "big").translate(_MIRRORED)
        start = end
    return bytes(stream)
