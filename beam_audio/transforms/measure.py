"""MeasureQuality: segments with their signal measures, for your own pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam

from beam_audio.quality.signal import measure

if TYPE_CHECKING:
    from beam_audio.types import Quality, Segment


class MeasureQuality(beam.PTransform):
    """Pairs each :class:`Segment` with its :class:`Quality`, as :func:`beam_audio.measure` does."""

    def expand(
        self, segments: beam.PCollection[Segment]
    ) -> beam.PCollection[tuple[Segment, Quality]]:
        """Wire measuring."""
        return segments | "Measure" >> beam.Map(lambda segment: (segment, measure(segment)))
