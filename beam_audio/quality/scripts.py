"""Scripts: which letters a language is written with."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from typing import Final

from beam_audio.quality.languages import known_code

# First words of the Unicode names of letters, and the languages that are written with them.
_LANGUAGES: Final = {
    "LATIN": (
        "af ak az bm br bs ca ceb cs cy da de ee en eo es et eu ff fi fo fr fy ga gd gl gn gv ha "
        "haw hr ht hu id ig ilo is it jv kl ku la lb lg ln lt lv mg mi ms mt nl nn no nso ny oc "
        "om pl pt qu rm rn ro rw se sk sl sm sn so sq sr ss st su sv sw tk tl tn to tr ts uz ve vi "
        "war wo xh yo zu kk tt"
    ),
    "CYRILLIC": "ab av az ba be bg bs cv kk kv ky mk mn os ru sah sr tg tk tt udm uk uz",
    "GREEK": "el",
    "ARABIC": "ar arz az ckb fa kk ks ku ky pa ps sd tg ug ur uz",
    "HEBREW": "he yi",
    "DEVANAGARI": "bho doi hi kok ks mai mr ne sa sat sd",
    "BENGALI": "as bn mni",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "ORIYA": "or",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "THAI": "th",
    "LAO": "lo",
    "MYANMAR": "my",
    "KHMER": "km",
    "TIBETAN": "bo dz",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am ti",
    "HANGUL": "ko",
    "CJK": "ja ko yue zh",
    "IDEOGRAPHIC": "ja ko yue zh",
    "BOPOMOFO": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "KATAKANA-HIRAGANA": "ja",
    "OL": "sat",
    "MEETEI": "mni",
    "THAANA": "dv",
}


def foreign_letters(text: str, language: str | None) -> float | None:
    """Share of the letters of a text that its language is not written with.

    Foreign names and abbreviations count, too: "NHK" in a Japanese text has three such letters.
    Some languages are written with several scripts; the letters of each are their own.

    Args:
        text: Any text.
        language: Any name of its language.

    Returns:
        From 0 to 1; None without letters, or if nothing is known of the language.
    """
    own = _scripts_of(known_code(language))
    counts = Counter(unicodedata.normalize("NFKC", text))
    letters = [(script, count) for each, count in counts.items() if (script := _script(each))]
    total = sum(count for _, count in letters)
    if not own or not total:
        return None
    return sum(count for script, count in letters if script not in own) / total


@cache
def _scripts_of(code: str | None) -> frozenset[str]:
    return frozenset(script for script, codes in _LANGUAGES.items() if code in codes.split())


@cache
def _script(character: str) -> str | None:
    """The script of a letter; None for other characters, and letters of no script."""
    if not character.isalpha():
        return None
    name = unicodedata.name(character, "").split(" ")[0]
    return None if name in {"", "MODIFIER"} else name
