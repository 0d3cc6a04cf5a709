"""Number words of a language: from words to figures.

The words are those of the Unicode CLDR (rule-based number formats) in every gender and case it
lists. A language that it does not list has no number words here. Chinese and Japanese numerals are
in :mod:`beam_audio.quality.cjk_numerals`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Final

from beam_audio.quality.folding import BREAK
from beam_audio.quality.languages import has_word_spaces, known_code
from beam_audio.quality.number_speller import Speller, Tokens, languages, speller_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FIGURE: Final = re.compile(r"\d+(?:\.\d+)?")

_SCALES: Final = (10**3, 10**5, 10**6, 10**7, 10**9, 10**12)
_THOUSAND: Final = 1000
_HUNDRED: Final = 100
_TEN: Final = 10
_COUNTED_THOUSANDS: Final = 20
"""Multiples of 1000 that are looked up whole, for words such as the Indonesian ``seribu``."""
_LARGEST: Final = Decimal(10) ** 36
"""What no scale word multiplies any more: text that loops would give numbers without end."""
_LONGEST_WORD: Final = 80
"""Longer words are not taken apart."""


@dataclass(frozen=True, slots=True)
class NumberWords:
    """How one language counts; keys are folded tokens: words, or characters without word spaces.

    Attributes:
        heads: What a number may start with: 0 to 999, and multiples of 1000.
        tails: What may follow thousands: 1 to 999 with the word that joins them ("and five").
        scales: Words that multiply the number before them.
        point: The word for a decimal point; None where there is none.
        longest: Tokens of the longest key.
    """

    heads: Mapping[Tokens, int]
    tails: Mapping[Tokens, int]
    scales: Mapping[str, int]
    point: str | None
    longest: int

    def to_figures(self, tokens: Sequence[str]) -> list[str]:
        """Replace number words by figures; other tokens stay as they are.

        Numbers that follow each other stay apart: "twenty twenty-four" is ``20 24``.
        """
        figures = []
        place = 0
        while place < len(tokens):
            value, following = self._number(tokens, place)
            is_figure = following == place + 1 and FIGURE.fullmatch(tokens[place])
            figures.append(tokens[place] if value is None or is_figure else _written(value))
            place = following
        return figures

    def _number(
        self, tokens: Sequence[str], place: int, below: Decimal | int = _LARGEST
    ) -> tuple[Decimal | None, int]:
        """The number that starts at a token, None for no number, and where the rest starts.

        A number that reaches ``below`` is of no use to the caller, and is not read to its end.
        """
        start = place
        value, place = self._start(tokens, start)
        if value is None:
            return None, place
        fraction, place = self._fraction(tokens, place)
        if fraction:
            value = Decimal(f"{value}.{fraction}")
        is_round = not fraction and not FIGURE.fullmatch(tokens[start])
        magnitude = _roundness(value) if is_round else 0
        return self._completed(value, magnitude, tokens, place, below)

    def _start(self, tokens: Sequence[str], place: int) -> tuple[Decimal | None, int]:
        if FIGURE.fullmatch(tokens[place]):
            return Decimal(tokens[place]), place + 1
        value, used = self._longest(self.heads, tokens, place)
        if not used:
            compound = self._compound(tokens[place])
            return (None if compound is None else Decimal(compound)), place + 1
        return Decimal(value), place + used

    def _compound(self, word: str) -> int | None:
        """A number above 1000 in one word, such as the German ``zweitausendeins``."""
        if len(word) > _LONGEST_WORD:
            return None
        for cut in range(1, len(word)):
            thousands = self.heads.get((word[:cut],), 0)
            if thousands and thousands % _THOUSAND == 0:
                rest = self.tails.get((word[cut:],)) or self.heads.get((word[cut:],), 0)
                if 0 < rest < _THOUSAND:
                    return thousands + rest
        return None

    def _fraction(self, tokens: Sequence[str], place: int) -> tuple[str, int]:
        """Digits after the word for a decimal point."""
        digits, after = "", place + 1
        if self.point is None or tokens[place : place + 1] != [self.point]:
            return digits, place
        while after < len(tokens):
            figure = tokens[after]
            if not figure.isdecimal():
                value, used = self._longest(self.heads, tokens, after)
                figure = str(value) if used == 1 and value < _HUNDRED else ""
            if not figure or (digits and len(figure) > 1):
                break
            digits, after = digits + figure, after + 1
        return (digits, after) if digits else ("", place)

    def _completed(
        self,
        value: Decimal,
        magnitude: int,
        tokens: Sequence[str],
        place: int,
        below: Decimal | int,
    ) -> tuple[Decimal, int]:
        """Multiply by the scale words that follow, and add what follows these.

        ``magnitude`` is what the added number has to be below; 0 where nothing may be added. It
        gets smaller with every number that is added, so that this ends soon in any text.
        """
        while place < len(tokens) and value < _LARGEST:
            after = place + (tokens[place] == BREAK)
            scale = self.scales.get(tokens[after]) if value and after < len(tokens) else None
            if scale is None:
                break
            value, magnitude, place = value * scale, scale, after + 1
        if value >= below:
            return value, place
        added, after = self._added(tokens, place, magnitude)
        return (value + added, after) if added else (value, place)

    def _added(self, tokens: Sequence[str], place: int, magnitude: int) -> tuple[Decimal, int]:
        """What follows a number that ends in zeros, and where the rest starts; 0 for nothing."""
        if not magnitude or place >= len(tokens):
            return Decimal(0), place
        tail, used = self._longest(self.tails, tokens, place)
        if used:
            after = place + used
            added, after = self._completed(Decimal(tail), 0, tokens, after, magnitude)
        else:
            found, after = self._number(tokens, place, magnitude)
            added = found or Decimal(0)
        return (added, after) if added < magnitude else (Decimal(0), place)

    def _longest(
        self, table: Mapping[Tokens, int], tokens: Sequence[str], place: int
    ) -> tuple[int, int]:
        """The value of the longest key that starts at a token, and its tokens; (0, 0) for none."""
        for used in range(min(self.longest, len(tokens) - place), 0, -1):
            value = table.get(tuple(tokens[place : place + used]))
            if value is not None:
                return value, used
        return 0, 0


@cache
def number_words(language: str | None) -> NumberWords | None:
    """The number words of a language; None where they are not known.

    Made from some thousand spelled numbers, in up to two seconds for each language.
    """
    code = known_code(language)
    if code not in languages():
        return None
    speller = speller_of(str(code))
    heads: dict[Tokens, int] = {}
    for number in _head_numbers(speller):
        for tokens in speller.spellings(number):
            heads.setdefault(tokens, number)
    ones = {tokens for tokens, number in heads.items() if number == 1}
    for tokens, number in list(heads.items()):
        if _HUNDRED <= number < 2 * _HUNDRED or number == _THOUSAND:
            for short in _without_one(tokens, ones, spaced=has_word_spaces(code)):
                heads.setdefault(short, number)
    _add_joined_thousands(heads, speller)
    _add_variants(heads, speller)
    tails = _tails(speller, heads)
    longest = max(map(len, (*heads, *tails)))
    return NumberWords(heads, tails, _scales(speller, heads), speller.point(), longest)


def _head_numbers(speller: Speller) -> Iterator[int]:
    yield from range(_THOUSAND)
    is_compounding = len(speller.main(21 * _THOUSAND)) == 1
    counted = _THOUSAND if is_compounding else _COUNTED_THOUSANDS
    yield from range(_THOUSAND, counted * _THOUSAND, _THOUSAND)
    yield from (10**6, 10**9)
    if not has_word_spaces(speller.code) or speller.code == "ko":
        yield from (times * 10**power for power in (4, 5, 6) for times in range(1, _TEN))


def _add_variants(heads: dict[Tokens, int], speller: Speller) -> None:
    """Forms that are in use and not in the CLDR's cardinal numbers."""
    for year in range(1100, 2000):  # neunzehnhundertfünf
        tokens = speller.tokens(speller.spoken(year, is_year=True))
        if len(tokens) == 1:
            heads.setdefault(tokens, year)
    if speller.code == "fr":  # deux cent mille
        cents = {tokens: number for tokens, number in heads.items() if tokens[-1] == "cents"}
        heads |= {(*tokens[:-1], "cent"): number for tokens, number in cents.items()}
    if speller.code == "en":
        heads |= {_with_and(tokens): number for tokens, number in heads.items()}


