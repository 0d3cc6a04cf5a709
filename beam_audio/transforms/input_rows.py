"""Inputs as typed rows and back, so that SQL and Beam YAML can choose between them.

Each row is one input. It has what is stated about it; ``failure`` says why it could not be listed,
and is None for what can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, Optional

import apache_beam as beam
from apache_beam.typehints.row_type import RowTypeConstraint
from apache_beam.utils.timestamp import Timestamp

from beam_audio.errors import ConfigError
from beam_audio.transforms.rows import beam_row, dict_row, names_of
from beam_audio.types import AudioRef, ByteRange, Failure, TableCell

if TYPE_CHECKING:
    from beam_audio.types import Row
    from beam_audio.unit.tasks import Input

_INSIDE: Final = RowTypeConstraint.from_fields(
    [
        ("file", str),
        ("start_byte", int | None),
        ("size_bytes", int | None),
        ("in_tar", bool | None),
        ("row_group", int | None),
        ("row", int | None),
        ("column", str | None),
    ]
)
_FAILURE: Final = RowTypeConstraint.from_fields(
    [
        *((name, str) for name in ("unit", "stage", "source_id", "uri", "error_type", "message")),
        ("recording_id", str | None),
        ("segment_id", str | None),
        ("start_seconds", float | None),
        ("end_seconds", float | None),
        ("event_time", Timestamp | None),
        ("payload_uri", str | None),
        ("attempt", int),
        ("place", str),
        ("is_stated", bool),
    ]
)
INPUT_TYPE: Final = RowTypeConstraint.from_fields(
    [
        ("uri", str),
        ("size_bytes", int),
        ("version", str),
        ("updated", Timestamp | None),
        ("event_time", Timestamp | None),
        ("offset_seconds", float | None),
        ("duration_seconds", float | None),
        ("manifest_seconds", float | None),
        ("reference_text", str | None),
        ("language", str | None),
        ("metadata", Mapping[str, str]),
        ("inline", bytes | None),
        ("spooled_uri", str | None),
        ("attempt", int),
        ("channel", int | None),
        ("reasons", Sequence[str]),
        ("stated_in", str),
        ("published", Timestamp | None),
        ("rows_of", str),
        ("inside", Optional[_INSIDE]),  # noqa: UP045 - no types of rows can be joined by |
        ("failure", Optional[_FAILURE]),  # noqa: UP045 - no types of rows can be joined by |
    ]
)
"""Columns of an input: those of :class:`AudioRef`, and ``failure``."""


def input_row(item: Input) -> beam.Row:
    """An input as a row of :data:`INPUT_TYPE`."""
    failure = None
    if isinstance(item, Failure):
        ref = item.stated or AudioRef(item.uri, size_bytes=0)
        failure = _fields_of(item, _FAILURE) | {"is_stated": item.stated is not None}
    else:
        ref = item
    inside = None if ref.inside is None else _fields_of(ref.inside, _INSIDE)
    columns = _fields_of(ref, INPUT_TYPE) | {
        "metadata": {},
        "reasons": list(ref.reasons),
        "inside": inside,
        "failure": failure,
    }
    # Its keys are no columns: it stays a dictionary.
    return beam.Row(**beam_row(columns, INPUT_TYPE).as_dict() | {"metadata": dict(ref.metadata)})


def input_of(row: Any) -> Input:  # noqa: ANN401 - Beam makes a class for each type of rows
    """The input of a row with these columns; others are passed over.

    Raises:
        ConfigError: A column is missing.
    """
    columns = dict_row(row)
    missing = set(names_of(INPUT_TYPE)).difference(columns)
    if missing:
        raise ConfigError(
            f"a row of inputs lacks {', '.join(sorted(missing))}; give TranscribeUnits the rows of "
            "ReadAudio with all their columns"
        )
    stated, failure = columns, columns["failure"]
    ref = AudioRef(
        **{each.name: stated[each.name] for each in fields(AudioRef)}
        | {
            "metadata": tuple(sorted(stated["metadata"].items())),
            "reasons": tuple(stated["reasons"]),
            "inside": _inside_of(stated["inside"]),
        }
    )
    if failure is None:
        return ref
    is_stated = failure.pop("is_stated")
    return Failure(**failure, stated=ref if is_stated else None)


def _inside_of(columns: Row | None) -> ByteRange | TableCell | None:
    if columns is None:
        return None
    kind = ByteRange if columns["row_group"] is None else TableCell
    return kind(**{each.name: columns[each.name] for each in fields(kind)})


def _fields_of(
    value: AudioRef | Failure | ByteRange | TableCell, columns: RowTypeConstraint
) -> Row:
    """Those fields that are columns; None for columns of other kinds of values."""
    return {name: getattr(value, name, None) for name in names_of(columns)}
