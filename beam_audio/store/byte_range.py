"""Bytes of a file that holds others, too, as a file of their own."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

    from _typeshed import WriteableBuffer


class ByteRangeFile(io.RawIOBase):
    """Reads a stretch of a seekable file, and nothing outside it; closes the file with itself."""

    def __init__(self, file: BinaryIO, start_byte: int, size_bytes: int) -> None:
        """Begin at the start of the stretch.

        Args:
            file: The whole file.
            start_byte: Where the stretch begins.
            size_bytes: How long it is.
        """
        self.whole = file
        self.start_byte = start_byte
        self._size_bytes = size_bytes
        self._position = 0
        file.seek(start_byte)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte of the stretch."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        self._position = max(0, base + offset)
        self.whole.seek(self.start_byte + self._position)
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what is left of the stretch, as much as fits.

        Raises:
            OSError: The file has become shorter than the stretch.
        """
        view = memoryview(buffer).cast("B")
        most = min(len(view), self._size_bytes - self._position)
        if most <= 0:
            return 0
        data = self.whole.read(most)
        if not data:
            raise OSError("the file that holds it is shorter than when it was listed")
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        """Close the whole file."""
        self.whole.close()
        super().close()
