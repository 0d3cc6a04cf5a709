"""What a classifier hears in a segment, as its row has it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.small_classifiers import write_yamnet

from beam_audio.classifiers.load import classifier_id
from beam_audio.types import AudioEvent, Quality, Segment
from beam_audio.unit.sounds import with_sounds

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 16_000
SEGMENT = Segment(
    recording_id="recording",
    segment_id="segment",
    segment_index=0,
    channel=None,
    sample_rate_hz=RATE_HZ,
    start_sample=10 * RATE_HZ,
    end_sample=10 * RATE_HZ + 8_000,
    core_start_sample=10 * RATE_HZ,
    core_end_sample=10 * RATE_HZ + 8_000,
    speech=(),
    samples=np.full(8_000, 0.078, np.float32),
)
QUALITY = Quality(-20.0, -3.0, 0.0, 0.25, 25.0, 3500.0, -22.0)


def test_events_have_times_of_the_recording_and_end_with_the_segment(tmp_path: Path) -> None:
    """The window of the network is longer than the segment: half of it is silence."""
    found = with_sounds(QUALITY, SEGMENT, classifier_id(str(write_yamnet(tmp_path))))
    assert found.audio_events == (AudioEvent("Music", 0.96, 10.0, 10.5),)
    assert found.speech_score == pytest.approx(0.2)
    assert found.music_score == 1.0
    assert replace(found, audio_events=None, speech_score=None, music_score=None) == QUALITY


def test_segments_at_other_rates_are_resampled(tmp_path: Path) -> None:
    half = replace(SEGMENT, sample_rate_hz=RATE_HZ // 2, samples=SEGMENT.samples[::2])
    found = with_sounds(QUALITY, half, classifier_id(str(write_yamnet(tmp_path))))
    assert found.speech_score == pytest.approx(0.2, abs=0.01)


def test_a_segment_without_samples_is_not_heard(tmp_path: Path) -> None:
    empty = replace(SEGMENT, samples=np.zeros(0, np.float32))
    wanted = classifier_id(str(write_yamnet(tmp_path)))
    assert with_sounds(QUALITY, empty, wanted) == QUALITY
