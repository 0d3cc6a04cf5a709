"""Small encoded recordings for the tests of decoding, and the reading of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import soundfile

from beam_audio.audio.decode import open_audio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.errors import BeamAudioError

RATE_HZ = 16_000
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "float": ("WAV", "FLOAT"),
    "flac": ("FLAC", "PCM_16"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
FLAC_COUNT = slice(22, 26)
"""The low 32 bits of the number of samples in a FLAC header."""


def noise(seconds: float, channels: int = 1) -> NDArray[np.float32]:
    shape = (round(seconds * RATE_HZ), channels)
    return (np.random.default_rng(0).standard_normal(shape) * 0.1).astype(np.float32)


STEREO = noise(0.5, channels=2)


def encode(samples: NDArray[np.float32], name: str = "wav", rate_hz: int = RATE_HZ) -> bytes:
    container, subtype = FORMATS[name]
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=container, subtype=subtype)
    return file.getvalue()


def read_all(
    data: bytes | BinaryIO,
    **options: Any,  # noqa: ANN401  those of open_audio
) -> tuple[NDArray[np.float32], BeamAudioError | None]:
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    with open_audio(file, **options) as stream:
        blocks = list(stream.blocks())
        empty = np.zeros((0, stream.format.channels), np.float32)
        return np.concatenate([empty, *blocks]), stream.truncation
