"""Decoding with libsndfile: WAV and similar formats, FLAC, Ogg, MP3."""

from __future__ import annotations

import contextlib
import ctypes
import re
import threading
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import soundfile

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.containers import HEAD_BYTES, readable_containers, refusal
from beam_audio.audio.decoders.extent import extent_of
from beam_audio.audio.decoders.stated import bytes_at, mpeg_count, ogg_is_whole
from beam_audio.errors import DecodeError
from beam_audio.types import AudioFormat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from beam_audio.audio.decoders.timeline import Hole

_CHUNK_FRAMES = 4096
"""Frames per call. The number is fixed, so that samples do not depend on the block size asked for.
It is small because libsndfile loses the whole call in which a truncated file ends."""

_UNKNOWN_FRAMES = 2**62
_TAG_BYTES = 4096
"""Up to this many bytes after the last frame are taken for tags."""

_STREAMED = frozenset({"FLAC", "MP3", "OGG"})
"""Formats without a length in bytes: whatever follows the last frame may be audio."""

_LOSSY_TOLERANCE_SECONDS = 0.1
_OPEN_SIZE = b"\xff" * 4
_W64 = b"riff"

_CORRECTED_SIZE = re.compile(
    r"^\s*(data|SSND|Data Size|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
"""libsndfile logs this when it corrects a wrong size in WAV, AIFF, AU, W64 or RF64."""

_STREAM_SIZE_BYTES = 0x7FFF0000
"""Recorders write larger 32-bit sizes while they do not know the size; they state nothing."""

_MISNAMED = "File does not exist"
"""What libsndfile says of an MP3 without a frame."""

_CODECS = {
    "PCM_S8": "pcm_s8",
    "PCM_U8": "pcm_u8",
    "PCM_16": "pcm_s16",
    "PCM_24": "pcm_s24",
    "PCM_32": "pcm_s32",
    "FLOAT": "pcm_f32",
    "DOUBLE": "pcm_f64",
    "ULAW": "pcm_mulaw",
    "ALAW": "pcm_alaw",
    "MPEG_LAYER_I": "mp1",
    "MPEG_LAYER_II": "mp2",
    "MPEG_LAYER_III": "mp3",
}


_PCM_BYTES = dict.fromkeys(("pcm_s8", "pcm_u8", "pcm_mulaw", "pcm_alaw"), 1) | {
    "pcm_s16": 2,
    "pcm_s24": 3,
    "pcm_s32": 4,
    "pcm_f32": 4,
    "pcm_f64": 8,
}


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]  # the library is untyped
    """A SoundFile that does not seek after every read.

    The library otherwise seeks to where it already is. That restarts the MP3 decoder each time,
    which makes it two to four times slower and the last bits of samples depend on the read size. It
    also fails at the end of a FLAC whose header states no length, and the last frames are lost.
    """

    def seekable(self) -> bool:
        return False


