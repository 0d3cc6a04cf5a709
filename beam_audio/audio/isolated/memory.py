"""Memory that a decoding child shares with its parent: some blocks, and how far it is."""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from beam_audio.audio.decoders.stream import MAX_BLOCK_VALUES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_SLOTS: Final = 32
_VALUES: Final = 4 * MAX_BLOCK_VALUES
_PAGE_BYTES: Final = 4096
_NAME_BYTES: Final = 16
_SIZE_BYTES: Final = _PAGE_BYTES + 4 * _VALUES


def memory_file() -> BinaryIO:
    """An empty file in memory, or on disk where the system has none in memory."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("beam-audio"), "w+b")
    return tempfile.TemporaryFile()


class SharedMemory:
    """Both sides map the same file. Pages that no block has touched take no memory."""

    def __init__(self, descriptor: int) -> None:
        os.ftruncate(descriptor, _SIZE_BYTES)
        memory = mmap.mmap(descriptor, _SIZE_BYTES)
        self._count = np.frombuffer(memory, np.uint64, 1)
        self._name = np.frombuffer(memory, f"S{_NAME_BYTES}", 1, offset=8)
        self._values = np.frombuffer(memory, np.float32, offset=_PAGE_BYTES)

    def watch(self, decoder: str = "") -> None:
        """Note that the child gets on, and which decoder is at work."""
        self._count[0] += np.uint64(1)
        if decoder:
            self._name[0] = decoder.encode()

    def clear(self) -> None:
        """Forget the decoder."""
        self._name[0] = b""

    @property
    def progress(self) -> int:
        """A number that grows while the child gets on."""
        return int(self._count[0])

    @property
    def decoder(self) -> str:
        """Name of the decoder that is, or was last, at work; empty if none was."""
        return bytes(self._name[0]).decode("ascii", errors="replace")

    def put(self, place: int, block: NDArray[np.float32]) -> None:
        """Keep a block, float32 of shape (frames, channels), at a place."""
        self._values[place : place + block.size] = block.ravel()

    def take(self, place: int, shape: tuple[int, int]) -> NDArray[np.float32]:
        """A copy of the block at a place."""
        size = shape[0] * shape[1]
        return self._values[place : place + size].reshape(shape).copy()


def places(block_values: int) -> range:
    """Where blocks of a length are kept: the child may be as many of them ahead of its parent."""
    slots = max(1, min(_MOST_SLOTS, _VALUES // block_values))
    return range(0, slots * block_values, block_values)
