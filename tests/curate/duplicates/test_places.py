"""Stretches of a recording."""

from __future__ import annotations

import pytest

from beam_audio.curate.duplicates.places import Stretch


@pytest.mark.parametrize(
    ("other", "seconds"),
    [(Stretch(1.0, 2.0), 1.0), (Stretch(2.5, 9.0), 0.5), (Stretch(3.0, 4.0), 0.0)],
)
def test_what_two_stretches_share(other: Stretch, seconds: float) -> None:
    assert Stretch(0.0, 3.0).shared_seconds(other) == seconds
    assert other.shared_seconds(Stretch(0.0, 3.0)) == seconds


def test_a_moved_stretch_is_as_long() -> None:
    assert Stretch(1.0, 2.5).moved(3.0) == Stretch(4.0, 5.5)
    assert Stretch(1.0, 2.5).moved(3.0).seconds == 1.5
