"""What the commit records of an output say, on disk, looked up for some inputs at a time."""

from __future__ import annotations

import json
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from beam_audio.output.commits import InputState, is_shared
from beam_audio.store.scratch_database import scratch_database
from beam_audio.unit.tasks import Committed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.output.commits import Commit

_SCHEMA: Final = """
    CREATE TABLE units (number INTEGER PRIMARY KEY, name TEXT, version INTEGER, run TEXT);
    CREATE TABLE inputs (place TEXT, source TEXT, unit INTEGER, layers INTEGER, state TEXT);
"""
_INDEXED: Final = ("units (name)", "inputs (place)", "inputs (source)")
_FIELDS: Final = tuple(each.name for each in fields(InputState) if each.name != "layers")
_values: Final = attrgetter(*_FIELDS)


class RecordIndex:
    """Commit records as they were at one time: by the place of an input, by input, by unit.

    Args:
        commits: The records.

    Attributes:
        shares_files: Whether a record names a part file that other units may share.
    """

    def __init__(self, commits: Iterable[Commit]) -> None:
        self._layers: list[dict[str, str]] = []
        self.shares_files = False
        self._database = scratch_database(_SCHEMA)
        for number, commit in enumerate(commits):
            self._add(number, commit)
        for number, columns in enumerate(_INDEXED):
            self._database.execute(f"CREATE INDEX by_{number} ON {columns}")

    def _add(self, number: int, commit: Commit) -> None:
        self.shares_files = self.shares_files or any(map(is_shared, commit.files))
        unit = (number, commit.unit_id, commit.version, commit.run_id)
        self._database.execute("INSERT INTO units VALUES (?, ?, ?, ?)", unit)
        self._database.executemany(
            "INSERT INTO inputs VALUES (?, ?, ?, ?, ?)",
            (
                (state.place_id, name, number, self._number_of(state.layers), _text(state))
                for name, state in commit.sources.items()
            ),
        )

    def _number_of(self, layers: dict[str, str]) -> int:
        """Most inputs share their layers: each set of layers is kept once."""
        if layers not in self._layers:
            self._layers.append(layers)
        return self._layers.index(layers)

    def at(self, place_ids: Iterable[str]) -> Iterator[tuple[str, Committed]]:
        """What was ever committed at some places, each with its place."""
        for place_id in place_ids:
            found = self._database.execute(
                "SELECT name, version, source, layers, state, run FROM inputs, units "
                "WHERE place = ? AND unit = number",
                [place_id],
            )
            for unit, version, source_id, layers, text, run_id in found:
                state = self._state(layers, text)
                yield place_id, Committed(unit, version, source_id, state, run_id)

    def state_of(self, source_id: str) -> InputState | None:
        """What became of an input; None for one that was not committed."""
        query = "SELECT layers, state FROM inputs WHERE source = ? ORDER BY rowid DESC"
        found = self._database.execute(query, [source_id]).fetchone()
        return self._state(*found) if found else None

    def has(self, source_id: str) -> bool:
        """Whether an input was committed."""
        query = "SELECT 1 FROM inputs WHERE source = ?"
        return self._database.execute(query, [source_id]).fetchone() is not None

    def version_of(self, unit_id: str) -> int:
        """The version of a unit; 0 for one that was not committed."""
        query = "SELECT version FROM units WHERE name = ?"
        found = self._database.execute(query, [unit_id]).fetchone()
        return int(found[0]) if found else 0

    def _state(self, layers: int, text: str) -> InputState:
        fields: dict[str, Any] = dict(zip(_FIELDS, json.loads(text), strict=True))
        recording_ids = tuple(fields.pop("recording_ids"))
        return InputState(**fields, recording_ids=recording_ids, layers=self._layers[layers])


def _text(state: InputState) -> str:
    return json.dumps(_values(state))
