"""Output rows from results: pure, except that stored audio is read from its temporary file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from beam_audio import schema
from beam_audio.audio import encode
from beam_audio.quality.error_rates import Score, SegmentShare, share
from beam_audio.quality.measures import Judged, Languages, measure_all, round_measure
from beam_audio.quality.normalizers import normalizer_for
from beam_audio.quality.recording_text import (
    core_texts,
    join_texts,
    majority_language,
    spoken_texts,
)
from beam_audio.quality.text import chars_per_second, words_per_second
from beam_audio.types import AudioRef, Failure, Row, Segment, stable_id
from beam_audio.unit.columns import (
    date_key,
    encodable,
    event_date,
    format_columns,
    score_columns,
    segment_columns,
    source_columns,
    words_column,
)
from beam_audio.unit.layers import layer_hash
from beam_audio.unit.results import Recognised
from beam_audio.unit.scratch import read_audio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.audio.encode import StoredCodec
    from beam_audio.quality.rules import Rules
    from beam_audio.schema import Table
    from beam_audio.unit.prepare import RecordingEnd
    from beam_audio.unit.results import Outcome

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


@dataclass(frozen=True, slots=True)
class _Whole:
    """What was recognised in a recording: its language, the text each segment adds, its score."""

    language: str | None
    texts: tuple[str, ...]
    share: SegmentShare | None


def recording_rows(
    end: RecordingEnd, outcomes: Sequence[Outcome], settings: RowSettings, audio_file: IO[bytes]
) -> Iterator[TableRow]:
    """Every row of a finished recording, with the table and partition each belongs to.

    Args:
        end: The recording.
        outcomes: All its segments, by index.
        settings: What enters the rows.
        audio_file: Where encoded audio was put.
    """
    ref = end.source.ref
    whole, shares = _whole(ref, outcomes, settings)
    samples: Counter[str] = Counter()
    unspoken: set[int] = set()
    for index, (outcome, part) in enumerate(zip(outcomes, shares, strict=True)):
        core = outcome.segment.core_end_sample - outcome.segment.core_start_sample
        if isinstance(outcome.result, Recognised):
            judged = _judged(outcome.segment, outcome.result, part, ref, whole.language)
            row = {
                **_segment_row(judged, settings),
                **source_columns(end, settings.metadata_columns),
                **score_columns(part),
                "audio": _read_audio(outcome.segment, outcome.result, settings, audio_file),
            }
            samples[row["decision"]] += core
            if settings.rules.unspoken_reasons.intersection(row["reasons"]):
                unspoken.add(index)
            yield "segments", _keys(row, ref, settings.partition_by), row
        else:
            samples["failed"] += core
            yield failure_row(outcome.result)
    samples["skipped"] = end.decoded_samples - samples.total()
    said = join_texts(spoken_texts(whole.texts, unspoken), whole.language)
    yield _recording_row(end, whole, said, settings, samples)
    if end.truncation is not None:
        yield failure_row(end.truncation)


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


def _whole(
    ref: AudioRef, outcomes: Sequence[Outcome], settings: RowSettings
) -> tuple[_Whole, Sequence[SegmentShare | None]]:
    """What was recognised in all, and each segment's share of the reference; None without one."""
    segments = [(outcome.segment, outcome.transcript) for outcome in outcomes]
    language = majority_language(segments) or ref.language
    texts = tuple(core_texts(segments))
    if ref.reference_text is None:
        return _Whole(language, texts, None), [None] * len(outcomes)
    spoken = ref.language or language
    normalizer = normalizer_for(spoken, settings.normalizer)
    shared = share(ref.reference_text, texts, spoken, normalizer)
    whole = _Whole(language, texts, SegmentShare(ref.reference_text, shared.recording))
    return whole, shared.segments


def _judged(
    segment: Segment,
    recognised: Recognised,
    part: SegmentShare | None,
    ref: AudioRef,
    recording_language: str | None,
) -> Judged:
    """A segment as rules see it.

    The words of a segment with a reference are counted in the stated language, as the reference is.
    """
    stated = ref.language
    languages = Languages(
        judged_as=(stated if part else None) or recognised.transcript.language or stated,
        recording=recording_language,
        stated=stated,
    )
    score = part.score if part else None
    return Judged(segment, recognised.quality, recognised.transcript, score, languages)


