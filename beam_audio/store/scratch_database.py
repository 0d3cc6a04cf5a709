"""A database for what outgrows memory: on disk, of this process alone, gone with it."""

from __future__ import annotations

import sqlite3
from typing import Final

_CACHE_KIBIBYTES: Final = 16 << 10


def scratch_database(schema: str) -> sqlite3.Connection:
    """An empty database with these tables.

    It keeps some MiB in memory and the rest in a file without a name in the temporary folder, so
    nothing is left behind however the process ends. Nothing in it survives a failure. It may be
    handed to another thread.

    Args:
        schema: Statements that make its tables.
    """
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    database.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
    database.execute("PRAGMA journal_mode=OFF")
    database.execute("PRAGMA synchronous=OFF")
    database.executescript(schema)
    database.execute("BEGIN")  # to commit each statement would cost more than the statement
    return database
