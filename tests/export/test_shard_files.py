"""Files that are there as wholes or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.export_items import item

from beam_audio.export.shard_files import SHARD, SHARD_NUMBER, ShardFiles

if TYPE_CHECKING:
    from pathlib import Path


def test_files_have_their_names_only_when_they_are_finished(tmp_path: Path) -> None:
    with ShardFiles(str(tmp_path), "train") as files:
        file = files.create(f"{SHARD}-{SHARD_NUMBER}.tar")
        file.write(b"content")
        assert not (tmp_path / "train").exists()
        files.count(item())
        (name,) = files.finish()
    assert name == f"train/{files.shard_id}-{files.shard_number}.tar"
    assert (tmp_path / name).read_bytes() == b"content"


def test_nothing_is_left_of_a_shard_that_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with ShardFiles(str(tmp_path), "train") as files:
            files.create("a").write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_id_depends_on_the_items_in_any_order(tmp_path: Path) -> None:
    def shard_id(*texts: str) -> str:
        files = ShardFiles(str(tmp_path), "train")
        for text in texts:
            files.count(item(text))
        return files.shard_id

    assert shard_id("a", "b") == shard_id("b", "a") != shard_id("a", "c")


def test_files_of_items_are_there_at_once(tmp_path: Path) -> None:
    files = ShardFiles(str(tmp_path), "train")
    files.write("audio/a.flac", b"x")
    assert (tmp_path / "train" / "audio" / "a.flac").read_bytes() == b"x"
    assert files.path("audio/a.flac") == str(tmp_path / "train" / "audio" / "a.flac")
    assert files.finish() == ["train/audio/a.flac"]
