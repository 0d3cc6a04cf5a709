"""Tables with audio in them: Parquet and Arrow, as Hugging Face's ``datasets`` and others write.

The audio is a struct of ``bytes`` and ``path``, or bytes alone. The other columns are what is
stated about it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beam_audio import store
from beam_audio.errors import InputError, raise_machine_error
from beam_audio.inputs.formats.shards import failure_inside
from beam_audio.inputs.members import Member, line_of, line_of_whole, member_uri
from beam_audio.inputs.redaction import redacted
from beam_audio.types import ByteRange, Failure, TableCell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from beam_audio.inputs.manifest_files import Line
    from beam_audio.types import StoredFile

_AUDIO_NAMES: Final = ("audio", "bytes", "content", "audio_bytes", "audio_content", "wav", "flac")
"""Names of the column with the audio; the first that a table has counts."""
_ROWS_READ: Final = 256
_ARROW_MAGIC: Final = b"ARROW1\0\0"
_PARQUET_MAGIC: Final = b"PAR1"
_BUFFER_BYTES: Final = 1 << 20


def read_table(table: StoredFile) -> Iterator[Line | Member | Failure]:
    """The rows of a table, each with the audio in it; of Parquet, its audio is not read.

    A row with a path and no bytes is a line about that file. A row with neither is a failure.

    Raises:
        InputError: The file cannot be opened, or no column of it holds audio.
    """
    with store.open_to_read(table.path) as file, _as_input_error(table.path):
        is_parquet = file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
        file.seek(0)
        rows = _parquet_rows(table, file) if is_parquet else _arrow_rows(table, file)
        number = 0
        try:
            for each in rows:
                yield each
                number += 1
        except (pa.ArrowException, OSError, EOFError) as error:
            raise_machine_error(error, f"cannot read {table.path!r}")
            if not number:
                raise
            yield failure_inside(table, "", f"cannot be read after {number} rows: {error}")


@contextmanager
def _as_input_error(path: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        raise_machine_error(error, f"cannot read {path!r}")
        raise InputError(f"cannot read {path!r}: {error}") from error


def _audio_column(schema: pa.Schema, path: str) -> tuple[str, bool]:
    """The column with the audio, and whether it is a struct.

    Raises:
        InputError: There is none.
    """
    for name in _AUDIO_NAMES:
        if schema.get_field_index(name) < 0:
            continue
        kind = schema.field(name).type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return name, True
        if _is_binary(kind):
            return name, False
    raise InputError(
        f"{path!r} has no column of audio: one is called {', '.join(_AUDIO_NAMES)}, and is bytes "
        f"or a struct of bytes and path; there are {', '.join(schema.names):.200}"
    )


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _stated_columns(schema: pa.Schema, audio: str, *, is_struct: bool) -> list[str]:
    """Columns that are read while listing: all but bytes."""
    others = [field.name for field in schema if field.name != audio and not _is_binary(field.type)]
    has_path = is_struct and schema.field(audio).type.get_field_index("path") >= 0
    return [*others, *([f"{audio}.path"] if has_path else [])]


def _parquet_rows(table: StoredFile, file: BinaryIO) -> Iterator[Line | Member | Failure]:
    parquet = pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False)
    audio, is_struct = _audio_column(parquet.schema_arrow, table.path)
    columns = _stated_columns(parquet.schema_arrow, audio, is_struct=is_struct)
    column = f"{audio}.bytes" if is_struct else audio
    number = 0
    for group in range(parquet.num_row_groups):
        rows = parquet.metadata.row_group(group).num_rows
        size_bytes, nulls = _of_column(parquet.metadata.row_group(group), column)
        stated = _stated_rows(parquet, group, columns, rows)
        for row, fields in enumerate(stated):
            name = f"{number}"
            path = _path_in(fields, audio)
            number += 1
            if nulls == rows and path:
                yield table.path, number, line_of(path, fields)
                continue
            if nulls == rows:
                yield failure_inside(table, name, f"{audio} has no bytes and no path", number)
                continue
            cell = TableCell(table.path, group, row, column)
            yield _member(table, name, cell, size_bytes // max(1, rows), fields)


def _of_column(group: Any, column: str) -> tuple[int, int]:  # noqa: ANN401 - pyarrow's metadata
    """The size of a column in a row group, and its nulls as far as they are known."""
    for index in range(group.num_columns):
        found = group.column(index)
        if found.path_in_schema == column:
            known = found.statistics is not None and found.statistics.has_null_count
            return found.total_uncompressed_size, found.statistics.null_count if known else 0
    raise InputError(f"the column {column} is missing")


def _stated_rows(
    parquet: pq.ParquetFile, group: int, columns: list[str], rows: int
) -> Iterator[dict[str, Any]]:
    if not columns:
        yield from ({} for _ in range(rows))
        return
    for batch in parquet.iter_batches(_ROWS_READ, row_groups=[group], columns=columns):
        yield from batch.to_pylist()


def _path_in(fields: dict[str, Any], audio: str) -> str | None:
    """Take the path out of the audio of a row."""
    found = fields.pop(audio, None)
    path = found.get("path") if isinstance(found, dict) else None
    return path if isinstance(path, str) and path else None


def _member(
    table: StoredFile,
    name: str,
    inside: ByteRange | TableCell,
    size_bytes: int,
    fields: dict[str, Any],
) -> Member:
    uri = member_uri(table.path, name)
    return Member(table, name, inside, size_bytes, line_of_whole(uri, fields), redacted(uri))


def _arrow_rows(table: StoredFile, file: BinaryIO) -> Iterator[Line | Member | Failure]:
    """The rows of an Arrow file or stream: their bytes are ranges of it."""
    is_file = file.read(len(_ARROW_MAGIC)) == _ARROW_MAGIC
    file.seek(len(_ARROW_MAGIC) if is_file else 0)
    source = pa.PythonFile(file, "r")
    schema = pa.ipc.read_schema(pa.ipc.read_message(source))
    audio, is_struct = _audio_column(schema, table.path)
    number = 0
    while True:
        try:
            message = pa.ipc.read_message(source)
        except EOFError:
            return
        if message.type != "record batch":
            raise InputError(
                f"{table.path!r} has dictionaries; write it without them, or as Parquet"
            )
        batch = pa.ipc.read_record_batch(message, schema)
        body_start = source.tell() - message.body.size
        cells = batch.column(audio)
        paths = cells.field("path") if is_struct and _has_path(cells.type) else None
        data = cells.field("bytes") if is_struct else cells
        places = _places_in(message.body, data)
        if places is None:
            raise InputError(f"{table.path!r} is compressed; write it as Parquet")
        others = batch.drop_columns([audio, *_binary_columns(schema, audio)]).to_pylist()
        for row, fields in enumerate(others):
            name, number = f"{number}", number + 1
            path = paths[row].as_py() if paths is not None else None
            if data[row].is_valid and cells[row].is_valid:
                start_byte, size_bytes = body_start + places[row], places[row + 1] - places[row]
                inside = ByteRange(table.path, start_byte, size_bytes)
                yield _member(table, name, inside, size_bytes, fields)
            elif path:
                yield table.path, number, line_of(path, fields)
            else:
                yield failure_inside(table, name, f"{audio} has no bytes and no path", number)


def _places_in(body: pa.Buffer, data: pa.Array) -> list[int] | None:
    """Where values begin in the body of a batch, and where the last ends; None if it is packed.

    Raises:
        InputError: They lie outside it.
    """
    _, offsets, values = data.buffers()
    if values is None or not values.size:
        return [0] * (len(data) + 1)
    first = values.address - body.address
    if not 0 <= first <= body.size - values.size:
        return None
    kind = np.int64 if pa.types.is_large_binary(data.type) else np.int32
    ends = np.frombuffer(offsets, kind)[data.offset : data.offset + len(data) + 1]
    if np.any(np.diff(ends) < 0) or ends[0] < 0 or ends[-1] > values.size:
        raise InputError("values lie outside their batch: the file is damaged")
    return [first + int(end) for end in ends]


def _has_path(kind: pa.DataType) -> bool:
    return bool(kind.get_field_index("path") >= 0)


def _binary_columns(schema: pa.Schema, audio: str) -> list[str]:
    return [each.name for each in schema if each.name != audio and _is_binary(each.type)]
