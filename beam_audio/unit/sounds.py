"""What a classifier hears in a segment, as its row has it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beam_audio.audio.decode import resample
from beam_audio.classifiers.load import load_same
from beam_audio.classifiers.sounds import Totals
from beam_audio.quality.measures import MEASURE_DECIMALS, round_measure
from beam_audio.types import AudioEvent

if TYPE_CHECKING:
    from beam_audio.classifiers.load import ClassifierId
    from beam_audio.types import Quality, Segment


_TIME_DECIMALS: Final = 3


def with_sounds(quality: Quality, segment: Segment, wanted: ClassifierId) -> Quality:
    """Measures with events and scores; without, for a segment that has no samples.

    Args:
        quality: The measures.
        segment: The segment, with its samples.
        wanted: The classifier.

    Raises:
        ModelError: The classifier is not here, or is not the one that the run began with.
    """
    if not len(segment.samples):
        return quality
    model = load_same(wanted)
    heard = model.hear(resample(segment.samples, segment.sample_rate_hz, model.sample_rate_hz))
    totals = Totals(model)
    totals.add(heard)
    return replace(
        quality,
        audio_events=tuple(
            _in_segment(event, segment) for event in model.events(heard, segment.start_seconds)
        ),
        speech_score=round_measure(totals.speech_score),
        music_score=round_measure(totals.music_score),
    )


def _in_segment(event: AudioEvent, segment: Segment) -> AudioEvent:
    """An event as it is stored: rounded, and no longer than its segment."""
    return AudioEvent(
        event.label,
        round(event.score, MEASURE_DECIMALS),
        *(
            min(round(seconds, _TIME_DECIMALS), segment.end_seconds)
            for seconds in (event.start_seconds, event.end_seconds)
        ),
    )
