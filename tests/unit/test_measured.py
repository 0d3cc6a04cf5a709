"""A stream becomes measured segments of its channels."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.encoded_audio import encode
from support.unit_runs import RATE_HZ, WINDOWS, tones

from beam_audio.audio.decode import decode, open_audio
from beam_audio.quality.signal import measure
from beam_audio.unit.clock import StageClock
from beam_audio.unit.measured import MeasuredChannel, MeasuredSegment, Order, measured, with_clip

if TYPE_CHECKING:
    from beam_audio.audio.mixing import Channels
    from beam_audio.unit.measured import Measured

LEFT, RIGHT = tones([0.1, 0.2]), tones([0.3, 0.4])
FILE = encode(np.stack([LEFT, RIGHT], axis=1))
IDS = {None: "mix", 0: "left", 1: "right"}


def made(
    policy: Channels,
    clock: StageClock | None = None,
    **order: Any,  # noqa: ANN401  fields of Order
) -> list[Measured]:
    with open_audio(io.BytesIO(FILE)) as stream:
        given = replace(Order(policy, IDS, WINDOWS), **order)
        return [*measured(stream, given, clock or StageClock())]


def test_what_begins_before_a_sample_is_not_measured() -> None:
    whole, rest = segments(made("split")), segments(made("split", measured_from={0: RATE_HZ}))
    bare = [each for each in rest if not each.clip.size]
    assert [(each.segment.channel, each.segment.start_sample) for each in bare] == [(0, 0)]
    assert [each.segment.segment_id for each in rest] == [each.segment.segment_id for each in whole]
    assert [each.quality for each in rest if each.clip.size] == [
        each.quality for each in whole if each.segment.segment_id != bare[0].segment.segment_id
    ]


def segments(found: list[Measured]) -> list[MeasuredSegment]:
    return [each for each in found if isinstance(each, MeasuredSegment)]


def test_segments_come_before_the_channels_that_they_are_of() -> None:
    found = made("split")
    assert [type(each) for each in found] == [MeasuredSegment] * 4 + [MeasuredChannel] * 2
    assert [each.segment.recording_id for each in segments(found)] == ["left"] * 2 + ["right"] * 2
    ends = [each for each in found if isinstance(each, MeasuredChannel)]
    assert [(end.channel, end.decoded_samples) for end in ends] == [(0, 32_000), (1, 32_000)]
    assert len({end.audio_sha256 for end in ends}) == 2


def test_a_clip_is_what_the_recogniser_hears_and_the_measures_are_those_of_the_source() -> None:
    first = segments(made("split", clip_rate_hz=8_000))[0]
    assert len(first.segment.samples) == 0
    assert first.clip.dtype == np.float32
    assert len(first.clip) == first.segment.duration_seconds * 8_000
    assert first.quality.rms_dbfs == pytest.approx(-23.0, abs=0.1)
    assert first.quality.fingerprint


def test_stored_audio_is_that_of_the_segment() -> None:
    first, *_ = segments(made("split", store_audio="flac"))
    assert first.encoded is not None
    stored = decode(first.encoded)
    assert stored.sample_rate_hz == RATE_HZ
    assert np.abs(stored.samples - LEFT[:RATE_HZ]).max() < 1e-4
    assert [each.encoded for each in segments(made("split"))] == [None] * 4


def test_the_clock_knows_what_each_stage_took() -> None:
    clock = StageClock()
    made("mix", clock)
    assert {*clock.seconds} == {"decode", "segment", "measure"}
    assert all(each > 0 for each in clock.seconds.values())


def test_a_clip_alone_keeps_the_measures_that_a_segment_has() -> None:
    (whole, *_) = segments(made("split"))
    cut = replace(whole.segment, samples=whole.clip)
    again = with_clip(cut, measure(cut), Order("split", IDS, WINDOWS))
    assert again.quality == measure(cut)
    np.testing.assert_array_equal(again.clip, whole.clip)
