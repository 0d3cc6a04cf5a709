"""Who speaks in the segments of a recording: from their voices to columns, and back."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import IO, TYPE_CHECKING

import numpy as np

from beam_audio.quality.turns import (
    Turn,
    changes,
    main_speaker,
    overlap_seconds,
    speaker_between,
    turns_of,
)
from beam_audio.speakers.people import main_embedding, name_people
from beam_audio.types import Row, Voice
from beam_audio.unit.results import Recognised
from beam_audio.unit.spooled_list import SpooledList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.types import Word
    from beam_audio.unit.results import Outcome


def with_speakers(
    outcomes: Sequence[Outcome], channel: int | None, count: int | None, scratch_file: IO[bytes]
) -> Sequence[Outcome]:
    """All segments of a recording with voices that say whose they are; those of rows do already.

    Args:
        outcomes: All its segments, by index.
        channel: The channel that the recording is; None for a mix.
        count: How many people speak; None if that is to be found.
        scratch_file: The unit's temporary file.

    Raises:
        MachineError: The file cannot be written or read.
    """
    heard = [_voices(each) for each in outcomes]
    if all(voice.speaker or voice.embedding is None for voices in heard for voice in voices):
        return outcomes
    side = "" if channel is None else f"C{channel}"
    # Voices of one window of one segment are of different people.
    windows = [[*each] for voices in heard for _, each in groupby(voices, lambda it: it.window)]
    named = iter([voice for each in name_people(windows, count, side) for voice in each])
    return SpooledList(
        scratch_file,
        (
            _with_voices(outcome, tuple(next(named) for _ in voices))
            for outcome, voices in zip(outcomes, heard, strict=True)
        ),
    )


def speaker_columns(recognised: Recognised) -> Row:
    """Who speaks in a segment and says each of its words; no columns if nobody listened."""
    voices = recognised.quality.voices
    if voices is None:
        return {}
    turns = turns_of(voices)
    main = main_speaker(turns)
    embedding = main_embedding([each for each in voices if main and each.speaker == main])
    return {
        "speaker_label": main,
        "speaker_turns": [
            {
                "speaker": each.speaker,
                "start_seconds": each.start_seconds,
                "end_seconds": each.end_seconds,
            }
            for each in turns
        ],
        "word_speakers": _of_words(recognised.transcript.words, turns),
        "speaker_changes": changes(turns),
        "speaker_overlap_seconds": overlap_seconds(turns),
        "speaker_embedding": embedding and np.frombuffer(embedding, np.int8).tolist(),
        "speaker_model_id": recognised.quality.speaker_model_id,
    }


def stored_voices(row: Row) -> tuple[Voice, ...] | None:
    """The voices that a row tells of; None if nobody listened, as before schema 2.5."""
    turns, main = row.get("speaker_turns"), row.get("speaker_label")
    if turns is None:
        return None
    stored = row["speaker_embedding"]
    embedding = None if stored is None else np.array(stored, np.int8).tobytes()
    # Where no one speaker is meant, each turn stands alone.
    speakers = dict.fromkeys(each["speaker"] for each in turns)
    return tuple(
        Voice(
            tuple(
                (each["start_seconds"], each["end_seconds"])
                for each in turns
                if each["speaker"] == speaker
            ),
            solo_seconds=0.0,
            embedding=embedding if speaker == main else None,
            speaker=speaker,
        )
        for speaker in speakers
    )


def _of_words(words: Sequence[Word] | None, turns: Sequence[Turn]) -> list[str | None] | None:
    if words is None:
        return None
    return [speaker_between(turns, each.start_seconds, each.end_seconds) for each in words]


def _voices(outcome: Outcome) -> tuple[Voice, ...]:
    result = outcome.result
    return (result.quality.voices or ()) if isinstance(result, Recognised) else ()


def _with_voices(outcome: Outcome, voices: tuple[Voice, ...]) -> Outcome:
    if not voices or not isinstance(outcome.result, Recognised):
        return outcome
    quality = replace(outcome.result.quality, voices=voices)
    return replace(outcome, result=replace(outcome.result, quality=quality))
