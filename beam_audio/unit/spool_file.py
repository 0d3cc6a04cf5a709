"""A file for the encoded bytes of one input: in memory while it is small, else on disk."""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING, Final

from beam_audio.audio.isolated.memory import memory_file

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

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

    def _move_to_disk(self) -> None:
        place = self.seek(0, io.SEEK_CUR)
        with tempfile.TemporaryFile(buffering=0) as disk:
            self.seek(0)
            while data := self.read(_COPIED_BYTES):
                disk.write(data)
            os.dup2(disk.fileno(), self.fileno(), inheritable=False)
        self.seek(place)
        self._in_memory = False
