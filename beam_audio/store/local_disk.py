"""Files of local disks, with what Beam's file system fails on: dead links, pipes, devices."""

from __future__ import annotations

import os
import stat
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio.types import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def files(folder: str, *, follow_links: bool = False) -> Iterator[StoredFile]:
    """Everything below a folder, at any depth, that is not a folder itself.

    Links to files are followed. A file deleted meanwhile is left out.

    Args:
        folder: The folder.
        follow_links: Whether links to folders are followed. Each folder is searched once, by its
            own path if that is below ``folder``: no link leads round in circles.
    """
    waiting, seen = deque([folder]), set[tuple[int, int]]()
    while waiting:
        for above, folders, names in os.walk(waiting.popleft()):
            if follow_links:
                if not _is_new(above, seen):
                    folders.clear()
                    continue
                folders.sort()
                paths = [os.path.join(above, name) for name in folders]  # noqa: PTH118 - as below
                waiting.extend(filter(os.path.islink, paths))
            for name in names:
                path = os.path.join(above, name)  # noqa: PTH118 - paths begin as the folder is spelt
                found = _status(path)
                if found is not None:
                    seconds = found.st_mtime
                    yield StoredFile(path, found.st_size, seconds, repr(seconds) if seconds else "")


def _is_new(folder: str, seen: set[tuple[int, int]]) -> bool:
    """Whether a folder was not seen before; it is from now on."""
    found = _status(folder)
    identity = (found.st_dev, found.st_ino) if found else (0, 0)
    is_new = identity not in seen
    seen.add(identity)
    return is_new


def irregular(path: str) -> str | None:
    """What a path is, such as ``a pipe``, if it exists and is not a regular file."""
    found = _status(path)
    if found is None or stat.S_ISREG(found.st_mode):
        return None
    kinds = (name for is_kind, name in _KINDS if is_kind(found.st_mode))
    return next(kinds, "a link to nothing")


def _status(path: str) -> os.stat_result | None:
    """Status of what a path leads to, of the link itself if it leads nowhere."""
    with suppress(OSError):
        return Path(path).stat()
    with suppress(FileNotFoundError):
        return Path(path).lstat()
    return None
