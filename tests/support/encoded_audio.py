"""Small encoded recordings for the tests of decoding, and the reading of them."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import av
import numpy as np
import soundfile

from beam_audio.audio.decode import open_audio

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def encode_packets(
    samples: NDArray[np.float32],
    container: str,
    codec: str,
    *,
    rate_hz: int = RATE_HZ,
    options: dict[str, str] | None = None,
) -> bytes:
    """Encode with FFmpeg; ``options`` are those of the container."""
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[samples.shape[1]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "encoded"  # a file, since some containers are read while written
        with av.open(path, "w", format=container, options=options or {}) as output:
            stream: Any = output.add_stream(codec, rate=rate_hz)
            stream.layout = layout
            if codec == "wmav2":  # its default is more than it takes
                stream.bit_rate = 32_000
            for packet in packets_of(stream, samples, rate_hz):
                output.mux(packet)
        return path.read_bytes()


def encode_tracks(container: str, seconds: Sequence[float], *, default: int | None = None) -> bytes:
    """AAC tracks of these lengths, one of them marked as the default."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options={"fflags": "bitexact"}) as output:
        streams: list[Any] = [output.add_stream("aac", rate=RATE_HZ) for _ in seconds]
        for number, stream in enumerate(streams):
            marks = av.stream.Disposition
            stream.layout = "mono"
            stream.disposition = marks.default if number == default else marks(0)
        for stream, length in zip(streams, seconds, strict=True):
            for packet in packets_of(stream, noise(length), RATE_HZ):
                output.mux(packet)
    return file.getvalue()


def packets_of(
    stream: Any,  # noqa: ANN401  an audio stream of PyAV
    samples: NDArray[np.float32],
    rate_hz: int,
) -> list[Any]:
    """The packets of an encoder, in order."""
    # Packed: PyAV cannot make a frame of eight planes.
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples).reshape(1, -1), format="flt", layout=stream.layout.name
    )
    frame.sample_rate, frame.pts = rate_hz, 0
    return [*stream.encode(frame), *stream.encode(None)]


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording as its stream describes it at the end."""

    samples: NDArray[np.float32]
    seconds: float
    truncation: BeamAudioError | None
    concealed_seconds: float
    reasons: set[str]
    header_seconds: float | None

    @property
    def is_flagged(self) -> bool:
        """Whether its row says that something is missing."""
        return self.truncation is not None or self.concealed_seconds > 0


def hear(data: bytes, **options: Any) -> Heard:  # noqa: ANN401  those of open_audio
    with open_audio(io.BytesIO(data), **options) as stream:
        empty = np.zeros((0, stream.format.channels), np.float32)
        samples = np.concatenate([empty, *stream.blocks()])
        return Heard(
            samples=samples,
            seconds=len(samples) / stream.format.sample_rate_hz,
            truncation=stream.truncation,
            concealed_seconds=stream.concealed_seconds,
            reasons=stream.reasons,
            header_seconds=stream.credible_seconds,
        )


def read_all(
    data: bytes | BinaryIO,
    **options: Any,  # noqa: ANN401  those of open_audio
) -> tuple[NDArray[np.float32], BeamAudioError | None]:
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    with open_audio(file, **options) as stream:
        blocks = list(stream.blocks())
        empty = np.zeros((0, stream.format.channels), np.float32)
        return np.concatenate([empty, *blocks]), stream.truncation
