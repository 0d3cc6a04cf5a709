"""Merging small part files into larger ones: the files change, the rows do not.

A merged file is shared: every unit that has rows in it names it in its commit record. A row is
valid only if its input belongs to one of those units. So records can be changed one by one, and a
unit that is processed again later leaves the file to the other units.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import ConfigError, StoreError
from beam_audio.output.commits import (
    delete_uncommitted,
    read_commits,
    rename_parts,
)
from beam_audio.output.counted import Counted
from beam_audio.output.folder import in_use
from beam_audio.output.holder import Holder, held
from beam_audio.output.parts import PartWriter, opened_part, rows_of
from beam_audio.output.registrations import is_registered
from beam_audio.store.output_names import SHARED, TABLES
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TARGET_BYTES: Final = 128 << 20
_SMALL: Final = 0.5
"""Files smaller than this share of the target are merged; so merged files are left alone."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """What became of the part files of an output.

    Attributes:
        files_before: Number of part files before.
        files_after: Number of part files now.
        rewritten_bytes: Size of the files that were merged.
    """

    files_before: int
    files_after: int
    rewritten_bytes: int


@dataclass(slots=True)
class CompactionProgress:
    """Merged files written, of how many."""

    merged: int = 0
    of: int = 0


def compact(
    root: str, *, target_bytes: int = TARGET_BYTES, progress: CompactionProgress | None = None
) -> Compaction:
    """Merge the small part files of each folder, without the rows that are no longer valid.

    Readers that follow the commit records see every row exactly once at any time. If this is
    stopped, the next call continues.

    Args:
        root: The output folder.
        target_bytes: Size of the merged files.
        progress: Kept up to date, for a display.

    Raises:
        ConfigError: The output holds no committed part files.
        HeldError: A living batch or another compaction holds the output.
    """
    if not any(commit.files for commit in read_commits(root)):
        raise ConfigError(f"{root} holds no committed part files; name the --output of a run")
    holder = Holder.here(f"compaction-{uuid.uuid4().hex[:8]}", ends_with_process=True)
    # A stream that starts now must not delete a merged file that no record names yet.
    with held(root, holder), in_use(root, lambda: None):
        return _compact(root, target_bytes, progress or CompactionProgress())


def _compact(root: str, target_bytes: int, progress: CompactionProgress) -> Compaction:
    counted = Counted.of(read_commits(root))
    names, sizes = counted.files, _sizes(root)
    lost = set(names) - sizes.keys()
    if lost:
        raise StoreError(f"{min(lost)!r} is named by a commit record, but is not in {root!r}")
    groups = list(_groups(root, counted, sizes, target_bytes))
    progress.of = len(groups)
    for group in groups:
        _merge(root, group, counted)
        progress.merged += 1
    merged = [name for group in groups for name in group]
    return Compaction(
        files_before=len(names),
        files_after=len(names) - len(merged) + len(groups),
        rewritten_bytes=sum(sizes[name] for name in merged),
    )


def drop_stale_rows(root: str) -> None:
    """Rewrite shared files without rows that are no longer valid; delete files nobody names."""
    delete_uncommitted(root)
    rewrite_stale(root)


def rewrite_stale(root: str) -> None:
    """Rewrite shared files without rows that are no longer valid."""
    counted = Counted.of(read_commits(root))
    for name in stale_files(root, counted):
        _merge(root, [name], counted)


def stale_files(root: str, counted: Counted) -> list[str]:
    """Shared files that hold rows that are no longer valid."""
    return [name for name in counted.files if _is_stale(root, name, counted)]


def _sizes(root: str) -> dict[str, int]:
    start = len(root.rstrip("/")) + 1
    return {
        found.path[start:]: found.size_in_bytes
        for table in TABLES
        for found in store.files_under(store.join(root, table))
    }


def _groups(
    root: str, counted: Counted, sizes: Mapping[str, int], target_bytes: int
) -> Iterator[list[str]]:
    """Files to merge into one: files of one folder, in the order of their units."""
    names = counted.files
    stale = set(stale_files(root, counted))
    group: list[str] = []
    small = (name for name in names if sizes[name] < _SMALL * target_bytes or name in stale)
    for name in sorted(small):
        filled = sum(sizes[each] for each in group) + sizes[name] > target_bytes
        if group and (filled or _folder(group[0]) != _folder(name)):
            if len(group) > 1 or group[0] in stale:
                yield group
            group = []
        group.append(name)
    if len(group) > 1 or (group and group[0] in stale):
        yield group


def _is_stale(root: str, name: str, counted: Counted) -> bool:
    """Whether a shared file holds rows that are no longer valid."""
    sources = counted.sources(name)
    if sources is None:
        return False
    with opened_part(store.join(root, name)) as file:
        (held,) = file.read(columns=["source_id"]).columns
    return not sources.issuperset(held.unique().to_pylist())


def _merge(root: str, group: Sequence[str], counted: Counted) -> None:
    """Merge a group of files, let the units' records name the merged file, delete the group."""
    units = sorted({pair for name in group for pair in counted.units_of(name)})
    table = next(table for table in TABLES if group[0].startswith(f"{table}/"))
    part_id = f"{SHARED}-{stable_id('shared', sorted(group), units)}"
    with PartWriter(root, counted.layout) as writer:
        for name in group:
            for batch in rows_of(root, name, counted.sources(name)):
                writer.copy(table, _folder(name), batch)
        (merged,) = writer.finish(part_id)
    for unit_id, _ in units:
        rename_parts(root, unit_id, dict.fromkeys(group, merged))
    if not is_registered(root):  # else tables may name them still
        store.delete(*[store.join(root, name) for name in group])


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
