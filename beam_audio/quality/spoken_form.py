"""How long a text is when it is spoken: figures and abbreviations in words."""

from __future__ import annotations

import re
from string import ascii_uppercase
from typing import Final

from beam_audio.quality.languages import known_code
from beam_audio.quality.number_speller import spell

_DIGIT: Final = re.compile(r"\d")
_FIGURE: Final = re.compile(r"\d+(?:[.,]\d{3})*(?:[.,:]\d+)*")
_GROUPED: Final = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_BEFORE_PUNCTUATION: Final = re.compile(r"\s+(?=[.,;:!?])")
_PARTS: Final = re.compile(r"\d+")
_YEARS: Final = range(1100, 2100)
_INITIALS: Final = re.compile(r"\b(?:[A-Z]\.){2,}|\b[A-Z]{2,5}\b")
_SHOUTED: Final = re.compile(r"\b[A-Z]{2,}\b\W+\b[A-Z]{2,}\b")

# English names of the letters, and of what stands beside figures.
_NAMES_OF_LETTERS: Final = (
    "ay bee see dee ee ef gee aitch eye jay kay el em en oh pee cue ar ess tee you vee doubleyou "
    "ex why zee"
)
_LETTERS: Final = dict(zip(ascii_uppercase, _NAMES_OF_LETTERS.split(), strict=True))
_SIGNS: Final = str.maketrans(
    {"%": " percent", "$": " dollars", "€": " euros", "£": " pounds", "&": " and "}
)
_ABBREVIATIONS: Final = {
    "mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint", "prof": "professor",
    "vs": "versus", "etc": "et cetera", "no": "number", "jr": "junior", "sr": "senior",
    "approx": "approximately", "dept": "department", "ltd": "limited", "inc": "incorporated",
}  # fmt: skip
_ABBREVIATION: Final = re.compile(rf"\b({'|'.join(_ABBREVIATIONS)})\.", re.IGNORECASE)


def spoken_form(text: str, language: str | None) -> str:
    """A text with its figures in words, for measuring how fast it is spoken.

    Whole numbers, decimals, times and years are spelled as the language says them; in a language
    whose number words are not known, in English ones, which are about as long. In English,
    amounts, abbreviations and initials are spelled, too.
    """
    if known_code(language) == "en":
        text = _spelled_signs(text)
    digits = _DIGIT.sub(lambda found: str(int(found[0])), text)
    spoken = _FIGURE.sub(lambda found: f" {_spoken(found[0], language)} ", digits)
    return _BEFORE_PUNCTUATION.sub("", spoken)


def _spoken(figure: str, language: str | None) -> str:
    if _GROUPED.fullmatch(figure):
        figure = re.sub(r"\D", "", figure)
    words = []
    for part in _PARTS.findall(figure):
        is_year = len(part) == len("1465") and int(part) in _YEARS
        spelled = spell(part, language, is_year=is_year) or spell(part, "en") or part
        words.append(spelled.replace("-", " "))
    return " ".join(words)


def _spelled_signs(text: str) -> str:
    text = _ABBREVIATION.sub(lambda found: _ABBREVIATIONS[found[1].lower()], text)
    if not _SHOUTED.search(text):
        text = _INITIALS.sub(
            lambda found: "".join(_LETTERS.get(each, "") for each in found[0]), text
        )
    return text.translate(_SIGNS)
