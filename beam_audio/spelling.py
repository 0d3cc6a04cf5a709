"""What may have been meant by a name that does not exist."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_COMPARED_CHARACTERS: Final = 64  # of a name that may be anything: long ones take long to compare


def nearest(name: str, known: Iterable[str]) -> str:
    """A closing remark that suggests the known name most like the one given, or nothing."""
    close = difflib.get_close_matches(name[:_COMPARED_CHARACTERS], list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def nearest_or_all(name: str, known: Iterable[str]) -> str:
    """The same of a few names, which are listed when none is like it."""
    names = list(known)
    return nearest(name, names) or f"; known are {', '.join(names)}"
