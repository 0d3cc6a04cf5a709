"""Which decoder reads a recording: its bytes decide, and limits are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Literal

from beam_audio.audio.decoders.pyav import PyavReader
from beam_audio.audio.decoders.soundfile import SoundfileReader
from beam_audio.audio.decoders.tfio import TfioReader
from beam_audio.errors import BeamAudioError, ConfigError, DecodeError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.audio.decoders import FrameReader
    from beam_audio.audio.limits import DecodeLimits

Decoder = Literal["auto", "soundfile", "av", "tfio"]

_READERS: dict[str, Callable[[BinaryIO], FrameReader]] = {
    "soundfile": SoundfileReader,
    "av": PyavReader,
    "tfio": TfioReader,
}
_AUTO = ("soundfile", "av")
_TITLES = {"soundfile": "soundfile", "av": "PyAV", "tfio": "tensorflow-io"}


class DecodedFrames:
    """The frames of one file, from the decoder that can read it.

    Attributes:
        reader: The decoder in use.
        format: The header as the first chosen decoder reads it.
        position: Frame of the recording after the last one yielded.
        stopped: Why decoding stopped before the end; None if it did not.
    """

    def __init__(
        self, file: BinaryIO, decoder: Decoder, limits: DecodeLimits, offset_seconds: float
    ) -> None:
        """Open the first decoder that yields frames.

        A decoder that finds no frame is used only if no other decoder finds one: one decoder may
        take a header without a count for an empty recording, and another for a full one.

        Raises:
            DecodeError: No decoder could read the file.
            LimitError: A limit is exceeded for every decoder.
            ConfigError: The one decoder asked for is not installed.
        """
        self.stopped: BeamAudioError | None = None
        self.position = 0
        self._file = file
        self._limits = limits
        self._offset_seconds = offset_seconds
        self._continues = decoder == "auto"
        self.reader = self._choose(_AUTO if decoder == "auto" else (decoder,))
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
        reader = _READERS[name](self._file)
        try:
            self._limits.check_format(reader.format)
            start = reader.seek(round(self._offset_seconds * reader.format.sample_rate_hz))
            self._head = reader.read()
        except BaseException:
            reader.close()
            raise
        self.position = start
        return reader

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        """Yield what is decoded, in order: shape (frames, channels), full scale 1.0.

        libsndfile stops when a header counts too few frames, as in joined files. PyAV then goes on
        from that frame; it adds no frame where only tags follow.
        """
        try:
            yield from self._counted(self._head)
            while len(chunk := self.reader.read()):
                yield from self._counted(chunk)
            if self._continues and self.reader.understated:
                yield from self._continued()
        except DecodeError as error:
            self.stopped = error

    def _counted(self, chunk: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        if len(chunk):
            self.position += len(chunk)
            yield chunk

    def _continued(self) -> Iterator[NDArray[np.float32]]:
        """The frames after those that the header counts, from PyAV."""
        stated = self.position
        try:
            reader = PyavReader(self._file)
        except (DecodeError, ConfigError) as error:
            raise DecodeError(
                f"the header counts {stated} frames and more data follows them, which PyAV would "
                f"have to decode: {error}"
            ) from error
        self.reader.close()
        self.reader = reader
        rate, channels = reader.format.sample_rate_hz, reader.format.channels
        if (rate, channels) != (self.format.sample_rate_hz, self.format.channels):
            raise DecodeError(f"what follows frame {stated} has {rate} Hz and {channels} channels")
        skipped = 0
        while len(chunk := reader.read()):
            fresh = chunk[max(0, stated - skipped) :]
            skipped += len(chunk)
            yield from self._counted(fresh)

    def close(self) -> None:
        """Release the decoder."""
        self.reader.close()


def _failure(errors: dict[str, BeamAudioError]) -> BeamAudioError:
    """Join the errors of all decoders into one."""
    for error in errors.values():
        if isinstance(error, LimitError) or (len(errors) == 1 and isinstance(error, ConfigError)):
            return error
    names = " or ".join(_TITLES[name] for name in errors)
    causes = "; ".join(f"{_TITLES[name]}: {error}" for name, error in errors.items())
    failure = DecodeError(f"not audio that {names} can read ({causes})")
    failure.__cause__ = next(iter(errors.values()))
    return failure
