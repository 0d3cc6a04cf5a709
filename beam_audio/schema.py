"""The output tables: the one place where their columns are named and typed.

Policy: every file has ``SCHEMA_VERSION`` in its metadata, under ``beam_audio.schema_version``, and
every commit record has it, too. Its minor number rises when a nullable column is added, which
readers of older versions may ignore. Its major number rises when a column is renamed, removed,
retyped or changes its meaning. This package reads outputs of its own major number only, and none of
a higher minor number: it would lose their new columns.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Final, Literal

import pyarrow as pa

SCHEMA_VERSION: Final = "2.5"

Table = Literal["segments", "recordings", "failures"]

PARTITION_DATE: Final = "date"
PARTITION_LANGUAGE: Final = "language"
UNKNOWN_DATE: Final = "unknown"
AUDIO: Final = "audio"
"""Column of stored audio."""
FINGERPRINT: Final = "fingerprint"
"""Column of what a segment sounds like; see :mod:`beam_audio.quality.fingerprint`."""

_TEXT = pa.string()
_REAL = pa.float64()
_COUNT = pa.int64()
_FLAG = pa.bool_()
_TIME = pa.timestamp("us", tz="UTC")
_DATE = pa.date32()
_LABELS = pa.list_(_TEXT)
# Seconds in the recording. Null if the model gives no word times, empty if there is no word.
_WORDS = pa.list_(
    pa.struct(
        [
            ("word", _TEXT),
            ("start_seconds", _REAL),
            ("end_seconds", _REAL),
            ("probability", _REAL),
        ]
    )
)
_SPEECH = pa.list_(pa.struct([("start_seconds", _REAL), ("end_seconds", _REAL)]))
# Characters of ``text``, and seconds in the recording; null without word times.
_REDACTIONS = pa.list_(
    pa.struct(
        [
            ("kind", _TEXT),
            ("start", _COUNT),
            ("end", _COUNT),
            ("start_seconds", _REAL),
            ("end_seconds", _REAL),
        ]
    )
)
# Seconds in the recording.
_EVENTS = pa.list_(
    pa.struct(
        [("label", _TEXT), ("score", _REAL), ("start_seconds", _REAL), ("end_seconds", _REAL)]
    )
)
_BYTES = pa.binary()
_TURNS = pa.list_(pa.struct([("speaker", _TEXT), ("start_seconds", _REAL), ("end_seconds", _REAL)]))
# A direction of 192 numbers, whatever its length. Not every reader takes float16, and Arrow fails
# to read a list of fixed size that is null in some rows.
_EMBEDDING = pa.list_(pa.int8())
_AUDIO = pa.struct([("bytes", _BYTES), ("path", _TEXT)])


def _fields(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return [pa.field(name, kind) for name in names]


def _required(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return [pa.field(name, kind, nullable=False) for name in names]


_SCORES = [
    *_fields(_TEXT, "reference_text"),
    *_fields(_COUNT, "wer_hits", "wer_substitutions", "wer_deletions", "wer_insertions"),
    *_fields(_REAL, "wer", "cer"),
    *_fields(_TEXT, "normalizer_id"),
    *_fields(_REAL, "words_per_second", "chars_per_second"),
]

# How a row is like another one; null for a row that was not compared, or is like none.
_LIKENESS = [
    *_fields(_TEXT, "duplicate_of", "duplicate_by"),
    *_fields(_REAL, "duplicate_similarity"),
    *_fields(_TEXT, "test_overlap_of", "test_overlap_by"),
    *_fields(_REAL, "test_overlap_similarity"),
]
# Where a reference is from, and what rules decided where a person decided otherwise (schema 2.3).
_CORRECTED = [
    *_fields(_TEXT, "reference_origin", "corrected_by"),
    *_fields(_TIME, "corrected_at"),
    *_fields(_TEXT, "rules_decision"),
    *_fields(_LABELS, "rules_reasons"),
]
# What is stated for a recording whose reference holds corrections (schema 2.3).
_STATED = _fields(_TEXT, "stated_reference_text", "reference_origin")
# Labels to train with (schema 2.4).
_LABELLED = _fields(_TEXT, "label_text")
# What a classifier hears (schema 2.5).
_SOUNDS = [*_fields(_EVENTS, "audio_events"), *_fields(_REAL, "speech_score", "music_score")]
# Who speaks (schema 2.5). ``speaker`` alone is the name of many people's own metadata columns, and
# a field of ``words`` would change the type of a column that is there.
_SPEAKERS = [
    *_fields(_TEXT, "speaker_label"),
    *_fields(_TURNS, "speaker_turns"),
    *_fields(_LABELS, "word_speakers"),
    *_fields(_COUNT, "speaker_changes"),
    *_fields(_REAL, "speaker_overlap_seconds"),
    *_fields(_EMBEDDING, "speaker_embedding"),
    *_fields(_TEXT, "speaker_model_id", "corpus_speaker"),
]
# What took noise out of the audio before it was recognised (schema 2.5).
_ENHANCED = _fields(_TEXT, "enhance_model_id")
# Columns of schema 2.2: files of an earlier version lack them, and read as null.
_EVIDENCE = [
    *_fields(_REAL, "start_cer", "end_cer"),
    *_fields(
        _FLAG,
        "silence",
        "logprob_low",
        "compression_ratio_high",
        "repetition",
        "hallucination_rate",
        "text_without_speech",
        "no_speech_likely",
        "known_hallucination",
    ),
    *_fields(_REAL, "dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl"),
    *_fields(_TEXT, "second_text", "second_model_id", "second_model_sha256", "second_language"),
    *_fields(
        _REAL,
        "second_language_probability",
        "second_avg_logprob",
        "second_no_speech_prob",
        "disagreement_wer",
        "disagreement_cer",
    ),
    *_fields(_TEXT, "voted_language", "best_text", "best_model_id"),
]

_SEGMENTS = [
    *_required(_TEXT, "segment_id", "recording_id", "source_id", "uri"),
    *_fields(_COUNT, "channel", "track"),
    *_required(_COUNT, "segment_index"),
    *_required(
        _REAL,
        "start_seconds",
        "end_seconds",
        "core_start_seconds",
        "core_end_seconds",
        "duration_seconds",
    ),
    *_fields(_TIME, "event_time"),
    *_fields(_DATE, "event_date"),
    *_required(_TEXT, "text"),
    *_fields(_TEXT, "language", "text_language", "heard_language"),
    *_fields(_REAL, "language_probability"),
    *_required(_TEXT, "model_id", "model_sha256"),
    *_fields(_REAL, "avg_logprob", "no_speech_prob", "compression_ratio"),
    *_fields(_WORDS, "words"),
    *_SCORES,
    *_fields(
        _REAL,
        "rms_dbfs",
        "peak_dbfs",
        "clipped_fraction",
        "speech_fraction",
        "snr_db",
        "bandwidth_hz",
        "loudness_lufs",
    ),
    *_fields(_SPEECH, "speech"),
    *_fields(_TEXT, "text_redacted"),
    *_fields(_REDACTIONS, "redactions"),
    *_fields(_BYTES, FINGERPRINT),
    *_LIKENESS,
    *_EVIDENCE,
    *_CORRECTED,
    *_LABELLED,
    *_SOUNDS,
    *_SPEAKERS,
    *_ENHANCED,
    *_required(_TEXT, "decision"),
    *_required(_LABELS, "reasons"),
    *_required(_TEXT, "rules_id", "config_id"),
    *_required(_TEXT, "metadata"),
]

_RECORDINGS = [
    *_required(_TEXT, "recording_id", "source_id", "uri"),
    *_fields(_COUNT, "channel", "track"),
    *_required(_TEXT, "content_sha256", "audio_sha256"),
    *_required(_COUNT, "source_size_bytes"),
    *_fields(_TIME, "source_updated", "event_time"),
    *_fields(_DATE, "event_date"),
    *_fields(_REAL, "offset_seconds"),
    *_required(_TEXT, "codec", "container"),
    *_required(_COUNT, "sample_rate_hz", "channels"),
    *_fields(_REAL, "header_seconds", "manifest_seconds"),
    *_required(_REAL, "decoded_seconds"),
    *_required(_TEXT, "decode_status"),
    *_fields(_REAL, "concealed_seconds"),
    *_required(
        _COUNT,
        "keep_samples",
        "review_samples",
        "drop_samples",
        "failed_samples",
        "skipped_samples",
        "segments",
    ),
    *_required(_REAL, "speech_seconds"),
    *_required(_TEXT, "text"),
    *_fields(_TEXT, "text_all", "language", "text_language", "stated_language"),
    *_fields(_TEXT, "text_redacted"),
    *_SCORES,
    *_STATED,
    *_required(_LABELS, "reasons"),
    *_LIKENESS,
    *_required(_TEXT, "config_id"),
    *_required(_TEXT, "metadata"),
]

_FAILURES = [
    *_required(_TEXT, "unit", "stage", "source_id", "uri"),
    *_fields(_TEXT, "recording_id", "segment_id"),
    *_fields(_REAL, "start_seconds", "end_seconds"),
    *_required(_TEXT, "error_type", "message"),
    *_fields(_TEXT, "payload_uri"),
    *_fields(_DATE, "event_date"),
    *_required(_TIME, "when"),
    *_required(_COUNT, "attempt"),
]

_TABLES: Final[dict[Table, list[pa.Field]]] = {
    "segments": _SEGMENTS,
    "recordings": _RECORDINGS,
    "failures": _FAILURES,
}

LEDGER_COLUMNS: Final = {
    "keep": "keep_samples",
    "review": "review_samples",
    "drop": "drop_samples",
    "failed": "failed_samples",
    "skipped": "skipped_samples",
}
"""The five destinations of decoded samples and the ``recordings`` column that counts each."""


ADDED_COLUMNS: Final = frozenset(
    {
        *("track", "text_redacted", "redactions", FINGERPRINT),
        *(field.name for field in (*_LIKENESS, *_EVIDENCE, *_CORRECTED, *_STATED)),
        *(field.name for field in (*_LABELLED, *_SOUNDS, *_SPEAKERS, *_ENHANCED)),
    }
)
"""Columns that the files of an earlier minor version lack."""


def column_names(table: Table) -> frozenset[str]:
    """Names of a table's columns, in files or in folder names."""
    return frozenset(field.name for field in _TABLES[table])


@cache
def file_schema(
    table: Table,
    *,
    without: tuple[str, ...] = (),
    metadata_columns: tuple[str, ...] = (),
    audio: bool = False,
) -> pa.Schema:
    """Schema of a part file.

    Args:
        table: The table.
        without: Columns that are in the folder names instead.
        metadata_columns: Keys of ``metadata`` that segments and recordings have as text columns,
            too.
        audio: Whether segments have their audio, typed so that Hugging Face ``datasets`` loads it
            as an Audio feature.
    """
    fields = list(_TABLES[table])
    if table != "failures":
        fields += _fields(_TEXT, *metadata_columns)
    fields = [field for field in fields if field.name not in without]
    metadata = {"beam_audio.schema_version": SCHEMA_VERSION, "beam_audio.table": table}
    if audio and table == "segments":
        fields.append(pa.field(AUDIO, _AUDIO))
        features = {"info": {"features": {AUDIO: {"_type": "Audio"}}}}
        metadata["huggingface"] = json.dumps(features)
    return pa.schema(fields, metadata=metadata)
