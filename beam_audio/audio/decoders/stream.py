"""A recording as blocks of samples: cut, limited, and checked for an early end."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, Self, get_args

import numpy as np

from beam_audio.audio.decoders.choice import DecodedFrames, no_watch
from beam_audio.audio.decoders.request import NO_END
from beam_audio.audio.decoders.timeline import LEAST_BYTES_PER_SECOND, Hole
from beam_audio.errors import BeamAudioError, DecodeError, InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from numpy.typing import NDArray

    from beam_audio.audio.decoders.request import DecodeRequest
    from beam_audio.types import AudioFormat

MAX_BLOCK_VALUES = 2**22
"""Most samples times channels in a block (16 MiB): many channels at high rates get short blocks."""

_MAX_MAGNITUDE = np.float32(1e6)
"""Float files may hold anything. Full scale is 1.0, and 16-bit values stored as float reach 32,768.
Squares and spectra of far larger values would overflow float32."""

_CUT_TOLERANCE_SECONDS = 0.1
"""A cut may be this much shorter than its stated duration, as durations in manifests often are."""


_HEADER_TOO_SHORT = "header_too_short"
_OTHER_TRACKS = "other_audio_tracks:"


def is_stream_reason(reason: str) -> bool:
    """Whether a recording has a reason from its :class:`AudioStream`, not from what was heard."""
    return reason in {*get_args(Hole), _HEADER_TOO_SHORT} or names_other_tracks(reason)


def names_other_tracks(reason: str) -> bool:
    """Whether a reason names the audio tracks that are not read."""
    return reason.startswith(_OTHER_TRACKS)


class AudioStream:
    """Decoded audio, block by block. A context manager; made by :func:`open_audio`.

    Attributes:
        truncation: Why decoding ended before the end of the recording or of the cut; None when it
            did not.
        reasons: What is remarkable about the recording, by name: ``damaged_packets`` and
            ``time_gaps`` where silence stands in for what the file does not hold,
            ``header_too_short`` where audio follows the end that the header states, and
            ``other_audio_tracks:`` with their numbers.

    The attributes and :attr:`concealed_seconds` are known once :meth:`blocks` is exhausted.
    """

    def __init__(
        self, file: BinaryIO, request: DecodeRequest, watch: Callable[[str], None] = no_watch
    ) -> None:
        self.truncation: BeamAudioError | None = None
        self.reasons: set[str] = set()
        self._concealed_frames = 0
        self._size_bytes = file.seek(0, io.SEEK_END)
        limits = request.limits
        if self._size_bytes > limits.max_source_bytes:
            raise LimitError(
                f"{self._size_bytes} encoded bytes, more than the limit of "
                f"{limits.max_source_bytes}"
            )
        self._frames = DecodedFrames(file, request, watch)
        self._cut = request.cut
        rate, channels = self.format.sample_rate_hz, self.format.channels
        self._max_frames = round(limits.max_recording_seconds * rate)
        block_frames = min(round(request.block_seconds * rate), MAX_BLOCK_VALUES // channels)
        self._rest = _reblock(self._pieces(), max(1, block_frames))
        try:
            self._first = next(self._rest, None)
            if self._first is None:
                self._explain_nothing()
        except BaseException:
            self.close()
            raise

    @property
    def format(self) -> AudioFormat:
        """What the header says, corrected by the first frame."""
        return self._frames.format

    @property
    def decoder(self) -> str:
        """Name of the decoder in use."""
        return self._frames.reader.name

    @property
    def track_count(self) -> int:
        """How many audio tracks the file has."""
        return 1 + len(self._frames.reader.other_tracks)

    @property
    def concealed_seconds(self) -> float:
        """Seconds of silence in the audio that stand in for what the file does not hold."""
        return self._concealed_frames / self.format.sample_rate_hz

    @property
    def credible_seconds(self) -> float | None:
        """Length by the header as far as the file can hold it; None where it is out of reach."""
        stated = self.format.header_seconds
        if stated is None or stated * LEAST_BYTES_PER_SECOND > self._size_bytes:
            return None
        return stated * self._frames.held

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the audio once: float32 of shape (frames, channels), full scale 1.0.

        Samples beyond full scale are kept up to magnitudes of 1e6. Those that are not finite
        become 0, so that no measure or model gets a NaN.

        Raises:
            OSError: Or whatever else the file raises when it is read.
        """
        first, self._first = self._first, None
        if first is not None:
            yield first
        yield from self._rest

    def close(self) -> None:
        """Release the decoder; the file stays open."""
        self._rest.close()
        self._frames.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        """Cut the decoded chunks to the wanted stretch, and note why they end early."""
        start, stop = self._cut.samples(self.format.sample_rate_hz)
        limit = start + self._max_frames
        end = min(stop, limit)
        for chunk in self._frames.chunks():
            position = self._frames.position - len(chunk)
            piece = chunk[max(0, start - position) : max(0, end - position)]
            if len(piece):
                self._note(piece)
                yield piece
            if stop <= limit and self._frames.position >= stop:
                return
            if self._frames.position > limit:
                self.truncation = LimitError(
                    f"longer than the limit of {self._max_frames / self.format.sample_rate_hz:g} s"
                )
                return
        self.truncation = self._frames.stopped or self._shortfall(start, stop)

    def _note(self, piece: NDArray[np.float32]) -> None:
        """Note what is remarkable about the reader while it is at a piece."""
        reader = self._frames.reader
        if reader.hole is not None:
            self.reasons.add(reader.hole)
            self._concealed_frames += len(piece)
        if reader.reads_on:
            self.reasons.add(_HEADER_TOO_SHORT)
        if reader.other_tracks:
            self.reasons.add(_OTHER_TRACKS + ",".join(map(str, reader.other_tracks)))

    def _shortfall(self, start: int, stop: int) -> BeamAudioError | None:
        """Why the audio is too short although it ended without an error; None when it is not."""
        rate, position = self.format.sample_rate_hz, self._frames.position
        if self._frames.missing is not None:
            return DecodeError(self._frames.missing)
        if position == 0 and self.format.header_seconds:
            return DecodeError(
                f"the header states {self.format.header_seconds:g} s, and no frame can be decoded"
            )
        if stop != NO_END and stop - position > _CUT_TOLERANCE_SECONDS * rate:
            return InputError(
                f"the cut asks for {(stop - start) / rate:g} s and the recording ends after "
                f"{(position - start) / rate:g} s of it"
            )
        return None

    def _explain_nothing(self) -> None:
        """Raise if there should be a frame; an empty recording is fine."""
        if self._frames.stopped is not None:
            raise self._frames.stopped
        if self._cut.offset_seconds:
            seconds = self._frames.position / self.format.sample_rate_hz
            raise InputError(
                f"the cut starts at {self._cut.offset_seconds:g} s and the recording ends "
                f"after {seconds:g} s"
            )


def _reblock(
    pieces: Iterator[NDArray[np.float32]], block_frames: int
) -> Generator[NDArray[np.float32]]:
    """Join and split pieces into blocks of one length, the last one shorter; samples are finite."""
    held: list[NDArray[np.float32]] = []
    held_frames = 0
    for piece in pieces:
        start = 0
        while held_frames + len(piece) - start >= block_frames:
            taken = block_frames - held_frames
            yield _finite(np.concatenate([*held, piece[start : start + taken]]))
            start += taken
            held, held_frames = [], 0
        if start < len(piece):
            held.append(piece[start:])
            held_frames += len(piece) - start
    if held:
        yield _finite(np.concatenate(held))


def _finite(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the block with NaN and infinity as 0 and magnitudes of at most 1e6."""
    peak = max(block.max(), -block.min())
    if peak <= _MAX_MAGNITUDE:  # false for NaN too
        return block
    finite = np.where(np.isfinite(block), block, np.float32(0.0))
    return np.clip(finite, -_MAX_MAGNITUDE, _MAX_MAGNITUDE)
