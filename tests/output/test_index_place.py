"""Where an index is, and that nothing of it is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import StoreError
from beam_audio.output.index_place import delete_index, locked_index

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def place(root: str) -> Path:
    with locked_index(root, lambda: None) as file:
        return file


def test_it_is_inside_a_local_output_and_in_the_cache_for_a_bucket(
    tmp_path: Path, cache: Path
) -> None:
    assert place(str(tmp_path)) == tmp_path / "_search" / "index.sqlite"
    bucket = place("gs://bucket/out")
    assert bucket.is_relative_to(cache)
    assert place("gs://bucket/out/") == bucket != place("gs://bucket/other")


def test_all_that_this_machine_knows_is_deleted(tmp_path: Path, cache: Path) -> None:
    root = tmp_path / "out"
    root.mkdir()
    (root / "_search").touch()
    place(str(root)).write_text("of a time when the output could not be written")
    (root / "_search").unlink()
    place(str(root)).write_text("of today")
    place(str(root)).with_name("index.sqlite-journal").touch()
    delete_index(str(root))
    left = [path.name for folder in (cache, root) for path in folder.rglob("*") if path.is_file()]
    assert left == [".lock", ".lock"]
    delete_index(str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="point BEAM_AUDIO_CACHE"):
        place("gs://bucket/out")
