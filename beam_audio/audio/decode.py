"""Encoded bytes to float32 blocks: bounded in memory, exact in samples, distrustful of headers.

soundfile is tried first, and PyAV reads what soundfile cannot. The content decides, never the name.
Headers may be wrong, so decoded frames are counted. A recording that ends early keeps its frames
and says why (:attr:`AudioStream.truncation`).
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
import soxr

from beam_audio.audio.decoders.request import Cut, Decoder, DecodeRequest
from beam_audio.audio.decoders.stream import AudioStream, is_stream_reason, names_other_tracks
from beam_audio.audio.limits import DecodeLimits
from beam_audio.audio.mixing import Mixer
from beam_audio.errors import InputError, raise_machine_error
from beam_audio.types import Audio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "AudioStream",
    "DecodeLimits",
    "Decoder",
    "Resampler",
    "decode",
    "is_stream_reason",
    "names_other_tracks",
    "open_audio",
    "open_source",
    "read_signal",
    "resample",
]

_DEFAULT_LIMITS = DecodeLimits()


def open_audio(  # noqa: PLR0913  keyword arguments, each with a default
    file: BinaryIO,
    *,
    decoder: Decoder = "auto",
    limits: DecodeLimits = _DEFAULT_LIMITS,
    offset_seconds: float | None = None,
    duration_seconds: float | None = None,
    block_seconds: float = 1.0,
    track: int | None = None,
) -> AudioStream:
    """Open encoded audio for decoding block by block.

    Args:
        file: Seekable binary file. The caller closes it, after the stream.
        decoder: ``auto`` tries soundfile, then PyAV; any other name tries only that decoder.
        limits: What is refused or cut off.
        offset_seconds: Start of a cut; sample ``round(offset_seconds * rate)``.
        duration_seconds: Length of the cut, ``round(duration_seconds * rate)`` samples.
        block_seconds: Longest block.
        track: Number of the audio track, from 0; None takes the file's default, else the first.

    Returns:
        A stream with its first block decoded, so that bytes that are not audio fail here.

    Raises:
        DecodeError: No decoder makes audio of the bytes.
        LimitError: The source exceeds a limit before its first frame.
        InputError: The cut is not a stretch of time, or starts after the end.
        ConfigError: The decoder asked for is not installed.
        OSError: Or whatever else ``file`` raises when it is read.
    """
    cut = Cut(offset_seconds, duration_seconds, track)
    return AudioStream(file, DecodeRequest(decoder, limits, cut, block_seconds))


class Resampler:
    """Streaming change of sample rate, by soxr at its high quality (20 bits).

    The joined output equals that of :func:`resample` on the joined input, sample by sample. Equal
    rates change nothing.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream: Any = None
        if from_hz != to_hz:
            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take samples of shape (n,) and return the samples that are ready at the new rate."""
        return samples if self._stream is None else self._run(samples, last=False)

    def finish(self) -> NDArray[np.float32]:
        """Return the remaining samples; nothing may be pushed after this."""
        nothing = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._run(nothing, last=True)

    def _run(self, samples: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        out: NDArray[np.float32] = self._stream.resample_chunk(samples, last=last)
        return out


def resample(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Change the sample rate of a whole signal.

    Args:
        samples: Shape (n,).
        from_hz: Rate of ``samples``.
        to_hz: Rate wanted.

    Returns:
        float32 of shape (m,); m differs from ``n * to_hz / from_hz`` by at most one. Equal rates
        return ``samples`` itself.
    """
    if from_hz == to_hz:
        return samples
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate([resampler.push(samples), resampler.finish()])


def decode(  # noqa: PLR0913  keyword arguments, each with a default
    source: str | os.PathLike[str] | bytes | BinaryIO,
    *,
    channels: Literal["mix"] | int = "mix",
    decoder: Decoder = "auto",
    limits: DecodeLimits = _DEFAULT_LIMITS,
    offset_seconds: float | None = None,
    duration_seconds: float | None = None,
) -> Audio:
    """Decode a recording, or a cut of it, into memory at its own sample rate.

    The part of a recording that ends early is returned, with a :class:`UserWarning`.

    Args:
        source: A local path, encoded bytes, or a seekable binary file.
        channels: ``mix`` mixes the channels; a number (from 0) takes one.
        decoder: See :func:`open_audio`.
        limits: See :func:`open_audio`.
        offset_seconds: Start of the cut.
        duration_seconds: Length of the cut.

    Returns:
        One signal, float32, full scale 1.0.

    Raises:
        InputError: The file, the cut or the channel does not exist.
        DecodeError: No decoder makes audio of it.
        LimitError: It exceeds a limit before its first frame.
    """
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(
            open_audio(
                open_source(source, stack),
                decoder=decoder,
                limits=limits,
                offset_seconds=offset_seconds,
                duration_seconds=duration_seconds,
            )
        )
        (channel,) = Mixer(channels, stream.format).channels
        parts = [*read_signal(stream, channels)]
        if stream.truncation is not None:
            warnings.warn(f"decoded in part: {stream.truncation}", stacklevel=2)
        samples = np.concatenate([np.zeros(0, np.float32), *parts])
        return Audio(samples, stream.format.sample_rate_hz, channel=channel)


def read_signal(
    stream: AudioStream, channels: Literal["mix"] | int = "mix"
) -> Iterator[NDArray[np.float32]]:
    """The mix of a stream's channels, or one of them, block by block: float32 of shape (frames,).

    Raises:
        InputError: The channel does not exist.
    """
    mixer = Mixer(channels, stream.format, stream.decoder)
    (channel,) = mixer.channels
    for block in stream.blocks():
        for mixed in mixer.push(block):
            yield mixed.signals[channel]
    for mixed in mixer.finish():
        yield mixed.signals[channel]


def open_source(
    source: str | os.PathLike[str] | bytes | BinaryIO, stack: contextlib.ExitStack
) -> BinaryIO:
    """The encoded bytes of a local path, of bytes or of a file; what it opens ``stack`` closes.

    Raises:
        InputError: The file does not exist, is no regular file or cannot be read.
        MachineError: The machine is at fault.
    """
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.exists() and not path.is_file():  # opening a pipe may wait for ever
            raise InputError(f"cannot read {path}: it is not a regular file")
        try:
            return stack.enter_context(path.open("rb"))
        except OSError as error:
            raise_machine_error(error)
            raise InputError(f"cannot read {os.fspath(source)}: {error.strerror}") from error
    return source
