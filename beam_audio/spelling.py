"""Suggestions for names that do not exist."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_COMPARED_CHARACTERS: Final = 64  # names may be long, and long ones are slow to compare


def nearest(name: str, known: Iterable[str]) -> str:
    """A closing remark that suggests the known name most like this one; empty if none is."""
    close = difflib.get_close_matches(name[:_COMPARED_CHARACTERS], list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def nearest_or_all(name: str, known: Iterable[str]) -> str:
    """The same for few known names: all of them are listed if none is like this one."""
    names = list(known)
    return nearest(name, names) or f"; known are {', '.join(names)}"
