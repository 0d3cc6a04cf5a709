"""Turns of speakers, from voices with known times."""

from __future__ import annotations

import pytest

from beam_audio.quality.turns import (
    Turn,
    changes,
    main_speaker,
    overlap_seconds,
    speaker_between,
    turns_of,
)
from beam_audio.types import Voice


def voice(speaker: str | None, *turns: tuple[float, float]) -> Voice:
    return Voice(turns, 1.0, speaker=speaker)


def test_turns_of_one_speaker_that_touch_are_one() -> None:
    found = turns_of(
        [voice("A", (0.0, 1.0), (4.0, 5.0)), voice("B", (0.5, 2.0)), voice("A", (1.0, 3.0))]
    )
    assert found == [Turn(0.0, 3.0, "A"), Turn(0.5, 2.0, "B"), Turn(4.0, 5.0, "A")]
    assert turns_of([]) == []


def test_who_speaks_longest_is_the_main_speaker() -> None:
    assert main_speaker([Turn(0, 1, "A"), Turn(2, 4, "B"), Turn(5, 6.5, "A")]) == "A"
    assert main_speaker([Turn(0, 9, None), Turn(1, 2, "B")]) == "B"
    assert main_speaker([Turn(0, 9, None)]) is None


def test_a_change_is_a_turn_of_somebody_else() -> None:
    assert changes([Turn(0, 1, "A"), Turn(1, 2, "A"), Turn(2, 3, "B"), Turn(3, 4, "A")]) == 2
    assert changes([]) == 0


def test_only_seconds_of_several_speakers_overlap() -> None:
    turns = [Turn(0, 3, "A"), Turn(2, 4, "B"), Turn(2.5, 2.75, "C"), Turn(4, 5, "A")]
    assert overlap_seconds(turns) == 1.0
    assert overlap_seconds(turns[:1]) == 0.0


@pytest.mark.parametrize(
    ("start", "end", "speaker"),
    [(0.2, 0.4, "A"), (2.8, 3.6, "B"), (2.2, 2.4, "B"), (5.0, 5.5, "B"), (1.0, 1.0, "A")],
    ids=["inside", "most of it", "of both the one who breaks in", "after all", "without length"],
)
def test_a_word_is_said_by_who_speaks_then(start: float, end: float, speaker: str) -> None:
    assert speaker_between([Turn(0, 3, "A"), Turn(2, 4, "B")], start, end) == speaker


def test_without_turns_nobody_says_a_word() -> None:
    assert speaker_between([], 0.0, 1.0) is None