def _segment_row(judged: Judged, settings: RowSettings) -> Row:
    """The columns of ``segments`` but for the recording's, the reference's and the audio.

    Exact columns replace the rounded measures of the same name.
    """
    segment, transcript = judged.segment, judged.transcript
    measures = measure_all(judged)
    decision, reasons = settings.rules.decide(measures)
    columns = schema.column_names("segments")
    language = transcript.language or judged.languages.stated
    return {
        **{name: value for name, value in measures.items() if name in columns},
        **segment_columns(segment),
        "text": transcript.text,
        "language": language,
        "text_language": language,
        "heard_language": transcript.language,
        "words": words_column(transcript.words),
        "model_id": settings.model_id,
        "model_sha256": settings.model_sha256,
        "decision": decision,
        "reasons": list(reasons),
        "rules_id": settings.rules.rules_id,
        "config_id": settings.config_id,
    }


def _recording_row(
    end: RecordingEnd, whole: _Whole, text: str, settings: RowSettings, samples: Counter[str]
) -> TableRow:
    """Row of a recording, with its table and partition.

    ``text`` leaves out what nobody said. ``samples`` counts decoded samples by what became of
    them; see ``schema.LEDGER_COLUMNS``.
    """
    source, ref = end.source, end.source.ref
    rate_hz = source.format.sample_rate_hz
    spoken = (ref.language if whole.share else None) or whole.language
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
        "segments": len(whole.texts),
        "speech_seconds": end.speech_samples / rate_hz,
        "text": text,
        "text_all": join_texts(whole.texts, whole.language),
        "language": whole.language,
        "text_language": whole.language,
        "stated_language": ref.language,
        "reasons": _recording_reasons(end, whole.share.score if whole.share else None),
        "config_id": settings.config_id,
        **source_columns(end, settings.metadata_columns),
        **score_columns(whole.share),
        "words_per_second": round_measure(words_per_second(text, decoded_seconds, spoken)),
        "chars_per_second": round_measure(chars_per_second(text, decoded_seconds, spoken)),
    }
    return "recordings", (date_key(ref.event_time),), row


def _decode_status(end: RecordingEnd) -> str:
    if end.truncation is not None:
        return "truncated"
    return "concealed" if end.concealed_seconds else "ok"


def _recording_reasons(end: RecordingEnd, score: Score | None) -> list[str]:
    """What is remarkable about a recording, by name; sorted."""
    decoded_seconds = end.decoded_samples / end.source.format.sample_rate_hz
    stated = end.source.ref.manifest_seconds
    reasons = {
        "empty_reference": score is not None and score.empty_reference,
        "figures_against_words": score is not None and score.figures_against_words,
        "manifest_seconds_off": stated is not None
        and abs(stated - decoded_seconds) > _MANIFEST_TOLERANCE_SECONDS,
        "no_audio": end.decoded_samples == 0,
        "no_reference": score is None,
        "no_speech": end.speech_samples == 0,
        "scripts_differ": score is not None and score.scripts_differ,
        "truncated": end.truncation is not None,
    }
    held = {reason for reason, holds in reasons.items() if holds}
    return sorted(held.union(end.reasons, end.source.ref.reasons))


def _read_audio(
    segment: Segment, recognised: Recognised, settings: RowSettings, audio_file: IO[bytes]
) -> Row | None:
    if recognised.audio is None:
        return None
    codec: StoredCodec = "opus" if settings.store_audio == "opus" else "flac"
    encoded = read_audio(audio_file, recognised.audio)
    return {"bytes": encoded, "path": encode.file_name(segment, codec)}


def _keys(row: Row, ref: AudioRef, partition_by: Sequence[str]) -> Keys:
    metadata = dict(ref.metadata)
    known = {schema.PARTITION_LANGUAGE: row["language"]} | dict([date_key(ref.event_time)])
    return tuple((key, known[key] if key in known else metadata.get(key)) for key in partition_by)
