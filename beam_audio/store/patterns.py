"""Beam's patterns: ``*`` within a folder, ``**`` across, ``?``, ``[ab]`` and ``[!ab]``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from apache_beam.io.filesystem import FileSystem

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPED: Final = re.compile(r"\[([*?\[])\]")
_FIXED: Final = re.compile(r"(?:[^*?\[]|\[[*?\[]\])*")


def literal(path: str) -> str:
    """A pattern that matches exactly this path, whatever characters it holds."""
    return "".join(f"[{char}]" if is_pattern(char) else char for char in path)


def is_pattern(path: str) -> bool:
    """Whether a path holds a character that makes it a pattern."""
    return any(char in path for char in "*?[")


def below(folder: str, pattern: str = "**") -> str:
    """A pattern for the files in a folder, whose name is taken literally."""
    return f"{literal(folder.rstrip('/'))}/{pattern}"


def fixed_part(pattern: str) -> str:
    """What every path that matches begins with."""
    found = _FIXED.match(pattern)
    return _ESCAPED.sub(r"\1", found[0] if found else "")


def matcher(pattern: str) -> Callable[[str], object]:
    """A function that says whether a whole path matches."""
    # Python warns of Beam's way to write a bracket.
    return re.compile(FileSystem.translate_pattern(pattern).replace("[[]", r"\[")).match