def _add_joined_thousands(heads: dict[Tokens, int], speller: Speller) -> None:
    """Thousands in the form that they have before a rest, such as the Georgian ``ათას``."""
    one = speller.main(1)
    for number in range(_THOUSAND, _TEN * _THOUSAND, _THOUSAND):
        whole = speller.main(number + 1)
        if whole[-len(one) :] == one and len(whole) > len(one):
            heads.setdefault(whole[: -len(one)], number)


def _tails(speller: Speller, heads: Mapping[Tokens, int]) -> dict[Tokens, int]:
    """What the words of 1001 to 1999 add to those of 1000, where it is not the plain number."""
    tails: dict[Tokens, int] = {}
    thousand = " ".join(speller.main(_THOUSAND))
    for number in range(1, _THOUSAND):
        whole = " ".join(speller.main(_THOUSAND + number))
        rest = tuple(whole.removeprefix(thousand).split()) if whole.startswith(thousand) else ()
        if rest and heads.get(rest) != number:
            tails[rest] = number
        if thousand == "one thousand" and number < _HUNDRED:
            tails[("and", *rest)] = number
    return tails


def _scales(speller: Speller, heads: Mapping[Tokens, int]) -> dict[str, int]:
    """Words that follow "five" in five thousand, five million and so on."""
    scales: dict[str, int] = {}
    for times, scale in product((1, 2, 3, 5, 21), _SCALES):
        count = speller.main(times)
        for tokens in speller.spellings(times * scale):
            is_one = times == 1 and len(tokens) == 2 and heads.get(tokens[:1], 1) == 1  # noqa: PLR2004
            is_count = heads.get(tokens[-1:], scale) != scale
            if (is_one or tokens[:-1] == count) and not is_count:
                scales.setdefault(tokens[-1], scale)
    if scales.get("thousand") == _THOUSAND:
        scales["hundred"] = _HUNDRED  # nineteen hundred
    return scales


