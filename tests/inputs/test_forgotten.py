"""Tombstones: what they recognise, and that nothing can be read from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.forgotten_inputs import SHA, SPEAKER, forget

from beam_audio.inputs.forgotten import Stretch
from beam_audio.types import Failure

if TYPE_CHECKING:
    from pathlib import Path

CUT = Stretch(10.0, 15.0)


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
