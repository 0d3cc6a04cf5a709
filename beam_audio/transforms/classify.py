"""ClassifyAudio: segments with what sounds in them, for your own pipelines."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING

import apache_beam as beam

from beam_audio.audio.decode import resample
from beam_audio.classifiers import HYPOTHESIS_TEMPLATE
from beam_audio.classifiers.load import load_classifier
from beam_audio.unit.classification import hear_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.types import Segment
    from beam_audio.unit.classification import Classification


class ClassifyAudio(beam.PTransform):
    """Pairs each :class:`Segment` with its :class:`Classification`, as ``classify`` makes it.

    Times of events are those of the segment, from 0. Workers need the files of the classifier.

    Args:
        model: The name of a classifier, or a folder of its files.
        candidate_labels: What may sound, in words; for a CLAP, and no other model.
        hypothesis_template: A sentence with ``{}`` where a candidate label stands.
    """

    def __init__(
        self,
        model: str | PathLike[str],
        candidate_labels: Sequence[str] = (),
        hypothesis_template: str = HYPOTHESIS_TEMPLATE,
    ) -> None:
        super().__init__()
        self._asked = (fspath(model), tuple(candidate_labels), hypothesis_template)

    def expand(
        self, segments: beam.PCollection[Segment]
    ) -> beam.PCollection[tuple[Segment, Classification]]:
        """Wire the classifier."""
        return segments | "Classify" >> beam.ParDo(_Classify(self._asked))


class _Classify(beam.DoFn):
    def __init__(self, asked: tuple[str, tuple[str, ...], str]) -> None:
        self._asked = asked

    def setup(self) -> None:
        self._model = load_classifier(*self._asked)

    def process(self, segment: Segment) -> Iterator[tuple[Segment, Classification]]:
        clip = resample(segment.samples, segment.sample_rate_hz, self._model.sample_rate_hz)
        yield segment, hear_pieces(self._model, [clip] if len(clip) else [])
