"""What tables hold: part files that count, with the values that their folders state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.registered import replace_texts

from beam_audio.errors import HeldError, StoreError
from beam_audio.export.tables.content import read_content
from beam_audio.output.compact import compact
from beam_audio.output.holder import Holder, held

if TYPE_CHECKING:
    from pathlib import Path


def test_parts_have_the_values_of_their_folders(out: Path) -> None:
    segments, recordings, failures = read_content(str(out))
    assert segments.partition_by == ("event_date", "text_language")
    assert recordings.partition_by == failures.partition_by == ("event_date",)
    assert "speaker" not in segments.columns.names
    values = [part.partition for part in segments.parts.values()]
    assert values.count({"event_date": None, "text_language": "de"}) == 2
    assert values.count({"event_date": "2026-01-05", "text_language": "en"}) == 2
    for name, part in segments.parts.items():
        assert part.uri == str(out / name)
        assert part.size_bytes == (out / name).stat().st_size


def test_an_output_without_rows_has_no_content(tmp_path: Path) -> None:
    assert read_content(str(tmp_path / "new")) == []


def test_a_part_that_is_gone_is_told(out: Path) -> None:
    next((out / "segments").rglob("*.parquet")).unlink()
    with pytest.raises(StoreError, match="is not in"):
        read_content(str(out))


def test_rows_that_do_not_count_are_taken_out_of_files_or_waited_for(out: Path) -> None:
    compact(str(out))
    replace_texts(out, "new", units=1)
    (before,) = (out / "failures").rglob("*.parquet")
    with (
        held(str(out), Holder.here("batch-1", ends_with_process=True)),
        pytest.raises(HeldError, match="batch-1"),
    ):
        read_content(str(out))
    contents = read_content(str(out))
    assert str(before) in {part.uri for part in contents[2].parts.values()}
    assert read_content(str(out)) == contents
