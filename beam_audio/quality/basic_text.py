"""``basic-2``: the normaliser of every language but English."""

from __future__ import annotations

import re
from typing import Final

from beam_audio.quality.cjk_numerals import numerals_to_figures
from beam_audio.quality.figures import digits, join_groups, parted, without_leading_zeros
from beam_audio.quality.first_normalizers import without_asides
from beam_audio.quality.folding import BREAK, fold, split_words
from beam_audio.quality.languages import has_word_spaces, known_code
from beam_audio.quality.number_speller import languages
from beam_audio.quality.number_words import number_words

_CORNER_ASIDES: Final = re.compile(r"【[^】]*】")

CJK: Final = frozenset({"zh", "yue", "ja"})

_PERCENT: Final = {
    "ca": "per cent", "cs": "procent", "da": "procent", "de": "prozent", "es": "por ciento",
    "fi": "prosenttia", "fr": "pour cent", "hi": "प्रतिशत", "hu": "százalék", "id": "persen",
    "it": "per cento", "ja": "パーセント", "ko": "퍼센트", "nl": "procent", "no": "prosent",
    "pl": "procent", "pt": "por cento", "ro": "la sută", "ru": "процентов", "sv": "procent",
    "tr": "yüzde", "uk": "відсотків", "vi": "phần trăm",
}  # fmt: skip
"""What "%" is called after its number."""


def basic_2(text: str, language: str | None) -> str:
    """Fold a text, and write numbers in digits.

    Asides in brackets of any width, punctuation and symbols are dropped. Number words become
    figures in languages whose number words are known, and every figure is parted into its digits.
    Words have single spaces between them; there are none in languages without word spaces.
    """
    code = known_code(language)
    folded = _CORNER_ASIDES.sub(" ", without_asides(fold(text, language)))
    folded = join_groups(folded)
    if code in _PERCENT:
        folded = folded.replace(_PERCENT[code], "%")
    if code in CJK:
        folded = numerals_to_figures(folded, str(code))
    words = [part for word in split_words(folded, language) for part in parted(word)]
    known = number_words(language)
    if known is not None:
        words = known.to_figures(words)
    point = known.point if known else None
    spelled = [digit for word in words if word != BREAK for digit in digits(word, point)]
    return (" " if has_word_spaces(language) else "").join(without_leading_zeros(spelled, point))


def knows_numbers(language: str | None) -> bool:
    """Whether numbers in words and in figures are equal after :func:`basic_2`."""
    return known_code(language) in languages() | CJK
