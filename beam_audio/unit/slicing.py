"""Segments that are cut again where they were cut before, out of newly decoded samples."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.audio.pcm import PcmHash
from beam_audio.errors import DecodeError
from beam_audio.unit.prepare import prepared_segment
from beam_audio.unit.results import Recognised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from beam_audio.audio.mixing import Mixed
    from beam_audio.types import Quality, Segment
    from beam_audio.unit.clock import StageClock
    from beam_audio.unit.events import PreparedSegment, RecordingEnd
    from beam_audio.unit.prepare_settings import PrepareSettings
    from beam_audio.unit.stored_rows import StoredRecording


def sliced(
    mixed: Iterable[Mixed],
    slicers: Mapping[int | None, Slicer],
    settings: PrepareSettings,
    clock: StageClock,
) -> Iterator[PreparedSegment]:
    """The stored segments of each channel that end in these samples, ready to be recognised."""
    for each in mixed:
        for channel, samples in each.signals.items():
            slicer = slicers[channel]
            for segment, quality in slicer.push(samples):
                with clock.stage("measure"):
                    prepared = prepared_segment(slicer.source, segment, quality, settings)
                yield prepared


class Slicer:
    """Takes the stored segments of one channel out of its samples.

    It holds only the samples that the next segment needs.
    """

    def __init__(self, recording: StoredRecording) -> None:
        self.source = recording.end.source
        self._stored_end = recording.end
        self._hash = PcmHash()
        self._wanted = deque(
            (outcome.segment, outcome.result.quality)
            for outcome in recording.outcomes
            if isinstance(outcome.result, Recognised)
        )
        self._held: NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._end = 0  # position in the recording after the last sample that came

    def push(self, samples: NDArray[np.float32]) -> list[tuple[Segment, Quality]]:
        """Take the next samples, float32 (n,); return the segments that end in them."""
        self._hash.push(samples)
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

    @property
    def end(self) -> RecordingEnd:
        """The end of the recording, with the hash of the samples that came."""
        return replace(self._stored_end, audio_sha256=self._hash.hexdigest())

    def require_end(self) -> None:
        """Check that the whole recording has come.

        Raises:
            DecodeError: It is longer or shorter than it was.
        """
        before = self._stored_end.decoded_samples
        if self._wanted or self._end != before:
            raise DecodeError(
                f"decodes to {self._end} samples, and to {before} when its segments "
                "were found; --retry_failures finds them again"
            )
