"""The columns a reader may rely on, and what stands in a file beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_audio import schema
from beam_audio.store.output_names import TABLES

if TYPE_CHECKING:
    from pathlib import Path

TEXT, REAL, COUNT = pa.string(), pa.float64(), pa.int64()
TIME = pa.timestamp("us", tz="UTC")
DATE = pa.date32()
SCORES = {
    "reference_text": TEXT,
    "wer_hits": COUNT,
    "wer_substitutions": COUNT,
    "wer_deletions": COUNT,
    "wer_insertions": COUNT,
    "wer": REAL,
    "cer": REAL,
    "normalizer_id": TEXT,
    "words_per_second": REAL,
    "chars_per_second": REAL,
}
WORDS = pa.list_(
    pa.struct(
        [("word", TEXT), ("start_seconds", REAL), ("end_seconds", REAL), ("probability", REAL)]
    )
)
TURNS = pa.list_(pa.struct([("speaker", TEXT), ("start_seconds", REAL), ("end_seconds", REAL)]))
REDACTIONS = pa.list_(
    pa.struct(
        [("kind", TEXT), ("start", COUNT), ("end", COUNT)]
        + [(f"{edge}_seconds", REAL) for edge in ("start", "end")]
    )
)
CORRECTED = {
    "label_text": TEXT,
    "reference_origin": TEXT,
    "corrected_by": TEXT,
    "corrected_at": TIME,
    "rules_decision": TEXT,
    "rules_reasons": pa.list_(TEXT),
}
SPEECH = pa.list_(pa.struct([("start_seconds", REAL), ("end_seconds", REAL)]))
SHARED = {
    "recording_id": TEXT,
    "source_id": TEXT,
    "uri": TEXT,
    "channel": COUNT,
    "track": COUNT,
    "event_time": TIME,
    "text": TEXT,
    "language": TEXT,
    "reasons": pa.list_(TEXT),
    "config_id": TEXT,
    "metadata": TEXT,
    "event_date": DATE,
    "text_language": TEXT,
    "duplicate_of": TEXT,
    "duplicate_by": TEXT,
    "duplicate_similarity": REAL,
    "test_overlap_of": TEXT,
    "test_overlap_by": TEXT,
    "test_overlap_similarity": REAL,
} | SCORES
EVENTS = pa.list_(
    pa.struct([("label", TEXT), ("score", REAL), ("start_seconds", REAL), ("end_seconds", REAL)])
)
REALS_OF_SEGMENTS = (
    "start_seconds end_seconds core_start_seconds core_end_seconds duration_seconds "
    "language_probability avg_logprob no_speech_prob compression_ratio rms_dbfs peak_dbfs "
    "clipped_fraction speech_fraction snr_db bandwidth_hz loudness_lufs start_cer end_cer "
    "dnsmos_sig dnsmos_bak dnsmos_ovrl second_language_probability second_avg_logprob "
    "second_no_speech_prob disagreement_wer disagreement_cer speech_score music_score "
    "speaker_overlap_seconds"
)
SIGNS = (
    "silence logprob_low compression_ratio_high repetition hallucination_rate "
    "text_without_speech no_speech_likely known_hallucination"
)
OPINIONS = (
    "second_text second_model_id second_model_sha256 second_language voted_language best_text "
    "best_model_id"
)
COLUMNS: dict[schema.Table, dict[str, pa.DataType]] = {
    "segments": SHARED
    | dict.fromkeys(["segment_id", "model_id", "model_sha256", "decision", "rules_id"], TEXT)
    | dict.fromkeys(REALS_OF_SEGMENTS.split(), REAL)
    | dict.fromkeys(SIGNS.split(), pa.bool_())
    | dict.fromkeys(OPINIONS.split(), TEXT)
    | {"segment_index": COUNT, "words": WORDS, "speech": SPEECH, "heard_language": TEXT}
    | {"text_redacted": TEXT, "redactions": REDACTIONS}
    | {"fingerprint": pa.binary(), "audio_events": EVENTS}
    | dict.fromkeys(["speaker_label", "speaker_model_id", "corpus_speaker"], TEXT)
    | {"enhance_model_id": TEXT}
    | {"speaker_turns": TURNS, "word_speakers": pa.list_(TEXT), "speaker_changes": COUNT}
    | {"speaker_embedding": pa.list_(pa.int8())}
    | CORRECTED,
    "recordings": SHARED
    | dict.fromkeys(["content_sha256", "audio_sha256", "codec", "container", "decode_status"], TEXT)
    | dict.fromkeys(["source_size_bytes", "sample_rate_hz", "channels", "segments"], COUNT)
    | dict.fromkeys(["keep_samples", "review_samples", "drop_samples"], COUNT)
    | dict.fromkeys(["failed_samples", "skipped_samples"], COUNT)
    | dict.fromkeys(["offset_seconds", "header_seconds", "manifest_seconds"], REAL)
    | dict.fromkeys(["decoded_seconds", "concealed_seconds", "speech_seconds"], REAL)
    | {"source_updated": TIME, "stated_language": TEXT, "text_all": TEXT}
    | {"text_redacted": TEXT}
    | {"stated_reference_text": TEXT, "reference_origin": TEXT},
    "failures": dict.fromkeys(["unit", "stage", "source_id", "uri", "recording_id"], TEXT)
    | dict.fromkeys(["segment_id", "error_type", "message", "payload_uri"], TEXT)
    | {"start_seconds": REAL, "end_seconds": REAL, "when": TIME, "attempt": COUNT}
    | {"event_date": DATE},
}


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_has_its_columns_and_types(table: schema.Table) -> None:
    """Readers rely on these; a change of one is a change of the schema's version."""
    found = schema.file_schema(table)
    assert dict(zip(found.names, found.types, strict=True)) == COLUMNS[table]
    assert len(found.names) == len(set(found.names))
    assert schema.column_names(table) == set(COLUMNS[table])
    assert schema.SCHEMA_VERSION == "2.5"


