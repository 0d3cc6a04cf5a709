"""The tokens that texts are searched by: words, and single characters where words have no spaces.

Script decides, not the stated language: a Japanese name in an English text is found, too. One token
a character finds words of any length; a word of such a script is a phrase of characters.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from beam_audio.quality.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKENS_VERSION: Final = f"1-{unicodedata.unidata_version}"
"""Changes whenever a text may have other tokens than before."""
_SINGLE: Final = frozenset(
    {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "THAI", "LAO", "MYANMAR", "KHMER"}
)
"""First words of the Unicode names of characters that are tokens of their own."""
_HAN: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_BREAK: Final = " "


class _Spaced(dict[int, str]):
    """What stands for a character when a text is parted at spaces; filled as characters come."""

    def __missing__(self, code: int) -> str:
        self[code] = _spaced(chr(code))
        return self[code]


def _spaced(character: str) -> str:
    if character == "\u0131":  # the dotless i, whose capital is everybody's I
        return "i"
    if unicodedata.category(character)[0] not in "LMN":
        return _BREAK
    script = re.split("[ -]", unicodedata.name(character, ""))[0]
    return f" {character} " if script in _SINGLE else character


_SPACED: Final = _Spaced()


def tokens(text: str) -> list[str]:
    """The tokens of a text: folded in case, width, accents and script, without punctuation."""
    if text.isascii():
        return text.lower().translate(_SPACED).split()
    folded = fold(text, "zh" if _HAN.search(text) else None)
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", folded))
    return unicodedata.normalize("NFC", plain).translate(_SPACED).split()


def placed_tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """The tokens of a text, each with the characters of the text that it stands for."""
    for start, end in _pieces(text):
        for token in tokens(text[start:end]):
            yield token, start, end


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of a text that have tokens of their own."""
    start = None
    for place, character in enumerate(text):
        spaced = _SPACED[ord(character)]
        if spaced.startswith(_BREAK) and start is not None:
            yield start, place
            start = None
        if spaced.strip() and spaced.startswith(_BREAK):
            yield place, place + 1
        elif spaced.strip() and start is None:
            start = place
    if start is not None:
        yield start, len(text)
