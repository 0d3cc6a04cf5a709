"""Names that are joined to a folder: one that leads out of it is refused before a write.

Names come from buckets, whose objects may be called anything, and from files that others wrote.
"""

from __future__ import annotations

import re
from typing import Final

from beam_audio.errors import StoreError

_MOST_BYTES: Final = 4096
"""Longest path that Linux takes."""
_MOST_PART_BYTES: Final = 255
"""Longest name of a file or folder that file systems take."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DRIVE: Final = re.compile(r"[A-Za-z]:")


def join(root: str, *parts: str) -> str:
    """Join with forward slashes, which local paths and object names both take."""
    return "/".join([root.rstrip("/"), *parts])


def inside(root: str, name: str) -> str:
    """The address of a file to be written below a folder.

    Raises:
        StoreError: The name leads out of the folder, or no disk takes it.
    """
    if (why := outside(name)) is not None:
        raise StoreError(f"{name!r:.200} is not written below {root!r}: the name {why}")
    return join(root, name)


def outside(name: str) -> str | None:
    """Why a file of this name might not be inside the folder it is joined to; None if it is.

    The answer holds on every system: a backslash and a drive count as what they are on Windows.

    Args:
        name: The name, relative to the folder, with ``/`` between its parts.
    """
    parts = name.split("/")
    try:
        lengths = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "is not valid Unicode"
    problems = {
        "begins with '/'": name.startswith("/"),
        "has an empty part": "" in parts,
        "has the part '.'": "." in parts,
        "has the part '..'": ".." in parts,
        "has a backslash": "\\" in name,
        "begins with a drive": _DRIVE.match(name),
        "has a control character": _CONTROL.search(name),
        "is too long": max(lengths) > _MOST_PART_BYTES or len(name.encode()) > _MOST_BYTES,
    }
    return next((why for why, is_so in problems.items() if is_so), None)
