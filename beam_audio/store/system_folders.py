"""Folders that show the system itself: nothing below them is a recording, and some of it is secret.

``/proc/self/environ`` holds passwords, and reading ``/dev/zero`` never ends.
"""

from __future__ import annotations

import os
from typing import Final

_VIEWS: Final = frozenset({"/proc", "/sys"})
_DEVICES: Final = "/dev"
_MEMORY_DISK: Final = "shm"
"""The one folder of devices that is a disk, for files in memory."""
_MOST_LINKS: Final = 40
"""As many as Linux follows."""


def system_folder(path: str) -> str | None:
    """The folder of the system that a path leads into or through, links included; None for none.

    Links are followed one by one: ``/proc/self/root/etc`` is ``/etc`` in the end.
    """
    place = "/"
    left = list(reversed(os.path.join(os.getcwd(), path).split("/")))  # noqa: PTH109, PTH118 - Path("//a") drops slashes
    links = 0
    while left:
        part = left.pop()
        if part == "..":
            place = os.path.dirname(place)  # noqa: PTH120 - a place is text here
        if part in {"", ".", ".."}:
            continue
        inside = os.path.join(place, part)  # noqa: PTH118 - as above
        if inside in _VIEWS or (place == _DEVICES and part != _MEMORY_DISK):
            return _DEVICES if place == _DEVICES else inside
        if (target := _target(inside)) is None:
            place = inside
        elif (links := links + 1) > _MOST_LINKS:
            return None
        else:
            place = "/" if target.startswith("/") else place
            left += reversed(target.split("/"))
    return _DEVICES if place == _DEVICES else None


def _target(path: str) -> str | None:
    """Where a link leads; None for what is not a link."""
    try:
        return os.readlink(path)  # noqa: PTH115 - text, as it stands in the link
    except (OSError, ValueError):  # a name with a NUL is no file's
        return None
