"""Which decoder reads a recording: its bytes decide, and limits are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.conform import Conform
from beam_audio.audio.decoders.containers import starts_uncompressed
from beam_audio.audio.decoders.extent import extent_of
from beam_audio.audio.decoders.pyav import PyavReader
from beam_audio.audio.decoders.soundfile import SoundfileReader
from beam_audio.audio.decoders.stated import mpeg_count
from beam_audio.audio.decoders.tfio import TfioReader
from beam_audio.errors import (
    BeamAudioError,
    ConfigError,
    DecodeError,
    DecoderCrash,
    DecoderHang,
    InputError,
    LimitError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.audio.decoders import FrameReader
    from beam_audio.audio.decoders.request import DecodeRequest

_TITLES = {"soundfile": "soundfile", "av": "PyAV", "tfio": "tensorflow-io"}
_TELLING = (ConfigError, DecoderCrash, DecoderHang)
"""Errors of a decoder that say all there is to say."""

_CONTINUED = frozenset({"flac", "ogg", "mp3"})
"""Containers in which PyAV goes on where libsndfile stops."""


class DecodedFrames:
    """The frames of one file, from the decoder that can read it.

    Attributes:
        reader: The decoder in use.
        format: The header as the first chosen decoder reads it.
        position: Frame of the recording after the last one yielded.
        stopped: Why decoding stopped before the end; None if it did not.
        missing: Why the recording is not whole although it ended; None if it is.
    """

    def __init__(
        self, file: BinaryIO, request: DecodeRequest, watch: Callable[[str], None]
    ) -> None:
        """Open the first decoder that yields frames.

        ``watch`` is called with the name of a decoder before it opens the file, and after each
        piece that it has decoded.

        A decoder that finds no frame is used only if no other decoder finds one: one decoder may
        take a header without a count for an empty recording, and another for a full one.

        Raises:
            DecodeError: No decoder could read the file.
            LimitError: A limit is exceeded for every decoder.
            InputError: The file has no such track.
            ConfigError: The one decoder asked for is not installed.
        """
        self.stopped: BeamAudioError | None = None
        self.missing: str | None = None
        self.position = 0
        self._file = file
        self._request = request
        self._track = request.cut.track
        self._watch = watch
        self._continues = request.decoder == "auto"
        self.reader = self._choose(
            _auto(file, self._track) if self._continues else (request.decoder,)
        )
        self.format = self.reader.format

    def _choose(self, names: tuple[str, ...]) -> FrameReader:
        """The first decoder with a frame, else the first that opens the file; others are closed."""
        empty: FrameReader | None = None
        errors: dict[str, BeamAudioError] = {}
        for name in names:
            try:
                reader = self._open(name)
            except (DecodeError, LimitError, ConfigError) as error:
                errors[name] = error
                continue
            if len(self._head) or empty is None:
                empty, idle = reader, empty
            else:
                idle = reader
            if idle is not None:
                idle.close()
            if len(self._head):
                return reader
        if empty is None:
            raise _failure(errors)
        return empty

    def _open(self, name: str) -> FrameReader:
        reader: FrameReader
        self._watch(name)
        if name == "av":
            reader = PyavReader(self._file, self._track)
        elif self._track:
            raise InputError(f"track {self._track} was asked for, and {_TITLES[name]} reads one")
        elif name == "soundfile":
            reader = SoundfileReader(self._file, self._request.rare_containers)
        else:
            reader = TfioReader(self._file)
        try:
            self._request.limits.check_format(reader.format)
            start, _ = self._request.cut.samples(reader.format.sample_rate_hz)
            start = reader.seek(start)
            self._head = reader.read()
        except BaseException:
            reader.close()
            raise
        self.position = start
        return reader

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        """Yield what is decoded, in order: shape (frames, channels), full scale 1.0.

        libsndfile stops at damage, and where a header counts too few frames, as in joined files.
        PyAV then goes on from that frame.
        """
        try:
            yield from self._counted(self._head)
            try:
                while len(chunk := self.reader.read()):
                    yield from self._counted(chunk)
            except DecodeError as error:
                if not self._can_continue:
                    raise
                yield from self._continued(error)
            else:
                if self._can_continue and (reason := self.reader.shortfall()):
                    yield from self._continued(DecodeError(reason))
            self.missing = self.reader.shortfall() or self._extent_problem()
        except DecodeError as error:
            self.stopped = error

    @property
    def held(self) -> float:
        """How much of what the container states the file can hold, from 0 to 1."""
        source = ByteSource(self._file)
        count = mpeg_count(source) if self.format.container == "mp3" else None
        held = extent_of(source).held if count is None else count.held
        source.check()
        return held

    @property
    def _can_continue(self) -> bool:
        return self._continues and self.format.container in _CONTINUED and self.reader.name != "av"

    def _extent_problem(self) -> str | None:
        """Why the file is not the whole container, or more than it."""
        if self.reader.reads_on:
            return None
        source = ByteSource(self._file)
        problem = extent_of(source).problem()
        source.check()
        return problem

    def _counted(self, chunk: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        self._watch(self.reader.name)
        if len(chunk):
            self.position += len(chunk)
            yield chunk

    def _continued(self, cause: DecodeError) -> Iterator[NDArray[np.float32]]:
        """The frames after those that libsndfile reads, from PyAV."""
        read = self.position
        self._watch(PyavReader.name)
        try:
            reader = PyavReader(self._file, self._track)
        except (DecodeError, ConfigError) as error:
            raise DecodeError(f"{cause}; PyAV cannot go on from there: {error}") from error
        self.reader.close()
        self.reader = reader
        skipped = 0
        conform = Conform(self.format.sample_rate_hz, self.format.channels)
        while len(chunk := reader.read()):
            for same in conform.push(chunk, reader.format.sample_rate_hz):
                yield from self._counted(same[max(0, read - skipped) :])
                skipped += len(same)
        for same in conform.flush():
            yield from self._counted(same[max(0, read - skipped) :])

    def close(self) -> None:
        """Release the decoder."""
        self.reader.close()


def no_watch(_: str) -> None:
    """Watch nothing."""


def _auto(file: BinaryIO, track: int | None) -> tuple[str, ...]:
    """Decoders in the order in which they are tried.

    libsndfile is the faster one for FLAC and uncompressed audio. In MP3 and Ogg it passes over
    damage, joints and missing ends without a word. PyAV alone reads a second track.
    """
    if track:
        return ("av",)
    return ("soundfile", "av") if starts_uncompressed(file) else ("av", "soundfile")


def _failure(errors: dict[str, BeamAudioError]) -> BeamAudioError:
    """Join the errors of all decoders into one."""
    for error in errors.values():
        if isinstance(error, LimitError) or (len(errors) == 1 and isinstance(error, _TELLING)):
            return error
    names = " or ".join(title for name, title in _TITLES.items() if name in errors)
    causes = "; ".join(f"{_TITLES[name]}: {errors[name]}" for name in _TITLES if name in errors)
    failure = DecodeError(f"not audio that {names} can read ({causes})")
    failure.__cause__ = next(iter(errors.values()))
    return failure
