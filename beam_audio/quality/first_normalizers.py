"""The first versions of the normalisers: kept as they are, so that old error rates stay comparable.

``whisper-en-1`` is the English normaliser published with Whisper, from the package
whisper-normalizer. It joins number words and figures that follow each other, even across a comma
("$20.50, twenty-one" becomes "$20.5021"). One thing is changed: the lone full stop it makes of a
closing ellipsis is dropped, since it would count as a word.

``basic-1`` is for every other language: lower case in NFKC, without bracketed asides, punctuation,
symbols and invisible characters. Marks stay. Whisper's own normaliser drops them, which cuts words
into pieces in scripts that write vowels as marks.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

from whisper_normalizer.english import EnglishTextNormalizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PIECE_CHARS: Final = 4000
_SQUARE_OR_ANGLE: Final = (re.compile(r"[<\[][^>\]]*[>\]]"), re.compile(r"[<\[]"), ">]")
_ROUND: Final = (re.compile(r"\([^)]+\)"), re.compile(r"\("), ")")


def basic_1(text: str) -> str:
    """Lower case in NFKC without asides, punctuation, symbols and invisible characters."""
    return spoken_words(without_asides(text.lower()))


def english_1(text: str) -> str:
    """The English normaliser published with Whisper."""
    cut = pieces(without_asides(text.lower()))
    words = " ".join(map(_english_piece, cut)).split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


def without_asides(text: str) -> str:
    """Remove bracketed text, and opening brackets that nothing closes.

    The last closing bracket is found first, since no opening bracket after it can match. Searching
    to the end of the text from each of many opening brackets would take quadratic time.
    """
    for pair, opening, closers in (_SQUARE_OR_ANGLE, _ROUND):
        end = max(text.rfind(closer) for closer in closers) + 1
        text = pair.sub("", text[:end]) + opening.sub(" ", text[end:])
    return text


class _Spoken(dict[int, str]):
    """What stands for each character in :func:`spoken_words`, found at its first use."""

    def __missing__(self, code: int) -> str:
        kind = unicodedata.category(chr(code))
        self[code] = "" if kind == "Cf" else " " if kind[0] in "SP" else chr(code)
        return self[code]


_SPOKEN: Final = _Spoken()


def spoken_words(text: str) -> str:
    """Lower case in NFKC, with spaces for symbols and punctuation, without invisible characters."""
    spaced = unicodedata.normalize("NFKC", text).translate(_SPOKEN)
    return " ".join(spaced.lower().split())


def pieces(text: str) -> Iterator[str]:
    """Cut a text between words: the English patterns take quadratic time."""
    piece: list[str] = []
    room = _PIECE_CHARS
    for word in text.split():
        if piece and len(word) > room:
            yield " ".join(piece)
            piece, room = [], _PIECE_CHARS
        piece.append(word)
        room -= len(word) + 1
    yield " ".join(piece)


@cache
def _whisper_english() -> Callable[[str], str]:
    english: Callable[[str], str] = EnglishTextNormalizer()
    return english


def _english_piece(text: str) -> str:
    try:
        return _whisper_english()(text)
    except AssertionError:
        # It fails on figures of more than 4300 digits, which Python does not read as a number.
        return basic_1(text)
