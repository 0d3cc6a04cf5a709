"""Tar files that depend on their members alone."""

from __future__ import annotations

import tarfile
import tracemalloc
from typing import TYPE_CHECKING

from beam_audio.export.formats.tar import Tar

if TYPE_CHECKING:
    from pathlib import Path


def test_members_come_back_and_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    members = {"a.flac": b"sound", "a.txt": "grün".encode(), "b.txt": b""}
    for name in ("one.tar", "two.tar"):
        tar = Tar((tmp_path / name).open("wb"))
        for member, content in members.items():
            tar.add(member, content)
        tar.close()
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as found:
        contents = {each.name: found.extractfile(each) for each in found}
        assert {name: file.read() for name, file in contents.items() if file} == members
        assert {each.mtime for each in found} == {0}


def test_members_that_are_written_take_no_memory(tmp_path: Path) -> None:
    tar = Tar((tmp_path / "many.tar").open("wb"))
    tracemalloc.start()
    try:
        for number in range(2_000):
            tar.add(f"{number}.txt", b"")
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    tar.close()
    assert held_bytes < 100_000
    with tarfile.open(tmp_path / "many.tar") as found:
        assert len(found.getnames()) == 2_000
