"""SplitAudio: the same segments as the pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from support.run_outputs import DEMO

from beam_audio import Segment, SplitAudio, decode, split
from beam_audio.segments.splitter import SegmentSettings

if TYPE_CHECKING:
    from collections.abc import Callable


def same_as(expected: list[Segment]) -> Callable[[list[Segment]], None]:
    def check(found: list[Segment]) -> None:
        found = sorted(found, key=lambda segment: segment.segment_index)
        assert [item.segment_id for item in found] == [item.segment_id for item in expected]
        for segment, other in zip(found, expected, strict=True):
            assert (segment.start_sample, segment.end_sample) == (
                other.start_sample,
                other.end_sample,
            )
            np.testing.assert_array_equal(segment.samples, other.samples)

    return check


@pytest.mark.parametrize(
    "settings", [None, SegmentSettings(segmenter="fixed", window_seconds=2, overlap_seconds=0.5)]
)
def test_segments_are_those_of_split(settings: SegmentSettings | None) -> None:
    audio = decode(DEMO / "greenhouse.flac")
    expected = list(split(audio, settings or SegmentSettings()))
    assert expected
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        assert_that(pipeline | beam.Create([audio]) | SplitAudio(settings), same_as(expected))
