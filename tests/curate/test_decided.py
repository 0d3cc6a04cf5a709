"""What rows become by decisions."""

from __future__ import annotations

import pyarrow as pa

from beam_audio.curate.decided import DECISIONS, RECORDING_COLUMNS, decided
from beam_audio.schema import file_schema

SEGMENTS = pa.table(
    {
        "segment_id": ["s1", "s2", "s3"],
        "recording_id": ["r1", "r1", "r2"],
        "core_start_seconds": [0.0, 1.0, 0.5],
        "core_end_seconds": [1.0, 3.0, 1.0],
        "decision": ["keep", "keep", "review"],
    }
)


def recordings() -> pa.Table:
    schema = file_schema("recordings")
    rows = [
        {"recording_id": name, "sample_rate_hz": 8_000, "decoded_seconds": 2.0, "text": "a b",
         "language": "en", "keep_samples": 1, "review_samples": 2, "drop_samples": 3}
        for name in ("r1", "r2")
    ]  # fmt: skip
    fields = pa.schema(
        [schema.field(name).with_nullable(nullable=True) for name in RECORDING_COLUMNS]
    )
    return pa.Table.from_pylist(rows, schema=fields)


def new(**decisions: str) -> pa.Table:
    rows = [
        {"segment_id": name, "decision": each, "reasons": ["why"], "rules_id": "new-1"}
        for name, each in decisions.items()
    ]
    return pa.Table.from_pylist(rows, schema=DECISIONS)


def test_samples_follow_the_decisions() -> None:
    result = decided(SEGMENTS, recordings(), new(s2="drop"), {})
    columns = ["recording_id", "keep_samples", "review_samples", "drop_samples"]
    assert result.recordings.select(columns).to_pylist() == [
        dict(zip(columns, ("r1", 8_000, 0, 16_000), strict=True)),
        dict(zip(columns, ("r2", 0, 4_000, 0), strict=True)),
    ]


def test_other_texts_have_other_rates() -> None:
    result = decided(SEGMENTS, recordings(), new(), {"r1": "a b c d"})
    first, second = result.recordings.to_pylist()
    assert (first["text"], first["words_per_second"], first["chars_per_second"]) == (
        "a b c d",
        2,
        2,
    )
    assert (second["text"], second["words_per_second"]) == ("a b", None)


def test_rows_without_a_new_decision_stay() -> None:
    rows = pa.RecordBatch.from_pylist(
        [
            {"segment_id": f"s{n}", "decision": "keep", "reasons": [f"r{n}"], "rules_id": "old-1"}
            for n in (3, 2)
        ],
        schema=DECISIONS,
    )
    changed = decided(SEGMENTS, recordings(), new(s2="drop"), {}).change("segments", rows)
    assert changed.drop_columns(["rules_decision", "rules_reasons"]).to_pylist() == [
        {"segment_id": "s3", "decision": "keep", "reasons": ["r3"], "rules_id": "old-1"},
        {"segment_id": "s2", "decision": "drop", "reasons": ["why"], "rules_id": "new-1"},
    ]
