"""Whose voices the voices of a recording are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.speakers.clusters import group
from beam_audio.speakers.networks import DIMENSIONS
from beam_audio.speakers.voices import as_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from beam_audio.types import Voice

THRESHOLD: Final = 0.4
"""Mean cosine from which two groups of voices are one person."""
_TELLING_SECONDS: Final = 1.0
"""A voice that is alone for less does not make a person; it is of the person most like it."""


def directions_of(embeddings: Iterable[bytes]) -> NDArray[np.float32]:
    """Embeddings as they are stored to directions of length 1, float32 of shape (n, 192)."""
    stored = np.frombuffer(b"".join(embeddings), np.int8)
    found = stored.reshape(-1, DIMENSIONS).astype(np.float32)
    lengths: NDArray[np.float32] = np.linalg.norm(found, axis=1, keepdims=True)
    return found / lengths


def main_embedding(voices: Sequence[Voice]) -> bytes | None:
    """How a person sounds in voices of theirs; each counts as long as it is heard alone."""
    heard = [each for each in voices if each.embedding is not None]
    if len(heard) < 2:  # noqa: PLR2004 - one is as it is
        return heard[0].embedding if heard else None
    seconds = np.array([each.solo_seconds for each in heard], np.float32)
    return as_bytes(seconds @ directions_of(each.embedding or b"" for each in heard))


def name_people(
    groups: Sequence[Sequence[Voice]], count: int | None, prefix: str = ""
) -> list[tuple[Voice, ...]]:
    """The voices of a recording with labels, ``S1`` for the person who speaks first.

    Args:
        groups: Voices heard at the same place, which are of different people.
        count: How many people there are; None if that is to be found.
        prefix: What each label begins with.
    """
    voices = [voice for each in groups for voice in each]
    rooms = np.repeat(np.arange(len(groups)), [*map(len, groups)])
    numbers = _people(voices, rooms, count)
    labels = _labels(voices, numbers, prefix)
    named = iter(
        [
            replace(voice, speaker=labels.get(number))
            for voice, number in zip(voices, numbers, strict=True)
        ]
    )
    return [tuple(next(named) for _ in each) for each in groups]


def _people(voices: Sequence[Voice], rooms: NDArray[np.int64], count: int | None) -> list[int]:
    """Number of the person of each voice; -1 for a voice that is never heard alone."""
    heard = [place for place, voice in enumerate(voices) if voice.embedding is not None]
    numbers = np.full(len(voices), -1, np.int64)
    if not heard:
        return numbers.tolist()
    places = np.array(heard)
    directions = directions_of(voices[place].embedding or b"" for place in heard)
    seconds = np.array([voices[place].solo_seconds for place in heard], np.float32)
    telling = seconds >= min(_TELLING_SECONDS, float(seconds.max()))
    people = group(
        directions[telling], seconds[telling], THRESHOLD, count=count, rooms=rooms[places[telling]]
    )
    numbers[places[telling]] = people
    sums = np.zeros((int(people.max()) + 1, directions.shape[1]), np.float32)
    np.add.at(sums, people, directions[telling] * seconds[telling, np.newaxis])
    likeness = directions @ (sums / np.linalg.norm(sums, axis=1, keepdims=True)).T
    for place in np.flatnonzero(~telling)[np.argsort(-seconds[~telling], kind="stable")]:
        taken = numbers[rooms == rooms[places[place]]]
        free = np.setdiff1d(np.arange(len(sums)), taken)
        choice = free if len(free) else np.arange(len(sums))
        numbers[places[place]] = choice[likeness[place, choice].argmax()]
    return numbers.tolist()


def _labels(voices: Sequence[Voice], numbers: Sequence[int], prefix: str) -> dict[int, str]:
    """Labels in the order in which people first speak."""
    begins: dict[int, float] = {}
    for voice, number in zip(voices, numbers, strict=True):
        if number >= 0:
            begins[number] = min(begins.get(number, voice.turns[0][0]), voice.turns[0][0])
    ordered = sorted(begins, key=lambda number: begins[number])
    return {number: f"{prefix}S{rank}" for rank, number in enumerate(ordered, 1)}
