"""The database of a process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from beam_audio.store.scratch_database import scratch_database

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_outgrows_its_cache_is_read_back_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    database = scratch_database("CREATE TABLE held (number INTEGER, value BLOB)")
    rows = ((number, bytes(1 << 20)) for number in range(40))
    database.executemany("INSERT INTO held VALUES (?, ?)", rows)
    (total,) = database.execute("SELECT sum(length(value)) FROM held").fetchone()
    assert total == 40 << 20
    assert not list(tmp_path.iterdir())  # its file has no name, however the process ends


def test_two_have_nothing_in_common() -> None:
    one, other = (scratch_database("CREATE TABLE held (number INTEGER)") for _ in range(2))
    one.execute("INSERT INTO held VALUES (1)")
    assert other.execute("SELECT * FROM held").fetchall() == []


def test_it_can_be_handed_to_another_thread() -> None:
    database = scratch_database("CREATE TABLE held (number INTEGER)")
    database.execute("INSERT INTO held VALUES (1)")
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(lambda: database.execute("SELECT * FROM held").fetchall())
        assert found.result() == [(1,)]
