"""The end of an export: lists of whole folders, the card, what is stale, and the export file."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from beam_audio import store
from beam_audio.errors import BeamAudioError
from beam_audio.export.formats.huggingface import CARD, card
from beam_audio.export.formats.shard import ClipFormat
from beam_audio.export.formats.table import FORMATS
from beam_audio.export.records import load_record, read_records, record_name
from beam_audio.export.totals import Totals, as_text
from beam_audio.store.scratch_database import scratch_database
from beam_audio.types import stable_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator

    from beam_audio.export.options import ExportOptions
    from beam_audio.export.records import GroupRecord

EXPORT_FILE: Final = "export.json"

_LINES: Final = "CREATE TABLE lines (line TEXT PRIMARY KEY) WITHOUT ROWID;"
_NAMES: Final = "CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID;"


@dataclass(frozen=True, slots=True)
class Exported:
    """How an export ended.

    Attributes:
        totals: What it holds and leaves out.
        groups: Number of groups of units.
        is_new: Whether anything was written.
    """

    totals: Totals
    groups: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Done:
    """A group that is done, without the names of its files: each clip may be a file.

    Attributes:
        group_id: The group.
        content_id: Hash of what it holds.
        lists: Its lines of lists: file that has them, by folder and list.
        totals: What it holds and leaves out.
    """

    group_id: str
    content_id: str
    lists: dict[str, str]
    totals: Totals

    @classmethod
    def of(cls, record: GroupRecord) -> Self:
        content_id = stable_id("export", record.group_id, record.files, record.totals.to_json())
        return cls(record.group_id, content_id, record.lists, record.totals)


def finish(root: str, target: str, options: ExportOptions, group_ids: Collection[str]) -> Exported:
    """Make an export whole once all its groups are done.

    Args:
        root: The output.
        target: The folder of the export.
        options: What is exported.
        group_ids: The groups that it is made of; files of others are deleted.

    Raises:
        BeamAudioError: A group is not done.
        StoreError: Something cannot be read or written.
    """
    done = [_Done.of(record) for record in read_records(target)]
    present = [each for each in done if each.group_id in group_ids]
    if len(present) < len(group_ids):
        raise BeamAudioError(f"{root} changed while it was exported; run the same command again")
    totals = Totals.total(each.totals for each in present)
    state = stable_id("export", *(each.content_id for each in present))
    before = _before(target)
    if before.get("state") == state and len(present) == len(done):
        return Exported(totals, len(present), is_new=False)
    of_name = FORMATS[options.format]
    written = []
    if isinstance(of_name, ClipFormat):
        written = [*_write_lists(target, of_name, present)]
        if of_name.has_card:
            store.write_whole(target, CARD, card(totals).encode())
    store.delete(
        *(store.join(target, name) for name in before.get("lists", []) if name not in written)
    )
    stale = {each.group_id for each in done} - set(group_ids)
    if stale:
        _delete_groups(target, stale)
    content = {
        "output": root,
        "options": {name: value for name, value in asdict(options).items() if value is not None},
        "hours": totals.hours,
        "totals": totals.to_json(),
        "groups": len(present),
        "lists": written,
        "state": state,
    }
    store.write_whole(target, EXPORT_FILE, as_text(content))
    store.delete_folder(store.join(target, "_tmp"))
    return Exported(totals, len(present), is_new=True)


def _before(target: str) -> dict[str, Any]:
    """The export file that is there; empty if there is none."""
    uri = store.join(target, EXPORT_FILE)
    if not store.exists(uri):
        return {}
    with store.open_to_read(uri) as file:
        found: dict[str, Any] = json.loads(file.read())
    return found


def _write_lists(target: str, of_name: ClipFormat, done: Iterable[_Done]) -> Iterator[str]:
    """Write the lists of each folder; yields their names, relative to the export."""
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for each in done:
        for name, part in each.lists.items():
            parts[name].append(part)
    for name, files in sorted(parts.items()):
        folder, _, leaf = name.rpartition("/")
        first = of_name.lists[leaf]
        _write_lines(target, name, first, _sorted_lines(target, files))
        yield name
        for derived, (source, make) in of_name.derived.items():
            if source == leaf:
                _write_lines(target, f"{folder}/{derived}", "", make(_sorted_lines(target, files)))
                yield f"{folder}/{derived}"


def _sorted_lines(target: str, files: Iterable[str]) -> Iterator[str]:
    """The lines of these files in the order of their bytes; few of them are in memory."""
    database = scratch_database(_LINES)
    for name in files:
        with store.open_to_read(store.join(target, name)) as file:
            lines = ((line.decode().rstrip("\n"),) for line in file)
            database.executemany("INSERT OR IGNORE INTO lines VALUES (?)", lines)
    for (line,) in database.execute("SELECT line FROM lines ORDER BY line"):
        yield line
    database.close()


def _write_lines(target: str, name: str, first: str, lines: Iterable[str]) -> None:
    temporary = store.temporary_name(target)
    with store.open_to_write(temporary) as file:
        if first:
            file.write(f"{first}\n".encode())
        for line in lines:
            file.write(f"{line}\n".encode())
    store.move_into(target, {temporary: name})


def _delete_groups(target: str, group_ids: Collection[str]) -> None:
    """Delete what these groups left and no other group holds; the record of each goes last."""
    kept = scratch_database(_NAMES)
    for record in read_records(target):
        if record.group_id not in group_ids:
            rows = ((name,) for name in _files(record))
            kept.executemany("INSERT OR IGNORE INTO names VALUES (?)", rows)
    for group_id in sorted(group_ids):
        uri = store.join(target, record_name(group_id))
        gone = [name for name in _files(load_record(uri)) if not _is_in(kept, name)]
        store.delete(*(store.join(target, name) for name in gone))
        store.delete(uri)
    kept.close()


def _files(record: GroupRecord) -> list[str]:
    """All files of a group but its record."""
    return [*record.files, *record.lists.values()]


def _is_in(names: sqlite3.Connection, name: str) -> bool:
    found = names.execute("SELECT 1 FROM names WHERE name = ?", (name,)).fetchone()
    return found is not None