class SoundfileReader:
    """A :class:`~beam_audio.audio.decoders.FrameReader` over libsndfile."""

    name = "soundfile"
    other_tracks: tuple[int, ...] = ()
    hole: Hole | None = None

    def __init__(self, file: BinaryIO, rare_containers: Collection[str] = ()) -> None:
        self._source = ByteSource(file)
        head = bytes_at(self._source, 0, HEAD_BYTES)
        containers = readable_containers(head, rare_containers)
        if not containers:
            self._source.check()
            raise DecodeError(refusal(head))
        extent = extent_of(self._source)
        self.reads_on = extent.open_at is not None
        if extent.open_at is not None:
            self._source.replace(extent.open_at, _OPEN_SIZE)
        if head.startswith(_W64) and extent.end is not None:
            # libsndfile takes all that follows the samples for samples.
            self._source.size_bytes = min(self._source.size_bytes, extent.end)
        with _quiet_c_stderr(), self._source.decoding(_reason):
            self._file = _Sequential(self._source)
        if self._file.format.lower() not in containers:
            self.close()
            raise DecodeError(refusal(head))
        self._position = 0
        self._noisy = self._file.format == "MP3"
        frames = self._file.frames
        self._stated_frames: int | None = frames if 0 <= frames < _UNKNOWN_FRAMES else None
        self._promised_frames = _promised_frames(self._file, self._stated_frames)
        self.format = _format(self._file, self._promised_frames)
        self._most_frames = _most_frames(self.format, self._source.size_bytes)

    def shortfall(self) -> str | None:
        """Say how much the header states beyond what was decoded, or how many bytes are left."""
        rate_hz, file_format = self.format.sample_rate_hz, self._file.format
        stated, tolerance = self._stated_seconds()
        ended = self._position / rate_hz
        if stated is not None and ended < stated - tolerance:
            return f"the header states {stated:g} s, and the audio ends after {ended:g} s"
        if file_format in _STREAMED and self._source.unread_bytes > _TAG_BYTES:
            return f"{self._source.unread_bytes} bytes after {ended:g} s are not read"
        if file_format == "OGG" and not ogg_is_whole(self._source):
            return f"the last page is missing or cut off after {ended:g} s"
        return None

    def _stated_seconds(self) -> tuple[float | None, float]:
        """Length that the header states, and by how much it may be wrong.

        libsndfile only estimates that of an MP3. Lossy codecs in WAV count what encoders add.
        """
        if self._file.format == "MP3":
            count = mpeg_count(self._source)
            return None if count is None else count.seconds, _LOSSY_TOLERANCE_SECONDS
        if self._promised_frames is None:
            return None, 0.0
        exact = self.format.codec == "flac" or self.format.codec.startswith("pcm_")
        seconds = self._promised_frames / self.format.sample_rate_hz
        return seconds, 0.0 if exact else _LOSSY_TOLERANCE_SECONDS

    def seek(self, frame: int) -> int:
        """Seek where that is sample exact: uncompressed audio and FLAC."""
        codec = self.format.codec
        exact = codec == "flac" or codec.startswith("pcm_")
        if not exact or self._stated_frames is None or not 0 < frame < self._stated_frames:
            return 0
        try:
            with self._source.decoding(_reason):
                self._file.seek(frame)
            self._position = frame
        except DecodeError:
            # A damaged FLAC may not be seekable although it decodes from the start.
            self._source.seek(0)
            with self._source.decoding(_reason):
                self._file.close()
                self._file = _Sequential(self._source)
            self._position = 0
        return self._position

    def read(self) -> NDArray[np.float32]:
        """Decode the next frames."""
        chunk = np.empty((_CHUNK_FRAMES, self.format.channels), np.float32)
        quiet = _quiet_c_stderr() if self._noisy else contextlib.nullcontext()
        with quiet, self._source.decoding(_reason):
            # blocks() would return frames of a truncated MP3 twice, and read() looks up types.
            frames: int = self._file.buffer_read_into(chunk, dtype="float32")
        room = self._most_frames - self._position
        if frames and room <= 0:
            raise DecodeError(
                f"the header counts more frames than {self._source.size_bytes} bytes can hold"
            )
        chunk = chunk[: min(frames, room)]
        self._position += len(chunk)
        return chunk

    def close(self) -> None:
        """Release the decoder."""
        with contextlib.suppress(Exception):
            self._file.close()


def _reason(error: Exception) -> str:
    """Say what went wrong without the address of a Python object: rows must not differ."""
    if isinstance(error, soundfile.LibsndfileError):
        said = str(error.error_string).strip().removeprefix("Error : ").rstrip(".")
        return "no audio frame found" if said.startswith(_MISNAMED) else said
    return str(error) or type(error).__name__


def _promised_frames(file: soundfile.SoundFile, frames: int | None) -> int | None:
    """Frames the header states, even where libsndfile reduces its count to what the file holds."""
    if frames is None:
        return None
    for field, stated, held in _CORRECTED_SIZE.findall(file.extra_info):
        whole_file = field.lower().startswith("riff") and file.format not in {"W64", "RF64"}
        if not whole_file and int(held) < int(stated) < _STREAM_SIZE_BYTES:
            return frames * int(stated) // int(held) if int(held) else frames
    return frames


def _most_frames(audio_format: AudioFormat, size_bytes: int) -> int:
    """Frames that the file can hold, whatever its header counts."""
    frame_bytes = _PCM_BYTES.get(audio_format.codec, 0) * audio_format.channels
    return size_bytes // frame_bytes if frame_bytes else _UNKNOWN_FRAMES


def _format(file: soundfile.SoundFile, stated_frames: int | None) -> AudioFormat:
    container = "wav" if file.format in {"WAV", "WAVEX"} else file.format.lower()
    codec = "flac" if file.format == "FLAC" else _CODECS.get(file.subtype, file.subtype.lower())
    known = stated_frames is not None and file.samplerate > 0
    return AudioFormat(
        codec=codec,
        container=container,
        sample_rate_hz=file.samplerate,
        channels=file.channels,
        header_seconds=stated_frames / file.samplerate if stated_frames and known else None,
    )


class _CStderr:
    """Points the C library's ``stderr`` to the null device while MP3 frames are decoded.

    libmpg123 reports every damaged frame there, and no option stops it. Only C code that prints
    through stdio is muted, and only for that time. File descriptor 2, and with it Python's own
    stderr, stays as it is. Nothing happens where the C library does not export the variable.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._kept: int | None = None
        self._variable: ctypes.c_void_p | None = None
        with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
            library = ctypes.CDLL(None)
            library.fopen.restype = ctypes.c_void_p
            self._null = library.fopen(b"/dev/null", b"w")
            self._variable = ctypes.c_void_p.in_dll(library, "stderr") if self._null else None

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        if self._variable is None:
            yield
            return
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._kept, self._variable.value = self._variable.value, self._null
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._variable.value = self._kept


_quiet_c_stderr = _CStderr().quiet
