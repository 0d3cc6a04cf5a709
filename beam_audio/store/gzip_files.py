"""Files that are compressed by gzip, whatever they are called: their first bytes tell."""

from __future__ import annotations

import io
import zlib
from gzip import BadGzipFile, GzipFile
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from typing import BinaryIO

GZIP_MAGIC: Final = b"\x1f\x8b\x08"
"""First bytes of gzip data: its two magic numbers, and the one method there is (RFC 1952)."""
GZIP_DAMAGE: Final = (BadGzipFile, EOFError, zlib.error)
"""What reading damaged gzip data raises."""


def unpacked(file: BinaryIO) -> io.BufferedIOBase:
    """The bytes of a file, decompressed if it is gzip; memory does not grow with its size.

    An object with ``Content-Encoding: gzip`` is stored as gzip, too.
    """
    buffered = io.BufferedReader(cast("io.RawIOBase", file))
    is_gzip = buffered.peek(len(GZIP_MAGIC))[: len(GZIP_MAGIC)] == GZIP_MAGIC
    return GzipFile(fileobj=buffered) if is_gzip else buffered
