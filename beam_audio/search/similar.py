"""Segments whose main speaker sounds like another: by the cosine of their embeddings."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.errors import ConfigError
from beam_audio.search.voices import lists_of
from beam_audio.speakers.people import directions_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from beam_audio.search.voices import Voice

_COMPARED: Final = 32_768
"""Embeddings that are compared at least, as far as there are as many."""
_COMPARED_A_HIT: Final = 16
"""And so many more for each segment that is asked for."""
_AT_ONCE: Final = 16_384


@dataclass(frozen=True, slots=True)
class Sound:
    """How a person sounds.

    Attributes:
        model_id: The networks, as rows name them.
        embedding: A direction as 192 signed bytes.
    """

    model_id: str
    embedding: bytes = field(repr=False)


def similar(
    database: sqlite3.Connection,
    like: str | Sound,
    limit: int,
    *,
    decision: str | None = None,
    is_chosen: bool = False,
) -> tuple[list[tuple[int, float]], int]:
    """The segments whose main speaker sounds most alike.

    Lists are looked through, the most similar first, until enough segments were compared.

    Args:
        database: The index.
        like: The id of a segment, which is not among them; or a sound.
        limit: How many at most.
        decision: Only those of this decision; None for all.
        is_chosen: Whether only the numbers in the table ``chosen`` are compared, then all of them.

    Returns:
        Their numbers with cosines, the highest first; and how many were compared.

    Raises:
        ConfigError: There is no such segment, nobody is heard in it, or no row has an embedding of
            this model.
    """
    database.execute("BEGIN")  # a search beside this one may make the lists anew meanwhile
    try:
        own, sound = _sound_of(database, like) if isinstance(like, str) else (None, like)
        _require_model(database, sound.model_id)
        (direction,) = directions_of([sound.embedding])
        if is_chosen:
            voices, enough = _chosen(database, sound.model_id), None
        else:
            voices = _nearest(database, sound.model_id, direction, decision)
            enough = _COMPARED + _COMPARED_A_HIT * limit
        numbers, cosines = _compared(voices, direction, own, enough)
    finally:
        database.execute("ROLLBACK")
    best = np.lexsort((numbers, -cosines))[:limit]
    return list(zip(numbers[best].tolist(), cosines[best].tolist(), strict=True)), len(numbers)


def _sound_of(database: sqlite3.Connection, segment_id: str) -> tuple[int, Sound]:
    """The number of a segment, and how its main speaker sounds."""
    query = (
        "SELECT segments.number, model_id, embedding FROM segments "
        "LEFT JOIN voices ON voices.number = segments.number "
        "LEFT JOIN voice_lists ON voice_lists.number = list WHERE segment_id = ?"
    )
    found = database.execute(query, [segment_id]).fetchone()
    if found is None:
        raise ConfigError(f"there is no segment {segment_id}")
    number, model_id, embedding = found
    if embedding is None:
        _require_model(database, None)
        raise ConfigError(f"segment {segment_id} has no speaker_embedding: nobody is heard alone")
    return number, Sound(model_id, embedding)


def _require_model(database: sqlite3.Connection, model_id: str | None) -> None:
    """Refuse a model that no row has embeddings of; None for any model."""
    query = "SELECT DISTINCT model_id FROM voice_lists WHERE held > 0 ORDER BY model_id"
    known = [each for (each,) in database.execute(query)]
    if not known:
        raise ConfigError(
            "no row has a speaker_embedding; run with --speaker_model=campplus, which adds them"
        )
    if model_id not in {None, *known}:
        raise ConfigError(
            f"the rows have embeddings of {', '.join(known)} and none of {model_id}; give the "
            "networks that made them"
        )


def _compared(
    voices: Iterator[list[Voice]],
    direction: NDArray[np.float32],
    own: int | None,
    enough: int | None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Numbers of segments and their cosines, until there are enough; None for all."""
    numbers, cosines, count = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)], 0
    for block in voices:
        others = [each for each in block if each[0] != own]
        if others:
            numbers.append(np.array([number for number, _ in others]))
            cosines.append(directions_of(embedding for _, embedding in others) @ direction)
        count += len(others)
        if enough is not None and count >= enough:
            break
    return np.concatenate(numbers), np.concatenate(cosines)


def _chosen(database: sqlite3.Connection, model_id: str) -> Iterator[list[Voice]]:
    """The voices among the chosen segments."""
    query = (
        "SELECT voices.number, embedding FROM chosen "
        "CROSS JOIN voices ON voices.number = chosen.number "
        "CROSS JOIN voice_lists ON voice_lists.number = list WHERE model_id = ?"
    )
    return _blocks(database.execute(query, [model_id]))


def _nearest(
    database: sqlite3.Connection,
    model_id: str,
    direction: NDArray[np.float32],
    decision: str | None,
) -> Iterator[list[Voice]]:
    """The voices of a model, those in the lists most like a direction first."""
    query = "SELECT voices.number, embedding FROM voices WHERE list = :list"
    if decision is not None:
        # A cross join keeps its order: SQLite would rather begin with the segments.
        query = (
            "SELECT voices.number, embedding FROM voices "
            "CROSS JOIN segments ON segments.number = voices.number "
            "WHERE list = :list AND decision = :decision"
        )
    lists, centres = lists_of(database, model_id)
    order = np.argsort(-(centres @ direction), kind="stable")
    return chain.from_iterable(
        _blocks(database.execute(query, {"list": lists[at], "decision": decision})) for at in order
    )


def _blocks(cursor: sqlite3.Cursor) -> Iterator[list[Voice]]:
    while block := cursor.fetchmany(_AT_ONCE):
        yield block
