"""What tables elsewhere hold: the part files that count, by table, with their columns and keys."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from beam_audio import schema, store
from beam_audio.errors import StoreError
from beam_audio.output.commits import read_commits
from beam_audio.output.compact import rewrite_stale, stale_files
from beam_audio.output.counted import Counted
from beam_audio.output.folder import in_use
from beam_audio.output.holder import Holder, held
from beam_audio.output.parts import columns_of, folder_keys, partition_folder
from beam_audio.store.output_names import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from beam_audio.schema import Table

_IN_FILE: Final = {
    schema.PARTITION_DATE: "event_date",
    schema.PARTITION_LANGUAGE: "text_language",
}
"""Columns inside the files that say the same as the folder keys."""


class CommittedMeanwhileError(StoreError):
    """Another registration was faster; what it did has to be looked at first."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part file.

    Attributes:
        uri: Its address; an absolute path on local disks.
        size_bytes: Its size.
        updated_seconds: When it was written, since the epoch.
        partition: The values that all of its rows have, by partition column.
    """

    uri: str
    size_bytes: int
    updated_seconds: float
    partition: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds.

    Attributes:
        table: The table.
        columns: Its columns, those of the folder names left out.
        partition_by: Columns of which all rows of a part file have the same value.
        parts: The part files that count, by their names relative to the output.
    """

    table: Table
    columns: pa.Schema
    partition_by: tuple[str, ...]
    parts: dict[str, Part]


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit did to a table: number of part files added, removed, and held since."""

    table: str
    added: int
    removed: int
    parts: int


class Tables(Protocol):
    """The tables of one registration."""

    def replace(self, read: Callable[[], Sequence[Content]]) -> list[Change]:
        """Make every table hold its content, in one commit a table; none where it does.

        Args:
            read: Gives the contents. It is called once the present versions are known: a commit on
                top of any other version fails, so older content never replaces newer.

        Raises:
            CommittedMeanwhileError: Another registration was faster.
            StoreError: A table cannot be written.
        """

    def kept_names(self, before_seconds: float) -> set[str]:
        """Part files that the tables name, now or in the history that is kept.

        Kept are the versions since a time, in seconds since the epoch, and the one present then.
        """

    def expire_history(self, before_seconds: float) -> None:
        """Delete the history that is not kept."""


def read_content(root: str) -> list[Content]:
    """What the tables of an output are to hold; nothing if it has no rows yet.

    Files of which only some rows count are written again first: a table takes whole files.

    Raises:
        HeldError: There are such files, and a living batch or another verb holds the output.
        StoreError: A part file is missing.
    """
    counted = Counted.of(read_commits(root))
    while stale_files(root, counted):
        holder = Holder.here(f"tables-{uuid.uuid4().hex[:8]}", ends_with_process=True)
        with held(root, holder), in_use(root, lambda: None):
            rewrite_stale(root)
        counted = Counted.of(read_commits(root))
    return [_content(root, table, counted) for table in TABLES if counted.layout]


def address(root: str) -> str:
    """An output as tables elsewhere name it: an absolute path, or its address."""
    return root.rstrip("/") if store.scheme(root) else str(Path(root).absolute())


def _content(root: str, table: Table, counted: Counted) -> Content:
    keys = [schema.PARTITION_DATE]
    if table == "segments":
        keys = [each for each in counted.layout["partition_by"].split(",") if each]
    folder = partition_folder(table, tuple((key, None) for key in keys))
    columns = columns_of(table, folder, counted.layout)
    partition_by = tuple(_IN_FILE[key] for key in keys if key in _IN_FILE)
    names = counted.files_of(table)
    start = len(root.rstrip("/")) + 1
    found = {each.path[start:]: each for each in store.files_under(store.join(root, table))}
    if lost := set(names) - found.keys():
        raise StoreError(f"{min(lost)!r} is named by a commit record, but is not in {root!r}")
    parts = {
        name: Part(
            store.join(address(root), name),
            found[name].size_in_bytes,
            found[name].last_updated_in_seconds,
            _partition(name),
        )
        for name in names
    }
    return Content(table, columns, partition_by, parts)


def _partition(name: str) -> dict[str, str | None]:
    keys = folder_keys(name)
    values = {column: keys[key] for key, column in _IN_FILE.items() if key in keys}
    if values.get("event_date") == schema.UNKNOWN_DATE:
        values["event_date"] = None
    return values
