"""Who speaks, as columns: made from voices, read back, and the same again."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.types import Quality, Segment, Transcript, Voice, Word
from beam_audio.unit.results import Outcome, Recognised
from beam_audio.unit.speaker_columns import speaker_columns, stored_voices, with_speakers

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN = Quality(-20.0, -3.0, 0.0, 0.9, 25.0, 7000.0, -22.0)
ANN, BOB = (np.roll([100] + [0] * 191, place).astype(np.int8).tobytes() for place in (0, 1))
SILENT = np.zeros(0, np.float32)


def outcome(index: int, *voices: Voice, words: tuple[Word, ...] | None = None) -> Outcome:
    segment = Segment("r", str(index), index, None, 16_000, 0, 1, 0, 1, (), SILENT)
    quality = replace(PLAIN, voices=voices, speaker_model_id="voices-1")
    return Outcome(segment, Recognised(Transcript("", words=words), quality))


def named(outcomes: Sequence[Outcome], channel: int | None = None) -> list[Outcome]:
    with TemporaryFile() as file:
        return list(with_speakers(outcomes, channel, None, file))


def columns(each: Outcome) -> dict[str, object]:
    assert isinstance(each.result, Recognised)
    return speaker_columns(each.result)


WORDS = (Word(" yes", 0.2, 0.4, None), Word(" no", 2.1, 2.6, None), Word(" ah", 9.0, 9.1, None))


def test_a_recording_has_labels_and_a_segment_its_main_speaker() -> None:
    first = outcome(0, Voice(((0.0, 1.0),), 1.0, embedding=ANN), words=WORDS[:1])
    both = outcome(
        1,
        Voice(((2.0, 2.75),), 0.5, embedding=ANN),
        Voice(((2.5, 4.0), (5.0, 9.0)), 5.0, embedding=BOB),
        words=WORDS,
    )
    one, two = map(columns, named([first, both]))
    assert one["speaker_label"] == "S1"
    assert (one["speaker_changes"], one["speaker_overlap_seconds"]) == (0, 0.0)
    assert one["word_speakers"] == ["S1"]
    assert two["speaker_label"] == "S2"
    assert two["speaker_turns"] == [
        {"speaker": "S1", "start_seconds": 2.0, "end_seconds": 2.75},
        {"speaker": "S2", "start_seconds": 2.5, "end_seconds": 4.0},
        {"speaker": "S2", "start_seconds": 5.0, "end_seconds": 9.0},
    ]
    assert (two["speaker_changes"], two["speaker_overlap_seconds"]) == (1, 0.25)
    assert two["word_speakers"] == ["S1", "S1", "S2"]
    assert two["speaker_embedding"] == np.frombuffer(BOB, np.int8).tolist()
    assert two["speaker_model_id"] == "voices-1"


def test_sides_of_a_call_have_labels_of_their_own() -> None:
    heard = outcome(0, Voice(((0.0, 1.0),), 1.0, embedding=ANN))
    labels = [columns(named([heard], side)[0])["speaker_label"] for side in (0, 1)]
    assert labels == ["C0S1", "C1S1"]


def test_nobody_listened_and_nobody_spoke_are_told_apart() -> None:
    nobody = columns(outcome(0))
    assert nobody["speaker_turns"] == []
    assert nobody["speaker_label"] is None
    assert nobody["speaker_changes"] == 0
    assert speaker_columns(Recognised(Transcript(""), PLAIN)) == {}
    assert stored_voices({}) is None
    assert stored_voices(dict(nobody)) == ()


def test_columns_that_are_read_back_give_the_same_columns() -> None:
    heard = [
        outcome(0, Voice(((0.0, 1.0),), 1.0, embedding=ANN), words=WORDS),
        outcome(1, Voice(((2.0, 4.0),), 2.0, embedding=BOB), Voice(((2.0, 3.0),), 0.0)),
    ]
    before = [*map(columns, named(heard))]
    again = [
        outcome(index, *(stored_voices(dict(row)) or ()), words=WORDS if index == 0 else None)
        for index, row in enumerate(before)
    ]
    assert [*map(columns, named(again))] == before
