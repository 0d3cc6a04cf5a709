"""MeasureQuality: segments with their signal measures, for your own pipelines."""

from __future__ import annotations

import apache_beam as beam

from beam_audio.quality.signal import measure
from beam_audio.types import Quality, Segment


@beam.typehints.with_input_types(Segment)
@beam.typehints.with_output_types(tuple[Segment, Quality])
class MeasureQuality(beam.PTransform):
    """Pairs each :class:`Segment` with its :class:`Quality`, as :func:`beam_audio.measure` does."""

    def expand(
        self, segments: beam.PCollection[Segment]
    ) -> beam.PCollection[tuple[Segment, Quality]]:
        """Wire measuring."""
        measuring = beam.Map(lambda segment: (segment, measure(segment)))
        return segments | "Measure" >> measuring.with_output_types(tuple[Segment, Quality])
