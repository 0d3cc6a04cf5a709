"""Audio in the cells of Parquet files.

A cell has no place of its own in the file: to read one is to unpack the row group up to it. So the
column of a row group is unpacked once, into a temporary file, and its cells are ranges of that.
"""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, cast

import pyarrow.parquet as pq

from beam_audio.errors import InputError, of_machine
from beam_audio.store.byte_range import ByteRangeFile
from beam_audio.store.files import open_to_read
from beam_audio.store.reported import reported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from beam_audio.types import TableCell

_KEPT_BYTES: Final = 1 << 30
_BUFFER_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Unpacked:
    """The column of a row group in a temporary file: where each cell is; None for a null.

    ``damage`` is why there are no further cells; None for no reason.
    """

    file: IO[bytes]
    cells: tuple[tuple[int, int] | None, ...]
    size_bytes: int
    damage: str | None


_UNPACKED: Final[OrderedDict[tuple[str, int, str], _Unpacked]] = OrderedDict()
"""Those that were used last, the latest at the end; together about as large as the limit."""
_LOCK: Final = threading.Lock()


def open_cell(cell: TableCell) -> BinaryIO:
    """Open the bytes of a cell.

    Memory holds one cell at a time, and the temporary folder about a gigabyte for the process.

    Raises:
        InputError: The file cannot be read, or the cell is null or missing.
        MachineError: The temporary file cannot be written.
    """
    with _LOCK:
        unpacked = _unpacked(cell)
        if cell.row >= len(unpacked.cells):
            raise InputError(unpacked.damage or f"{cell.file!r} has fewer rows than when listed")
        place = unpacked.cells[cell.row]
        if place is None:
            raise InputError(f"{cell.column} is null in this row of {cell.file!r}")
        # Opened anew, it has a position of its own, and stays when the other one is closed.
        own = open(f"/proc/self/fd/{unpacked.file.fileno()}", "rb")  # noqa: PTH123, SIM115 - closed by the range
    return cast("BinaryIO", ByteRangeFile(own, *place))


def _unpacked(cell: TableCell) -> _Unpacked:
    key = (cell.file, cell.row_group, cell.column)
    found = _UNPACKED.get(key)
    if found is None:
        found = _unpack(*key)
        _UNPACKED[key] = found
    _UNPACKED.move_to_end(key)
    while len(_UNPACKED) > 1 and sum(each.size_bytes for each in _UNPACKED.values()) > _KEPT_BYTES:
        _, oldest = _UNPACKED.popitem(last=False)
        oldest.file.close()
    return found


def _unpack(uri: str, row_group: int, column: str) -> _Unpacked:
    cells: list[tuple[int, int] | None] = []
    size_bytes = 0
    damage = None
    with _temporary_files():
        target = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - kept
    try:
        for value in _values(uri, row_group, column):
            if value is None:
                cells.append(None)
                continue
            with _temporary_files():
                _write(target, value)
            cells.append((size_bytes, len(value)))
            size_bytes += len(value)
    except InputError as error:
        damage = str(error)  # the rows before it are whole
    except BaseException:
        target.close()
        raise
    return _Unpacked(target, tuple(cells), size_bytes, damage)


def _temporary_files() -> AbstractContextManager[None]:
    return of_machine(
        "the temporary folder cannot be used", "free some space there, or set TMPDIR to another"
    )


def _values(uri: str, row_group: int, column: str) -> Iterator[bytes | None]:
    with (
        reported(InputError, f"cannot read {uri!r}"),
        open_to_read(uri) as file,
        pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False) as table,
    ):
        for batch in table.iter_batches(batch_size=1, row_groups=[row_group], columns=[column]):
            yield _innermost(batch.column(0))[0].as_py()


def _innermost(array: Any) -> Any:  # noqa: ANN401 - arrays of pyarrow are not typed
    """The field of a struct that was asked for; null where the struct is."""
    while hasattr(array, "field"):
        (array,) = array.flatten()
    return array


def _write(target: IO[bytes], value: bytes) -> None:
    view = memoryview(value)
    while view:
        view = view[target.write(view) :]
