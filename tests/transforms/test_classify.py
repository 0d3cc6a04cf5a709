"""ClassifyAudio in a pipeline of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import numpy as np
from apache_beam.testing.util import assert_that, equal_to
from support.small_classifiers import write_yamnet

from beam_audio import ClassifyAudio, Segment

if TYPE_CHECKING:
    from pathlib import Path


def segment(size: float, samples: int) -> Segment:
    return Segment(
        *("recording", f"segment {size}", 0, None, 16_000, 0, samples, 0, samples, ()),
        samples=np.full(samples, size, np.float32),
    )


def test_segments_come_with_what_sounds_in_them(tmp_path: Path) -> None:
    with beam.Pipeline() as pipeline:
        found = (
            pipeline
            | beam.Create([segment(0.5, 15_600), segment(0.0, 15_600), segment(0.25, 0)])
            | ClassifyAudio(write_yamnet(tmp_path))
            | beam.MapTuple(
                lambda segment, found: (segment.segment_id, found.sort, found.duration_seconds)
            )
        )
        expected = [("segment 0.5", "speech", 0.975), ("segment 0.0", "music", 0.975)]
        assert_that(found, equal_to([*expected, ("segment 0.25", "other", 0.0)]))
