"""Decoding with tensorflow-io: WAV, FLAC, Ogg Vorbis and MP3.

The library trusts headers, and reads some files as what they are not: 32-bit integers as floats,
AIFF as MP3. So the header is read here, too, and what the library says is held against it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

import numpy as np

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.flac_checksum import FlacChecksum
from beam_audio.audio.decoders.leftover import leftover_bytes
from beam_audio.audio.decoders.stated import after_id3, bytes_at, mpeg_count, ogg_is_whole
from beam_audio.audio.decoders.tfio_child import HINT, TfioChild, give_back, take_child
from beam_audio.audio.decoders.wav_header import wav_header
from beam_audio.errors import ConfigError, DecodeError, DecoderCrash, DecoderHang, MachineError
from beam_audio.types import AudioFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from beam_audio.audio.decoders.timeline import Hole

_Answer = TypeVar("_Answer")
_CHUNK_FRAMES: Final = 16_384
_READS: Final = "it reads plain WAV, FLAC, Ogg Vorbis and MP3; --decoder=auto reads more"
_FATAL: Final = (DecoderCrash, DecoderHang)
"""The child is gone: it cannot be asked again."""

_HEAD_BYTES: Final = 64
_OGG_PAGE_BYTES: Final = 28
_LOSSY_TOLERANCE_SECONDS: Final = 0.1
_MPEG_LAYERS: Final = {1: "mp3", 2: "mp2", 3: "mp1"}
_WAV_SAMPLES: Final = {
    "pcm_u8": "uint8",
    "pcm_s16": "int16",
    "pcm_s24": "int32",
    "pcm_s32": "float32",
    "pcm_f32": "float32",
}
"""What the library takes the samples of a WAV for, by their codec. It is wrong about pcm_s32."""


class TfioReader:
    """A :class:`~beam_audio.audio.decoders.FrameReader` over tensorflow-io in a child process."""

    name = "tfio"
    other_tracks: tuple[int, ...] = ()
    hole: Hole | None = None
    reads_on = False

    def __init__(self, file: BinaryIO) -> None:
        if importlib.util.find_spec("tensorflow_io") is None:
            raise ConfigError(f"tensorflow-io is not installed: {HINT}")
        self._source = ByteSource(file)
        container, codec = _kind(self._source)
        with contextlib.ExitStack() as on_failure:
            # The child reads a copy: an encoded file is small compared with its samples.
            self._copy = on_failure.enter_context(tempfile.TemporaryFile(prefix="beam-audio-"))
            file.seek(0)
            shutil.copyfileobj(file, self._copy)
            self._copy.flush()
            self._child = take_child()
            on_failure.callback(lambda: give_back(self._child))
            header = self._open()
            self._frames: int = header["frames"]
            if container == "wav":
                codec = self._wav_codec(header["dtype"])
            elif not self._frames:
                raise DecodeError(f"it finds no frame; {_READS}")
            self._dtype = "int32" if codec == "pcm_s32" else header["dtype"]
            self._on_close = on_failure.pop_all()
        self._checksum = FlacChecksum(self._source) if container == "flac" else None
        self._position = 0
        self._chunk_frames = _CHUNK_FRAMES
        rate = header["rate"]
        self.format = AudioFormat(
            codec=codec,
            container=container,
            sample_rate_hz=rate,
            channels=header["channels"],
            header_seconds=self._frames / rate if self._frames and rate > 0 else None,
        )

    def seek(self, frame: int) -> int:
        """Seek to the frame: any frame can be read first."""
        self._position = frame if 0 <= frame < self._frames else 0
        if self._position:
            self._checksum = None  # it is of all samples
        return self._position

    def read(self) -> NDArray[np.float32]:
        """Decode the next frames."""
        if self._position >= self._frames:
            return np.zeros((0, self.format.channels), np.float32)
        data = np.frombuffer(self._next(), self._dtype)
        if self._dtype == "float32":
            samples: NDArray[np.float32] = data.astype(np.float32)
        else:
            whole = _full_scale(data)
            if self._checksum is not None:
                self._checksum.push(whole)
            samples = whole.astype(np.float32) / np.float32(2.0**31)
        chunk = samples.reshape(-1, self.format.channels)
        self._position += len(chunk)
        return chunk

    def shortfall(self) -> str | None:
        """Say how much the header states beyond what was decoded, or how much is not read."""
        if self._position < self._frames:
            return f"the header states {self._frames} frames, and {self._position} are there"
        container = self.format.container
        ended = self._position / self.format.sample_rate_hz
        count = mpeg_count(self._source) if container == "mp3" else None
        if count is not None and ended < count.seconds - _LOSSY_TOLERANCE_SECONDS:
            return f"the header states {count.seconds:g} s, and the audio ends after {ended:g} s"
        if container == "ogg" and not ogg_is_whole(self._source):
            return f"the last page is missing or cut off after {ended:g} s"
        if self._checksum is not None and self._checksum.differs():
            return f"after {ended:g} s the samples are not those of the file's checksum"
        unread = leftover_bytes(self._source, container)
        return f"{unread} bytes after {ended:g} s are not read" if unread else None

    def close(self) -> None:
        """Keep a healthy child for the next recording."""
        self._on_close.close()

    def _open(self) -> dict[str, Any]:
        try:
            return self._ask(lambda child: child.open(self._copy.fileno()))
        except _FATAL:
            raise
        except DecodeError as error:
            raise DecodeError(f"{error}; {_READS}") from error

    def _ask(self, question: Callable[[TfioChild], _Answer]) -> _Answer:
        """Ask the child; where it ends, ask another, unless this file must be the cause."""
        try:
            return question(self._child)
        except MachineError:
            pass
        except _FATAL:
            if self._child.is_fresh:
                raise
        self._child = TfioChild()
        self._child.open(self._copy.fileno())
        return question(self._child)

    def _wav_codec(self, dtype: str) -> str:
        """The codec of a WAV, if the library has read its header right."""
        header = wav_header(self._source)
        codec = None if header is None else header.codec
        if header is None or codec is None or _WAV_SAMPLES.get(codec) != dtype:
            raise DecodeError(f"it takes the samples for {dtype}, which they are not; {_READS}")
        if header.frames is not None and header.frames != self._frames:
            raise DecodeError(
                f"it finds {self._frames} frames where the header states {header.frames}; {_READS}"
            )
        return codec

    def _next(self) -> bytes:
        """The next frames. Of a damaged stretch, all frames before the damage are read."""
        while True:
            stop = min(self._position + self._chunk_frames, self._frames)
            try:
                return self._ask(partial(TfioChild.read, start=self._position, stop=stop))
            except _FATAL:
                raise
            except DecodeError:
                if self._chunk_frames == 1:
                    raise
                self._chunk_frames //= 2


def _kind(source: ByteSource) -> tuple[str, str]:
    """Container and codec by the first bytes; the codec of a WAV is not known by them.

    Raises:
        DecodeError: They are of a format that the library does not read.
        OSError: Or whatever else the file raises when it is read.
    """
    head = bytes_at(source, 0, _HEAD_BYTES)
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav", ""
    if head.startswith(b"fLaC"):
        return "flac", "flac"
    if head.startswith(b"OggS") and head[_OGG_PAGE_BYTES:].startswith(b"\x01vorbis"):
        return "ogg", "vorbis"
    first = bytes_at(source, after_id3(source), 2)
    if first[:1] == b"\xff" and len(first) > 1 and first[1] >= 0xE0:  # noqa: PLR2004 - the sync word
        if layer := _MPEG_LAYERS.get(first[1] >> 1 & 3):
            return "mp3", layer
    elif head.startswith(b"ID3") and not any(first):
        return "mp3", "mp3"
    source.check()
    raise DecodeError(_READS)


def _full_scale(samples: NDArray[Any]) -> NDArray[np.int32]:
    """Integers of any size as 32-bit integers of the same loudness; 8 bits have no sign."""
    shift = 32 - 8 * samples.itemsize
    wide = samples.astype(np.int32)
    return (wide - 128 if samples.dtype == np.uint8 else wide) << shift
