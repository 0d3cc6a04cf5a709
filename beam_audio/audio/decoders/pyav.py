"""Decoding with FFmpeg through PyAV: MP4, AAC, WebM, WMA, and what libsndfile cannot read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.errors import ConfigError, DecodeError
from beam_audio.types import AudioFormat

if TYPE_CHECKING:
    from types import ModuleType

    import av
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from numpy.typing import NDArray

_OPTIONS = {"protocol_whitelist": ""}
"""FFmpeg treats playlists and scripts as containers; they may open no file and no address."""

_PCM_BYTE_ORDERS = ("le", "be")


class PyavReader:
    """A :class:`~beam_audio.audio.decoders.FrameReader` over FFmpeg: the first audio stream.

    Priming and padding that the container declares (edit lists, gapless tags, pre-skip) are
    dropped by FFmpeg itself.
    """

    name = "av"
    exact_frames: int | None = None
    understated = False

    def __init__(self, file: BinaryIO) -> None:
        av = _import_av()
        self._source = ByteSource(file)
        with contextlib.ExitStack() as on_failure:
            with self._source.decoding(_reason):
                self._container: InputContainer = av.open(
                    self._source, mode="r", metadata_errors="ignore", options=_OPTIONS
                )
            on_failure.callback(self._container.close)
            if not self._container.streams.audio:
                raise DecodeError(f"no audio stream in this {self._container.format.name} file")
            stream = self._container.streams.audio[0]
            if stream.codec_context is None:  # decoding such a stream crashes PyAV before 18.1
                raise DecodeError(f"unknown codec in this {self._container.format.name} file")
            self._frames = self._container.decode(stream)
            with self._source.decoding(_reason):
                first = next(self._frames, None)
                self.format = _format(self._container, stream, first)
                self._head = None if first is None else _samples(first)
            on_failure.pop_all()

    def seek(self, frame: int) -> int:  # noqa: ARG002  the protocol's signature
        """Return 0 without seeking: FFmpeg seeks to packets, not to samples."""
        return 0

    def read(self) -> NDArray[np.float32]:
        """Decode the next frame of the codec."""
        if self._head is not None:
            head, self._head = self._head, None
            return head
        with self._source.decoding(_reason):
            frame = next(self._frames, None)
            if frame is None:
                return np.zeros((0, self.format.channels), np.float32)
            samples = _samples(frame)
        shape = (frame.sample_rate, samples.shape[1])
        if shape != (self.format.sample_rate_hz, self.format.channels):
            raise DecodeError(
                f"the audio changes midway from {self.format.sample_rate_hz} Hz and "
                f"{self.format.channels} channels to {shape[0]} Hz and {shape[1]}"
            )
        return samples

    def close(self) -> None:
        """Release the decoder."""
        with contextlib.suppress(Exception):
            self._container.close()


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


def _import_av() -> ModuleType:
    try:
        import av  # noqa: PLC0415  optional and heavy
    except ImportError as error:
        raise ConfigError("PyAV is not installed: pip install 'beam_audio[media]'") from error
    return av


def _format(
    container: InputContainer, stream: AudioStream, first: av.AudioFrame | None
) -> AudioFormat:
    """Take rate and channels from the first frame, which is more reliable than the header."""
    codec = stream.codec_context
    name = codec.codec.name.removesuffix("float")  # FFmpeg's MP3 decoder is "mp3float"
    if name.startswith("pcm_"):
        for order in _PCM_BYTE_ORDERS:
            name = name.removesuffix(order)
    family = container.format.name.split(",")[0]
    seconds = None
    if stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        seconds = container.duration / 1_000_000
    return AudioFormat(
        codec=name,
        container="mp4" if family == "mov" else family,
        sample_rate_hz=codec.sample_rate if first is None else first.sample_rate,
        channels=(codec.layout if first is None else first.layout).nb_channels,
        header_seconds=seconds,
    )


def _samples(frame: av.AudioFrame) -> NDArray[np.float32]:
    """Convert a frame of any sample format: float32 of shape (frames, channels), full scale 1.0."""
    planes = frame.to_ndarray()
    stored = planes.T if frame.format.is_planar else planes.reshape(-1, frame.layout.nb_channels)
    samples: NDArray[np.float32] = np.ascontiguousarray(stored, dtype=np.float32)
    if stored.dtype.kind == "u":
        samples = (samples - 128.0) / 128.0
    elif stored.dtype.kind == "i":
        samples *= np.float32(2.0 ** (1 - 8 * stored.dtype.itemsize))
    return samples
