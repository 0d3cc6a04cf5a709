"""A member of a tar file, read as a file of its own, and the headers that begin members."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING, Final

from beam_audio.errors import InputError
from beam_audio.store.byte_range import ByteRangeFile

if TYPE_CHECKING:
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

BLOCK_BYTES: Final = tarfile.BLOCKSIZE
"""Headers begin, and data ends, at multiples of this."""
_MAGIC: Final = b"ustar"
_MAGIC_BYTE: Final = 257


class TarMemberFile(ByteRangeFile):
    """Reads a member whose size may be wrong: a member that holds the next ones is refused."""

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what is left of the member, as much as fits.

        Raises:
            OSError: The file has become shorter than the member.
            InputError: Another member begins inside it.
        """
        start_byte = self.tell()
        size_bytes = super().readinto(buffer)
        data = memoryview(buffer).cast("B")[:size_bytes]
        found = header_in(self.whole, bytes(data), self.start_byte, self.start_byte + start_byte)
        self.seek(start_byte + size_bytes)
        if found is not None:
            block_byte, name = found
            raise InputError(
                f"the size of this member is wrong: {name!r:.200} begins inside it, after "
                f"{block_byte - self.start_byte} bytes; write the shard again"
            )
        return size_bytes


def header_in(
    file: BinaryIO, data: bytes, first_byte: int, start_byte: int
) -> tuple[int, str] | None:
    """The first member whose header is in some data: where it begins, and its name; None for none.

    Args:
        file: The tar file; its position changes.
        data: What was read of it.
        first_byte: A byte at which a header may begin, before the data.
        start_byte: Where the data begins.
    """
    place = data.find(_MAGIC)
    while place >= 0:
        block_byte = start_byte + place - _MAGIC_BYTE
        if block_byte >= first_byte and (block_byte - first_byte) % BLOCK_BYTES == 0:
            file.seek(block_byte)
            name = header_name(file.read(BLOCK_BYTES))
            if name is not None:
                return block_byte, name
        place = data.find(_MAGIC, place + 1)
    return None


def header_name(block: bytes) -> str | None:
    """The name in a header; None if the block is none, by its checksum."""
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "backslashreplace").name
    except (tarfile.TarError, ValueError):
        return None
