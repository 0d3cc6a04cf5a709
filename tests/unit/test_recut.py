"""Audio cut where it was cut before: the same clips, and a failure when its length differs."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.unit_runs import (
    DEMO,
    RATE_HZ,
    VAD,
    Scripted,
    ref,
    settings,
    speech,
    tones,
    transcribe,
    write,
)

from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import AudioRef, Failure
from beam_audio.unit.clock import StageClock
from beam_audio.unit.events import PreparedSegment, RecordingEnd
from beam_audio.unit.prepare import prepare
from beam_audio.unit.prepare_settings import PrepareSettings
from beam_audio.unit.recut import Before, FromAudio, FromRows, Recut
from beam_audio.unit.stored_rows import StoredRecording, StoredUnit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beam_audio.unit.recut import Redo, RedoEvent

OVERLAPPING = SegmentSettings(segmenter="fixed", window_seconds=2.0, overlap_seconds=0.7)


def stored(root: Path, source: AudioRef, using: PrepareSettings) -> list[StoredRecording]:
    """What a run leaves of an input."""
    unit = settings(segments=using.segments, channels=using.channels)
    report = transcribe(root, source, using=unit, recognizer=Scripted())
    with TemporaryFile() as audio:
        return StoredUnit(str(root), report.commit, {source.source_id}, audio).recordings(
            source.source_id, source, unit.prepare.channels
        )


def again(
    source: AudioRef,
    before: list[StoredRecording],
    using: PrepareSettings,
    how: Callable[[str], Redo] = Recut,
    replaces: str = "",
) -> list[RedoEvent]:
    redo = how(replaces or source.source_id)
    return list(redo.events(Before(source, before, using, StageClock())))


@pytest.mark.parametrize("segments", [VAD, OVERLAPPING])
@pytest.mark.parametrize("rate_hz", [RATE_HZ, 8_000])
def test_the_clips_are_those_of_the_first_time(
    tmp_path: Path, segments: SegmentSettings, rate_hz: int
) -> None:
    said = np.concatenate([speech(), np.zeros(RATE_HZ, np.float32)] * 4)
    stereo = np.stack([said, np.roll(said, 5_000) * 0.5], 1)
    source = ref(write(tmp_path / "a.flac", stereo))
    using = PrepareSettings(segments=segments, channels="split", clip_rate_hz=rate_hz)
    first = list(prepare(source, using, StageClock()))
    before = stored(tmp_path / "out", source, using)
    second = again(source, before, using)
    cuts = [
        [each for each in events if isinstance(each, PreparedSegment)] for events in (first, second)
    ]
    by_id = {each.segment.segment_id: each for each in cuts[1]}
    assert len(by_id) == len(cuts[0]) > 3
    for each in cuts[0]:
        np.testing.assert_array_equal(by_id[each.segment.segment_id].clip, each.clip)
        assert (
            replace(by_id[each.segment.segment_id].segment, samples=each.segment.samples).speech
            == each.segment.speech
        )
    ends = [
        [each for each in events if isinstance(each, RecordingEnd)] for events in (first, second)
    ]
    assert ends[0] == ends[1]
    assert len({end.audio_sha256 for end in ends[1] if isinstance(end, RecordingEnd)}) == 2


def test_a_mix_of_channels_that_cancel_is_cut_as_it_was(tmp_path: Path) -> None:
    said = np.concatenate([speech(), np.zeros(RATE_HZ, np.float32)] * 3)
    turns = np.where(np.arange(len(said)) < 2 * RATE_HZ, 1.0, -1.0)
    source = ref(write(tmp_path / "a.flac", np.stack([said, said * turns], 1)))
    using = PrepareSettings(segments=VAD)
    first = list(prepare(source, using, StageClock()))
    second = again(source, stored(tmp_path / "out", source, using), using)
    (end,) = (each for each in second if isinstance(each, RecordingEnd))
    assert end == first[-1]
    assert end.reasons == ("channels_cancel",)
    for one, other in zip(first[:-1], second[:-1], strict=True):
        assert isinstance(one, PreparedSegment)
        assert isinstance(other, PreparedSegment)
        np.testing.assert_array_equal(one.clip, other.clip)


def test_rows_of_a_touched_file_need_only_the_same_content(tmp_path: Path) -> None:
    using, source = PrepareSettings(segments=VAD), ref(DEMO / "river.wav")
    before = stored(tmp_path / "out", source, using)
    assert again(source, before, using, FromRows, replaces="before it was touched") == before


def test_rows_of_an_untouched_file_need_no_audio(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    using, source = PrepareSettings(segments=OVERLAPPING), ref(path)
    before = stored(tmp_path / "out", source, using)
    path.unlink()
    assert again(source, before, using, FromRows) == before


@pytest.mark.parametrize("how", [FromAudio, Recut, FromRows])
def test_other_content_is_done_from_the_start(tmp_path: Path, how: Callable[[str], Redo]) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    using = PrepareSettings(segments=OVERLAPPING)
    before = stored(tmp_path / "out", ref(path), using)
    write(path, tones([0.3, 0.4, 0.5, 0.6]))
    events = again(ref(path), before, using, how, replaces="before it was touched")
    (end,) = (each for each in events if isinstance(each, RecordingEnd))
    assert end.decoded_samples == 4 * RATE_HZ
    assert end.source.recording_id != before[0].end.source.recording_id


def test_audio_of_another_length_is_a_failure_with_its_cure(tmp_path: Path) -> None:
    """Another version of a decoder may give a few samples more."""
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])))
    using = PrepareSettings(segments=OVERLAPPING)
    (before,) = stored(tmp_path / "out", source, using)
    longer = replace(before, end=replace(before.end, decoded_samples=3 * RATE_HZ))
    events = again(source, [longer], using)
    failure = events[-1]
    assert isinstance(failure, Failure)
    assert failure.error_type == "DecodeError"
    assert "32000 samples, and to 48000" in failure.message
    assert "--retry_failures" in failure.message
    assert not any(isinstance(each, RecordingEnd) for each in events)


def test_audio_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    using = PrepareSettings(segments=OVERLAPPING)
    before = stored(tmp_path / "out", ref(path), using)
    source = ref(path)
    path.unlink()
    (failure,) = again(source, before, using)
    assert isinstance(failure, Failure)
    assert (failure.unit, failure.stage) == ("input", "open")
