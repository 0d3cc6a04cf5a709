"""A file for the encoded bytes of one input: in memory while it is small, else on disk."""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING, Final

from beam_audio.audio.isolated.memory import memory_file

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_MEMORY_BYTES: Final = 16 << 20
_COPIED_BYTES: Final = 1 << 20


class SpoolFile(io.FileIO):
    """A file with a descriptor from the start, so that another process can read it, too."""

    def __init__(self) -> None:
        with memory_file() as memory:
            super().__init__(os.dup(memory.fileno()), "w+b")
        self._in_memory = True

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of it.

        Raises:
            OSError: The disk is full, for example.
        """
        view = memoryview(data).cast("B")
        if self._in_memory and self.tell() + len(view) > _MEMORY_BYTES:
            self._move_to_disk()
        written = 0
        while written < len(view):
            written += super().write(view[written:])
        return written

    def view(self) -> SpoolView:
        """The same content with a position of its own; it stays when this file is closed."""
        return SpoolView(os.dup(self.fileno()))

    def _move_to_disk(self) -> None:
        place = self.seek(0, io.SEEK_CUR)
        with tempfile.TemporaryFile(buffering=0) as disk:
            self.seek(0)
            while data := self.read(_COPIED_BYTES):
                disk.write(data)
            os.dup2(disk.fileno(), self.fileno(), inheritable=False)
        self.seek(place)
        self._in_memory = False


class SpoolView(io.RawIOBase):
    """What a descriptor holds, read from a position of its own; closes the descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read up to the length of a buffer."""
        read = os.preadv(self._descriptor, [buffer], self._position)
        self._position += read
        return read

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move, as files do; returns the position."""
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}
        origin = origins[whence] if whence in origins else os.fstat(self._descriptor).st_size
        self._position = max(0, origin + offset)
        return self._position

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()
