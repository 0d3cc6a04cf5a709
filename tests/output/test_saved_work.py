"""Work that is saved before there are rows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import StoreError
from beam_audio.output.saved_work import (
    SavedSegment,
    Span,
    delete_work,
    delete_work_of_others,
    read_ends,
    read_spans,
    saved_folders,
    saved_inputs,
    work_folder,
    write_ends,
    write_span,
)

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = work_folder("settings", "input")


def save(root: Path, folder: str = FOLDER, *, first: int = 0, count: int = 1) -> None:
    segments = [SavedSegment({"n": n}, b"flac" * n if n else None) for n in range(count)]
    write_span(str(root), folder, Span("ab", first, first + 1), segments)


@pytest.mark.parametrize("count", [0, 1, 16, 40])
def test_segments_come_back_with_their_audio(tmp_path: Path, count: int) -> None:
    save(tmp_path, count=count)
    ((span, segments),) = read_spans(str(tmp_path), FOLDER)
    assert span == Span("ab", 0, 1)
    found = list(segments)
    assert [each.content for each in found] == [{"n": n} for n in range(count)]
    assert [each.audio for each in found] == [b"flac" * n if n else None for n in range(count)]


def test_parts_come_in_order_and_are_counted(tmp_path: Path) -> None:
    for first in (10, 2, 0):
        save(tmp_path, first=first)
    write_ends(str(tmp_path), FOLDER, {"seconds": 0.1})
    assert [span.first for span, _ in read_spans(str(tmp_path), FOLDER)] == [0, 2, 10]
    assert saved_folders(str(tmp_path)) == {FOLDER: 3}
    assert saved_inputs(str(tmp_path), "settings") == {"input"}
    assert saved_inputs(str(tmp_path), "other") == frozenset()
    assert read_ends(str(tmp_path), FOLDER) == {"seconds": 0.1}


def test_what_was_not_saved_is_none(tmp_path: Path) -> None:
    assert read_ends(str(tmp_path), FOLDER) is None
    assert list(read_spans(str(tmp_path), FOLDER)) == []
    assert saved_folders(str(tmp_path)) == {}


def test_nothing_is_left_of_the_last_input(tmp_path: Path) -> None:
    other = work_folder("settings", "other")
    save(tmp_path)
    save(tmp_path, other)
    delete_work(str(tmp_path), [FOLDER])
    assert saved_folders(str(tmp_path)) == {other: 1}
    delete_work(str(tmp_path), [other, "_parts/settings/never"])
    assert not (tmp_path / "_parts").exists()


def test_work_of_other_settings_goes(tmp_path: Path) -> None:
    save(tmp_path)
    save(tmp_path, work_folder("before", "input"))
    assert delete_work_of_others(str(tmp_path), "settings") == 1
    assert [each.name for each in (tmp_path / "_parts").iterdir()] == ["settings"]
    assert delete_work_of_others(str(tmp_path), "next") == 1
    assert not (tmp_path / "_parts").exists()
    assert delete_work_of_others(str(tmp_path), "next") == 0


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    save(tmp_path)
    (path,) = (tmp_path / FOLDER).iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    ((_, segments),) = read_spans(str(tmp_path), FOLDER)
    with pytest.raises(StoreError, match=f"{path.name}.*delete it"):
        list(segments)
    path.rename(path.with_name("foreign.parquet"))
    with pytest.raises(StoreError, match="not written by this version"):
        list(read_spans(str(tmp_path), FOLDER))
