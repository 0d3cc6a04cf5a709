"""How the main speakers of segments sound, in an index: embeddings in lists of those alike.

A model begins with one list. Its embeddings are parted into more as they become many, so that no
list holds more than some thousand.
"""

from __future__ import annotations

from collections import Counter
from math import isqrt
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.search.coarse import centres_of, nearest_of
from beam_audio.speakers.networks import DIMENSIONS
from beam_audio.speakers.people import directions_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

VOICE: Final = ("speaker_embedding", "speaker_model_id")
"""Columns of a row that say how its main speaker sounds."""
_FEWEST: Final = 16_384
"""Fewer embeddings of a model stay in one list."""
_GROWTH: Final = 4
"""Lists are made anew when so many times the embeddings are there."""
_SAMPLES_A_LIST: Final = 64
"""Embeddings that the centre of a list is found from."""
_AT_ONCE: Final = 16_384
_SPREAD: Final = 2_654_435_761
"""Products with it, modulo the power of two below, are spread evenly (Knuth's multiplicative hash),
so a sample has no common step with the segments of recordings."""
_SPAN: Final = 1 << 32

Voice = tuple[int, bytes]
"""The number of a segment, and the embedding of its main speaker."""


def voices_of(batch: pa.RecordBatch, numbers: Sequence[int]) -> dict[str, list[Voice]]:
    """The embeddings in rows, by the id of their model; a row with an odd one has none.

    Args:
        batch: Rows of segments.
        numbers: Their numbers in the index.
    """
    found: dict[str, list[Voice]] = {}
    if not set(VOICE) <= set(batch.schema.names):
        return found
    embeddings, models = (batch.column(name) for name in VOICE)
    values = embeddings.values.fill_null(0).to_numpy()
    offsets = embeddings.offsets.to_numpy()
    for at in np.flatnonzero(embeddings.is_valid().to_numpy(zero_copy_only=False)):
        embedding = values[offsets[at] : offsets[at + 1]]
        model_id = models[at].as_py()
        if model_id is not None and len(embedding) == DIMENSIONS and embedding.any():
            found.setdefault(model_id, []).append((numbers[at], embedding.tobytes()))
    return found


def put_voices(database: sqlite3.Connection, model_id: str, voices: Sequence[Voice]) -> None:
    """Write embeddings of a model, each into the list whose centre it is most like."""
    lists, centres = lists_of(database, model_id)
    if not lists:
        centres = np.zeros((1, DIMENSIONS), np.float32)
        lists = _new_lists(database, model_id, centres)
    nearest = nearest_of(directions_of(embedding for _, embedding in voices), centres)
    database.executemany(
        "INSERT INTO voices (list, number, embedding) VALUES (?, ?, ?)",
        ((lists[at], *voice) for at, voice in zip(nearest, voices, strict=True)),
    )
    _count(database, (lists[at] for at in nearest), 1)


def remove_voices(database: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Remove the embeddings of segments."""
    query = "SELECT list, number FROM voices WHERE number = ?"
    found = [row for each in numbers for row in database.execute(query, [each])]
    database.executemany("DELETE FROM voices WHERE list = ? AND number = ?", found)
    _count(database, (each for each, _ in found), -1)


def lists_of(database: sqlite3.Connection, model_id: str) -> tuple[list[int], NDArray[np.float32]]:
    """The numbers of a model's lists, and their centres: float32 of shape (lists, 192)."""
    query = "SELECT number, centre FROM voice_lists WHERE model_id = ? ORDER BY number"
    found = database.execute(query, [model_id]).fetchall()
    centres = np.frombuffer(b"".join(centre for _, centre in found), np.float32)
    return [number for number, _ in found], centres.reshape(-1, DIMENSIONS)


def arrange(database: sqlite3.Connection) -> None:
    """Part the embeddings of a model anew if they have become many: into as many as their root."""
    query = "SELECT model_id, count(*), sum(held) FROM voice_lists GROUP BY model_id"
    for model_id, lists, held in database.execute(query).fetchall():
        if held >= max(_FEWEST, _GROWTH * lists**2):
            _part(database, model_id, held)


def _part(database: sqlite3.Connection, model_id: str, held: int) -> None:
    """Part so many embeddings."""
    count = isqrt(held)
    old, _ = lists_of(database, model_id)
    share = min(1.0, count * _SAMPLES_A_LIST / held)
    query = (
        "SELECT embedding FROM voices JOIN voice_lists ON list = voice_lists.number "
        f"WHERE model_id = ? AND voices.number * {_SPREAD} % {_SPAN} <= ? ORDER BY voices.number"
    )
    sample = database.execute(query, [model_id, round(share * _SPAN)])
    centres = centres_of(directions_of(embedding for (embedding,) in sample), count)
    new = _new_lists(database, model_id, centres)
    for number in old:
        while moved := _some_of(database, number):
            nearest = nearest_of(directions_of(embedding for _, embedding in moved), centres)
            # Those of one list after each other: they are written side by side.
            rows = [(new[nearest[at]], moved[at][0]) for at in np.argsort(nearest, kind="stable")]
            database.executemany("UPDATE voices SET list = ? WHERE number = ?", rows)
            _count(database, (each for each, _ in rows), 1)
        database.execute("DELETE FROM voice_lists WHERE number = ?", [number])


def _count(database: sqlite3.Connection, lists: Iterable[int], change: int) -> None:
    """Say that each of these lists holds an embedding more or less."""
    rows = ((change * count, number) for number, count in Counter(lists).items())
    database.executemany("UPDATE voice_lists SET held = held + ? WHERE number = ?", rows)


def _some_of(database: sqlite3.Connection, number: int) -> list[Voice]:
    query = "SELECT number, embedding FROM voices WHERE list = ? LIMIT ?"
    return database.execute(query, [number, _AT_ONCE]).fetchall()


def _new_lists(
    database: sqlite3.Connection, model_id: str, centres: NDArray[np.float32]
) -> list[int]:
    """Lists with these centres; returns their numbers."""
    insert = "INSERT INTO voice_lists (model_id, centre) VALUES (?, ?)"
    return [
        int(database.execute(insert, [model_id, centre.tobytes()]).lastrowid or 0)
        for centre in centres
    ]
