"""MeasureQuality: each segment with the measures of the pure function."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from support.run_outputs import DEMO

from beam_audio import MeasureQuality, decode, measure, split


def test_measures_are_those_of_measure() -> None:
    segments = list(split(decode(DEMO / "river.wav")))
    expected = [(segment.segment_id, measure(segment)) for segment in segments]
    assert expected
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        measured = pipeline | beam.Create(segments) | MeasureQuality()
        found = measured | beam.Map(lambda pair: (pair[0].segment_id, pair[1]))
        assert_that(found, equal_to(expected))
