"""Output rows from results: pure but for reading stored clips back."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from beam_audio import clips, schema
from beam_audio.recording import RecordingEnd, failure_of
from beam_audio.rules import Rules, evidence, round_measure
from beam_audio.text import (
    Score,
    SegmentShare,
    chars_per_second,
    has_word_spaces,
    normalizer_for,
    share,
    words_per_second,
)
from beam_audio.types import AudioRef, Failure, Quality, Row, Segment, Transcript

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.clips import ClipCodec
    from beam_audio.schema import Table

Keys = tuple[tuple[str, str | None], ...]
TableRow = tuple["Table", Keys, Row]

_MANIFEST_TOLERANCE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class RowSettings:
    """What enters the rows besides the results themselves."""

    normalizer: str
    rules: Rules
    partition_by: tuple[str, ...]
    store_audio: str
    model_id: str
    model_sha256: str
    config_id: str

    def layout(self) -> dict[str, str]:
        """What all rows of one output have in common."""
        return {
            "config_id": self.config_id,
            "rules": self.rules.rules_id,
            "partition_by": ",".join(self.partition_by),
            "store_audio": self.store_audio,
        }


@dataclass(frozen=True, slots=True)
class StoredClip:
    """Where a segment's encoded audio stands in the unit's clip file."""

    position: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one segment."""

    segment: Segment
    quality: Quality
    result: Transcript | Exception
    clip: StoredClip | None = None


def recording_rows(
    end: RecordingEnd, outcomes: Sequence[Outcome], settings: RowSettings, clip_file: IO[bytes]
) -> Iterator[TableRow]:
    """Every row of a finished recording, with the table and partition each belongs to.

    Args:
        end: The recording.
        outcomes: All its segments, by index.
        settings: What enters the rows.
        clip_file: Where encoded audio was put.
    """
    ref = end.source.ref
    language = _majority_language(ref, outcomes)
    whole, shares = _scores(ref, outcomes, language, settings)
    samples: Counter[str] = Counter()
    for outcome, part in zip(outcomes, shares, strict=True):
        core = outcome.segment.core_end_sample - outcome.segment.core_start_sample
        if isinstance(outcome.result, Transcript):
            row = _segment_row(end, outcome, outcome.result, part, settings)
            row["audio"] = _read_clip(outcome, settings, clip_file)
            samples[row["decision"]] += core
            yield "segments", _keys(row, ref, settings.partition_by), row
        else:
            samples["failed"] += core
            yield failure_row(_segment_failure(end, outcome, outcome.result))
    samples["skipped"] = end.decoded_samples - samples.total()
    yield _recording_row(end, outcomes, settings, language=language, whole=whole, samples=samples)
    if end.truncation is not None:
        cut_short = failure_of(ref, "decode", end.truncation)
        yield failure_row(cut_short, recording_id=end.source.recording_id)


def failure_row(failure: Failure, *, recording_id: str | None = None) -> TableRow:
    """Row of a failure, with its table and partition."""
    row = {
        "unit": failure.unit,
        "stage": failure.stage,
        "source_id": failure.source_id,
        "uri": _encodable(failure.uri),
        "recording_id": recording_id or failure.recording_id,
        "segment_id": failure.segment_id,
        "start_seconds": failure.start_seconds,
        "end_seconds": failure.end_seconds,
        "error_type": failure.error_type,
        "message": _encodable(failure.message),
        "payload_uri": failure.payload_uri,
        "when": datetime.now(UTC),
        "attempt": failure.attempt,
    }
    return "failures", (_date_key(failure.event_time),), row


