"""Rows of an index: written, replaced and removed, each with its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.search.tokens import tokens
from beam_audio.search.voices import remove_voices

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

RECORDING: Final = ("recording_id", "uri", "channel", "track", "offset_seconds")
"""Columns of a recording's row."""
SEGMENT: Final = (
    *("segment_id", "recording_id", "start_seconds", "end_seconds"),
    *("language", "decision", "text", "words"),
)
"""Columns of a segment's row; ``words`` is of :mod:`beam_audio.search.word_places`."""


class Entries:
    """The rows of an index, for one who holds its lock.

    Args:
        database: The index.

    Attributes:
        database: The index.
        written: Texts taken in so far.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        self._terms = set[str]()
        self.written = 0

    def unit_of(self, file: str) -> tuple[int, str | None]:
        """Number of a unit by the name of its record, and what is in the index of it."""
        insert = "INSERT OR IGNORE INTO units (file) VALUES (?)"
        self.database.execute(insert, [file])
        query = "SELECT number, identity FROM units WHERE file = ?"
        (found,) = self.database.execute(query, [file])
        return found[0], found[1]

    def put_recordings(self, unit: int, rows: Iterable[Sequence[object]]) -> None:
        """Replace the recordings of a unit; rows as ``RECORDING`` names them."""
        self.database.execute("DELETE FROM recordings WHERE unit = ?", [unit])
        self.database.executemany(
            f"INSERT OR REPLACE INTO recordings ({', '.join(RECORDING)}, unit) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            ((*row, unit) for row in rows),
        )

    def segments_of(self, unit: int) -> set[int]:
        """Numbers of a unit's segments."""
        query = "SELECT number FROM segments WHERE unit = ?"
        return {number for (number,) in self.database.execute(query, [unit])}

    def put_segment(self, unit: int, row: tuple[object, ...], text: str) -> int:
        """Write a segment, unless it is there as it is; returns its number.

        Args:
            unit: The number of its unit.
            row: Its values as ``SEGMENT`` names them.
            text: Its text, which is one of them.
        """
        names = ", ".join((*SEGMENT, "unit"))
        query = f"SELECT number, {names} FROM segments WHERE segment_id = ?"
        found = self.database.execute(query, [row[0]]).fetchone()
        if found is not None and found[1:] == (*row, unit):
            return int(found[0])
        number = None if found is None else int(found[0])
        values = ", ".join("?" * (len(SEGMENT) + 2))
        written = self.database.execute(
            f"INSERT OR REPLACE INTO segments (number, {names}) VALUES ({values})",
            [number, *row, unit],
        ).lastrowid
        at = SEGMENT.index("text") + 1
        if found is None or found[at] != text:
            if found is not None:
                self._delete_tokens(int(found[0]), found[at])
            self._add_tokens(int(written or 0), text)
        return int(written or 0)

    def remove_segments(self, numbers: Iterable[int]) -> None:
        """Remove segments, and remember that bytes of them are left."""
        gone = sorted(numbers)
        remove_voices(self.database, gone)
        for number in gone:
            query = "SELECT text FROM segments WHERE number = ?"
            ((text,),) = self.database.execute(query, [number]).fetchall()
            self.database.execute("DELETE FROM segments WHERE number = ?", [number])
            self._delete_tokens(number, text)
            self.database.execute("INSERT OR IGNORE INTO left_over VALUES (1)")

    def remove_unit(self, unit: int) -> None:
        """Remove a unit with its rows."""
        self.remove_segments(self.segments_of(unit))
        self.database.execute("DELETE FROM recordings WHERE unit = ?", [unit])
        self.database.execute("DELETE FROM units WHERE number = ?", [unit])

    def set_state(self, unit: int, state: str, identity: str) -> None:
        """Say which version of a unit the index has, and the state of its record."""
        update = "UPDATE units SET state = ?, identity = ? WHERE number = ?"
        self.database.execute(update, [state, identity, unit])

    def commit(self) -> None:
        """Make what was written so far last."""
        terms = ((each,) for each in sorted(self._terms))
        self.database.executemany("INSERT OR IGNORE INTO terms VALUES (?)", terms)
        self._terms.clear()
        self.database.execute("COMMIT")

    def erase_left_over(self) -> None:
        """Leave no byte of removed segments: FTS5 keeps their tokens until it merges its lists."""
        if self.database.execute("SELECT 1 FROM left_over").fetchone() is None:
            return
        self.database.execute("BEGIN IMMEDIATE")
        self.database.execute("INSERT INTO texts (texts) VALUES ('optimize')")
        self.database.execute("DELETE FROM terms")
        self.database.execute("INSERT INTO terms SELECT term FROM vocabulary")
        self.database.execute("DELETE FROM left_over")
        self.database.execute("COMMIT")

    def _add_tokens(self, number: int, text: str) -> None:
        found = tokens(text)
        self._terms.update(found)
        insert = "INSERT INTO texts (rowid, words) VALUES (?, ?)"
        self.database.execute(insert, [number, " ".join(found)])
        self.written += 1

    def _delete_tokens(self, number: int, text: str) -> None:
        insert = "INSERT INTO texts (texts, rowid, words) VALUES ('delete', ?, ?)"
        self.database.execute(insert, [number, " ".join(tokens(text))])
