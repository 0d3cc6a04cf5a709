"""What expires, and what stays whatever its age."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import all_rows, run

from beam_audio.output.commits import Commit, write_commit
from beam_audio.output.expire import expire, find_expired

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0


@pytest.fixture
def output(audio: Path, tmp_path: Path) -> Path:
    run(input=audio, output=tmp_path / "out")
    return tmp_path / "out"


def put(output: Path, name: str, days: float) -> Path:
    """A file that was written some days ago."""
    path = output / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"old")
    seconds = time.time() - days * DAY
    os.utime(path, (seconds, seconds))
    return path


def names(output: Path, days: float = 30.0) -> set[tuple[str, str]]:
    found = find_expired(str(output), days * DAY, time.time())
    return {(each.kind, each.name) for each in found}


def test_old_payloads_parts_and_decisions_go_and_rows_stay(output: Path) -> None:
    for path in output.rglob("*"):
        seconds = time.time() - 90 * DAY
        os.utime(path, (seconds, seconds))
    put(output, "_payloads/aa", 31)
    put(output, "_payloads/bb", 29)
    put(output, "_parts/ab/cd/ef-0-1.parquet", 31)
    put(output, "segments/date=2026-11-21/part-ab12-1-cd.parquet", 31)
    put(output, "decisions/rules_id=r1/part-1.parquet", 31)
    before = all_rows_of_records(output)
    found = find_expired(str(output), 30 * DAY, time.time())
    assert {each.name for each in found} == {
        "_payloads/aa",
        "_parts/ab/cd/ef-0-1.parquet",
        "segments/date=2026-11-21/part-ab12-1-cd.parquet",
        "decisions/rules_id=r1/part-1.parquet",
    }
    assert expire(str(output), found) == found
    assert names(output) == set()
    assert all_rows(output) == before


def all_rows_of_records(output: Path) -> object:
    """The rows without the part that no record names, which is no Parquet file."""
    part = output / "segments/date=2026-11-21/part-ab12-1-cd.parquet"
    content, times = part.read_bytes(), part.stat()
    part.unlink()
    rows = all_rows(output)
    part.write_bytes(content)
    os.utime(part, (times.st_atime, times.st_mtime))
    return rows


def test_decisions_of_rules_go_together_or_not_at_all(output: Path) -> None:
    put(output, "decisions/rules_id=r1/part-1.parquet", 40)
    put(output, "decisions/rules_id=r1/part-2.parquet", 2)
    assert names(output) == set()


def test_a_part_that_is_committed_meanwhile_stays(output: Path) -> None:
    path = put(output, "segments/date=2026-11-21/part-ab12-1-cd.parquet", 40)
    found = find_expired(str(output), 30 * DAY, time.time())
    files = ("segments/date=2026-11-21/part-ab12-1-cd.parquet",)
    write_commit(str(output), Commit("ab12", sources={}, layout={}, files=files))
    assert expire(str(output), found) == []
    assert path.exists()


def test_young_files_may_be_of_work_that_goes_on(output: Path) -> None:
    with pytest.raises(ValueError, match="below"):
        find_expired(str(output), 60.0, time.time())
