"""What became of a segment: words in recording time, or a failure of its core."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import pytest
from support.unit_runs import WINDOWS, ref, tones, write

from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import Failure, Transcript, Word
from beam_audio.unit.clock import StageClock
from beam_audio.unit.events import PreparedSegment
from beam_audio.unit.prepare import prepare
from beam_audio.unit.prepare_settings import PrepareSettings
from beam_audio.unit.results import OpenRecording, Recognised, outcome_of
from beam_audio.unit.scratch import StoredBytes
from beam_audio.unit.spooled_list import SpooledList

if TYPE_CHECKING:
    from pathlib import Path

OVERLAPPING = SegmentSettings(segmenter="fixed", window_seconds=2.0, overlap_seconds=1.0)


def second_segment(tmp_path: Path, segments: SegmentSettings = WINDOWS) -> PreparedSegment:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4])))
    events = prepare(source, PrepareSettings(segments=segments), StageClock())
    return [each for each in events if isinstance(each, PreparedSegment)][1]


def test_recognised_words_have_recording_times(tmp_path: Path) -> None:
    item, audio = second_segment(tmp_path), StoredBytes(7, 5)
    outcome = outcome_of(item, Transcript("ha", "en", words=(Word("ha", 0.25, 0.5, 0.9),)), audio)
    assert isinstance(outcome.result, Recognised)
    assert outcome.transcript is outcome.result.transcript
    assert outcome.result.transcript.words == (Word("ha", 1.25, 1.5, 0.9),)
    assert (outcome.result.quality, outcome.result.audio) == (item.quality, audio)
    assert outcome.segment is item.segment


def test_a_failed_segment_loses_its_core(tmp_path: Path) -> None:
    item = second_segment(tmp_path, OVERLAPPING)
    outcome = outcome_of(item, ValueError("this clip hurts"))
    assert outcome.transcript is None
    failure = outcome.result
    assert isinstance(failure, Failure)
    assert (failure.unit, failure.stage) == ("segment", "recognise")
    assert failure.message == "this clip hurts"
    assert failure.segment_id == item.segment.segment_id
    assert failure.recording_id == item.source.recording_id
    assert (failure.start_seconds, failure.end_seconds) == pytest.approx((1.5, 2.5))
    assert item.segment.duration_seconds == 2.0


def test_outcomes_come_in_any_order_and_leave_by_index(tmp_path: Path) -> None:
    one = outcome_of(second_segment(tmp_path), Transcript("one"))
    outcomes = [replace(one, segment=replace(one.segment, segment_index=n)) for n in (2, 0, 1)]
    with TemporaryFile() as file:
        recording = OpenRecording(SpooledList(file))
        for each in outcomes:
            recording.add(each)
        assert list(recording.ordered()) == [outcomes[1], outcomes[2], outcomes[0]]
