"""An input that has rows, once more: from its rows, or from its audio cut where it was cut before.

For a new model no speech is looked for and nothing is measured again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.audio.decode import select_channels
from beam_audio.errors import DecodeError
from beam_audio.unit.content import from_opened
from beam_audio.unit.prepare import open_stream, prepare_opened, prepared_segment
from beam_audio.unit.results import Recognised

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from beam_audio.types import AudioRef, Quality, Segment
    from beam_audio.unit.clock import StageClock
    from beam_audio.unit.content import Opened
    from beam_audio.unit.prepare import Event, PreparedSegment, PrepareSettings, RecordingEnd
    from beam_audio.unit.stored_rows import StoredRecording
    from beam_audio.unit.tasks import Redo


def redo(
    ref: AudioRef,
    recordings: Sequence[StoredRecording],
    how: Redo,
    settings: PrepareSettings,
    clock: StageClock,
) -> Iterator[Event | StoredRecording]:
    """Turn an input that was done before into what is to be done of it again.

    Args:
        ref: The input.
        recordings: All its recordings, with the reference as it is now.
        how: ``rows`` or ``recognise``; then no segment of the recordings failed.
        settings: Decoding and segmentation as they were then; what the recogniser takes as now.
        clock: Where the time spent is added up.

    Yields:
        The recordings when rows alone are to be made anew; else segments, as
        :func:`beam_audio.unit.prepare.prepare` does, which takes over when the content is another
        than it was. A :class:`Failure` when the audio is no longer as long as it was.

    Raises:
        ConfigError: The decoder asked for is not installed.
    """

    def again(opened: Opened) -> Iterator[Event | StoredRecording]:
        if opened.content_sha256 != recordings[0].end.source.content_sha256:
            yield from prepare_opened(opened, settings, clock)
        elif how == "rows":
            yield from recordings
        else:
            yield from _recut(opened, recordings, settings, clock)

    return from_opened(ref, settings.limits.max_source_bytes, clock, again)


def _recut(
    opened: Opened,
    recordings: Sequence[StoredRecording],
    settings: PrepareSettings,
    clock: StageClock,
) -> Iterator[PreparedSegment | RecordingEnd]:
    cutters = {each.end.source.channel: _Cutter(each) for each in recordings}
    with open_stream(opened, settings) as stream:
        for block in clock.iterate("decode", stream.blocks()):
            for channel, samples in select_channels(block, settings.channels):
                cutter = cutters[channel]
                for segment, quality in cutter.push(samples):
                    with clock.stage("measure"):
                        prepared = prepared_segment(cutter.source, segment, quality, settings)
                    yield prepared
    for cutter in cutters.values():
        cutter.require_end()
    for recording in recordings:
        yield recording.end


class _Cutter:
    """Cuts one channel at the segments it had; holds no more samples than they need."""

    def __init__(self, recording: StoredRecording) -> None:
        self.source = recording.end.source
        self._decoded_samples = recording.end.decoded_samples
        self._wanted = deque(
            (outcome.segment, outcome.result.quality)
            for outcome in recording.outcomes
            if isinstance(outcome.result, Recognised)
        )
        self._held: NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._end = 0  # of what is held, in samples of the recording

    def push(self, samples: NDArray[np.float32]) -> list[tuple[Segment, Quality]]:
        """Take the next samples, float32 (n,); the segments that end in them."""
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
        """Check that all of the recording has come.

        Raises:
            DecodeError: It is longer or shorter than it was.
        """
        if self._wanted or self._end != self._decoded_samples:
            raise DecodeError(
                f"decodes to {self._end} samples, and to {self._decoded_samples} when its segments "
                "were found; --retry_failures looks for them anew"
            )
