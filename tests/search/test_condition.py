"""A condition is asked of those units alone that have a hit."""

from __future__ import annotations

from pathlib import Path

from support.said_outputs import say

from beam_audio.output.compact import compact
from beam_audio.search.condition import numbers_where
from beam_audio.search.index import opened_index
from beam_audio.search.refresh import Refreshing, refresh


def test_units_without_a_hit_are_not_read(root: str, tmp_path: Path) -> None:
    say(root, "a", "two boats", "two coats", snr_db=[10.0, 30.0])
    say(root, "b", "a quiet street")
    with opened_index(tmp_path / "index.sqlite") as index:
        refresh(index, root, Refreshing())
        for part in Path(root, "segments").rglob("*.parquet"):
            if b"quiet" in part.read_bytes():
                part.unlink()
        found = list(numbers_where(index, '"two"', "snr_db > 20", root))
        query = "SELECT text FROM segments WHERE number = ?"
        assert [index.execute(query, [each]).fetchone()[0] for each in found] == ["two coats"]


def test_rows_in_merged_files_count_once(root: str, tmp_path: Path) -> None:
    for name in "abc":
        say(root, name, f"boat {name}")
    compact(root)
    with opened_index(tmp_path / "index.sqlite") as index:
        refresh(index, root, Refreshing())
        assert len(list(numbers_where(index, '"boat"', "text <> 'boat b'", root))) == 2
