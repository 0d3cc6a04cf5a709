"""Folding: one spelling for the letters, digits and marks that are written in several ways."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from beam_audio.quality.languages import has_word_spaces, known_code

if TYPE_CHECKING:
    from opencc import OpenCC

BREAK: Final = "\0"
"""The token that punctuation leaves between words."""

_APOSTROPHES: Final = dict.fromkeys(
    map(
        ord,
        "`´‘’‛′‵ʹʻʼʽʾʿˈˊˋ΄᾽᾿՚׳ꞌꞋ‘❛❜＇",  # noqa: RUF001 (they look alike, hence this table)
    ),
    "'",
)
_DOTTED_I: Final = {"tr", "az", "crh", "tt-latn", "gag"}
"""Languages in which I and İ are two letters, one of them without a dot."""
_DOTTED_CAPITALS: Final = str.maketrans({"I": "\u0131", "\u0130": "i"})
_COMBINING_DOT: Final = "\u0307"  # lower-casing leaves it of an İ
_ACCENTS: Final = re.compile("[\u0300-\u0302]")
_ACCENT_IS_OPTIONAL: Final = {"el", "tl"}  # in capitals, and outside dictionaries
_FRACTIONS: Final = str.maketrans({"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3"})
_TATWEEL: Final = "\u0640"

# Marks that Arabic and Hebrew are written with for learners and in scripture only. Madda and hamza
# make letters of their own and stay.
_OPTIONAL_MARKS: Final = frozenset(
    map(
        chr,
        [
            *range(0x0610, 0x061B), *range(0x064B, 0x0653), *range(0x0656, 0x0660), 0x0670,
            *range(0x06D6, 0x06DD), *range(0x06DF, 0x06E9), *range(0x06EA, 0x06EE),
            *range(0x0591, 0x05BE), 0x05BF, 0x05C1, 0x05C2, 0x05C4, 0x05C5, 0x05C7,
        ],
    )
)  # fmt: skip
_VARIATION_SELECTORS: Final = range(0xFE00, 0xFE10)

_ELIDING: Final = {"fr", "it", "ca", "oc", "ga", "mt", "co", "lij", "vec", "br"}
_INNER_APOSTROPHE: Final = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
_DECIMAL_POINT: Final = re.compile(r"[0-9]\.(?=[0-9])")
_NON_ASCII_OR_WORD: Final = re.compile(r"[a-z]+|\d+(?:\.\d+)?|.", re.DOTALL)

_LETTERS: Final = {
    # Arabic keyboards write these two Persian and Urdu letters with the Arabic ones.
    "fa": str.maketrans("\u064a\u0649\u0643", "\u06cc\u06cc\u06a9"),
    "ur": str.maketrans("\u064a\u0643", "\u06cc\u06a9"),
}


def fold(text: str, language: str | None) -> str:
    """Fold a text to lower case, with one spelling for what is written in several ways.

    Apostrophes of every kind become ``'``. Compatibility forms (full-width letters, ligatures,
    Arabic presentation forms) become plain ones, and decimal digits of all scripts become ASCII
    ones. Case is folded as the language writes it (Turkish has two letters i). Invisible
    characters, tatweel, and the optional marks of Arabic and Hebrew are dropped. Chinese becomes
    Simplified. Punctuation stays.
    """
    code = known_code(language)
    text = text.translate(_APOSTROPHES).translate(_FRACTIONS)
    text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    if code in _DOTTED_I:
        text = text.translate(_DOTTED_CAPITALS)
    text = unicodedata.normalize("NFKC", text.casefold().replace("i" + _COMBINING_DOT, "i"))
    if code in _ACCENT_IS_OPTIONAL:
        text = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    if code in {"zh", "yue"}:
        text = to_simplified(text)
    text = text.translate(_LETTERS.get(code or "", {}))
    return unicodedata.normalize("NFKC", "".join(filter(None, map(_folded_character, text))))


def split_words(folded: str, language: str | None) -> list[str]:
    """Split a folded text at white space, hyphens and punctuation.

    Returns:
        Words; characters in languages without word spaces. Punctuation other than a hyphen leaves
        a :data:`BREAK`. ``%`` is a word, and a full stop inside a figure stays (``3.5``). An
        apostrophe inside a word parts it where it marks elision (``l'ami`` in French) and is
        dropped elsewhere (``o'zbek`` in Uzbek).
    """
    code = known_code(language)
    folded = _INNER_APOSTROPHE.sub(" " if code in _ELIDING else "", folded)
    points = {found.start() + 1 for found in _DECIMAL_POINT.finditer(folded)}
    spaced = "".join(
        character if place in points else _separated(character)
        for place, character in enumerate(folded)
    )
    if has_word_spaces(code):
        return spaced.split()
    return [part for word in spaced.split() for part in (_NON_ASCII_OR_WORD.findall(word))]


def to_simplified(text: str) -> str:
    """Chinese in Simplified characters."""
    simplified: str = _converter("t2s").convert(_encodable(text))
    return simplified


def chinese_script(text: str) -> Literal["Hans", "Hant"] | None:
    """The script a Chinese text is written in; None where it has nothing that tells, or both."""
    is_traditional = to_simplified(text) != _encodable(text)
    is_simplified = _converter("s2t").convert(_encodable(text)) != _encodable(text)
    if is_traditional is is_simplified:
        return None
    return "Hant" if is_traditional else "Hans"


def _encodable(text: str) -> str:
    """Text without halves of surrogate pairs, which JSON can carry and OpenCC refuses."""
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def _converter(conversion: Literal["t2s", "s2t"]) -> OpenCC:
    from opencc import OpenCC  # noqa: PLC0415 (only Chinese needs it)

    return OpenCC(conversion)


def _folded_character(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    is_dropped = (
        category == "Cf"
        or character == _TATWEEL
        or character in _OPTIONAL_MARKS
        or ord(character) in _VARIATION_SELECTORS
    )
    return "" if is_dropped else character


def _separated(character: str) -> str:
    """A space for hyphens and apostrophes, a break for other punctuation and symbols."""
    kind = unicodedata.category(character)
    if character == "%":
        return " % "
    if kind == "Pd" or character == "'":
        return " "
    return f" {BREAK} " if kind[0] in "SP" else character
