"""Blanks CUDA kernels of other architectures in a library, so that it packs much smaller.

A library holds its kernels for each architecture in containers ("fat binaries"). A blanked entry
keeps its header, by which the driver passes it over, and zeros pack to nothing.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC: Final = struct.pack("<I", 0xBA55ED50)
_CONTAINER: Final = struct.Struct(
    "<IHHQ"
)  # magic, version, size of this header, size of what follows
_ENTRY: Final = struct.Struct("<HHIQ")  # kind, version, size of this header, size of what follows
_ARCHITECTURE_AT: Final = 28


def blank_others(library: bytearray, architecture: int) -> dict[int, int]:
    """Blank, in place, the kernels of all architectures but one.

    Args:
        library: Content of a shared library.
        architecture: Compute capability times ten: 90 for H100 and H200, 89 for L4, 75 for T4.

    Returns:
        Bytes that each architecture had.

    Raises:
        ValueError: The library has no kernel of the architecture; it is left as it was.
    """
    found = list(_entries(library))
    sizes: dict[int, int] = {}
    for kind, _, size in found:
        sizes[kind] = sizes.get(kind, 0) + size
    if architecture not in sizes:
        known = ", ".join(map(str, sorted(sizes))) or "none"
        raise ValueError(f"no kernel is for architecture {architecture}: there are {known}")
    for kind, start, size in found:
        if kind != architecture:
            library[start : start + size] = bytes(size)
    return sizes


def _entries(library: bytearray) -> Iterator[tuple[int, int, int]]:
    """Architecture, start and size of what each entry holds."""
    place = library.find(_MAGIC)
    while place >= 0:
        _, _, header, size = _CONTAINER.unpack_from(library, place)
        end = place + header + size
        if header == _CONTAINER.size and end <= len(library):
            at = place + header
            while at < end:
                _, _, entry, payload = _ENTRY.unpack_from(library, at)
                (architecture,) = struct.unpack_from("<I", library, at + _ARCHITECTURE_AT)
                yield architecture, at + entry, payload
                at += entry + payload
        place = library.find(_MAGIC, place + len(_MAGIC))
