"""Members of a tar file, found by their headers; what lies between them is not read.

A tar file has no index, and damage to one header hides what follows it. So after damage the next
header that is whole is looked for.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, cast

from beam_audio.store.tar_member import BLOCK_BYTES, header_in, header_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_SEARCHED_BYTES: Final = 1 << 20
_MOST_HEADER_BYTES: Final = 1 << 20
"""Longest record of names and attributes that is read; theirs are some hundred bytes."""


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
            end_byte = _next_header(file, start_byte + BLOCK_BYTES, size_bytes)
            if not _is_empty(file, start_byte, end_byte):
                yield TarDamage(start_byte, end_byte)
            start_byte = end_byte
            continue
        header, start_byte = found
        inside = None
        if not _is_end(file, header.offset_data, start_byte, size_bytes):
            # Its size may be wrong, and members may be inside it; or what follows is damaged.
            end_byte = min(start_byte, size_bytes)
            start_byte = _next_header(file, header.offset_data, end_byte)
            inside = start_byte if start_byte < end_byte else None
        if not header.isdir():
            yield _member(header, size_bytes, inside)


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


def _member(header: tarfile.TarInfo, size_bytes: int, inside: int | None) -> TarMember:
    """A member; ``inside`` is where the next one begins if that is in its data."""
    name = header.name.encode("utf-8", "backslashreplace").decode()
    if header.issym() or header.islnk():
        problem = f"a link to {header.linkname!r:.200}, and no data; write the shard without links"
    elif header.sparse is not None:
        problem = "a sparse member; write the shard without --sparse"
    elif not header.isreg():
        problem = "no file but a device, a pipe or the like"
    elif inside is not None:
        there = inside - header.offset_data
        problem = f"its header says {header.size} bytes, and another member begins after {there}"
    elif header.offset_data + header.size > size_bytes:
        problem = (
            f"its header says {header.size} bytes, and the shard ends after "
            f"{max(0, size_bytes - header.offset_data)} of them"
        )
    else:
        problem = ""
    return TarMember(name, header.offset_data, header.size, problem)


def _is_end(file: BinaryIO, data_byte: int, end_byte: int, size_bytes: int) -> bool:
    """Whether data ends at a byte: a member or nothing follows, and none begins just before."""
    last_byte = max(data_byte, end_byte - BLOCK_BYTES)
    file.seek(last_byte)
    blocks = file.read(end_byte - last_byte + BLOCK_BYTES)
    last, following = blocks[: end_byte - last_byte], blocks[end_byte - last_byte :]
    if last and header_name(last) is not None:
        return False
    if not following:
        return end_byte == size_bytes
    return not following.strip(b"\0") or header_name(following) is not None


def _next_header(file: BinaryIO, start_byte: int, end_byte: int) -> int:
    """Where the first whole header from a byte on begins; the end if there is none before it."""
    first_byte = start_byte
    while start_byte < end_byte:
        file.seek(start_byte)
        searched = file.read(min(_SEARCHED_BYTES, end_byte - start_byte))
        found = header_in(file, searched, first_byte, start_byte)
        if found is not None:
            return found[0]
        if not searched:
            break
        start_byte += len(searched)
    return end_byte


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
