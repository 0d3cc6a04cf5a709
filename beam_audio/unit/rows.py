"""Output rows from results: pure, except that a temporary file holds what memory should not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import IO, TYPE_CHECKING, Final

from beam_audio import schema
from beam_audio.audio import encode
from beam_audio.output.corrections import Corrections, placed
from beam_audio.quality.measures import best_of_two, round_measure, vote
from beam_audio.quality.recording_text import join_texts, spoken_texts
from beam_audio.quality.text import chars_per_second, words_per_second
from beam_audio.types import AudioRef, Failure, Row, Segment, stable_id
from beam_audio.unit.columns import (
    date_key,
    encodable,
    event_date,
    events_column,
    format_columns,
    score_columns,
    second_columns,
    segment_columns,
    source_columns,
    words_column,
)
from beam_audio.unit.heap import give_back
from beam_audio.unit.layers import layer_hash
from beam_audio.unit.reference_columns import corrected_columns, origin_columns
from beam_audio.unit.scoring import SCORE_FAILED, Scored, Verdict, judge, score
from beam_audio.unit.scratch import read_bytes
from beam_audio.unit.speaker_columns import speaker_columns, with_speakers
from beam_audio.unit.spooled_list import IN_MEMORY, SpooledList

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.audio.encode import StoredCodec
    from beam_audio.quality.ruleset import Rules
    from beam_audio.schema import Table
    from beam_audio.unit.events import RecordingEnd
    from beam_audio.unit.results import Outcome, Recognised

Keys = tuple[tuple[str, str | None], ...]
TableRow = tuple["Table", Keys, Row]

_MANIFEST_TOLERANCE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class RowSettings:
    """Everything beside the results that enters the rows."""

    normalizer: str
    rules: Rules
    partition_by: tuple[str, ...]
    metadata_columns: tuple[str, ...]
    store_audio: str
    model_id: str
    model_sha256: str
    config_layers: dict[str, str]
    corrections: Corrections = field(default_factory=Corrections)
    speaker_count: int | None = None
    enhance_model_id: str | None = None

    @property
    def config_id(self) -> str:
        """Hash of the configuration without its rules, which have an id of their own."""
        return stable_id("config", self.config_layers)

    @property
    def layers(self) -> dict[str, str]:
        """Hash of each layer of the configuration that the rows depend on."""
        return {**self.config_layers, "rules": layer_hash("rules", self.rules.rules_id)}

    def layout(self) -> dict[str, str]:
        """Settings that all rows of one output share."""
        return {
            "partition_by": ",".join(self.partition_by),
            "metadata_columns": ",".join(self.metadata_columns),
            "store_audio": self.store_audio,
        }


def recording_rows(
    end: RecordingEnd, outcomes: Sequence[Outcome], settings: RowSettings, scratch_file: IO[bytes]
) -> Iterator[TableRow]:
    """Every row of a finished recording, with the table and partition each belongs to.

    All is scored and judged before the first row is returned, so an error leaves no rows behind.

    Args:
        end: The recording.
        outcomes: All its segments, by index.
        settings: What enters the rows.
        scratch_file: The unit's temporary file, where encoded audio was put.

    Raises:
        ConfigError: The normaliser cannot be had on this machine.
        MachineError: The machine is at fault.
        StoreError: The corrections of the recording cannot be read.
    """
    if len(outcomes) > IN_MEMORY:
        give_back()  # what recognition left is memory that scoring would not use
    outcomes = with_speakers(outcomes, end.source.channel, settings.speaker_count, scratch_file)
    known = settings.corrections.of(end.source.recording_id)
    corrections = placed(known, list(map(_times, outcomes))).by_segment if known else {}
    scored = score(end.source, outcomes, settings.normalizer, corrections)
    verdicts = SpooledList(scratch_file, judge(end.source, outcomes, scored, settings.rules))
    samples: Counter[str] = Counter()
    unspoken: set[int] = set()
    for index, (outcome, verdict) in enumerate(zip(outcomes, verdicts, strict=True)):
        core = outcome.segment.core_end_sample - outcome.segment.core_start_sample
        if isinstance(verdict, Failure):
            samples["failed"] += core
            continue
        samples[verdict.final_decision] += core
        if settings.rules.unspoken_reasons.intersection(verdict.final_reasons):
            unspoken.add(index)
    samples["skipped"] = end.decoded_samples - samples.total()
    said = join_texts(spoken_texts(scored.texts, unspoken), scored.language)
    recording = _recording_row(end, scored, said, settings, samples)
    segments = (
        failure_row(each)
        if isinstance(each, Failure)
        else _segment_row(end, each, settings, scratch_file)
        for each in verdicts
    )
    failures = (end.truncation, scored.failure, *map(_opinion_failure, verdicts))
    return chain(segments, [recording], (failure_row(each) for each in failures if each))


def _opinion_failure(verdict: Verdict | Failure) -> Failure | None:
    """Why a recognised segment has no second opinion; None unless the second model failed."""
    second = None if isinstance(verdict, Failure) else verdict.recognised.second
    return second.failure if second else None


def _times(outcome: Outcome) -> tuple[float, float]:
    """Start and end of a segment in seconds; a failed one has no row that could be corrected."""
    segment = outcome.segment
    return (segment.start_seconds, segment.end_seconds) if outcome.transcript else (0.0, 0.0)


def failure_row(failure: Failure) -> TableRow:
    """Row of a failure, with its table and partition."""
    row = {
        "unit": failure.unit,
        "stage": failure.stage,
        "source_id": failure.source_id,
        "uri": encodable(failure.uri),
        "recording_id": failure.recording_id,
        "segment_id": failure.segment_id,
        "start_seconds": failure.start_seconds,
        "end_seconds": failure.end_seconds,
        "error_type": failure.error_type,
        "message": encodable(failure.message),
        "payload_uri": failure.payload_uri,
        "event_date": event_date(failure.event_time),
        "when": datetime.now(UTC),
        "attempt": failure.attempt,
    }
    return "failures", (date_key(failure.event_time),), row


def _segment_row(
    end: RecordingEnd, verdict: Verdict, settings: RowSettings, scratch_file: IO[bytes]
) -> TableRow:
    """Row of a segment, with its table and partition.

    Exact columns replace the rounded measures of the same name.
    """
    judged, ref = verdict.judged, end.source.ref
    segment, transcript = judged.segment, judged.transcript
    columns = schema.column_names("segments")
    language = transcript.language or judged.languages.stated
    row: Row = {
        **{name: value for name, value in verdict.measures.items() if name in columns},
        **segment_columns(segment),
        schema.FINGERPRINT: verdict.recognised.quality.fingerprint,
        "audio_events": events_column(verdict.recognised.quality.audio_events),
        "text": transcript.text,
        "language": language,
        "text_language": language,
        "heard_language": transcript.language,
        "words": words_column(transcript.words),
        **speaker_columns(verdict.recognised),
        "model_id": settings.model_id,
        "model_sha256": settings.model_sha256,
        "enhance_model_id": settings.enhance_model_id,
        **second_columns(verdict.recognised.second),
        **_best_columns(verdict, settings),
        "decision": verdict.final_decision,
        "reasons": list(verdict.final_reasons),
        "rules_id": settings.rules.rules_id,
        "config_id": settings.config_id,
        **source_columns(end, settings.metadata_columns),
        **score_columns(verdict.share),
        **corrected_columns(verdict),
        "audio": _read_audio(segment, verdict.recognised, settings, scratch_file),
    }
    return "segments", _keys(row, ref, settings.partition_by), row


def _best_columns(verdict: Verdict, settings: RowSettings) -> Row:
    """What two models agree on, and the better text; no columns without a second opinion."""
    second, best = verdict.recognised.second, best_of_two(verdict.judged)
    if second is None or second.transcript is None:
        return {}
    is_second = best == "second"
    return {
        "voted_language": vote(verdict.judged),
        "best_text": second.transcript.text if is_second else verdict.judged.text,
        "best_model_id": second.model_id if is_second else settings.model_id,
    }


def _recording_row(
    end: RecordingEnd, scored: Scored, text: str, settings: RowSettings, samples: Counter[str]
) -> TableRow:
    """Row of a recording, with its table and partition.

    ``text`` leaves out what nobody said. ``samples`` counts decoded samples by what became of
    them; see ``schema.LEDGER_COLUMNS``.
    """
    source, ref = end.source, end.source.ref
    rate_hz = source.format.sample_rate_hz
    spoken = (ref.language if scored.share else None) or scored.language
    decoded_seconds = end.decoded_samples / rate_hz
    row: Row = {
        "recording_id": source.recording_id,
        "content_sha256": source.content_sha256,
        "audio_sha256": end.audio_sha256,
        "source_size_bytes": ref.size_bytes,
        "source_updated": ref.updated,
        "offset_seconds": ref.offset_seconds,
        **format_columns(source.format),
        "manifest_seconds": ref.manifest_seconds,
        "decoded_seconds": decoded_seconds,
        "decode_status": _decode_status(end),
        "concealed_seconds": end.concealed_seconds,
        **{column: samples[name] for name, column in schema.LEDGER_COLUMNS.items()},
        "segments": len(scored.texts),
        "speech_seconds": end.speech_samples / rate_hz,
        "text": text,
        "text_all": join_texts(scored.texts, scored.language),
        "language": scored.language,
        "text_language": scored.language,
        "stated_language": ref.language,
        "reasons": _recording_reasons(end, scored),
        "config_id": settings.config_id,
        **source_columns(end, settings.metadata_columns),
        **score_columns(scored.share),
        **origin_columns(end, scored),
        "words_per_second": round_measure(words_per_second(text, decoded_seconds, spoken)),
        "chars_per_second": round_measure(chars_per_second(text, decoded_seconds, spoken)),
    }
    return "recordings", (date_key(ref.event_time),), row


def _decode_status(end: RecordingEnd) -> str:
    if end.truncation is not None:
        return "truncated"
    return "concealed" if end.concealed_seconds else "ok"


def _recording_reasons(end: RecordingEnd, scored: Scored) -> list[str]:
    """What is remarkable about a recording, by name; sorted."""
    decoded_seconds = end.decoded_samples / end.source.format.sample_rate_hz
    stated = end.source.ref.manifest_seconds
    rates = scored.share.score if scored.share else None
    reasons = {
        "empty_reference": rates is not None and rates.empty_reference,
        "figures_against_words": rates is not None and rates.figures_against_words,
        "manifest_seconds_off": stated is not None
        and abs(stated - decoded_seconds) > _MANIFEST_TOLERANCE_SECONDS,
        "no_audio": end.decoded_samples == 0,
        "no_reference": scored.share is None and scored.failure is None,
        "no_speech": end.speech_samples == 0,
        "scripts_differ": rates is not None and rates.scripts_differ,
        SCORE_FAILED: scored.failure is not None,
        "truncated": end.truncation is not None,
    }
    held = {reason for reason, holds in reasons.items() if holds}
    return sorted(held.union(end.reasons, end.source.ref.reasons))


def _read_audio(
    segment: Segment, recognised: Recognised, settings: RowSettings, scratch_file: IO[bytes]
) -> Row | None:
    if recognised.audio is None:
        return None
    codec: StoredCodec = "opus" if settings.store_audio == "opus" else "flac"
    encoded = read_bytes(scratch_file, recognised.audio)
    return {"bytes": encoded, "path": encode.file_name(segment, codec)}


def _keys(row: Row, ref: AudioRef, partition_by: Sequence[str]) -> Keys:
    metadata = dict(ref.metadata)
    known = {schema.PARTITION_LANGUAGE: row["language"]} | dict([date_key(ref.event_time)])
    return tuple((key, known[key] if key in known else metadata.get(key)) for key in partition_by)
