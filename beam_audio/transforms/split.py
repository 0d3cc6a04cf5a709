"""SplitAudio: decoded audio to segments, for your own pipelines."""

from __future__ import annotations

import apache_beam as beam

from beam_audio.segments.splitter import SegmentSettings, split
from beam_audio.types import Audio, Segment


@beam.typehints.with_input_types(Audio)
@beam.typehints.with_output_types(Segment)
class SplitAudio(beam.PTransform):
    """Cuts each :class:`Audio` into :class:`Segment` elements, as :func:`beam_audio.split` does."""

    def __init__(self, settings: SegmentSettings | None = None) -> None:
        super().__init__()
        self._settings = settings or SegmentSettings()

    def expand(self, audio: beam.PCollection[Audio]) -> beam.PCollection[Segment]:
        """Wire splitting."""
        return audio | "Split" >> beam.FlatMap(split, self._settings).with_output_types(Segment)