def _majority_language(ref: AudioRef, outcomes: Sequence[Outcome]) -> str | None:
    """Language of most transcribed seconds; ties go to the first by name."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for outcome in outcomes:
        if isinstance(outcome.result, Transcript) and outcome.result.language is not None:
            seconds[outcome.result.language] += outcome.segment.duration_seconds
    if not seconds:
        return ref.language
    return min(seconds, key=lambda language: (-seconds[language], language))


def _scores(
    ref: AudioRef, outcomes: Sequence[Outcome], language: str | None, settings: RowSettings
) -> tuple[SegmentShare | None, Sequence[SegmentShare | None]]:
    """The recording's reference and score, and each segment's share; None without a reference."""
    if ref.reference_text is None:
        return None, [None] * len(outcomes)
    spoken = ref.language or language
    normalizer = normalizer_for(spoken, settings.normalizer)
    shared = share(ref.reference_text, [_text(item) for item in outcomes], spoken, normalizer)
    return SegmentShare(ref.reference_text, shared.recording), shared.segments


def _text(outcome: Outcome) -> str:
    return outcome.result.text if isinstance(outcome.result, Transcript) else ""


def _segment_row(
    end: RecordingEnd,
    outcome: Outcome,
    transcript: Transcript,
    part: SegmentShare | None,
    settings: RowSettings,
) -> Row:
    segment = outcome.segment
    language = transcript.language or end.source.ref.language
    judged_as = (end.source.ref.language if part else None) or language
    score = part.score if part else None
    measures = evidence(segment, outcome.quality, transcript, score, judged_as)
    decision, reasons = settings.rules.decide(measures)
    columns = schema.column_names("segments")
    return {
        **{name: value for name, value in measures.items() if name in columns},
        **_source_columns(end),
        **_score_columns(part),
        "segment_id": segment.segment_id,
        "recording_id": segment.recording_id,
        "segment_index": segment.segment_index,
        "start_seconds": segment.start_seconds,
        "end_seconds": segment.end_seconds,
        "core_start_seconds": segment.core_start_sample / segment.sample_rate_hz,
        "core_end_seconds": segment.core_end_sample / segment.sample_rate_hz,
        "duration_seconds": segment.duration_seconds,
        "text": transcript.text,
        "language": language,
        "model_id": settings.model_id,
        "model_sha256": settings.model_sha256,
        "decision": decision,
        "reasons": list(reasons),
        "rules_id": settings.rules.rules_id,
        "config_id": settings.config_id,
    }


def _recording_row(  # noqa: PLR0913 - the parts of one row
    end: RecordingEnd,
    outcomes: Sequence[Outcome],
    settings: RowSettings,
    *,
    language: str | None,
    whole: SegmentShare | None,
    samples: Counter[str],
) -> TableRow:
    source, ref = end.source, end.source.ref
    rate_hz = source.format.sample_rate_hz
    spoken = (ref.language if whole else None) or language
    separator = " " if has_word_spaces(language) else ""
    text = separator.join(filter(None, map(_text, outcomes)))
    decoded_seconds = end.decoded_samples / rate_hz
    row: Row = {
        "recording_id": source.recording_id,
        "content_sha256": source.content_sha256,
        "source_size_bytes": ref.size_bytes,
        "source_updated": ref.updated,
        "offset_seconds": ref.offset_seconds,
        "codec": source.format.codec,
        "container": source.format.container,
        "sample_rate_hz": rate_hz,
        "channels": source.format.channels,
        "header_seconds": source.format.header_seconds,
        "manifest_seconds": ref.manifest_seconds,
        "decoded_seconds": decoded_seconds,
        "decode_status": "ok" if end.truncation is None else "truncated",
        **{column: samples[name] for name, column in schema.LEDGER_COLUMNS.items()},
        "segments": len(outcomes),
        "speech_seconds": end.speech_samples / rate_hz,
        "text": text,
        "language": language,
        "reasons": _recording_reasons(end, whole.score if whole else None),
        "config_id": settings.config_id,
        **_source_columns(end),
        **_score_columns(whole),
        "words_per_second": round_measure(words_per_second(text, decoded_seconds, spoken)),
        "chars_per_second": round_measure(chars_per_second(text, decoded_seconds)),
    }
    return "recordings", (_date_key(ref.event_time),), row


def _recording_reasons(end: RecordingEnd, score: Score | None) -> list[str]:
    decoded_seconds = end.decoded_samples / end.source.format.sample_rate_hz
    claimed = end.source.ref.manifest_seconds
    reasons = {
        "empty_reference": score is not None and score.empty_reference,
        "manifest_seconds_off": claimed is not None
        and abs(claimed - decoded_seconds) > _MANIFEST_TOLERANCE_SECONDS,
        "no_audio": end.decoded_samples == 0,
        "no_reference": score is None,
        "no_speech": end.speech_samples == 0,
        "truncated": end.truncation is not None,
    }
    return [reason for reason, holds in reasons.items() if holds]


def _source_columns(end: RecordingEnd) -> Row:
    ref = end.source.ref
    return {
        "source_id": ref.source_id,
        "uri": _encodable(ref.uri),
        "channel": end.source.channel,
        "event_time": ref.event_time,
        "metadata": [{"key": key, "value": value} for key, value in ref.metadata],
    }


def _score_columns(part: SegmentShare | None) -> Row:
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


def _segment_failure(end: RecordingEnd, outcome: Outcome, error: Exception) -> Failure:
    """The core is what is lost, so it is what the row states."""
    segment, ref = outcome.segment, end.source.ref
    return Failure(
        unit="segment",
        stage="recognise",
        source_id=ref.source_id,
        uri=ref.uri,
        error_type=type(error).__name__,
        message=str(error) or repr(error),
        recording_id=segment.recording_id,
        segment_id=segment.segment_id,
        start_seconds=segment.core_start_sample / segment.sample_rate_hz,
        end_seconds=segment.core_end_sample / segment.sample_rate_hz,
        event_time=ref.event_time,
        attempt=ref.attempt,
    )


def _read_clip(outcome: Outcome, settings: RowSettings, clip_file: IO[bytes]) -> Row | None:
    if outcome.clip is None:
        return None
    codec: ClipCodec = "opus" if settings.store_audio == "opus" else "flac"
    clip_file.seek(outcome.clip.position)
    encoded = clip_file.read(outcome.clip.size_bytes)
    return {"bytes": encoded, "path": clips.file_name(outcome.segment, codec)}


def _keys(row: Row, ref: AudioRef, partition_by: Sequence[str]) -> Keys:
    metadata = dict(ref.metadata)
    known = {schema.PARTITION_LANGUAGE: row["language"]} | dict([_date_key(ref.event_time)])
    return tuple((key, known[key] if key in known else metadata.get(key)) for key in partition_by)


def _date_key(event_time: datetime | None) -> tuple[str, str]:
    date = event_time.astimezone(UTC).date().isoformat() if event_time else schema.UNKNOWN_DATE
    return schema.PARTITION_DATE, date


def _encodable(text: str) -> str:
    """Text that UTF-8 can hold: file names may be bytes that no encoding explains."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
