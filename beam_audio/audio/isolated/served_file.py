"""A file without a descriptor, such as an object in a bucket, that a child reads by its parent."""

from __future__ import annotations

import errno
import io
import os
import select
import socket
import stat
import struct
import threading
from typing import TYPE_CHECKING, BinaryIO, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

_QUESTION: Final = struct.Struct("<QQ")
"""From which byte on, and how many at most."""
_SIZE: Final = struct.Struct("<Q")
_WHAT_SIZE: Final = _QUESTION.pack(0, 0)
_MOST_BYTES: Final = 1 << 16
_LOOK_SECONDS: Final = 0.5


class ServedFile:
    """The parent's side: reads in a thread what children ask for, while the block lasts.

    An answer repeats its question, so that a child takes none that an earlier one asked for.

    Args:
        file: A seekable file, which the caller closes.

    Raises:
        Exception: What reading the file raised, when the block ends. A child sees an ``OSError``.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._failure: Exception | None = None
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._ours, self._theirs):
            end.settimeout(None)  # libraries set a time limit for all new sockets of a process
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def fileno(self) -> int:
        """Descriptor of the child's end."""
        return self._theirs.fileno()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._ours.close()
        self._theirs.close()
        if self._failure is not None:
            raise self._failure

    def _serve(self) -> None:
        try:
            while question := self._ours.recv(_QUESTION.size):
                self._ours.send(question + self._answer(*_QUESTION.unpack(question)))
        except ConnectionError:
            return  # the block has ended

    def _answer(self, offset: int, size: int) -> bytes:
        """Bytes of the file, or its size; nothing if it cannot be read."""
        try:
            if not size:
                return _SIZE.pack(self._file.seek(0, io.SEEK_END))
            self._file.seek(offset)
            return self._file.read(size)
        except Exception as error:  # noqa: BLE001 - it is raised when the block ends
            self._failure = self._failure or error
            return b""


class _AskedFile(io.RawIOBase):
    """The child's side; see :func:`asked_file`."""

    def __init__(self, descriptor: int, watch: Callable[[], None]) -> None:
        self._end = socket.socket(fileno=descriptor)
        self._watch = watch
        self._position = 0
        self._size_bytes = _SIZE.unpack(self._ask(_WHAT_SIZE))[0]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), _MOST_BYTES, max(0, self._size_bytes - self._position))
        if not wanted:
            return 0
        data = self._ask(_QUESTION.pack(self._position, wanted))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origins = {io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}
        self._position = max(0, origins.get(whence, 0) + offset)
        return self._position

    def close(self) -> None:
        self._end.close()
        super().close()

    def _ask(self, question: bytes) -> bytes:
        """The answer to a question.

        Raises:
            OSError: The parent cannot read the file.
        """
        self._end.send(question)
        while True:
            while not select.select([self._end], [], [], _LOOK_SECONDS)[0]:
                self._watch()
            answer = self._end.recv(_QUESTION.size + _MOST_BYTES)
            self._watch()
            if answer.startswith(question) and len(answer) > len(question):
                return answer.removeprefix(question)
            if answer.startswith(question) or not answer:
                raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))


def asked_file(descriptor: int, watch: Callable[[], None]) -> io.RawIOBase | None:
    """What reads a file of which the parent serves this end; None if it serves none.

    Args:
        descriptor: A file's, or the child's end of a :class:`ServedFile`, which the result closes.
        watch: Called all the time while an answer is waited for: the child does not hang then.
    """
    is_end = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    return _AskedFile(descriptor, watch) if is_end else None
