"""Decoding with FFmpeg through PyAV, packet by packet: MP3, Ogg, MP4, WebM, TS, AAC, WMA."""

from __future__ import annotations

import contextlib
import io
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import numpy as np

from beam_audio.audio.decoders import stated
from beam_audio.audio.decoders.byte_source import ByteSource, require_memory
from beam_audio.audio.decoders.conform import Conform
from beam_audio.audio.decoders.padding import TAIL_BYTES, ends_in_tag, is_padding
from beam_audio.audio.decoders.pyav_container import (
    UNTIMED,
    choose_track,
    format_of,
    import_av,
    open_container,
    stated_seconds,
    timeline_of,
)
from beam_audio.audio.decoders.pyav_frames import container_name, reason, samples_of
from beam_audio.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import av
    from av.audio.stream import AudioStream
    from numpy.typing import NDArray

    from beam_audio.audio.decoders.timeline import Hole
    from beam_audio.types import AudioFormat

_ONE_LENGTH: Final = frozenset({"matroska", "flv", "asf"})
"""Containers that state one length for all their streams."""

_SEARCHED: Final = UNTIMED | {"flac"}
"""Containers without a table or header of packets."""

_TOLERANCE_SECONDS: Final = 0.1
"""Headers of lossy codecs count delays and padding of the encoder."""

_EXACT_TOLERANCE_SECONDS: Final = 0.001
_MOST_FAILURES: Final = 1000
"""A demuxer that fails this often in a row never gets on."""

_MPEG_DELAY_FRAMES: Final = 1105
"""An MP3 encoder begins with this much silence (LAME's 576 and the 529 of every decoder). Where
rate or channels change, another file was joined, and its silence is dropped."""

_SILENCE_FRAMES: Final = 65_536


