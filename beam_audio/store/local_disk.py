"""Files of local disks, with what Beam's file system fails on: dead links, pipes, devices."""

from __future__ import annotations

import os
import stat
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio.store.system_folders import system_folder
from beam_audio.types import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_TRIES: Final = 100  # of which each takes microseconds
_KINDS: Final = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def create(path: str) -> BinaryIO:
    """Create a file and the folders above it, which another process may delete while empty."""
    for _ in range(_TRIES):
        with suppress(FileNotFoundError, FileExistsError):  # the latter from mkdir, too
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            return Path(path).open("wb")
    return Path(path).open("wb")


def files(folder: str, *, follow_links: bool = False) -> Iterator[StoredFile]:
    """Everything below a folder, at any depth, that is not a folder itself.

    Links to files are followed. A file deleted meanwhile is left out.

    Args:
        folder: The folder.
        follow_links: Whether links to folders are followed. Each folder is searched once, by its
            own path if that is below ``folder``: no link leads round in circles. Links to the
            system's own folders are not followed; they are found as if they were files.

    Raises:
        OSError: The folder is one of the system's own, such as ``/proc``.
    """
    if (system := system_folder(folder)) is not None:
        raise OSError(f"{folder!r} is part of the system's {system}")
    waiting, seen = deque([folder]), set[tuple[int, int]]()
    while waiting:
        start = waiting.popleft()
        if system_folder(start) is not None:
            yield from _listed(start)
            continue
        for above, folders, names in os.walk(start):
            if follow_links:
                if system_folder(above) is not None or not _is_new(above, seen):
                    folders.clear()
                    continue
                folders.sort()
                paths = [os.path.join(above, name) for name in folders]  # noqa: PTH118 - as below
                waiting.extend(filter(os.path.islink, paths))
            for name in names:
                yield from _listed(os.path.join(above, name))  # noqa: PTH118 - paths begin as the folder is spelt


def listed(path: str) -> StoredFile | None:
    """A path as it is listed; None if there is nothing."""
    if (found := _status(path)) is None:
        return None
    seconds = found.st_mtime
    return StoredFile(path, found.st_size, seconds, repr(seconds) if seconds else "")


def _listed(path: str) -> Iterator[StoredFile]:
    """A path as it is listed; nothing if it is gone."""
    if (found := listed(path)) is not None:
        yield found


def _is_new(folder: str, seen: set[tuple[int, int]]) -> bool:
    """Whether a folder was not seen before; it is from now on."""
    found = _status(folder)
    identity = (found.st_dev, found.st_ino) if found else (0, 0)
    is_new = identity not in seen
    seen.add(identity)
    return is_new


def irregular(path: str) -> str | None:
    """What a path is, such as ``a pipe``, if it exists and is not a regular file of a disk."""
    found = _status(path)
    return None if found is None else _irregular(found, path)


def refusal(what: str) -> str:
    """Why what :func:`irregular` names is not read, after its path."""
    return f"is {what}, not a regular file"


def open_regular(path: str) -> BinaryIO:
    """Open a regular file of a disk, without ever waiting for the writer of a pipe.

    The path may be another file each time it is looked at, so what is opened is looked at again.

    Raises:
        OSError: It cannot be opened, or is not a regular file of a disk.
    """
    if (before := _status(path)) is not None:
        _require_regular(before, path)  # opening a device may already do something
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        _require_regular(os.fstat(opened), os.readlink(f"/proc/self/fd/{opened}"))  # noqa: PTH115 - text
        return os.fdopen(opened, "rb")
    except BaseException:
        os.close(opened)
        raise


def _require_regular(found: os.stat_result, path: str) -> None:
    if (what := _irregular(found, path)) is not None:
        raise OSError(f"it {refusal(what)}")


def _irregular(found: os.stat_result, path: str) -> str | None:
    for is_kind, name in _KINDS:
        if is_kind(found.st_mode):
            return name
    if (system := system_folder(path)) is not None:
        return f"part of the system's {system}"
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    return None if stat.S_ISREG(found.st_mode) else "a link to nothing"


def _status(path: str) -> os.stat_result | None:
    """Status of what a path leads to, of the link itself if it leads nowhere."""
    with suppress(OSError):
        return Path(path).stat()
    with suppress(FileNotFoundError):
        return Path(path).lstat()
    return None
