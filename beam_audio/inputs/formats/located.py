"""Where the bytes of a member are, by its address alone: rows of an output hold no more."""

from __future__ import annotations

import pickle
import re
import threading
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.shards import members_of
from beam_audio.inputs.formats.tables import read_table
from beam_audio.inputs.members import Member
from beam_audio.store.scratch_database import scratch_database
from beam_audio.types import ByteRange, Failure, StoredFile, TableCell

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from beam_audio.types import AudioRef

_ADDRESS: Final = re.compile(r"(?P<file>.*?\.(?P<kind>tar|parquet|arrow))#(?P<name>.+)", re.DOTALL)
"""The first suffix of a file counts: names of members may hold anything."""
_SCHEMA: Final = "CREATE TABLE places (name TEXT PRIMARY KEY, place BLOB) WITHOUT ROWID"
_LOCK: Final = threading.Lock()


def located(ref: AudioRef) -> AudioRef:
    """The reference with the place of its bytes, if its address is that of a member.

    The headers of its file are read, once for all its members. Other references are returned as
    they are, and so is one about a file that has such a name.

    Raises:
        InputError: The file that holds it cannot be opened, or has no such member.
    """
    found = _ADDRESS.fullmatch(ref.uri)
    has_bytes = ref.inside is not None or ref.inline is not None or ref.spooled_uri is not None
    if found is None or has_bytes or store.exists(ref.uri):
        return ref
    place = _place(store.stat(found["file"]), found["kind"], found["name"])
    if place is None:
        raise InputError(f"{found['file']!r} has no member {found['name']!r:.200}")
    return replace(ref, inside=place)


def _place(file: StoredFile, kind: str, name: str) -> ByteRange | TableCell | None:
    with _LOCK:
        places = _places(file, kind)
        row = places.execute("SELECT place FROM places WHERE name = ?", (name,)).fetchone()
    place: ByteRange | TableCell | None = pickle.loads(row[0]) if row else None  # noqa: S301 - ours
    return place


@lru_cache(maxsize=2)
def _places(file: StoredFile, kind: str) -> sqlite3.Connection:
    """Where all members of a file are, on disk: a reader of one asks for its neighbours."""
    found = scratch_database(_SCHEMA)
    members = _in_tar(file) if kind == "tar" else _in_table(file)
    rows = ((name, pickle.dumps(place)) for name, place in members)
    found.executemany("INSERT OR IGNORE INTO places VALUES (?, ?)", rows)
    return found


def _in_tar(shard: StoredFile) -> Iterator[tuple[str, ByteRange]]:
    with store.open_to_read(shard.path) as file:
        for each in members_of(shard, file):
            if not isinstance(each, Failure) and not each.problem:
                inside = ByteRange(shard.path, each.start_byte, each.size_bytes, in_tar=True)
                yield each.name, inside


def _in_table(table: StoredFile) -> Iterator[tuple[str, ByteRange | TableCell]]:
    for each in read_table(table):
        if isinstance(each, Member):
            yield each.name, each.inside
