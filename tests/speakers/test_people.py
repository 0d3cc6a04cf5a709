"""People of a recording, from voices that sound as two of them do."""

from __future__ import annotations

import numpy as np
import pytest

from beam_audio.speakers.people import directions_of, main_embedding, name_people
from beam_audio.types import Voice

ANN, BOB = np.eye(192, dtype=np.float32)[:2] * 100
LIKE_ANN = ANN + 0.6 * BOB


def voice(sound: np.ndarray | None, start: float, seconds: float = 2.0) -> Voice:
    embedding = None if sound is None else np.rint(sound).astype(np.int8).tobytes()
    return Voice(((start, start + seconds),), seconds, embedding=embedding)


def labels(*groups: list[Voice], count: int | None = None, prefix: str = "") -> list[list[str]]:
    named = name_people(groups, count, prefix)
    return [[each.speaker or "" for each in voices] for voices in named]


def test_people_are_numbered_as_they_first_speak() -> None:
    found = labels([voice(BOB, 5.0), voice(ANN, 3.0)], [voice(ANN, 11.0)], [voice(BOB, 14.0)])
    assert found == [["S2", "S1"], ["S1"], ["S2"]]


def test_labels_of_a_channel_name_it() -> None:
    assert labels([voice(ANN, 0.0)], prefix="C1") == [["C1S1"]]


def test_voices_heard_together_are_of_different_people() -> None:
    assert labels([voice(ANN, 0.0), voice(LIKE_ANN, 1.0)]) == [["S1", "S2"]]
    assert labels([voice(ANN, 0.0)], [voice(LIKE_ANN, 1.0)]) == [["S1"], ["S1"]]


def test_a_short_voice_makes_no_person() -> None:
    short = voice(LIKE_ANN + np.roll(ANN, 9) * 1.2, 4.0, seconds=0.4)
    assert labels([voice(BOB, 0.0)], [voice(ANN, 2.0)], [short]) == [["S1"], ["S2"], ["S2"]]
    assert labels([voice(ANN, 0.0, seconds=0.4)]) == [["S1"]]


def test_a_voice_that_is_never_alone_is_nobodys() -> None:
    assert labels([voice(ANN, 0.0), voice(None, 1.0)], [voice(BOB, 3.0)]) == [["S1", ""], ["S2"]]
    assert labels([voice(None, 1.0)]) == [[""]]
    assert labels() == []


def test_a_number_of_people_is_kept() -> None:
    groups = [[voice(ANN, 0.0)], [voice(BOB, 3.0)], [voice(LIKE_ANN, 6.0)]]
    assert labels(*groups, count=1) == [["S1"], ["S1"], ["S1"]]
    assert len({name for names in labels(*groups, count=3) for name in names}) == 3


def test_a_number_of_people_decides_against_voices_heard_together() -> None:
    together = [voice(ANN, 0.0), voice(BOB, 1.0), voice(LIKE_ANN, 2.0)]
    assert labels(together, count=1) == [["S1", "S1", "S1"]]
    assert labels(together, count=2) == [["S1", "S2", "S1"]]


def test_an_embedding_of_several_voices_leans_to_the_longer_one() -> None:
    assert main_embedding([]) is None
    found = main_embedding([voice(ANN, 0.0, 9.0), voice(BOB, 10.0, 1.0), voice(None, 12.0)])
    assert found is not None
    (direction,) = directions_of([found])
    assert direction[:2].tolist() == pytest.approx([0.994, 0.110], abs=0.01)
