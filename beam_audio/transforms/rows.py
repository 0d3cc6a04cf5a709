"""Rows as Beam types them, by column: for SQL, Beam YAML and transforms of other languages.

The columns are those of :mod:`beam_audio.schema`, and nothing here names one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Optional

import apache_beam as beam
import pyarrow as pa
from apache_beam.typehints.row_type import RowTypeConstraint
from apache_beam.utils.timestamp import Timestamp

from beam_audio import schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from beam_audio.schema import Table
    from beam_audio.types import Row

_HINTS: Final[Mapping[pa.DataType, type]] = {
    pa.string(): str,
    pa.binary(): bytes,
    pa.bool_(): bool,
    pa.int8(): int,
    pa.int64(): int,
    pa.float64(): float,
    pa.date32(): date,
    pa.timestamp("us", tz="UTC"): Timestamp,
}


@cache
def row_type(
    table: Table,
    metadata_columns: tuple[str, ...] = (),
    only: Collection[str] | None = None,
) -> RowTypeConstraint:
    """The type of a table's rows, for ``with_output_types``; stored audio is none of its columns.

    Args:
        table: The table.
        metadata_columns: Keys of ``metadata`` that are columns, too.
        only: The columns of the rows, as of steps that do not know the others; None for all.
    """
    fields = schema.file_schema(table, metadata_columns=metadata_columns)
    return _row_hint([each for each in fields if only is None or each.name in only])


def beam_row(row: Row, columns: RowTypeConstraint) -> beam.Row:
    """A row as Beam has it, with exactly these columns; those it lacks are None."""
    return beam.Row(**{name: _to_beam(row.get(name)) for name in names_of(columns)})


def names_of(columns: RowTypeConstraint) -> tuple[str, ...]:
    """Names of the columns of a type of rows, in order."""
    return tuple(columns.user_type._fields)


def dict_row(row: Any) -> Row:  # noqa: ANN401 - Beam makes a class for each type of rows
    """A row of Beam as a dictionary, times as :class:`datetime`; a dictionary stays as it is."""
    found: Row = row if isinstance(row, dict) else _from_beam(row)
    return found


def _row_hint(fields: Iterable[pa.Field]) -> RowTypeConstraint:
    return RowTypeConstraint.from_fields([(each.name, _field_hint(each)) for each in fields])


def _field_hint(field: pa.Field) -> Any:  # noqa: ANN401 - a type
    hint = _hint(field.type)
    return Optional[hint] if field.nullable else hint  # noqa: UP045 - Beam's rows cannot be joined by |


def _hint(kind: pa.DataType) -> Any:  # noqa: ANN401 - a type
    if pa.types.is_struct(kind):
        return _row_hint(kind)
    if pa.types.is_list(kind):
        return Sequence[_hint(kind.value_type)]  # type: ignore[misc] # known at run time only
    return _HINTS[kind]


def _to_beam(value: Any) -> Any:  # noqa: ANN401 - of any column
    if isinstance(value, dict):
        return beam.Row(**{name: _to_beam(each) for name, each in value.items()})
    if isinstance(value, list):
        return [_to_beam(each) for each in value]
    if isinstance(value, datetime):
        return Timestamp.from_utc_datetime(value.astimezone(UTC))
    return value


def _from_beam(value: Any) -> Any:  # noqa: ANN401 - of any column
    if hasattr(value, "_asdict"):
        return {name: _from_beam(each) for name, each in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_from_beam(each) for each in value]
    if isinstance(value, Timestamp):
        return value.to_utc_datetime(has_tz=True)
    return value