def _without_one(tokens: Tokens, ones: set[Tokens], *, spaced: bool) -> Iterator[Tokens]:
    """A hundred and a thousand without their "one", as in ``hundertfünf``."""
    for one in ones:
        if tokens[: len(one)] == one and len(tokens) > len(one):
            yield tokens[len(one) :]
        stem = one[0].removesuffix("s")
        if spaced and tokens[0].startswith(stem) and len(tokens[0]) > len(stem) + 2:
            yield (tokens[0].removeprefix(stem), *tokens[1:])


def _with_and(tokens: Tokens) -> Tokens:
    """``two hundred five`` as ``two hundred and five``."""
    if "hundred" not in tokens[:-1]:
        return tokens
    place = tokens.index("hundred") + 1
    return (*tokens[:place], "and", *tokens[place:])


def _roundness(number: Decimal) -> int:
    """The largest power of ten that divides a number of thousands; 0 for other numbers."""
    if not number or number % _THOUSAND:
        return 0
    magnitude = _THOUSAND
    while number % (magnitude * _TEN) == 0:
        magnitude *= _TEN
    return magnitude


def _written(number: Decimal) -> str:
    """A number without trailing zeros behind the point."""
    written = f"{number:f}"
    return written.rstrip("0").rstrip(".") if "." in written and number >= _THOUSAND else written
