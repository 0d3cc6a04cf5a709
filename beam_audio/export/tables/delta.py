"""Delta tables: the folder of each table gets a log that names the part files that count."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from beam_audio import store
from beam_audio.errors import ConfigError, StoreError
from beam_audio.export.tables.content import Change, CommittedMeanwhileError, address
from beam_audio.store.output_names import DELTA_LOG, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from deltalake import DeltaTable

    from beam_audio.export.tables.content import Content, Part
    from beam_audio.types import StoredFile

_WRITER: Final = "beam_audio"
"""Commits of one writer conflict with each other: of two at once, one has to look again."""


@dataclass(frozen=True, slots=True)
class DeltaTables:
    """The Delta tables of an output: each of its three folders is one.

    Attributes:
        root: The output folder.
    """

    root: str

    def __post_init__(self) -> None:
        """Check that the library is there and opens the folder.

        Raises:
            ConfigError: It is not, or does not.
        """
        try:
            import deltalake  # noqa: F401 - whether it is there
        except ImportError as error:
            raise ConfigError(
                "--format=delta needs deltalake: pip install 'beam_audio[delta]'"
            ) from error
        if unquote(address(self.root)) != address(self.root):
            raise ConfigError(
                f"deltalake cannot open {self.root!r}, as it takes the percent sign in it for an "
                "escape; rename the folder"
            )

    def replace(self, read: Callable[[], Sequence[Content]]) -> list[Change]:
        """As in :class:`beam_audio.export.tables.content.Tables`."""
        from deltalake.exceptions import CommitFailedError, DeltaError

        try:
            present = {table: _opened(self._place(table)) for table in TABLES}
            contents = read()
            made = [_made(self._place(each.table), present[each.table], each) for each in contents]
            if any(made):
                return self.replace(read)
            return [_replace(found, each) for each in contents if (found := present[each.table])]
        except CommitFailedError as error:
            raise CommittedMeanwhileError(
                f"another program writes to the Delta tables of {self.root!r} ({error})"
            ) from error
        except DeltaError as error:
            raise StoreError(f"the Delta tables of {self.root!r} fail: {error}") from error

    def kept_names(self, before_seconds: float) -> set[str]:
        """As in :class:`beam_audio.export.tables.content.Tables`."""
        return {f"{table}/{name}" for table in TABLES for name in self._kept(table, before_seconds)}

    def expire_history(self, before_seconds: float) -> None:
        """As in :class:`beam_audio.export.tables.content.Tables`."""
        from deltalake import DeltaTable

        for table in TABLES:
            log = _commits(self.root, table)
            first = _first_kept(log, before_seconds)
            if first > min(log, default=first):
                DeltaTable(self._place(table), version=first).create_checkpoint()
                past = (
                    each.path
                    for each in _log_files(self.root, table)
                    if (version := _version(each)) is not None and version < first
                )
                store.delete(*past)

    def _kept(self, table: str, before_seconds: float) -> set[str]:
        from deltalake import DeltaTable

        log = _commits(self.root, table)
        if not log:
            return set()
        first = _first_kept(log, before_seconds)
        names = set(_present(DeltaTable(self._place(table), version=first)))
        for version, file in log.items():
            if version > first:
                names.update(_added(file))
        return names

    def _place(self, table: str) -> str:
        folder = store.join(address(self.root), table)
        return folder if store.scheme(folder) else Path(folder).as_uri()


def _opened(place: str) -> DeltaTable | None:
    from deltalake import DeltaTable

    return DeltaTable(place) if DeltaTable.is_deltatable(place) else None


def _made(place: str, table: DeltaTable | None, content: Content) -> bool:
    """Make a table, or give it the columns that it lacks; whether there was something to do."""
    from deltalake import DeltaTable, Schema

    wanted = Schema.from_arrow(content.columns)
    if table is None:
        DeltaTable.create(place, wanted, partition_by=list(content.partition_by))
        return True
    known = {field.name for field in table.schema().fields}
    new = [field for field in wanted.fields if field.name not in known]
    if new:
        table.alter.add_columns(new)
    return bool(new)


def _replace(table: DeltaTable, content: Content) -> Change:
    """Add and remove part files in one commit on top of this version of the table."""
    from deltalake.transaction import (
        AddAction,
        CommitProperties,
        RemoveAction,
        Transaction,
    )

    present = set(_present(table))
    wanted = {name.partition("/")[2]: part for name, part in content.parts.items()}
    added, removed = sorted(wanted.keys() - present), sorted(present - wanted.keys())
    if added or removed:
        rows = store.read_each(_rows, [wanted[name].uri for name in added])
        now = round(time.time() * 1000)
        adds = [
            AddAction(name, **_facts(wanted[name], content, count))
            for name, count in zip(added, rows, strict=True)
        ]
        table.create_write_transaction(
            [RemoveAction(name, data_change=True, deletion_timestamp=now) for name in removed]
            + adds,
            mode="append",
            schema=content.columns,
            partition_by=list(content.partition_by),
            commit_properties=CommitProperties(
                max_commit_retries=0,
                app_transactions=[Transaction(_WRITER, table.version() + 1)],
            ),
        )
    return Change(content.table, len(added), len(removed), len(wanted))


def _facts(part: Part, content: Content, rows: int) -> dict[str, Any]:
    """What the log says of a part file; no value of a row but those of its partition."""
    return {
        "size": part.size_bytes,
        "partition_values": {name: part.partition[name] for name in content.partition_by},
        "modification_time": round(part.updated_seconds * 1000),
        "data_change": True,
        "stats": json.dumps({"numRecords": rows}),
    }


def _present(table: DeltaTable) -> list[str]:
    """The part files in a version of a table, relative to its folder."""
    paths = pa.table(table.get_add_actions(flatten=True)).column("path").to_pylist()
    return [unquote(path) for path in paths]


def _rows(uri: str) -> int:
    with store.open_to_read(uri) as file:
        rows: int = pq.read_metadata(file).num_rows
    return rows


def _log_files(root: str, table: str) -> list[StoredFile]:
    return store.files_under(store.join(root, table, DELTA_LOG))


def _version(file: StoredFile) -> int | None:
    stem = file.path.rpartition("/")[2].partition(".")[0]
    return int(stem) if stem.isdecimal() else None


def _commits(root: str, table: str) -> dict[int, StoredFile]:
    """The commits in the log of a table, the oldest first."""
    files = (each for each in _log_files(root, table) if each.path.endswith(".json"))
    found = {version: each for each in files if (version := _version(each)) is not None}
    return dict(sorted(found.items()))


def _first_kept(log: dict[int, StoredFile], before_seconds: float) -> int:
    """The version that was present at a time, or the oldest there is."""
    past = [
        version for version, file in log.items() if file.last_updated_in_seconds < before_seconds
    ]
    return max(past, default=min(log, default=0))


def _added(commit: StoredFile) -> Iterator[str]:
    """The part files that a commit adds."""
    with store.open_to_read(commit.path) as file:
        actions = [json.loads(line) for line in file.read().splitlines()]
    return (unquote(action["add"]["path"]) for action in actions if "add" in action)
