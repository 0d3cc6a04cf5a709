"""Figures in text: what parts them, and the digits that are compared one by one."""

from __future__ import annotations

import re
from typing import Final

from beam_audio.quality.number_words import FIGURE

_THOUSANDS: Final = re.compile(r"(?<![\d.,])\d{1,3}(?:([.,'])\d{3})(?:\1\d{3})*(?![\d]|[.,']\d{3})")
_DECIMALS: Final = re.compile(r"(?<![\d.,:/-])(\d+)[.,](\d+)(?![\d:/-]|[.,]\d)")
_PARTED: Final = re.compile(r"(?<=\d)[.,:/'](?=\d)")
_GROUPS: Final = re.compile(r"[.,']")
_MIXED: Final = re.compile(r"\d+(?:\.\d+)?|[^\d]+")
_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th|s)")


def join_groups(text: str) -> str:
    """Write thousands without separators and decimals with a full stop; part all other figures.

    ``1,000,000`` and ``1.000.000`` are one number, ``3,5`` is ``3.5``, and the figures of dates,
    times and lists (``12.05.2024``, ``10:30``, ``1,2,3``) are numbers of their own.
    """
    text = _THOUSANDS.sub(lambda found: _GROUPS.sub("", found[0]), text)
    marked = _DECIMALS.sub("\\1\x01\\2", text)
    return _PARTED.sub(" ", marked).replace("\x01", ".")


def parted(word: str) -> list[str]:
    """Part a word where figures and letters meet: ``5kg`` is ``5 kg``."""
    return _MIXED.findall(word)


def digits(word: str, point: str | None) -> list[str]:
    """The digits of a figure as words of their own; any other word as it is.

    ``20.5`` is ``2 0 point 5``, and ``21st`` is ``2 1st``.

    Numbers are compared by digits since the same speech is written with other borders: "5, 5",
    "55" and "five five", or "2024" and "twenty twenty-four".
    """
    if FIGURE.fullmatch(word):
        whole, _, fraction = word.partition(".")
        if not fraction:
            return list(whole)
        return [*whole, *([point] if point else []), *fraction]
    if _ORDINAL.fullmatch(word):
        figure = word.rstrip("stndrh")
        return [*figure[:-1], figure[-1] + word[len(figure) :]]
    return [word]


def without_leading_zeros(words: list[str], point: str | None) -> list[str]:
    """Leave out a zero that is alone before the point: ``0 point 5`` is ``point 5``."""
    return [
        word
        for place, word in enumerate(words)
        if word != "0"
        or point is None
        or words[place + 1 : place + 2] != [point]
        or (place and words[place - 1].isdecimal())
    ]
