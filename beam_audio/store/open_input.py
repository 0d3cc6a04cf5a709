"""The one place where the bytes of an input are opened, in a file of its own or with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from beam_audio.store.byte_range import ByteRangeFile
from beam_audio.store.files import BUFFER_BYTES, open_to_read
from beam_audio.store.tar_member import TarMemberFile
from beam_audio.types import ByteRange, TableCell

if TYPE_CHECKING:
    from typing import BinaryIO

from beam_audio.types import AudioRef

_SMALLEST_READ_BYTES: Final = 64 << 10


def open_input(ref: AudioRef) -> BinaryIO:
    """Open the bytes of an input that are in a store, as they are stored there.

    Raises:
        InputError: They are missing or cannot be opened.
        MachineError: Temporary files cannot be written, or the store does not answer.
    """
    match ref.inside:
        case ByteRange(file, start_byte, size_bytes, in_tar):
            # A store is asked for no more than the range: its neighbours are other inputs.
            most = min(max(size_bytes, _SMALLEST_READ_BYTES), BUFFER_BYTES)
            whole = open_to_read(file, buffer_bytes=most)
            kind = TarMemberFile if in_tar else ByteRangeFile
            return cast("BinaryIO", kind(whole, start_byte, size_bytes))
        case TableCell() as cell:
            from beam_audio.store.table_cells import open_cell  # noqa: PLC0415 - pyarrow.parquet

            return open_cell(cell)
        case None:
            return open_to_read(ref.spooled_uri or ref.uri)
