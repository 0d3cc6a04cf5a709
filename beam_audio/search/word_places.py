"""Where the words of a segment begin, in its text and in time, in four bytes a word."""

from __future__ import annotations

import struct
from itertools import takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD: Final = struct.Struct("<HH")
_MOST: Final = 0xFFFF
_CENTISECOND: Final = 0.01


def pack(text: str, words: Iterable[tuple[str, float | None]]) -> bytes:
    """Places of words, to keep beside a text.

    Args:
        text: The text of a segment.
        words: Its words in order, each with the second it begins at, from the segment's start.
    """
    at, packed = 0, []
    for word, seconds in words:
        place = text.find(word.strip(), at)
        if place < 0 or seconds is None:
            continue
        at = place + len(word.strip())
        time = max(0, round(seconds / _CENTISECOND))
        if place <= _MOST and time <= _MOST:
            packed.append(_WORD.pack(place, time))
    return b"".join(packed)


def second_of(packed: bytes, character: int) -> float:
    """The second at which the word with a character of the text begins, from the segment's start.

    Args:
        packed: What :func:`pack` gave.
        character: Its number in the text.
    """
    before = takewhile(lambda word: word[0] <= character, _WORD.iter_unpack(packed))
    return float(max((time for _, time in before), default=0) * _CENTISECOND)
