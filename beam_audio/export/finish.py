"""The end of an export: lists of whole folders, the card, what is stale, and the export file."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import BeamAudioError
from beam_audio.export.formats.huggingface import CARD, card
from beam_audio.export.formats.shard import ClipFormat
from beam_audio.export.formats.table import FORMATS
from beam_audio.export.records import read_records, record_name
from beam_audio.export.totals import Totals, as_text
from beam_audio.store.scratch_database import scratch_database
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from beam_audio.export.options import ExportOptions
    from beam_audio.export.records import GroupRecord

EXPORT_FILE: Final = "export.json"

_LINES: Final = "CREATE TABLE lines (line TEXT PRIMARY KEY) WITHOUT ROWID;"


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
    records = [*read_records(target)]
    present = [record for record in records if record.group_id in group_ids]
    if len(present) < len(group_ids):
        raise BeamAudioError(f"{root} changed while it was exported; run the same command again")
    totals = Totals.total(record.totals for record in present)
    state = stable_id("export", *(_content(record) for record in present))
    before = _before(target)
    if before.get("state") == state and len(present) == len(records):
        return Exported(totals, len(present), is_new=False)
    of_name = FORMATS[options.format]
    written = []
    if isinstance(of_name, ClipFormat):
        written = [*_write_lists(target, of_name, present)]
        if of_name.has_card:
            store.write_whole(target, CARD, card(totals).encode())
    _delete_stale(target, records, present, set(before.get("lists", [])) - set(written))
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


def _content(record: GroupRecord) -> list[object]:
    return [record.group_id, record.files, record.totals.to_json()]


def _before(target: str) -> dict[str, Any]:
    """The export file that is there; empty if there is none."""
    uri = store.join(target, EXPORT_FILE)
    if not store.exists(uri):
        return {}
    with store.open_to_read(uri) as file:
        found: dict[str, Any] = json.loads(file.read())
    return found


def _write_lists(target: str, of_name: ClipFormat, records: Sequence[GroupRecord]) -> Iterator[str]:
    """Write the lists of each folder; yields their names, relative to the export."""
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        for name, part in record.lists.items():
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


def _delete_stale(
    target: str,
    records: Sequence[GroupRecord],
    present: Sequence[GroupRecord],
    lists: Collection[str],
) -> None:
    """Delete what groups left that are no longer part of the export; their records go last."""
    kept = {name for record in present for name in (*record.files, *record.lists.values())}
    ids = {record.group_id for record in present}
    stale = [record for record in records if record.group_id not in ids]
    files = {name for record in stale for name in (*record.files, *record.lists.values())}
    gone = sorted((files | set(lists)) - kept)
    store.delete(*(store.join(target, name) for name in gone))
    store.delete(*(store.join(target, record_name(record.group_id)) for record in stale))
