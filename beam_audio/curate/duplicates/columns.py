"""The columns that say what a row is like, written from marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beam_audio.curate.duplicates.survivors import Mark, Marked
    from beam_audio.schema import Table

Kind = Literal["duplicate", "test_overlap"]

_ROW_IDS: Final[Mapping[Table, str]] = {"segments": "segment_id", "recordings": "recording_id"}


@dataclass(frozen=True, slots=True)
class WithMarks:
    """Writes marks into the rows of a unit; rows without one get nulls.

    Attributes:
        kinds: The kinds that were looked for; columns of others stay.
        marks: The marked rows of the unit, by id.
    """

    kinds: tuple[Kind, ...]
    marks: Mapping[str, Marked]

    def __call__(self, table: Table, rows: pa.RecordBatch) -> pa.RecordBatch:
        """A change of rows, see :mod:`beam_audio.curate.rewrite`."""
        if table not in _ROW_IDS:
            return rows
        marked = [self.marks.get(row_id) for row_id in rows.column(_ROW_IDS[table]).to_pylist()]
        for kind in self.kinds:
            marks = [mark_of(each, kind) for each in marked]
            rows = _set(rows, f"{kind}_of", [mark and mark.of for mark in marks])
            rows = _set(rows, f"{kind}_by", [mark and mark.by for mark in marks])
            rows = _set(rows, f"{kind}_similarity", [mark and mark.similarity for mark in marks])
        return rows


def mark_of(marked: Marked | None, kind: Kind) -> Mark | None:
    """The mark of one kind."""
    if marked is None:
        return None
    return marked.duplicate if kind == "duplicate" else marked.test_overlap


def _set(rows: pa.RecordBatch, name: str, values: Sequence[object]) -> pa.RecordBatch:
    index = rows.schema.get_field_index(name)
    field = rows.schema.field(index)
    return rows.set_column(index, field, pa.array(values, field.type))
