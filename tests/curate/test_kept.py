"""Earlier decisions in files of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from beam_audio.curate.kept import SEGMENT_COLUMNS, keep, kept, kept_rules
from beam_audio.errors import StoreError
from beam_audio.schema import file_schema

if TYPE_CHECKING:
    from pathlib import Path


def segments(*rows: tuple[str, str, str]) -> pa.Table:
    """Rows of segments: id, decision and rules."""
    schema = file_schema("segments")
    fields = pa.schema([schema.field(name) for name in SEGMENT_COLUMNS])
    values: list[dict[str, Any]] = [
        {
            "segment_id": name,
            "recording_id": "r",
            "segment_index": index,
            "decision": decision,
            "reasons": ["why"],
            "rules_id": rules_id,
            "config_id": "c",
        }
        for index, (name, decision, rules_id) in enumerate(rows)
    ]
    return pa.Table.from_pylist(values, schema=fields)


RECORDINGS = pa.table({"recording_id": ["r"], "text": ["some"], "text_all": ["some more"]})


def test_decisions_are_read_back_by_their_rules(tmp_path: Path) -> None:
    rows = segments(("a", "keep", "one-1"), ("b", "drop", "two/2"), ("c", "drop", "new-3"))
    keep(str(tmp_path), "unit", rows, RECORDINGS, "new-3")
    assert kept_rules(str(tmp_path)) == {"one-1", "two/2"}
    (row,) = kept(str(tmp_path), "unit", "one-1").to_pylist()
    assert (row["segment_id"], row["decision"], row["reasons"]) == ("a", "keep", ["why"])
    assert row["recording_text"] == "some"
    (row,) = kept(str(tmp_path), "unit", "two/2").to_pylist()
    assert (row["segment_id"], row["recording_text"]) == ("b", None)
    assert kept(str(tmp_path), "unit", "new-3").num_rows == 0
    assert kept(str(tmp_path), "other", "one-1").num_rows == 0


def test_decisions_about_other_segments_of_the_unit_stay(tmp_path: Path) -> None:
    both = segments(("a", "keep", "one-1"), ("b", "keep", "one-1"))
    keep(str(tmp_path), "unit", both, RECORDINGS, "new-3")
    keep(str(tmp_path), "unit", segments(("b", "drop", "one-1")), RECORDINGS, "new-3")
    found = kept(str(tmp_path), "unit", "one-1").to_pylist()
    assert {row["segment_id"]: row["decision"] for row in found} == {"a": "keep", "b": "drop"}


def test_the_folder_is_a_table_for_every_reader(tmp_path: Path) -> None:
    rows = segments(("a", "keep", "one-1"), ("b", "drop", "two-2"))
    keep(str(tmp_path), "unit", rows, RECORDINGS, "new-3")
    table = ds.dataset(tmp_path / "decisions", partitioning="hive").to_table()
    found = {row["segment_id"]: row["rules_id"] for row in table.to_pylist()}
    assert found == {"a": "one-1", "b": "two-2"}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    keep(str(tmp_path), "unit", segments(("a", "keep", "one-1")), RECORDINGS, "new-3")
    (file,) = tmp_path.rglob("*.parquet")
    file.write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=f"{file.name}.*delete it"):
        kept(str(tmp_path), "unit", "one-1")
