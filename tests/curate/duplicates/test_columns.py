"""Marks become columns; those of other kinds stay."""

from __future__ import annotations

import pyarrow as pa

from beam_audio import schema
from beam_audio.curate.duplicates.columns import WithMarks
from beam_audio.curate.duplicates.survivors import Mark, Marked

MARKED = Marked("b", "unit", duplicate=Mark("a", "sound", 0.9), test_overlap=Mark("/t", "text", 1))


def rows() -> pa.RecordBatch:
    """Two segments that were compared with a test set before."""
    names = schema.file_schema("segments")
    held = [{"segment_id": "a", "test_overlap_of": "/old"}, {"segment_id": "b"}]
    nullable = pa.schema([field.with_nullable(nullable=True) for field in names])
    return pa.RecordBatch.from_pylist(held, schema=nullable)


def test_a_marked_row_says_what_it_is_like() -> None:
    marked = WithMarks(("duplicate", "test_overlap"), {"b": MARKED})("segments", rows())
    first, second = marked.to_pylist()
    assert (first["duplicate_of"], first["test_overlap_of"]) == (None, None)
    assert second["duplicate_of"] == "a"
    assert second["duplicate_by"] == "sound"
    assert second["duplicate_similarity"] == 0.9
    assert second["test_overlap_of"] == "/t"
    assert marked.schema == rows().schema


def test_columns_of_another_kind_stay() -> None:
    first, second = WithMarks(("duplicate",), {"b": MARKED})("segments", rows()).to_pylist()
    assert first["test_overlap_of"] == "/old"
    assert second["test_overlap_of"] is None


def test_failures_have_no_marks() -> None:
    assert WithMarks(("duplicate",), {})("failures", rows()) == rows()
