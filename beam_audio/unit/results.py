"""What became of a segment: its transcript and measures, or why it failed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from beam_audio.errors import EnhanceError
from beam_audio.types import Failure, Quality, Segment, Transcript
from beam_audio.unit.clock import failure_of
from beam_audio.unit.columns import words_in_recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.quality.second_opinion import Opinion
    from beam_audio.types import AudioRef
    from beam_audio.unit.events import PreparedSegment, RecordingEnd
    from beam_audio.unit.scratch import StoredBytes
    from beam_audio.unit.spooled_list import SpooledList


@dataclass(frozen=True, slots=True)
class Recognised:
    """What is known of a segment that was recognised; its words have recording times."""

    transcript: Transcript
    quality: Quality
    audio: StoredBytes | None = None
    second: Opinion | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one segment."""

    segment: Segment
    result: Recognised | Failure

    @property
    def transcript(self) -> Transcript | None:
        """Its transcript; None when it failed."""
        return self.result.transcript if isinstance(self.result, Recognised) else None


@dataclass(slots=True)
class OpenRecording:
    """Results of a recording that is not complete: segments wait, or its end has not come.

    Attributes:
        outcomes: What became of its segments so far, in any order.
        waiting: How many segments are to be recognised.
        end: Its end; None until that has come.
    """

    outcomes: SpooledList[Outcome]
    waiting: int = 0
    end: RecordingEnd | None = None
    _indexes: list[int] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Add what became of a segment.

        Raises:
            MachineError: A temporary file cannot be written.
        """
        self.outcomes.append(outcome)
        self._indexes.append(outcome.segment.segment_index)

    def ordered(self) -> Sequence[Outcome]:
        """The outcomes by segment index."""
        places = sorted(range(len(self._indexes)), key=self._indexes.__getitem__)
        return self.outcomes.arranged(places)


def outcome_of(
    item: PreparedSegment,
    result: Transcript | Exception,
    audio: StoredBytes | None = None,
    second: Opinion | None = None,
) -> Outcome:
    """What became of a segment, as it is stored."""
    segment, ref = item.segment, item.source.ref
    if item.transcript is not None:
        return Outcome(segment, Recognised(item.transcript, item.quality, audio, second))
    if isinstance(result, Transcript):
        heard = replace(result, words=words_in_recording(segment, result.words))
        return Outcome(segment, Recognised(heard, item.quality, audio, second))
    stage = "enhance" if isinstance(result, EnhanceError) else "recognise"
    return Outcome(segment, segment_failure(ref, segment, stage, result))


def segment_failure(ref: AudioRef, segment: Segment, stage: str, error: Exception) -> Failure:
    """The failure of a segment; it has the times of the core."""
    return replace(
        failure_of(ref, stage, error),
        unit="segment",
        recording_id=segment.recording_id,
        segment_id=segment.segment_id,
        start_seconds=segment.core_start_sample / segment.sample_rate_hz,
        end_seconds=segment.core_end_sample / segment.sample_rate_hz,
    )


def opinion_failure(ref: AudioRef, segment: Segment, error: Exception) -> Failure:
    """The failure of the second model on a segment, which has its row all the same."""
    return replace(segment_failure(ref, segment, "second", error), unit="opinion")
