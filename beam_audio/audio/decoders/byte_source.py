"""An encoded file as C decoders see it: buffered, counted, and without exceptions."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, BinaryIO

from beam_audio.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READ_AHEAD_BYTES = 256 * 1024
_MODEST_BYTES = 64 << 20
"""More than any recording takes at a time."""
_SAY_NO_MEMORY = ("Internal malloc () failed", "Cannot allocate memory")
"""Words of libsndfile and FFmpeg."""


class ByteSource:
    """A seekable binary file behind a read-ahead window.

    An exception in a C decoder's read callback is printed and lost, and what the decoder says
    afterwards ("format not recognised") is wrong. So here a failing read looks like the end of the
    file. The cause is kept, and :meth:`check` raises it once the decoder has returned.

    The object has no ``name`` on purpose: decoders would guess the format from its suffix.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._window = b""
        self._window_start = 0
        self._position = 0
        self._failure: Exception | None = None
        self._replaced: tuple[int, bytes] | None = None
        self.size_bytes = file.seek(0, io.SEEK_END)

    @property
    def unread_bytes(self) -> int:
        """Bytes after the last one the decoder has asked for."""
        return self.size_bytes - self._position

    def replace(self, offset: int, data: bytes) -> None:
        """Read ``data`` in place of the bytes at an offset: a header known to be wrong."""
        self._replaced = (offset, data)
        self._window = b""

    def check(self) -> None:
        """Raise the exception of the file, if it raised one."""
        if self._failure is not None:
            raise self._failure

    @contextlib.contextmanager
    def decoding(self, reason: Callable[[Exception], str]) -> Iterator[None]:
        """Run a decoder's code inside the block.

        Args:
            reason: Says what went wrong, from the exception of the decoder.

        Raises:
            DecodeError: The decoder raised an exception, whatever it is: hostile bytes cause many.
            MemoryError: The machine is out of memory.
            OSError: Or whatever else the file itself raised; it comes first.
        """
        try:
            yield
        except Exception as error:
            self.check()
            require_memory(error)
            raise DecodeError(reason(error)) from error
        self.check()

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; fewer only at the end."""
        try:
            return self._read(size)
        except MemoryError as error:
            self._failure = error
            return b""

    def _read(self, size: int) -> bytes:
        left = max(0, self.unread_bytes)
        wanted = left if size < 0 else min(size, left)
        parts = []
        while wanted > 0 and (part := self._some(wanted)):
            parts.append(part)
            wanted -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill ``buffer``; fewer bytes only at the end."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; the file itself is not used before the next read."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}
        self._position = max(0, origin[whence] + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def _some(self, wanted: int) -> bytes:
        start = self._position - self._window_start
        if not 0 <= start < len(self._window):
            self._fill()
            start = 0
        part = self._window[start : start + wanted]
        self._position += len(part)
        return part

    def _fill(self) -> None:
        self._window, self._window_start = b"", self._position
        if self._failure is None:
            try:
                self._file.seek(self._position)
                self._window = self._corrected(self._file.read(_READ_AHEAD_BYTES))
            except Exception as error:  # noqa: BLE001  any file object: check() raises it again
                self._failure = error

    def _corrected(self, window: bytes) -> bytes:
        if self._replaced is None:
            return window
        offset, data = self._replaced
        held = bytearray(window)
        for place, byte in enumerate(data, start=offset - self._window_start):
            if 0 <= place < len(held):
                held[place] = byte
        return bytes(held)


def require_memory(error: Exception) -> None:
    """Check that a decoder did not fail because the machine is out of memory.

    Decoders say so, too, when a hostile header asks for more than they ever give. The machine is
    out of memory if it cannot give a modest amount either.

    Raises:
        MemoryError: It is.
    """
    if isinstance(error, MemoryError) and not type(error).__module__.startswith("av."):
        raise error
    if any(words in str(error) for words in _SAY_NO_MEMORY):
        bytearray(_MODEST_BYTES)