def test_the_store_knows_the_same_tables() -> None:
    assert set(TABLES) == set(COLUMNS)


def test_every_destination_of_samples_has_a_column_that_cannot_be_null() -> None:
    recordings = schema.file_schema("recordings")
    assert list(schema.LEDGER_COLUMNS) == ["keep", "review", "drop", "failed", "skipped"]
    for column in schema.LEDGER_COLUMNS.values():
        assert recordings.field(column).type == COUNT
        assert not recordings.field(column).nullable


def test_columns_that_are_folder_keys_are_left_out() -> None:
    found = schema.file_schema("segments", without=("date", "language"))
    assert set(COLUMNS["segments"]) - set(found.names) == {"language"}


@pytest.mark.parametrize("table", COLUMNS)
def test_a_file_states_its_table_and_version(tmp_path: Path, table: schema.Table) -> None:
    columns = schema.file_schema(table)
    pq.write_table(columns.empty_table(), tmp_path / "a.parquet")
    stated = pq.read_schema(tmp_path / "a.parquet").metadata
    assert stated[b"beam_audio.schema_version"] == b"2.5"
    assert stated[b"beam_audio.table"] == table.encode()
    assert b"huggingface" not in stated


def test_stored_audio_is_declared_as_an_audio_feature() -> None:
    found = schema.file_schema("segments", audio=True)
    assert found.field("audio").type == pa.struct([("bytes", pa.binary()), ("path", TEXT)])
    features = json.loads(found.metadata[b"huggingface"])["info"]["features"]
    assert features == {"audio": {"_type": "Audio"}}


@pytest.mark.parametrize("table", ["recordings", "failures"])
def test_other_tables_hold_no_audio(table: schema.Table) -> None:
    assert schema.file_schema(table, audio=True) == schema.file_schema(table)
