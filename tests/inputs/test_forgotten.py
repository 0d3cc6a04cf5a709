"""Tombstones: what they recognise, and that nothing can be read from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import StoreError
from beam_audio.inputs.forgotten import (
    Forgotten,
    Stretch,
    Tombstone,
    begin_forgetting,
    read_forgotten,
    write_tombstones,
)
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path

SPEAKER = AudioRef("/calls/anna.wav", 10)
SHA = "ab" * 32
CUT = Stretch(10.0, 15.0)


def forget(root: Path, ref: AudioRef = SPEAKER, content: str = SHA) -> Forgotten:
    known, stretch = begin_forgetting(str(root)), Stretch.of(ref)
    marks = [known.mark("address", ref.uri), known.mark("content", content)]
    write_tombstones(
        str(root),
        [*(Tombstone(mark, stretch) for mark in marks), known.tombstones_of(ref)[1]],
    )
    return read_forgotten(str(root))


def test_an_output_that_has_forgotten_nothing_knows_nobody(tmp_path: Path) -> None:
    known = read_forgotten(str(tmp_path))
    assert not known.has_address(SPEAKER)
    assert known.among(["a", SPEAKER.source_id]) == frozenset()
    assert list(tmp_path.iterdir()) == []


def test_a_forgotten_input_is_known_by_address_content_and_id(tmp_path: Path) -> None:
    known = forget(tmp_path)
    assert known.has_address(SPEAKER)
    assert known.has_address(replace(SPEAKER, size_bytes=11, version="later"))
    assert known.has_address(Failure("input", "open", "s", SPEAKER.uri, "InputError", "gone"))
    assert not known.has_address(replace(SPEAKER, uri="/calls/bert.wav"))
    assert known.has_content(replace(SPEAKER, uri="/copies/x.wav"), SHA)
    assert not known.has_content(SPEAKER, "cd" * 32)
    listed = known.listed_name(SPEAKER)
    assert known.among(["cd" * 16, SPEAKER.source_id, listed]) == {SPEAKER.source_id, listed}


def test_no_file_holds_an_address_a_hash_of_it_or_the_content(tmp_path: Path) -> None:
    forget(tmp_path)
    forget(tmp_path / "other")
    files = [path for path in tmp_path.rglob("*.json") if "other" not in path.parts]
    content = "".join(path.read_text("utf-8") + path.name for path in files)
    for told in (SPEAKER.uri, "anna", SPEAKER.source_id, SPEAKER.place_id, SHA):
        assert told not in content
    other = "".join(path.read_text("utf-8") for path in (tmp_path / "other").rglob("*.json"))
    assert other != content  # each output has a key of its own


def test_the_same_tombstones_are_one_file(tmp_path: Path) -> None:
    forget(tmp_path)
    forget(tmp_path)
    assert len(list(tmp_path.rglob("*.json"))) == 1


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (Stretch(), True),  # the whole file would bring the cut back
        (Stretch(10.0, 15.0), True),
        (Stretch(12.0, 14.0), True),
        (Stretch(14.8, 20.0), False),  # a neighbour, padded by the manifest
        (Stretch(15.0, 20.0), False),
        (Stretch(12.0), True),
        (Stretch(10.0, 15.0, channel=1), True),
    ],
)
def test_a_cut_is_told_from_its_neighbours(other: Stretch, is_same: bool) -> None:  # noqa: FBT001 - parametrised
    assert CUT.is_same(other) is is_same
    assert other.is_same(CUT) is is_same


def test_one_channel_is_forgotten_without_the_other() -> None:
    assert not Stretch(channel=0).is_same(Stretch(channel=1))
    assert Stretch(channel=0).is_same(Stretch(channel=0))
    assert Stretch().is_same(Stretch(channel=1))


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    begin_forgetting(str(tmp_path))
    (tmp_path / "_forgotten" / "x.json").write_text("{}", "utf-8")
    (tmp_path / "_forgotten" / "y.json").write_text("[1]", "utf-8")
    with pytest.raises(StoreError, match="not written by this version"):
        read_forgotten(str(tmp_path))
