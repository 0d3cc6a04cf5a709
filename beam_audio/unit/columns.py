"""Groups of columns: those that tables share, and those taken from one value as they are."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Final

from beam_audio import schema
from beam_audio.quality.measures import round_measure
from beam_audio.types import Word

if TYPE_CHECKING:
    from datetime import date, datetime

    from beam_audio.quality.error_rates import SegmentShare
    from beam_audio.quality.second_opinion import Opinion
    from beam_audio.types import AudioEvent, AudioFormat, Row, Segment
    from beam_audio.unit.events import RecordingEnd

WORD_TIME_DECIMALS: Final = 3
"""No recogniser places a word more exactly than to a hundredth of a second."""


def source_columns(end: RecordingEnd, metadata_columns: tuple[str, ...]) -> Row:
    """The input and the channel a recording is from, and what its manifest states beside them."""
    ref = end.source.ref
    metadata = dict(ref.metadata)
    return {
        "source_id": ref.source_id,
        "uri": encodable(ref.uri),
        "channel": end.source.channel,
        "track": end.source.track,
        "event_time": ref.event_time,
        "event_date": event_date(ref.event_time),
        "metadata": json.dumps(metadata, ensure_ascii=False, sort_keys=True),
        **{key: metadata.get(key) for key in metadata_columns},
    }


def format_columns(audio_format: AudioFormat) -> Row:
    """What the header of a recording says."""
    return {
        "codec": audio_format.codec,
        "container": audio_format.container,
        "sample_rate_hz": audio_format.sample_rate_hz,
        "channels": audio_format.channels,
        "header_seconds": audio_format.header_seconds,
    }


def segment_columns(segment: Segment) -> Row:
    """The ids of a segment, and its times in the recording."""
    return {
        "segment_id": segment.segment_id,
        "recording_id": segment.recording_id,
        "segment_index": segment.segment_index,
        "start_seconds": segment.start_seconds,
        "end_seconds": segment.end_seconds,
        "core_start_seconds": segment.core_start_sample / segment.sample_rate_hz,
        "core_end_seconds": segment.core_end_sample / segment.sample_rate_hz,
        "duration_seconds": segment.duration_seconds,
        "speech": speech_column(segment),
    }


def score_columns(part: SegmentShare | None) -> Row:
    """A reference and how the text compares with it; no columns without a reference."""
    if part is None:
        return {}
    return {
        "reference_text": part.reference_text,
        "wer_hits": part.score.hits,
        "wer_substitutions": part.score.substitutions,
        "wer_deletions": part.score.deletions,
        "wer_insertions": part.score.insertions,
        "wer": round_measure(part.score.wer),
        "cer": round_measure(part.score.cer),
        "normalizer_id": part.score.normalizer_id,
    }


def second_columns(second: Opinion | None) -> Row:
    """What the second model heard; no columns without one. Rates and probabilities are measures."""
    if second is None:
        return {}
    heard = second.transcript
    return {
        "second_text": heard.text if heard else None,
        "second_language": heard.language if heard else None,
        "second_model_id": second.model_id,
        "second_model_sha256": second.model_sha256,
    }


def words_in_recording(segment: Segment, words: tuple[Word, ...] | None) -> tuple[Word, ...] | None:
    """Words of a segment as they are stored: timed from the start of the recording, rounded.

    No word lies outside the segment. Segments that overlap both have the words they share.
    """
    if words is None:
        return None
    return tuple(
        Word(
            word.word,
            _in_recording(segment, word.start_seconds),
            _in_recording(segment, word.end_seconds),
            round_measure(word.probability),
        )
        for word in words
    )


def words_column(words: tuple[Word, ...] | None) -> list[Row] | None:
    """Words in recording time."""
    return None if words is None else [asdict(word) for word in words]


def events_column(events: tuple[AudioEvent, ...] | None) -> list[Row] | None:
    """Events in recording time; None without a classifier."""
    return None if events is None else [asdict(event) for event in events]


def speech_column(segment: Segment) -> list[Row]:
    """The stretches of a segment that are speech, timed from the start of the recording."""
    rate_hz = segment.sample_rate_hz
    return [
        {"start_seconds": start / rate_hz, "end_seconds": end / rate_hz}
        for start, end in segment.speech
    ]


def event_date(event_time: datetime | None) -> date | None:
    """The day of an event in UTC."""
    return event_time.astimezone(UTC).date() if event_time else None


def date_key(event_time: datetime | None) -> tuple[str, str]:
    """Folder key of the date, in UTC."""
    day = event_date(event_time)
    return schema.PARTITION_DATE, day.isoformat() if day else schema.UNKNOWN_DATE


def encodable(text: str) -> str:
    """Text that UTF-8 can encode: a file name may hold bytes that are not text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _in_recording(segment: Segment, seconds: float) -> float:
    rounded = round(segment.start_seconds + seconds, WORD_TIME_DECIMALS)
    return min(max(rounded, segment.start_seconds), segment.end_seconds)