class PyavReader:
    """A :class:`~beam_audio.audio.decoders.FrameReader` over FFmpeg: one audio stream.

    A damaged packet costs itself: decoding goes on with the next, and silence fills the hole.
    Silence also fills gaps between timestamps. Priming and padding that the container declares
    (edit lists, gapless tags, pre-skip) are dropped by FFmpeg itself.
    """

    name = "av"
    reads_on = False

    def __init__(self, file: BinaryIO, track: int | None = None) -> None:
        self._errors = (import_av().FFmpegError, ValueError)
        self._source = ByteSource(file)
        self.hole: Hole | None = None
        self._damage = ""
        self._latest = 0.0
        with contextlib.ExitStack() as on_failure:
            with self._source.decoding(reason):
                self._container = open_container(self._source)
            on_failure.callback(self._container.close)
            self._stream, self.other_tracks = choose_track(self._container, track)
            with self._source.decoding(reason):
                self._stated = stated_seconds(self._container, self._stream, self._source)
                self._timeline = timeline_of(
                    self._container, self._stream, self._stated, self._source.size_bytes
                )
                self._frames = self._decoded()
                self._first = next(self._frames, None)
                self.format = format_of(self._container, self._stream, self._first)
            on_failure.pop_all()
        self._conform = Conform(self.format.sample_rate_hz, self.format.channels)
        self._chunks = self._placed()

    def seek(self, frame: int) -> int:  # noqa: ARG002  the protocol's signature
        """Return 0 without seeking: FFmpeg seeks to packets, not to samples."""
        return 0

    def read(self) -> NDArray[np.float32]:
        """Decode the next frame of the codec, or return silence that belongs before it."""
        with self._source.decoding(reason):
            chunk = next(self._chunks, None)
        return np.zeros((0, self.format.channels), np.float32) if chunk is None else chunk

    def shortfall(self) -> str | None:
        """Why the audio is not whole, although it ended; None if it is."""
        end = max(self._timeline.clock, self._latest)
        ogg_ends = self._family != "ogg" or stated.ogg_is_whole(self._source)
        self._source.check()
        if not ogg_ends:
            return f"the last page is missing or cut off after {end:g} s"
        tolerance = _EXACT_TOLERANCE_SECONDS if self._family == "flac" else _TOLERANCE_SECONDS
        if self._stated is not None and end < self._stated - tolerance:
            return f"the header states {self._stated:g} s, and the audio ends after {end:g} s"
        return None

    def close(self) -> None:
        """Release the decoder."""
        with contextlib.suppress(Exception):
            self._container.close()

    def _placed(self) -> Iterator[NDArray[np.float32]]:
        """Chunks at the rate and with the channels of the first, silence where holes are."""
        rest = self._frames if self._first is None else chain((self._first,), self._frames)
        self._first = None
        delay = 0
        shape = (self.format.sample_rate_hz, self.format.channels)
        for frame in rest:
            rate_hz = frame.sample_rate
            if shape != (shape := (rate_hz, frame.layout.nb_channels)) and self._family == "mp3":
                delay = _MPEG_DELAY_FRAMES
            silence, hole = self._timeline.place(_seconds_at(frame), frame.samples / rate_hz)
            if silence > 0:
                yield from self._conform.flush()
                self.hole = hole
                yield from _silence(silence, self.format)
                self.hole = None
            samples = samples_of(frame)[delay:]
            delay = max(0, delay - frame.samples)
            if len(samples):
                yield from self._conform.push(samples, rate_hz)
        yield from self._conform.flush()
        if self._timeline.open_damage:
            raise DecodeError(
                f"what follows {self._timeline.clock:g} s is damaged or cut off: {self._damage}"
            )

    def _decoded(self) -> Iterator[av.AudioFrame]:
        """Frames of the packets that can be decoded; the timeline learns of the others."""
        last_seconds = 0.0
        for packet in self._demuxed():
            if packet.stream.index != self._stream.index:  # at their ends, too
                self._note_end(packet)
                continue
            try:
                frames = packet.decode()
            except self._errors as error:
                # Tags and filling come as packets only where FFmpeg finds packets by their content.
                if self._family not in _SEARCHED or not is_padding(bytes(packet)):
                    self._lose(_duration(packet) or last_seconds, error)
                continue
            self._note_end(packet)
            for frame in frames:
                if frame.samples:
                    last_seconds = frame.samples / frame.sample_rate
                    yield frame

    def _demuxed(self) -> Iterator[av.Packet[AudioStream]]:
        """Packets, the last an empty one; a failing demuxer is asked again for the next."""
        # Where the container states one length for all streams, the longest of them has it.
        streams = self._container.streams if self._family in _ONE_LENGTH else [self._stream]
        failures = 0
        while failures < _MOST_FAILURES:
            try:
                for packet in self._container.demux(*streams):
                    failures = 0
                    yield cast("av.Packet[AudioStream]", packet)
            except self._errors as error:
                failures += 1
                # A BlockingIOError says that it only looked for long.
                if not isinstance(error, BlockingIOError) and not self._is_at_tags():
                    self._lose(0.0, error)
            else:
                return

    def _is_at_tags(self) -> bool:
        """Whether the audio came to its stated end, and tags follow it."""
        if self._stated is None or self._timeline.clock < self._stated - _EXACT_TOLERANCE_SECONDS:
            return False
        position = self._source.tell()
        self._source.seek(-TAIL_BYTES, io.SEEK_END)
        tail = self._source.read()
        self._source.seek(position)
        return ends_in_tag(tail)

    def _lose(self, seconds: float, error: Exception) -> None:
        """Note damage; it is an error if nothing follows it."""
        self._source.check()
        require_memory(error)
        self._damage = reason(error)
        self._timeline.lose(seconds)

    @property
    def _family(self) -> str:
        return container_name(self._container)

    def _note_end(self, packet: av.Packet[AudioStream]) -> None:
        if packet.pts is not None and packet.time_base and self._timeline.origin is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self._latest = max(self._latest, end - self._timeline.origin)


def _seconds_at(frame: av.AudioFrame) -> float | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return float(frame.pts * frame.time_base)


def _duration(packet: av.Packet[AudioStream]) -> float:
    return float((packet.duration or 0) * (packet.time_base or 0))


def _silence(seconds: float, audio_format: AudioFormat) -> Iterator[NDArray[np.float32]]:
    """Silence in chunks, so that a gap of years fills no memory."""
    frames = round(seconds * audio_format.sample_rate_hz)
    for start in range(0, frames, _SILENCE_FRAMES):
        length = min(_SILENCE_FRAMES, frames - start)
        yield np.zeros((length, audio_format.channels), np.float32)
