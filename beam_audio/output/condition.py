"""Segments that a condition of SQL holds for, which somebody asks for by a flag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


def ids_where(rows: pa.Table, keys: Mapping[str, str | None], where: str) -> set[str]:
    """Ids of the segments that a condition holds for.

    Args:
        rows: Segments, with all columns that it may name.
        keys: Keys of the folder they are in, which are columns, too.
        where: The condition, as DuckDB takes it.

    Raises:
        ConfigError: The condition is no SQL, or DuckDB is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - only where there is a condition
    except ImportError as error:
        raise ConfigError("--where needs DuckDB: pip install 'beam_audio[report]'") from error
    for key, value in keys.items():
        if key not in rows.column_names:
            rows = rows.append_column(key, pa.array([value] * len(rows), pa.string()))
    with duckdb.connect(config={"enable_external_access": False, "threads": 1}) as database:
        try:
            database.register("segments", rows)
            found = database.execute(f"SELECT segment_id FROM segments WHERE {where}")  # noqa: S608 - the caller's
            return {row[0] for row in found.fetchall()}
        except duckdb.Error as error:
            raise ConfigError(f"--where={where!r} is not understood: {error}") from error
