"""The index of an output's texts and voices: a SQLite database, made anew whenever not sound.

FTS5 is given tokens, and keeps no text of its own (``content=''``): the tokens by which a row is
removed are worked out from its text again.
"""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from beam_audio.errors import StoreError
from beam_audio.search.tokens import TOKENS_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCHEMA: Final = """
    CREATE TABLE units (
        number INTEGER PRIMARY KEY, file TEXT UNIQUE, state TEXT, identity TEXT
    );
    CREATE TABLE recordings (
        number INTEGER PRIMARY KEY, recording_id TEXT UNIQUE, unit INTEGER, uri TEXT,
        channel INTEGER, track INTEGER, offset_seconds REAL
    );
    CREATE INDEX recordings_of ON recordings (unit);
    CREATE TABLE segments (
        number INTEGER PRIMARY KEY, segment_id TEXT UNIQUE, unit INTEGER, recording_id TEXT,
        start_seconds REAL, end_seconds REAL, language TEXT, decision TEXT, text TEXT, words BLOB
    );
    CREATE INDEX segments_of ON segments (unit);
    CREATE TABLE voice_lists (
        number INTEGER PRIMARY KEY, model_id TEXT, held INTEGER DEFAULT 0, centre BLOB
    );
    CREATE TABLE voices (
        list INTEGER, number INTEGER UNIQUE, embedding BLOB, PRIMARY KEY (list, number)
    ) WITHOUT ROWID;
    CREATE TABLE terms (term TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE left_over (is_so INTEGER PRIMARY KEY);
    CREATE VIRTUAL TABLE texts USING fts5(words, content='', tokenize='ascii');
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab(texts, row);
"""
_VERSION: Final = zlib.crc32(f"{TOKENS_VERSION} {_SCHEMA}".encode()) & 0x7FFF_FFFF
_CACHE_KIBIBYTES: Final = 64 << 10
_WAIT_SECONDS: Final = 60.0


class StaleIndexError(Exception):
    """An index that cannot be used, and why; it is to be made anew."""


@contextmanager
def opened_index(file: Path) -> Iterator[sqlite3.Connection]:
    """The index in a file; a new one if there is none.

    Nothing waits for the disk: an index that a failing machine damages is made anew.

    Raises:
        StaleIndexError: It is damaged, or of another version.
        StoreError: It cannot be read or written.
    """
    try:
        database = sqlite3.connect(file, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            _prepare(database)
            yield database
        finally:
            database.close()
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"the search index {str(file)!r} cannot be used ({error}); free some space there, or "
            "delete it and it is made anew"
        ) from error
    except sqlite3.DatabaseError as error:
        raise StaleIndexError(f"it is damaged: {error}") from error


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA secure_delete=ON")
    database.execute("PRAGMA synchronous=OFF")
    database.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
    ((version,),) = database.execute("PRAGMA user_version")
    ((tables,),) = database.execute("SELECT count(*) FROM sqlite_master")
    if not tables:
        database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
    elif version != _VERSION:
        raise StaleIndexError("another version of beam_audio made it")
