"""Tar files whose bytes depend on their members alone."""

from __future__ import annotations

import io
import tarfile
from typing import BinaryIO


class Tar:
    """A tar file that grows.

    Args:
        file: Where it is written; it is closed with the tar.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 - closed below

    def add(self, name: str, content: bytes) -> None:
        """Add a member; it has no owner and no time."""
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))
        self._tar.getmembers().clear()  # who writes needs none, and a shard has thousands

    def close(self) -> None:
        """End the file."""
        self._tar.close()
        self._file.close()
