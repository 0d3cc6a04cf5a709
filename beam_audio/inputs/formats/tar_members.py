"""Members of a tar file, found by their headers; what lies between them is not read.

A tar file has no index, and damage to one header hides what follows it. So after damage the next
header that is whole is looked for.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_BLOCK_BYTES: Final = tarfile.BLOCKSIZE
_SEARCHED_BYTES: Final = 1 << 20
_MOST_HEADER_BYTES: Final = 1 << 20
"""Longest record of names and attributes that is read; theirs are some hundred bytes."""
_MAGIC: Final = b"ustar"
_MAGIC_BYTE: Final = 257


@dataclass(frozen=True, slots=True)
class TarMember:
    """A member that holds or should hold data; ``problem`` is why it cannot be read, or empty."""

    name: str
    start_byte: int
    size_bytes: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TarDamage:
    """A stretch where a header should be and none is; members there are lost."""

    start_byte: int
    end_byte: int


def tar_members(file: BinaryIO, size_bytes: int) -> Iterator[TarMember | TarDamage]:
    """Find the members of a tar file, in order.

    Folders are no members. Empty blocks between members, as between two tar files that were
    joined, are passed over. Every other block is data of a member, a header, or damage.

    Args:
        file: A seekable file.
        size_bytes: Its size.

    Raises:
        OSError: It cannot be read.
    """
    start_byte = 0
    while start_byte < size_bytes:
        found = _header_at(file, start_byte)
        if found is None:
            end_byte = _next_header(file, start_byte + _BLOCK_BYTES, size_bytes)
            if not _is_empty(file, start_byte, end_byte):
                yield TarDamage(start_byte, end_byte)
            start_byte = end_byte
            continue
        header, start_byte = found
        if start_byte - _BLOCK_BYTES >= size_bytes:
            # Its size may be wrong, and members follow; else it is the cut end of the file.
            start_byte = _next_header(file, header.offset_data, size_bytes)
        if not header.isdir():
            yield _member(header, size_bytes)


def _header_at(file: BinaryIO, start_byte: int) -> tuple[tarfile.TarInfo, int] | None:
    """The member whose header begins at a byte, and where the next one is; None if none does."""
    file.seek(start_byte)
    try:
        with tarfile.open(
            fileobj=cast("IO[bytes]", _HeaderReader(file)),
            mode="r:",
            encoding="utf-8",
            errors="backslashreplace",
        ) as tar:
            header = tar.next()
    except (tarfile.TarError, ValueError, OverflowError, RecursionError):
        return None
    if header is None or header.size < 0 or tar.offset <= start_byte:
        return None
    return header, tar.offset


class _HeaderReader:
    """A file as tarfile reads it; a header that claims to be huge is none."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.tell, self.seek = file.tell, file.seek

    def read(self, size_bytes: int) -> bytes:
        if not 0 <= size_bytes <= _MOST_HEADER_BYTES:
            raise tarfile.ReadError("a header is too long")
        return self._file.read(size_bytes)


def _member(header: tarfile.TarInfo, size_bytes: int) -> TarMember:
    name = header.name.encode("utf-8", "backslashreplace").decode()
    if header.issym() or header.islnk():
        problem = f"a link to {header.linkname!r:.200}, and no data; write the shard without links"
    elif header.sparse is not None:
        problem = "a sparse member; write the shard without --sparse"
    elif not header.isreg():
        problem = "no file but a device, a pipe or the like"
    elif header.offset_data + header.size > size_bytes:
        problem = (
            f"its header says {header.size} bytes, and the shard ends after "
            f"{max(0, size_bytes - header.offset_data)} of them"
        )
    else:
        problem = ""
    return TarMember(name, header.offset_data, header.size, problem)


def _next_header(file: BinaryIO, start_byte: int, size_bytes: int) -> int:
    """Where the first whole header from a byte on begins; the file's size if there is none."""
    while start_byte < size_bytes:
        file.seek(start_byte)
        searched = file.read(_SEARCHED_BYTES)
        if not searched:
            break
        place = searched.find(_MAGIC)
        while place >= 0:
            block = place - _MAGIC_BYTE
            is_block = block >= 0 and block % _BLOCK_BYTES == 0
            if is_block and _is_whole(searched[block : block + _BLOCK_BYTES]):
                return start_byte + block
            place = searched.find(_MAGIC, place + 1)
        start_byte += len(searched) // _BLOCK_BYTES * _BLOCK_BYTES or _BLOCK_BYTES
    return size_bytes


def _is_whole(block: bytes) -> bool:
    """Whether a block is a header, by its checksum."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "backslashreplace")
    except (tarfile.TarError, ValueError):
        return False
    return True


def _is_empty(file: BinaryIO, start_byte: int, end_byte: int) -> bool:
    """Whether a stretch is zeros only."""
    file.seek(start_byte)
    while start_byte < end_byte:
        data = file.read(min(_SEARCHED_BYTES, end_byte - start_byte))
        if data.strip(b"\0"):
            return False
        if not data:
            return True
        start_byte += len(data)
    return True
