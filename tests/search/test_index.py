"""The database of an index: used if it is sound, named if not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import StoreError
from beam_audio.search.index import StaleIndexError, opened_index

if TYPE_CHECKING:
    from pathlib import Path


def test_an_index_stays(tmp_path: Path) -> None:
    file = tmp_path / "index.sqlite"
    with opened_index(file) as index:
        index.execute("INSERT INTO terms VALUES ('river')")
    with opened_index(file) as index:
        assert index.execute("SELECT term FROM terms").fetchall() == [("river",)]


def test_an_index_of_another_version_is_stale(tmp_path: Path) -> None:
    file = tmp_path / "index.sqlite"
    with opened_index(file) as index:
        index.execute("PRAGMA user_version=1")
    with pytest.raises(StaleIndexError, match="another version"), opened_index(file):
        pass


def test_a_damaged_index_is_stale(tmp_path: Path) -> None:
    file = tmp_path / "index.sqlite"
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(StaleIndexError, match="damaged"), opened_index(file):
        pass


def test_a_failing_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").mkdir()
    with pytest.raises(StoreError, match="cannot be used"), opened_index(tmp_path / "index.sqlite"):
        pass


def test_deleted_rows_are_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "index.sqlite"
    with opened_index(file) as index:
        index.execute("INSERT INTO terms VALUES ('xylophone')")
        index.execute("DELETE FROM terms")
    assert b"xylophone" not in file.read_bytes()
