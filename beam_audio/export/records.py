"""Records of an export: which groups of units are done, and for which options a folder is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import ConfigError, StoreError
from beam_audio.export.note import require_beside
from beam_audio.export.totals import Totals, as_text
from beam_audio.output.commits import commit_files, load_commit
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.export.options import ExportOptions
    from beam_audio.output.commits import Commit

RECORDS: Final = "_export/groups"
LISTS: Final = "_export/lists"
_OPTIONS: Final = "_export/options.json"
GROUP_SEGMENTS: Final = 4_096
"""About what a worker does at a time: some hours of speech, some shards."""


@dataclass(frozen=True, slots=True)
class Group:
    """Units that are exported together.

    Attributes:
        group_id: Hash of the units, their versions, and what else its files depend on.
        records: Addresses of their commit records.
    """

    group_id: str
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group that is done.

    Attributes:
        group_id: The group.
        files: Its files, relative to the export.
        lists: Its lines of lists: file that has them, by folder and list.
        totals: What it holds and leaves out.
        is_complete: Whether the audio of all its items was found.
    """

    group_id: str
    files: tuple[str, ...]
    lists: dict[str, str]
    totals: Totals
    is_complete: bool


def groups_of(
    root: str, options: ExportOptions, *, is_redacted: bool, segments: int
) -> Iterator[Group]:
    """The units of an output, sorted, in groups of at least so many segments but for the last."""
    together: list[Commit] = []
    for uri in sorted(file.path for file in commit_files(root)):
        commit = load_commit(uri)
        if not commit.files:
            continue
        together.append(commit)
        if sum(each.rows.get("segments", 0) for each in together) >= segments:
            yield _group(root, together, options, is_redacted=is_redacted)
            together = []
    if together:
        yield _group(root, together, options, is_redacted=is_redacted)


def _group(
    root: str, commits: Sequence[Commit], options: ExportOptions, *, is_redacted: bool
) -> Group:
    units = sorted((commit.unit_id, commit.version) for commit in commits)
    group_id = stable_id("export group", options.options_id, is_redacted, units)
    names = (f"{commit.unit_id}.json" for commit in commits)
    return Group(group_id, tuple(store.join(root, "_units", name) for name in names))


def claim_folder(root: str, target: str, options: ExportOptions) -> None:
    """Note in a folder what it holds.

    Raises:
        ConfigError: It is in the output, or holds another export.
        StoreError: It cannot be written.
    """
    require_beside(root, target)
    note = as_text({"options_id": options.options_id, "output": root, "format": options.format})
    uri = store.join(target, _OPTIONS)
    if not store.exists(uri):
        store.write_whole(target, _OPTIONS, note)
    elif _read(uri) != json.loads(note):
        raise ConfigError(
            f"{target} holds an export of another output or with other flags; name another folder"
        )


def write_record(target: str, record: GroupRecord) -> None:
    """Write the record of a group, which makes its files count."""
    content = {
        "group_id": record.group_id,
        "files": list(record.files),
        "lists": record.lists,
        "totals": record.totals.to_json(),
        "is_complete": record.is_complete,
    }
    store.write_whole(target, record_name(record.group_id), as_text(content))


def read_record(target: str, group_id: str) -> GroupRecord | None:
    """The record of a group, None if it is not done."""
    uri = store.join(target, record_name(group_id))
    return load_record(uri) if store.exists(uri) else None


def read_records(target: str) -> Iterator[GroupRecord]:
    """All records in a folder, by name."""
    found = sorted(file.path for file in store.files_under(store.join(target, RECORDS)))
    return store.read_each(load_record, found)


def record_name(group_id: str) -> str:
    """Name of the record of a group."""
    return f"{RECORDS}/{group_id}.json"


def load_record(uri: str) -> GroupRecord:
    """Read a record.

    Raises:
        StoreError: The file is none.
    """
    found = _read(uri)
    try:
        return GroupRecord(
            found["group_id"],
            tuple(found["files"]),
            found["lists"],
            Totals.of_json(found["totals"]),
            found["is_complete"],
        )
    except (KeyError, TypeError) as error:
        raise StoreError(f"{uri!r} is no record of an export; delete it and run again") from error


def _read(uri: str) -> dict[str, Any]:
    with store.open_to_read(uri) as file:
        try:
            found: dict[str, Any] = json.loads(file.read())
        except ValueError as error:
            raise StoreError(f"{uri!r} is no JSON; delete it and run again") from error
    return found
