"""Temporary files of a unit: what fails about them is the machine's fault."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from beam_audio.errors import of_machine

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """Where bytes, as of a segment's encoded audio, are in the unit's temporary file."""

    position: int
    size_bytes: int


@contextmanager
def scratch() -> Iterator[None]:
    """Create, read or write a temporary file inside the block.

    Raises:
        MachineError: It cannot be done: the disk is full or read-only, for example.
    """
    with of_machine("there is no temporary folder", "set TMPDIR to a folder that can be written"):
        folder = tempfile.gettempdir()
    with of_machine(
        f"the temporary folder {folder} cannot be used",
        "free some space there, or set TMPDIR to another folder",
    ):
        yield


@contextmanager
def unit_scratch() -> Iterator[IO[bytes]]:
    """A temporary file for what a unit keeps until its rows are made; it is gone after the block.

    On a full disk even closing it fails.

    Raises:
        MachineError: It cannot be created.
    """
    with scratch():
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


def append_bytes(file: IO[bytes], content: bytes) -> StoredBytes:
    """Append bytes to a unit's temporary file.

    Raises:
        MachineError: It cannot be written.
    """
    with scratch():
        position = file.seek(0, 2)
        file.write(content)
    return StoredBytes(position, len(content))


def read_bytes(file: IO[bytes], stored: StoredBytes) -> bytes:
    """Read it back.

    Raises:
        MachineError: It cannot be read, or what came before could not be written.
    """
    with scratch():
        file.seek(stored.position)
        return file.read(stored.size_bytes)
