"""The output folder: cleaned, marked by a run, writable or not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support import bucket_servers, run_outputs
from support.bucket_servers import google_bucket
from support.run_outputs import write_byte, write_speech

from beam_audio import store
from beam_audio.errors import ConfigError, StoreError
from beam_audio.output import folder
from beam_audio.output.compact import compact
from beam_audio.output.folder import in_use, require_writable


def run_batch(tmp_path: Path) -> Path:
    """An output of a batch of two units."""
    for index in range(2):
        write_speech(tmp_path / "in" / f"{index}.wav", index, seconds=1.0)
    run_outputs.run(input=tmp_path / "in", output=tmp_path / "out", unit_bytes=1)
    return tmp_path / "out"


def never(_name: str) -> bool:
    return False


def test_a_run_leaves_no_folder_for_temporary_files(tmp_path: Path) -> None:
    out = run_batch(tmp_path)
    assert not (out / "_tmp").exists()
    compact(str(out))
    assert not (out / "_tmp").exists()


def test_a_refused_run_leaves_nothing(tmp_path: Path) -> None:
    out = run_batch(tmp_path)
    before = sorted(out.rglob("*"))
    with pytest.raises(ConfigError, match="--partition_by"):
        run_outputs.run(input=tmp_path / "in", output=out, partition_by="date")
    assert sorted(out.rglob("*")) == before


def test_temporary_files_of_another_run_stay(tmp_path: Path) -> None:
    root = str(tmp_path)
    with in_use(root, lambda: None):
        with in_use(root, lambda: None):
            (tmp_path / "_tmp").mkdir()
        assert (tmp_path / "_tmp").exists()
        written = write_byte(tmp_path, "_tmp/half-written")
    assert written.exists()


def test_a_clean_up_deletes_uncommitted_files_and_nothing_else(tmp_path: Path) -> None:
    kept = write_byte(tmp_path, "segments/date=2026-01-01/part-1.parquet")
    left = [
        write_byte(tmp_path, "segments/date=2026-01-01/part-2.parquet"),
        write_byte(tmp_path, "failures/part-3.parquet"),
        write_byte(tmp_path, "_tmp/half-written"),
    ]
    foreign = [write_byte(tmp_path, "segments/notes.txt"), write_byte(tmp_path, "run-1.json")]
    assert (
        folder.delete_uncommitted(
            f"{tmp_path}/", {"segments/date=2026-01-01/part-1.parquet"}, never
        )
        == 3
    )
    assert kept.exists()
    assert all(path.exists() for path in foreign)
    assert not any(path.exists() for path in left)


def test_a_folder_whose_name_is_a_pattern_is_the_only_one_cleaned(tmp_path: Path) -> None:
    write_byte(tmp_path, "out[1]/segments/part-2.parquet")
    other = write_byte(tmp_path, "out1/segments/part-2.parquet")
    assert folder.delete_uncommitted(f"{tmp_path}/out[1]", set(), never) == 1
    assert other.exists()


def test_young_files_of_a_bucket_may_be_about_to_be_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with google_bucket() as bucket:
        for name in ("segments/part-1.parquet", "_tmp/half-written"):
            bucket_servers.put(f"{bucket}/{name}", b"x")
        assert folder.delete_uncommitted(bucket, set(), never) == 0
        later = time.time() + 4000
        monkeypatch.setattr(folder, "present_seconds", lambda _: later)
        assert folder.delete_uncommitted(bucket, set(), never) == 2
        assert store.files_under(bucket) == []


def test_an_output_in_use_is_not_cleaned_by_another_run(tmp_path: Path) -> None:
    cleaned: list[str] = []
    root = str(tmp_path / "out")
    with (
        in_use(root, lambda: cleaned.append("first")),
        in_use(root, lambda: cleaned.append("second")),
    ):
        assert cleaned == ["first"]
    with in_use(root, lambda: cleaned.append("third")):
        assert cleaned == ["first", "third"]


def test_an_output_that_is_a_file_is_not_writable(tmp_path: Path) -> None:
    blocked = write_byte(tmp_path, "out")
    with pytest.raises(StoreError, match="--output"):
        require_writable(str(blocked))


def test_a_writable_output_is_left_as_it_was(tmp_path: Path) -> None:
    require_writable(str(tmp_path))
    assert [path for path in Path(tmp_path).rglob("*") if path.is_file()] == []
