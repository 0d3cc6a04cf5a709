"""Tombstones: what they recognise, and that nothing can be read from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.forgotten_inputs import SHA, SPEAKER, forget

from beam_audio.errors import StoreError
from beam_audio.inputs.forgotten import Stretch
from beam_audio.inputs.tombstones import begin_forgetting, read_forgotten

if TYPE_CHECKING:
    from pathlib import Path

CUT = Stretch(10.0, 15.0)


def test_an_output_that_has_forgotten_nothing_knows_nobody(tmp_path: Path) -> None:
    known = read_forgotten(str(tmp_path))
    assert not known.has_address(SPEAKER)
    assert known.among(["a", SPEAKER.source_id]) == frozenset()
    assert list(tmp_path.iterdir()) == []


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


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    begin_forgetting(str(tmp_path))
    (tmp_path / "_forgotten" / "x.json").write_text("{}", "utf-8")
    (tmp_path / "_forgotten" / "y.json").write_text("[1]", "utf-8")
    with pytest.raises(StoreError, match="not written by this version"):
        read_forgotten(str(tmp_path))
