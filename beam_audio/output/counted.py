"""What counts in an output, by its commit records: which part files, and which inputs in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from beam_audio.output.commits import is_shared
from beam_audio.store.output_names import TABLES
from beam_audio.store.scratch_database import scratch_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.output.commits import Commit

_SCHEMA: Final = """
    CREATE TABLE files (
        name TEXT, unit TEXT, version INTEGER, PRIMARY KEY (name, unit)
    ) WITHOUT ROWID;
    CREATE TABLE shared (file TEXT, source TEXT, PRIMARY KEY (file, source)) WITHOUT ROWID;
    CREATE TABLE known (source TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Counted:
    """The part files and inputs of some units, on disk.

    Attributes:
        layout: The settings that the rows of all units share; none without part files.
    """

    def __init__(self) -> None:
        """Begin with no unit."""
        self.layout: dict[str, str] = {}
        self._database = scratch_database(_SCHEMA)

    @classmethod
    def of(cls, committed: Iterable[Commit]) -> Self:
        """What counts by these records."""
        counted = cls()
        for commit in committed:
            counted.add(commit)
        return counted

    def add(self, commit: Commit) -> None:
        """Add a unit."""
        insert = self._database.executemany
        insert(
            "INSERT OR IGNORE INTO files VALUES (?, ?, ?)",
            ((name, commit.unit_id, commit.version) for name in commit.files),
        )
        if commit.files:
            self.layout = commit.layout
        known = commit.sources_that("known")
        insert("INSERT OR IGNORE INTO known VALUES (?)", ((each,) for each in known))
        for name in filter(is_shared, commit.files):
            pairs = ((name, source_id) for source_id in commit.sources)
            insert("INSERT OR IGNORE INTO shared VALUES (?, ?)", pairs)

    def files_of(self, table: str) -> list[str]:
        """The part files of a table, sorted."""
        names = self._database.execute(
            "SELECT DISTINCT name FROM files WHERE name BETWEEN ? AND ? ORDER BY name",
            [f"{table}/", f"{table}0"],
        )
        return [name for (name,) in names]

    @property
    def files(self) -> list[str]:
        """The part files of all tables."""
        return [name for table in TABLES for name in self.files_of(table)]

    def units_of(self, name: str) -> list[tuple[str, int]]:
        """The units that name a part file, and the versions of their records, sorted."""
        query = "SELECT unit, version FROM files WHERE name = ? ORDER BY unit"
        return list(self._database.execute(query, [name]))

    def sources(self, name: str) -> frozenset[str] | None:
        """Inputs whose rows count in a part file; None for all that are in it."""
        if not is_shared(name):
            return None
        found = self._database.execute("SELECT source FROM shared WHERE file = ?", [name])
        return frozenset(source_id for (source_id,) in found)

    @property
    def known(self) -> Iterator[str]:
        """Inputs whose rows are under another id."""
        return (name for (name,) in self._database.execute("SELECT source FROM known"))
