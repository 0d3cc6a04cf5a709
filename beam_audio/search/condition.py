"""Which of the segments that were found a condition holds for, by their rows in the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from beam_audio import store
from beam_audio.output.commits import is_shared, load_commit
from beam_audio.output.condition import ids_where
from beam_audio.output.parts import folder_keys, opened_part, rows_of
from beam_audio.schema import AUDIO, FINGERPRINT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_UNREAD: Final = frozenset({AUDIO, FINGERPRINT})


def numbers_where(
    database: sqlite3.Connection, wanted: str | None, where: str, root: str
) -> Iterator[int]:
    """Numbers of the segments that a condition holds for; only units with a hit are read.

    Args:
        database: The index.
        wanted: What FTS5 matches; None for all units.
        where: The condition, as DuckDB takes it.
        root: The output folder.

    Raises:
        ConfigError: It is not understood, or DuckDB is not installed.
        InputError: A part file is missing.
        StoreError: A part file is damaged.
    """
    query = "SELECT file FROM units ORDER BY file"
    if wanted is not None:
        query = (
            "SELECT DISTINCT units.file FROM texts JOIN segments ON segments.number = texts.rowid "
            "JOIN units ON units.number = segments.unit WHERE texts MATCH :wanted "
            "ORDER BY units.file"
        )
    for (file,) in database.execute(query, {"wanted": wanted}).fetchall():
        commit = load_commit(store.join(root, file))
        for name in commit.files_of("segments"):
            with opened_part(store.join(root, name)) as part:
                columns = [each for each in part.schema_arrow.names if each not in _UNREAD]
            sources = commit.sources if is_shared(name) else None
            for batch in rows_of(root, name, sources, columns):
                rows = pa.Table.from_batches([batch])
                yield from _numbers(database, ids_where(rows, folder_keys(name), where))


def _numbers(database: sqlite3.Connection, ids: set[str]) -> Iterator[int]:
    query = "SELECT number FROM segments WHERE segment_id = ?"
    for each in sorted(ids):
        yield from (number for (number,) in database.execute(query, [each]))
