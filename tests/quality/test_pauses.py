"""Pauses: a clip ends and begins in the silence between two words."""

from __future__ import annotations

import pytest

from beam_audio.quality.pauses import Pauses, Spoken
from beam_audio.types import Word


def pauses(*words: tuple[float, float], speech: list[tuple[float, float]]) -> Pauses:
    return Pauses(Spoken([Word("a", *times, 0.9) for times in words], speech, 10.0))


def test_a_short_pause_is_cut_in_its_middle() -> None:
    found = pauses((1.0, 2.0), (2.4, 3.0), speech=[(1.0, 2.0), (2.4, 3.0)])
    assert found.before(1) == found.after(1) == pytest.approx(2.2)
    assert found.seconds(1) == pytest.approx(0.4)


def test_of_a_long_pause_each_side_has_a_part() -> None:
    found = pauses((1.0, 2.0), (5.0, 6.0), speech=[(1.0, 2.0), (5.0, 6.0)])
    assert found.before(1) == pytest.approx(2.3)
    assert found.after(1) == pytest.approx(4.7)


def test_silence_between_speech_is_more_exact_than_words() -> None:
    found = pauses((1.0, 2.1), (2.3, 3.0), speech=[(1.0, 2.0), (2.4, 3.0)])
    assert found.before(1) == pytest.approx(2.2)
    assert found.seconds(1) == pytest.approx(0.4)


def test_without_silence_the_cut_is_between_the_words() -> None:
    found = pauses((1.0, 2.0), (2.1, 3.0), speech=[(1.0, 3.0)])
    assert found.before(1) == found.after(1) == pytest.approx(2.05)
    overlapping = pauses((1.0, 2.1), (2.0, 3.0), speech=[(1.0, 3.0)])
    assert overlapping.before(1) == overlapping.after(1) == pytest.approx(2.05)


def test_the_edges_of_the_recording_have_their_silence() -> None:
    found = pauses((0.1, 2.0), (9.0, 9.9), speech=[(0.1, 2.0), (9.0, 9.9)])
    assert found.after(0) == pytest.approx(0.05)
    assert found.before(2) == pytest.approx(9.95)
