"""``whisper-en-2``: the normaliser of English.

Contractions, titles, fillers and British spellings are those of the English normaliser published
with Whisper (package whisper-normalizer). Apostrophes of every kind are folded first, and numbers
are written in digits by rules of their own.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

from unicode_rbnf import FormatPurpose, RbnfEngine
from whisper_normalizer.basic import ADDITIONAL_DIACRITICS
from whisper_normalizer.english import EnglishSpellingNormalizer, EnglishTextNormalizer

from beam_audio.quality.figures import digits, join_groups, parted, without_leading_zeros
from beam_audio.quality.first_normalizers import pieces, without_asides
from beam_audio.quality.folding import BREAK, fold, split_words
from beam_audio.quality.number_words import FIGURE, number_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_FILLERS: Final = re.compile(r"\b(?:hmm|mm|mhm|mmm|uh|um)\b")
_LETTERS_BESIDE_FIGURES: Final = re.compile(
    r"(?<=\d)(?=[a-z])(?!(?:st|nd|rd|th|s)\b)|(?<=[a-z])(?=\d)"
)
_SPACED_CONTRACTION: Final = re.compile(r"\s+'(?=(?:s|re|ve|ll|d|m|t)\b)")
_INITIALS: Final = re.compile(r"(?<!\w)(?:[a-z]\.){2,}(?:[a-z](?!\w))?")
_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th)")
_MONTHS: Final = frozenset(
    [
        *("january", "february", "march", "april", "may", "june", "july", "august"),
        *("september", "october", "november", "december"),
    ]
)
_REWRITTEN: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<=\d)'s\b", "s"),  # the 1980's
        (r"(?<=\d):00\b", " "),
        (r"\bo'clock\b", " oclock "),
        (r"\bcannot\b", "can not"),
        (r"\bper cent\b|\bpercent\b", "%"),
        (r"(?<=\d)\s+1/2\b", ".5"),
        (r"\band a half\b", "point five"),
        (r"\ba (?=(?:hundred|thousand|million|billion)\b)", "one "),
        (r"&", " and "),
    )
)
_SCALE: Final = r"(?:\s+(?:hundred|thousand|million|billion|trillion)\b)*"
_MONEY: Final = re.compile(rf"([$€£¢])\s*(\.?\d[\d.]{{0,30}})({_SCALE})")
_CENTS: Final = re.compile(r"(?<!\d)(\d{1,9})\s?¢")
_COINS: Final = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}
_SINGULAR: Final = {
    "dollars": "dollar", "cents": "cent", "euros": "euro", "pounds": "pound", "pence": "penny",
}  # fmt: skip
_DECADES: Final = {
    "twenties": "20s", "thirties": "30s", "forties": "40s", "fifties": "50s", "sixties": "60s",
    "seventies": "70s", "eighties": "80s", "nineties": "90s",
}  # fmt: skip
_DOUBLED: Final = re.compile(r"\d(?![a-z])")
_TIMES: Final = {"double": 2, "triple": 3}
_ZEROS: Final = frozenset({"oh", "o", "nought", "naught"})
_LARGEST_ORDINAL: Final = 1000


def english_2(text: str) -> str:
    """Fold a text, expand contractions, unify spellings, and write numbers in digits."""
    folded = without_asides(fold(text, "en"))
    return " ".join(filter(None, map(_piece, pieces(folded))))


def _piece(text: str) -> str:
    text = _FILLERS.sub(" ", _LETTERS_BESIDE_FIGURES.sub(" ", text))
    text = _SPACED_CONTRACTION.sub("'", text)
    for pattern, replacement in _REWRITTEN:
        text = pattern.sub(replacement, text)
    for pattern, replacement in _contractions():
        text = pattern.sub(replacement, text)
    text = _INITIALS.sub(lambda found: found[0].replace(".", ""), text)
    text = _CENTS.sub(r"\1 cents", _MONEY.sub(_coins, join_groups(_plain_letters(text))))
    words = [part for word in split_words(text, "en") for part in _parted(word)]
    return str(_american()(" ".join(_in_digits(words))))


def _in_digits(words: Sequence[str]) -> list[str]:
    words = _with_ordinals([_SINGULAR.get(word, _DECADES.get(word, word)) for word in words])
    known = number_words("en")
    if known is not None:
        words = known.to_figures(words)
    words = _beside_figures([word for word in words if word != BREAK])
    spelled = [digit for word in words for digit in digits(word, "point")]
    return without_leading_zeros(spelled, "point")


def _with_ordinals(words: Sequence[str]) -> list[str]:
    """``twenty first`` as ``21st``."""
    ordinals = _ordinals()
    found: list[str] = []
    place = 0
    while place < len(words):
        for used in (5, 4, 3, 2, 1):
            ordinal = ordinals.get(tuple(words[place : place + used]))
            if ordinal:
                break
        found.append(ordinal or words[place])
        place += used if ordinal else 1
    return found


def _beside_figures(words: Sequence[str]) -> list[str]:
    """Words that mean a figure, or nothing, beside figures: "nine oh two", "ten o'clock"."""
    found: list[str] = []
    for spoken, after in zip(words, _next_but_zeros(words), strict=True):
        before = found[-1] if found else ""
        is_after_figure = before[:1].isdecimal()
        is_zero = spoken in _ZEROS and (is_after_figure or after[:1].isdecimal())
        word = "0" if is_zero else spoken
        if before in _TIMES and _DOUBLED.match(word):  # double oh seven, double 5
            figure = word[:1]
            while found and found[-1] in _TIMES:
                figure *= _TIMES[found.pop()]
            found += [*figure, *filter(None, [word[1:]])]
        elif word == "oclock" and is_after_figure:
            continue
        elif word == "m" and before in {"a", "p"} and "".join(found[-2:-1])[:1].isdecimal():
            found[-1] += "m"
        elif _ORDINAL.fullmatch(word) and before in _MONTHS:
            found.append(word[:-2])
        elif FIGURE.fullmatch(word) and before == "and" and "".join(found[-2:-1]) in _UNITS:
            found[-1] = word
        else:
            found.append(word)
    return found


def _next_but_zeros(words: Sequence[str]) -> list[str]:
    """For each word the next one that is no "oh", "double" or "triple"."""
    following, after = [], ""
    for word in reversed(words):
        following.append(after)
        after = after if word in _ZEROS or word in _TIMES else word
    return following[::-1]


_UNITS: Final = frozenset(unit for unit, _ in _COINS.values())


def _coins(found: re.Match[str]) -> str:
    """An amount as it is spoken: ``$20.50`` is 20 dollars 50 cents."""
    sign, amount, scale = found[1], found[2].rstrip("."), found[3]
    unit, coin = _COINS.get(sign, ("cent", "cent"))
    whole, _, rest = amount.partition(".")
    if scale or len(rest) != 2:  # noqa: PLR2004 (cents have two digits)
        return f"{amount}{scale} {unit} "
    parts = [f"{int(whole)} {unit}"] if int(whole or 0) else []
    parts += [f"{int(rest)} {coin}"] if int(rest) else []
    return " ".join(parts or [f"0 {unit}"]) + " "


def _parted(word: str) -> list[str]:
    return [word] if re.fullmatch(r"\d+(?:st|nd|rd|th|s)", word) else parted(word)


def _plain_letters(text: str) -> str:
    """Letters without accents, as English writes words it has taken over."""
    spelled = "".join(ADDITIONAL_DIACRITICS.get(letter, letter) for letter in text)
    decomposed = unicodedata.normalize("NFD", spelled)
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")


@cache
def _contractions() -> tuple[tuple[re.Pattern[str], str], ...]:
    replacers: Mapping[str, str] = EnglishTextNormalizer().replacers
    return tuple((re.compile(pattern), words) for pattern, words in replacers.items())


@cache
def _american() -> Callable[[str], str]:
    spelling: Callable[[str], str] = EnglishSpellingNormalizer()
    return spelling


@cache
def _ordinals() -> dict[tuple[str, ...], str]:
    """Words of the ordinals up to 1000th."""
    engine = RbnfEngine.for_language("en")
    ordinals: dict[tuple[str, ...], str] = {}
    for number in range(1, _LARGEST_ORDINAL + 1):
        spelled = engine.format_number(number, FormatPurpose.ORDINAL).text.replace("-", " ")
        teen = number % 100 in {11, 12, 13}
        suffix = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
        for words in _spellings(spelled):
            ordinals[words] = f"{number}{suffix}"
    return ordinals


def _spellings(spelled: str) -> Iterable[tuple[str, ...]]:
    yield tuple(spelled.split())
    yield tuple(spelled.replace("hundred ", "hundred and ").split())
