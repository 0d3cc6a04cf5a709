"""How much of an input is done again: everything, all but segmentation, or only its rows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from beam_audio.audio.decode import select_channels
from beam_audio.errors import DecodeError
from beam_audio.unit.content import from_opened
from beam_audio.unit.prepare import (
    open_stream,
    policy_of,
    prepare,
    prepare_opened,
    prepared_segment,
)
from beam_audio.unit.results import Recognised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from beam_audio.types import AudioRef, Quality, Segment
    from beam_audio.unit.clock import StageClock
    from beam_audio.unit.content import Opened
    from beam_audio.unit.prepare import Event, PreparedSegment, PrepareSettings, RecordingEnd
    from beam_audio.unit.stored_rows import StoredRecording


@dataclass(frozen=True, slots=True)
class Before:
    """An input that has rows, and what reads its audio.

    Attributes:
        ref: The input.
        recordings: All its stored recordings, with the reference as it is now.
        settings: Decoding and segmentation as they were then; what the recogniser takes as now.
        clock: Where the time spent is added up.
    """

    ref: AudioRef
    recordings: Sequence[StoredRecording]
    settings: PrepareSettings
    clock: StageClock


# Each ``name`` below is part of the hash that part files are named after. A retry must write the
# same files, so these names never change.


@dataclass(frozen=True, slots=True)
class FromAudio:
    """Everything is done again, from the audio.

    Attributes:
        replaces: The source id of the stored rows. It differs from the input's own when the file
            was touched since.
    """

    name: ClassVar[str] = "audio"

    replaces: str

    def events(self, before: Before) -> Iterator[Event]:
        """Yield what :func:`beam_audio.unit.prepare.prepare` yields.

        Raises:
            ConfigError: The decoder asked for is not installed.
        """
        return prepare(before.ref, before.settings, before.clock)


@dataclass(frozen=True, slots=True)
class Recut:
    """The segments stay, and are recognised again: the model changed.

    The audio is decoded and cut where it was cut before. Speech is not searched and nothing is
    measured again. No segment of the stored recordings may have failed.

    Attributes:
        replaces: The source id of the stored rows; see :class:`FromAudio`.
    """

    name: ClassVar[str] = "recognise"

    replaces: str

    def events(self, before: Before) -> Iterator[Event | StoredRecording]:
        """Yield the segments and the end of each recording; all events again for other content.

        A :class:`Failure` comes last if the audio is longer or shorter than it was.

        Raises:
            ConfigError: The decoder asked for is not installed.
        """
        return _if_same_content(before, lambda opened: _recut(opened, before))


@dataclass(frozen=True, slots=True)
class FromRows:
    """Only the rows are made again, from those that are stored.

    Attributes:
        replaces: The source id of the stored rows; see :class:`FromAudio`.
    """

    name: ClassVar[str] = "rows"

    replaces: str

    def events(self, before: Before) -> Iterator[Event | StoredRecording]:
        """Yield the stored recordings; all events again if a touched file has other content.

        Raises:
            ConfigError: The decoder asked for is not installed.
        """
        if self.replaces == before.ref.source_id:
            return iter(before.recordings)
        return _if_same_content(before, lambda _: iter(before.recordings))


Redo = FromAudio | Recut | FromRows


def _if_same_content(
    before: Before, make: Callable[[Opened], Iterator[Event | StoredRecording]]
) -> Iterator[Event | StoredRecording]:
    """Yield what is made of an input with the bytes of its rows; with others, all its events."""

    def events(opened: Opened) -> Iterator[Event | StoredRecording]:
        if opened.content_sha256 == before.recordings[0].end.source.content_sha256:
            return make(opened)
        return prepare_opened(opened, before.settings, before.clock)

    max_bytes = before.settings.limits.max_source_bytes
    return from_opened(before.ref, max_bytes, before.clock, events)


def _recut(opened: Opened, before: Before) -> Iterator[PreparedSegment | RecordingEnd]:
    settings, clock = before.settings, before.clock
    slicers = {each.end.source.channel: _Slicer(each) for each in before.recordings}
    with open_stream(opened, settings) as stream:
        for block in clock.iterate("decode", stream.blocks()):
            for channel, samples in select_channels(block, policy_of(opened.ref, settings)):
                slicer = slicers[channel]
                for segment, quality in slicer.push(samples):
                    with clock.stage("measure"):
                        prepared = prepared_segment(slicer.source, segment, quality, settings)
                    yield prepared
    for slicer in slicers.values():
        slicer.require_end()
    for recording in before.recordings:
        yield recording.end


class _Slicer:
    """Takes the stored segments of one channel out of its samples.

    It holds only the samples that the next segment needs.
    """

    def __init__(self, recording: StoredRecording) -> None:
        self.source = recording.end.source
        self._decoded_samples = recording.end.decoded_samples
        self._wanted = deque(
            (outcome.segment, outcome.result.quality)
            for outcome in recording.outcomes
            if isinstance(outcome.result, Recognised)
        )
        self._held: NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._end = 0  # position in the recording after the last sample that came

    def push(self, samples: NDArray[np.float32]) -> list[tuple[Segment, Quality]]:
        """Take the next samples, float32 (n,); return the segments that end in them."""
        self._held = np.concatenate([self._held, samples])
        self._end += len(samples)
        start = self._end - len(self._held)
        found = []
        while self._wanted and self._wanted[0][0].end_sample <= self._end:
            segment, quality = self._wanted.popleft()
            cut = self._held[segment.start_sample - start : segment.end_sample - start]
            found.append((replace(segment, samples=cut), quality))
        needed = self._wanted[0][0].start_sample if self._wanted else self._end
        self._held = self._held[max(needed - start, 0) :]
        return found

    def require_end(self) -> None:
        """Check that the whole recording has come.

        Raises:
            DecodeError: It is longer or shorter than it was.
        """
        if self._wanted or self._end != self._decoded_samples:
            raise DecodeError(
                f"decodes to {self._end} samples, and to {self._decoded_samples} when its segments "
                "were found; --retry_failures finds them again"
            )
