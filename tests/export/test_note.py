"""Notes of exports in their output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.unit_runs import files

from beam_audio.export.note import note_export, read_exports

if TYPE_CHECKING:
    from pathlib import Path


def test_each_folder_is_noted_once(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert read_exports(root) == []
    note_export(root, "/b", "nemo")
    note_export(root, "/a", "kaldi")
    before = files(tmp_path)
    note_export(root, "/b", "nemo")
    assert files(tmp_path) == before
    assert read_exports(root) == ["/a", "/b"]
