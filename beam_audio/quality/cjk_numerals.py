"""Numerals of Chinese and Japanese: from characters to figures.

Numbers are written with digits (``三``), units inside a group (``十百千``) and units of groups
(``万億``); figures may take the place of digits (``3万5千``). Counting aloud puts numbers beside
each other without any mark (``八九十`` is 8, 9, 10 after 7, and 8, 90 elsewhere).
"""

from __future__ import annotations

import re
from typing import Final

_DIGITS: Final = {
    **{digit: value for value, digit in enumerate("零一二三四五六七八九")},
    **{digit: value for value, digit in enumerate("零壹贰叁肆伍陆柒捌玖")},
    "\u3007": 0,
    "两": 2,
    "兩": 2,
    "壱": 1,
    "弐": 2,
    "参": 3,
    "貳": 2,
    "參": 3,
    "陸": 6,
}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_GROUPS: Final = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
_CHARACTERS: Final = "".join((*_DIGITS, *_UNITS, *_GROUPS))
_RUN: Final = re.compile(rf"[{_CHARACTERS}0-9]*[{_CHARACTERS}][{_CHARACTERS}0-9]*")
_PART: Final = re.compile(rf"[0-9]+|[{_CHARACTERS}]")
_PERCENT: Final = re.compile(rf"百分之([{_CHARACTERS}0-9.点點]+)")
_LONGEST: Final = 24

# How Japanese counts aloud. Two readings of 4, 7 and 9 are in use.
_KANA: Final = {
    "ぜろ": 0, "れい": 0, "まる": 0, "いち": 1, "に": 2, "さん": 3, "よん": 4, "し": 4, "ご": 5,
    "ろく": 6, "なな": 7, "しち": 7, "はち": 8, "きゅう": 9, "く": 9, "じゅう": 10,
    "ゼロ": 0, "イチ": 1, "ニ": 2, "サン": 3, "ヨン": 4, "シ": 4, "ゴ": 5, "ロク": 6, "ナナ": 7,
    "シチ": 7, "ハチ": 8, "キュウ": 9, "ク": 9, "ジュウ": 10,
}  # fmt: skip
_KANA_COUNT: Final = re.compile(
    rf"(?<!\w)(?:{'|'.join(sorted(_KANA, key=len, reverse=True))})+(?!\w)"
)
_KANA_WORD: Final = re.compile("|".join(sorted(_KANA, key=len, reverse=True)))
_COUNTED_TOGETHER: Final = 3
_SHORTENED: Final = 100


def numerals_to_figures(folded: str, language: str) -> str:
    """Replace the numerals of a folded Chinese or Japanese text by figures.

    Kana are read as numbers where they stand alone between punctuation or spaces (``いち、に``),
    or count three or more in a row.
    """
    folded = _PERCENT.sub(r"\1%", folded)
    if language == "ja":
        folded = _KANA_COUNT.sub(lambda found: _counted_kana(found[0]), folded)
    return _RUN.sub(lambda found: _figures(found[0], language), folded)


def _counted_kana(text: str) -> str:
    words = _KANA_WORD.findall(text)
    values = [_KANA[word] for word in words]
    if len(words) == 1:
        return str(values[0])
    number = _teens(values)
    if number is not None:
        return str(number)
    return "".join(map(str, values)) if len(words) >= _COUNTED_TOGETHER else text


def _teens(values: list[int]) -> int | None:
    """``じゅうご`` and ``にじゅうご``: tens and ones in one word."""
    ten = 10
    before, _, after = (
        (values[: values.index(ten)], ten, values[values.index(ten) + 1 :])
        if ten in values
        else ([], 0, [0, 0])
    )
    if len(before) > 1 or len(after) > 1 or 0 in (*before, *after):
        return None
    return (before[0] if before else 1) * ten + (after[0] if after else 0)


def _figures(run: str, language: str) -> str:
    """Figures of characters that stand together: one number, or several that are counted."""
    parts = _PART.findall(run)
    figures: list[str] = []
    place, previous = 0, None
    while place < len(parts):
        value, used = _next_number(parts, place, previous, language)
        figures.append(parts[place] if value is None else str(value))
        previous, place = value, place + used
    return "".join(figures)


def _next_number(
    parts: list[str], place: int, previous: int | None, language: str
) -> tuple[int | None, int]:
    """The longest number that starts at a part, or a shorter one that goes on counting."""
    longest: tuple[int | None, int] = (None, 1)
    for used in range(1, min(len(parts) - place, _LONGEST) + 1):
        value = _number(parts[place : place + used], language)
        if value is None:
            continue
        if previous is not None and value == previous + 1:
            return value, used
        longest = value, used
    return longest


def _number(parts: list[str], language: str) -> int | None:
    """The value of one well-formed number; None for anything else.

    Chinese leaves a last unit out: ``一百二`` is 120, and ``一百零二`` is 102.
    """
    total = group = last_unit = 0
    digit: int | None = None
    unit_below, group_below = 10**4, 10**16
    for part in parts:
        if part in _GROUPS:
            value = group + (digit or 0)
            if not value or _GROUPS[part] >= group_below:
                return None
            total, group, digit = total + value * _GROUPS[part], 0, None
            last_unit = _GROUPS[part]
            unit_below, group_below = 10**4, _GROUPS[part]
        elif part in _UNITS:
            if _UNITS[part] >= unit_below or digit == 0:
                return None
            group, digit, unit_below = group + (digit or 1) * _UNITS[part], None, _UNITS[part]
            last_unit = _UNITS[part]
        elif _is_zero(part) and (total or group) and digit is None:
            last_unit = 0
        elif digit is not None or (_is_zero(part) and len(parts) > 1):
            return None  # digits side by side are numbers of their own
        else:
            digit = int(part) if part.isascii() else _DIGITS[part]
    is_short = language != "ja" and digit is not None and last_unit >= _SHORTENED
    return total + group + (digit or 0) * (last_unit // 10 if is_short else 1)


def _is_zero(part: str) -> bool:
    return not (int(part) if part.isascii() else _DIGITS.get(part, 1))
