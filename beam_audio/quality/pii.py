"""Personal data in a text, by its form: mail, telephone, card, IBAN and account numbers, digits.

What has a check digit is taken only if that is right. Names, addresses of houses and dates of birth
have no form to be told by: they are not found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from beam_audio.quality import pii_words as words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PiiKind = Literal["email", "iban", "card", "account", "phone", "spoken_digits"]

_FEWEST_SPOKEN: Final = 6
_FEWEST_SPOKEN_IN_PAIRS: Final = 8
_CARD_DIGITS: Final = range(13, 20)
_PHONE_DIGITS: Final = range(7, 16)
_LONG_DIGITS: Final = 9

_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?!\w)", re.IGNORECASE)
_CARD: Final = re.compile(r"(?<![\d.,])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\d]|[.,]\d)")
_ACCOUNT: Final = re.compile(
    rf"(?:\b(?:{words.ACCOUNT})\b)[^\d.!?]{{0,30}}(?P<number>\d(?:[ -]?\d){{4,19}})(?!\d|[.,]\d)",
    re.IGNORECASE,
)
_ANNOUNCED_PHONE: Final = re.compile(
    rf"(?:\b(?:{words.PHONE})\b)[^\d.!?+(]{{0,30}}(?P<number>\d(?:[ ./-]?\d){{6,14}})(?!\d|[.,]\d)",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(
    r"""(?<![\w.,-])(?P<number>
      (?:\+|00)\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,6}      # with the code of a country
    | \(0?\d{2,5}\)[ -]?\d(?:[ /-]?\d){4,9}              # with an area in parentheses
    | 0\d{1,4}(?:[ -]|[ ]?/[ ]?)\d(?:[ /-]?\d){4,9}      # with an area that begins with 0
    | 0\d{9,11}                                          # the same in one piece
    | 0\d(?:[ .-]\d{2}){4}                               # in French pairs
    | [6-9]\d{2}[ -]\d{2,3}[ -]\d{2,3}(?:[ -]\d{2,3})?   # in Spanish groups
    | (?:1[ .-])?[2-9]\d{2}[ .-]\d{3}[ .-]\d{4}          # in American groups
    )(?![\w-]|[.,]\d)""",
    re.VERBOSE,
)
_LONG: Final = re.compile(rf"(?<![\d.,])\d{{{_LONG_DIGITS},19}}(?!\d|[.,]\d)")
_TOKEN: Final = re.compile(r"[^\W_]+(?:-[^\W\d_]+)*")
_BETWEEN: Final = re.compile(r"[\s,.;·-]{1,3}")
"""What may stand between two spoken digits."""


@dataclass(frozen=True, slots=True, order=True)
class PiiSpan:
    """A stretch of personal data.

    Attributes:
        start: Its first character in the text.
        end: The character after its last.
        kind: What it is.
    """

    start: int
    end: int
    kind: PiiKind


def find_pii(text: str, language: str | None) -> tuple[PiiSpan, ...]:
    """Personal data in a text, in order; no two stretches overlap.

    Args:
        text: The text.
        language: ISO 639 code. How digits and mail are said is known for ``en``, ``de``, ``es`` and
            ``fr``; in another language, or if it is None, only what is written in figures is found.
    """
    found: list[PiiSpan] = []
    for span in _candidates(text, language or ""):
        if all(span.end <= each.start or span.start >= each.end for each in found):
            found.append(span)
    return tuple(sorted(found))


def redact(text: str, spans: Sequence[PiiSpan]) -> str:
    """The text with the kind of what stood there in place of each stretch: ``[PHONE]``."""
    parts, before = [], 0
    for span in sorted(spans):
        parts += [text[before : span.start], f"[{span.kind.upper()}]"]
        before = span.end
    return "".join([*parts, text[before:]])


def _candidates(text: str, language: str) -> Iterator[PiiSpan]:
    """Stretches, the surest kinds first."""
    for pattern in (_EMAIL, _said_email(language)):
        if pattern is not None:
            yield from (PiiSpan(*each.span(), "email") for each in pattern.finditer(text))
    yield from _ibans(text)
    for each in _CARD.finditer(text):
        if len(_digits(each[0])) in _CARD_DIGITS and _has_luhn(_digits(each[0])):
            yield PiiSpan(*each.span(), "card")
    yield from (PiiSpan(*each.span("number"), "account") for each in _ACCOUNT.finditer(text))
    for pattern in (_PHONE, _ANNOUNCED_PHONE):
        for each in pattern.finditer(text):
            if len(_digits(each["number"])) in _PHONE_DIGITS:
                yield PiiSpan(*each.span("number"), "phone")
    yield from (PiiSpan(*each.span(), "account") for each in _LONG.finditer(text))
    if language in words.DIGITS:
        yield from _spoken_digits(text, language)


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _has_luhn(digits: str) -> bool:
    """Whether the last digit checks the others, as that of every payment card does."""
    doubled = (int(each) * (1 + number % 2) for number, each in enumerate(reversed(digits)))
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0  # noqa: PLR2004 - Luhn


def _ibans(text: str) -> Iterator[PiiSpan]:
    """Account numbers whose check digits are right; words after them are left out."""
    for each in _IBAN.finditer(text):
        length = words.IBAN_LENGTHS.get(each[0][:2].upper(), 0)
        places = [place for place, char in enumerate(each[0]) if char not in " -"][:length]
        plain = "".join(each[0][place] for place in places).upper()
        if length and len(plain) == length and _has_check_digits(plain):
            yield PiiSpan(each.start(), each.start() + places[-1] + 1, "iban")


def _has_check_digits(iban: str) -> bool:
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1


@cache
def _said_email(language: str) -> re.Pattern[str] | None:
    """An address of mail as it is said: anna dot meier at example dot com."""
    if language not in words.AT:
        return None
    dot = rf"\s+(?:{words.DOT[language]})\s+"
    name = r"[^\W_][\w-]*"
    return re.compile(
        rf"\b{name}(?:{dot}{name})*\s+(?:{words.AT[language]})\s+{name}(?:{dot}{name})+",
        re.IGNORECASE,
    )


def _spoken_digits(text: str, language: str) -> Iterator[PiiSpan]:
    """Runs of digits that are said one by one or in pairs, or written so."""
    run: list[re.Match[str]] = []
    for token in [*_TOKEN.finditer(text), None]:
        if token is not None and _digit_count(token[0], language) is not None:
            if run and not _BETWEEN.fullmatch(text, run[-1].end(), token.start()):
                yield from _span_of(run, language)
                run = []
            run.append(token)
        else:
            yield from _span_of(run, language)
            run = []


def _digit_count(token: str, language: str) -> int | None:
    """How many digits a word stands for; None for another word. Words inside a number have 0."""
    word = token.lower()
    if word in words.DIGITS[language] or (len(word) == 1 and word.isdecimal()):
        return 1
    if word in words.TENS[language] or (len(word) == 2 and word.isdecimal()):  # noqa: PLR2004 - a pair
        return 2
    if word in words.MULTIPLES[language]:
        return 1
    if word in words.JOINERS[language]:
        return 0
    parts = word.split("-")  # thirty-four
    counts = [_digit_count(part, language) for part in parts] if len(parts) > 1 else [None]
    return None if None in counts else max(each for each in counts if each is not None)


def _span_of(run: list[re.Match[str]], language: str) -> Iterator[PiiSpan]:
    while run and not _digit_count(run[-1][0], language):
        run = run[:-1]
    while run and not _digit_count(run[0][0], language):
        run = run[1:]
    counts = [_digit_count(each[0], language) or 0 for each in run]
    fewest = _FEWEST_SPOKEN_IN_PAIRS if 2 in counts else _FEWEST_SPOKEN  # noqa: PLR2004 - a pair
    if sum(counts) >= fewest:
        yield PiiSpan(run[0].start(), run[-1].end(), "spoken_digits")
