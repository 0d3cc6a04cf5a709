"""Columns of the rows of a committed unit, as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from beam_audio import store
from beam_audio.output.parts import columns_of, in_columns, opened_part, rows_of
from beam_audio.schema import ADDED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection

    from beam_audio.output.commits import Commit
    from beam_audio.schema import Table


@dataclass(frozen=True, slots=True)
class UnitRows:
    """The rows of a unit, without those columns that nothing asks for."""

    segments: pa.Table
    recordings: pa.Table


def table_of(
    root: str, commit: Commit, table: Table, columns: Collection[str], source_ids: Collection[str]
) -> pa.Table:
    """Columns of the rows of some inputs of a unit; null where a file lacks them.

    Args:
        root: The output folder.
        commit: The unit's record.
        table: Which of its tables.
        columns: The columns to read beside ``source_id``.
        source_ids: The inputs.

    Raises:
        InputError: A file is missing.
        StoreError: A file is damaged.
    """
    wanted = sorted({"source_id", *columns})
    fields = pa.schema([columns_of(table, table, {}).field(name) for name in wanted])
    batches = [
        in_columns(batch, fields)
        for name in commit.files_of(table)
        for batch in rows_of(root, name, source_ids, wanted)
    ]
    return pa.Table.from_batches(batches, schema=fields).combine_chunks()


def has_columns(root: str, commit: Commit, columns: Collection[str]) -> bool:
    """Whether all files of a unit's segments have these columns; those of older schemas may not.

    Raises:
        InputError: A file is missing.
        StoreError: A file is damaged.
    """
    asked = ADDED_COLUMNS.intersection(columns)
    for name in commit.files_of("segments") if asked else ():
        with opened_part(store.join(root, name)) as file:
            if not asked.issubset(file.schema_arrow.names):
                return False
    return True
