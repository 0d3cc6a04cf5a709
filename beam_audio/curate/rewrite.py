"""Rewrites the rows of one committed unit: the only place that changes what is committed.

The rows are read by row groups, changed, and written to part files of new names. Then the commit
record is replaced by one that names them. Readers that follow the records see the old rows or the
new ones, never both. Who stops in between leaves files that no record names;
:func:`beam_audio.output.commits.delete_uncommitted` sweeps them.

The caller holds the output (:func:`beam_audio.output.holder.held`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa

from beam_audio.errors import BeamAudioError
from beam_audio.output.commits import (
    Written,
    delete_replaced,
    part_id,
    read_commit,
    write_commit,
)
from beam_audio.output.parts import PartWriter, columns_of, in_columns, rows_of
from beam_audio.schema import Table
from beam_audio.store.output_names import TABLES
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beam_audio.output.commits import Commit, InputState

Change = Callable[[Table, pa.RecordBatch], pa.RecordBatch]
"""Rows of a table as they shall be, from how they are.

It is a pure function: it may be called twice for the same rows. It is given every column that the
table has in this version, null where a file lacks it, but not the folder keys. It may change values
and leave out rows; a row stays in its folder.
"""

Outcome = Literal["written", "unchanged", "lost"]

_NO_WORK: Final[Mapping[str, Any]] = {
    "decoded_seconds": 0.0,
    "stage_seconds": {},
    "batches": {},
    "provider": "",
}


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of a unit.

    Attributes:
        outcome: ``written``: its new rows count. ``unchanged``: nothing was written. ``lost``:
            another writer was faster, and its record counts.
        commit: The record in force.
    """

    outcome: Outcome
    commit: Commit


def rewrite_unit(  # noqa: PLR0913 - keyword arguments
    root: str,
    commit: Commit,
    change: Change,
    *,
    name: str,
    run_id: str,
    sources: Mapping[str, InputState] | None = None,
    differs: bool | None = None,
) -> Rewritten:
    """Change the rows of a unit; a unit whose rows stay as they are is not written.

    Args:
        root: The output folder.
        commit: The unit's record.
        change: What its rows become.
        name: Names all that the change depends on beside the rows. Part files are named after it,
            so that a retry overwrites its own files and no others.
        run_id: Who rewrites it.
        sources: What the record says of its inputs from now on; by default what it says now. An
            input that is left out is not counted any more, and its rows are left out, too.
        differs: Whether any row changes; by default the rows are read to find out.

    Raises:
        StoreError: The rows cannot be read, or the record cannot be written.
        MachineError: The new rows cannot be written.
    """
    try:
        after = commit.sources if sources is None else dict(sources)
        kept = replace(commit, sources=after)
        if differs is None:
            differs = _changes(root, kept, change)
        if not differs and after == commit.sources:
            return Rewritten("unchanged", commit)
        return _rewrite(root, commit, kept, change, name=name, run_id=run_id)
    except BeamAudioError:
        # Another writer's commit may have deleted the rows that were to be changed.
        current = read_commit(root, commit.unit_id)
        if current is None or current.version <= commit.version:
            raise
        return Rewritten("lost", current)


def _rewrite(  # noqa: PLR0913 - keyword arguments
    root: str, commit: Commit, kept: Commit, change: Change, *, name: str, run_id: str
) -> Rewritten:
    """Write the rows of those inputs that are kept, and then the record."""
    with PartWriter(root, commit.layout) as writer:
        for table, folder, rows in _rows(root, kept):
            writer.copy(table, folder, change(table, rows))
        work_id = stable_id("rewrite", name, sorted(commit.files), sorted(kept.sources))
        files = writer.finish(part_id(commit.unit_id, commit.version + 1, work_id))
    following = replace(
        kept,
        files=files,
        rows=dict(writer.rows),
        version=commit.version + 1,
        run_id=run_id,
        **_NO_WORK,
    )
    match write_commit(root, following):
        case Written():
            delete_replaced(root, commit.files, following)
            return Rewritten("written", following)
        case lost:
            delete_replaced(root, files, lost.commit)
            return Rewritten("lost", lost.commit)


def _changes(root: str, commit: Commit, change: Change) -> bool:
    """Whether any row would change; it is read no further than to the first one."""
    return any(not change(table, rows).equals(rows) for table, _, rows in _rows(root, commit))


def _rows(root: str, commit: Commit) -> Iterator[tuple[Table, str, pa.RecordBatch]]:
    """Every row of a unit, with its table and folder, in the order of its files."""
    for table in TABLES:
        for name in commit.files_of(table):
            folder = name.rpartition("/")[0]
            columns = columns_of(table, folder, commit.layout)
            for rows in rows_of(root, name, commit.sources):
                if rows.num_rows:
                    yield table, folder, in_columns(rows, columns)
