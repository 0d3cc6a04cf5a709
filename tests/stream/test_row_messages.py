"""Rows and alerts as messages: JSON with the row's content, within Pub/Sub's limits."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio import schema
from beam_audio.stream.row_messages import (
    ID_COLUMNS,
    MAX_DATA_BYTES,
    TopicMessage,
    alert_message,
    row_message,
)

if TYPE_CHECKING:
    from beam_audio.schema import Table
    from beam_audio.types import Row

MAX_ATTRIBUTE_BYTES = 1024
MAX_MESSAGE_BYTES = 10_000_000
VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): st.text(),
    pa.float64(): st.floats(),
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.date32(): st.dates(),
    pa.timestamp("us", tz="UTC"): st.datetimes(timezones=st.just(UTC)),
    pa.binary(): st.binary(),
    pa.bool_(): st.booleans(),
}


def values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_list(kind):
        return st.lists(values(kind.value_type), max_size=3)
    if pa.types.is_struct(kind):
        return st.fixed_dictionaries({field.name: nullable(field) for field in kind})
    return VALUES[kind]


def nullable(field: pa.Field) -> st.SearchStrategy[Any]:
    return st.none() | values(field.type) if field.nullable else values(field.type)


def rows(table: Table) -> st.SearchStrategy[Row]:
    """Any row of the table that could be in a file of stored audio."""
    columns = schema.file_schema(table, audio=True)
    metadata = st.dictionaries(st.text(), st.text(), max_size=3).map(json.dumps)
    return st.fixed_dictionaries(
        {field.name: nullable(field) for field in columns} | {"metadata": metadata}
    )


def row(table: Table = "segments", **changed: Any) -> Row:  # noqa: ANN401 - column values
    """A row in which every nullable column is null."""
    plain: dict[pa.DataType, object] = {pa.string(): "a", pa.int64(): 1, pa.float64(): 0.5}
    columns = schema.file_schema(table)
    found = {field.name: None if field.nullable else plain.get(field.type) for field in columns}
    return found | {"reasons": [], "metadata": "{}"} | changed


def content(message: TopicMessage) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    found: dict[str, Any] = json.loads(message.data, parse_constant=refuse)
    return found


def from_json(value: Any, kind: pa.DataType) -> Any:  # noqa: ANN401 - column values
    """The value that a reader who knows the column types gets from JSON."""
    if value is None:
        return None
    if pa.types.is_list(kind):
        return [from_json(each, kind.value_type) for each in value]
    if pa.types.is_struct(kind):
        return {field.name: from_json(value[field.name], field.type) for field in kind}
    if pa.types.is_date(kind):
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if pa.types.is_timestamp(kind) else value


def finite(value: Any) -> Any:  # noqa: ANN401 - column values
    """The value, with None for numbers that JSON lacks."""
    if isinstance(value, list):
        return [finite(each) for each in value]
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


@pytest.mark.parametrize("table", ID_COLUMNS)
@given(data=st.data())
def test_any_row_of_the_schema_comes_back(table: Table, data: st.DataObject) -> None:
    written = data.draw(rows(table))
    columns = schema.file_schema(table, audio=True)
    (stored,) = pa.Table.from_pylist([written], schema=columns).to_pylist()
    message = row_message(table, stored, 1)
    found = content(message)
    metadata = found.pop("metadata")
    columns = [field for field in schema.file_schema(table) if field.name != "fingerprint"]
    assert found.keys() | {"metadata"} == {field.name for field in columns}
    again = {field.name: from_json(found.get(field.name), field.type) for field in columns}
    assert metadata == json.loads(stored["metadata"])
    stored.pop("audio", None)
    stored.pop("fingerprint", None)
    assert again == finite(stored) | {"metadata": None}


def test_times_are_in_utc_and_absent_values_are_null() -> None:
    east = timezone(timedelta(hours=2))
    published = content(
        row_message("segments", row(event_time=datetime(2026, 1, 5, 9, tzinfo=east)), 1)
    )
    assert published["event_time"] == "2026-01-05T07:00:00Z"
    fraction = datetime(2026, 1, 5, 9, 0, 0, 120_000, tzinfo=UTC)
    published = content(row_message("segments", row(event_time=fraction), 1))
    assert published["event_time"] == "2026-01-05T09:00:00.120000Z"
    assert published["words"] is None
    assert published["snr_db"] is None


def test_metadata_is_an_object() -> None:
    published = content(row_message("segments", row(metadata='{"room": "2"}'), 1))
    assert published["metadata"] == {"room": "2"}


def test_folder_keys_are_published_and_columns_missing_in_the_file_are_null() -> None:
    stored = row() | {"date": "2026-01-05", "language": "en"}
    del stored["heard_language"]
    published = content(row_message("segments", stored, 1))
    assert (published["date"], published["language"], published["heard_language"]) == (
        "2026-01-05",
        "en",
        None,
    )


@pytest.mark.parametrize("table", ID_COLUMNS)
def test_attributes_name_the_row(table: Table) -> None:
    named = {"recording_id": "r", "source_id": "s", "config_id": "c"}
    named |= {"segment_id": "g"} if table == "segments" else {}
    message = row_message(table, row(table, uri="u" * 5000, **named), 3)
    content_id = message.attributes.pop("content_id")
    assert len(content_id) == 32
    assert message.attributes == {
        "table": table,
        "id": "g" if table == "segments" else "r",
        "recording_id": "r",
        "source_id": "s",
        "config_id": "c",
        "schema_version": schema.SCHEMA_VERSION,
        "version": "3",
    }


def test_a_row_published_twice_has_one_content_id_and_a_changed_row_another() -> None:
    first, again, redone = (
        row_message("segments", row(text=text), version).attributes["content_id"]
        for text, version in (("yes", 1), ("yes", 2), ("no", 2))
    )
    assert first == again
    assert first != redone


@pytest.mark.parametrize("letter", ["a", "ü", "你", '"', "\x01"])
def test_a_row_that_is_too_long_is_published_without_its_longest_columns(letter: str) -> None:
    words = [
        {"word": letter * 90, "start_seconds": 1.0, "end_seconds": 2.0, "probability": 0.5}
    ] * 60_000
    stored = row(words=words, reference_text=letter * 9_000_000, text="short")
    message = row_message("segments", stored, 1)
    published = content(message)
    assert published["omitted"] == ["reference_text", "words"]
    assert published["text"] == "short"
    assert not {"reference_text", "words"} & published.keys()
    assert "omitted" not in content(row_message("segments", row(), 1))


def test_a_row_that_just_fits_is_published_whole() -> None:
    frame = len(row_message("recordings", row("recordings", text=""), 1).data)
    whole = row_message("recordings", row("recordings", text="a" * (MAX_DATA_BYTES - frame)), 1)
    longer = row_message(
        "recordings", row("recordings", text="a" * (MAX_DATA_BYTES - frame + 1)), 1
    )
    assert len(whole.data) == MAX_DATA_BYTES < MAX_MESSAGE_BYTES
    assert "omitted" not in content(whole)
    assert content(longer)["omitted"] == ["text"]


def test_every_alert_has_its_own_id() -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    first, again, other = (
        alert_message({"measure": "snr_db", "index": index, "at": at}) for index in (0.3, 0.3, 0.4)
    )
    assert content(first) == {"measure": "snr_db", "index": 0.3, "at": "2026-01-05T00:00:00Z"}
    assert first.attributes == again.attributes
    assert first.attributes["table"] == "alerts"
    assert first.attributes["id"] != other.attributes["id"]
    assert all(len(value) <= MAX_ATTRIBUTE_BYTES for value in first.attributes.values())
