"""Typed rows: their columns are those of the schema, and values come back as they were."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import get_args

import pytest
from apache_beam.coders import RowCoder, registry

from beam_audio import schema
from beam_audio.schema import Table
from beam_audio.transforms.rows import beam_row, dict_row, names_of, row_type

ROW = {
    "segment_id": "s",
    "recording_id": "r",
    "source_id": "i",
    "uri": "a.wav",
    "segment_index": 3,
    "start_seconds": 1.25,
    "end_seconds": 2.0,
    "core_start_seconds": 1.25,
    "core_end_seconds": 2.0,
    "duration_seconds": 0.75,
    "event_time": datetime(2026, 1, 5, 8, 30, 0, 1, tzinfo=UTC),
    "event_date": date(2026, 1, 5),
    "text": "zażółć",
    "words": [{"word": "zażółć", "start_seconds": 1.3, "end_seconds": 1.9, "probability": None}],
    "silence": False,
    "fingerprint": b"\x00\xff",
    "decision": "keep",
    "reasons": ["no_reference"],
    "model_id": "m",
    "model_sha256": "h",
    "rules_id": "u",
    "config_id": "c",
    "metadata": "{}",
}


@pytest.mark.parametrize("table", get_args(Table))
def test_columns_are_those_of_the_schema(table: Table) -> None:
    assert set(names_of(row_type(table))) == schema.column_names(table)
    assert isinstance(registry.get_coder(row_type(table)), RowCoder)


def test_columns_of_the_metadata_and_a_choice_of_columns() -> None:
    assert names_of(row_type("segments", ("speaker",)))[-1] == "speaker"
    assert names_of(row_type("segments", only=frozenset({"text", "uri"}))) == ("uri", "text")


def test_values_come_back_through_beams_coder() -> None:
    columns = row_type("segments")
    coder = registry.get_coder(columns)
    row = beam_row(ROW, columns)
    expected = dict.fromkeys(names_of(columns)) | ROW
    assert dict_row(row) == expected
    assert dict_row(coder.decode(coder.encode(row))) == expected


def test_a_dictionary_stays_as_it_is() -> None:
    assert dict_row(ROW) is ROW
