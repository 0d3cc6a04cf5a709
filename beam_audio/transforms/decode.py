"""DecodeAudio: references to decoded audio, for your own pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.transforms.read import FAILURES
from beam_audio.types import Audio, AudioRef, Failure
from beam_audio.unit.prepare import decode_channels
from beam_audio.unit.prepare_settings import PrepareSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

AUDIO: Final = "audio"


@beam.typehints.with_input_types(AudioRef)
@beam.typehints.with_output_types(Audio, failures=Failure)
class DecodeAudio(beam.PTransform):
    """Decodes each reference into one :class:`Audio` per channel that the settings ask for.

    The whole recording is in memory, and its samples travel to the next stage: use
    ``TranscribeUnits`` for large runs. Returns a tuple of PCollections, ``audio`` and ``failures``.
    A recording that breaks midway gives the part before and a failure.
    """

    def __init__(self, settings: PrepareSettings | None = None) -> None:
        super().__init__()
        self._settings = settings or PrepareSettings()

    def expand(self, refs: beam.PCollection[AudioRef]) -> beam.pvalue.DoOutputsTuple:
        """Wire decoding."""
        decoding = beam.ParDo(_Decode(self._settings))
        return refs | "Decode" >> decoding.with_outputs(FAILURES, main=AUDIO)


@beam.typehints.with_output_types(Audio, failures=Failure)
class _Decode(beam.DoFn):
    def __init__(self, settings: PrepareSettings) -> None:
        super().__init__()
        self._settings = settings

    def process(self, element: AudioRef) -> Iterable[Audio | beam.pvalue.TaggedOutput]:
        audio, failure = decode_channels(element, self._settings)
        yield from audio
        if failure is not None:
            yield beam.pvalue.TaggedOutput(FAILURES, failure)
