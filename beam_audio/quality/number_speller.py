"""Numbers in words, as the Unicode CLDR spells them (rule-based number formats)."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from unicode_rbnf import FormatPurpose, RbnfEngine
from unicode_rbnf.engine import RbnfError

from beam_audio.quality.folding import BREAK, fold, split_words
from beam_audio.quality.languages import known_code

if TYPE_CHECKING:
    from collections.abc import Iterator

Tokens = tuple[str, ...]

_MAX_FIGURES: Final = 15
"""Longer figures are read digit by digit."""
_FEW_FORMS: Final = 20_000
"""Of larger numbers only the main form is made."""

# Without Chinese and Japanese, which have numerals of their own, and without languages whose words
# in the CLDR are partly those of another language or do not lead back to their number.
_UNFIT: Final = frozenset({"zh", "yue", "ja", "lo", "lt", "sl", "zu", "kl"})
_CLDR_CODES: Final = {"tl": "fil"}


@cache
def languages() -> frozenset[str]:
    """Languages whose number words are known, by code."""
    # Not when this is imported: the table of all languages takes long to load.
    names = RbnfEngine.get_supported_languages()
    return frozenset(known_code(name) or name for name in names if "_" not in name) - _UNFIT


class Speller:
    """The CLDR's spelling of numbers in one language."""

    def __init__(self, code: str) -> None:
        self.code = code
        self._engine = RbnfEngine.for_language(_CLDR_CODES.get(code, code))

    def spoken(self, number: int, *, is_year: bool = False) -> str:
        """The number as it is read aloud."""
        purpose = FormatPurpose.YEAR if is_year else FormatPurpose.CARDINAL
        try:
            return self._engine.format_number(number, purpose).text
        except (RbnfError, ValueError):
            return self._engine.format_number(number, FormatPurpose.CARDINAL).text

    def tokens(self, text: str) -> Tokens:
        """The tokens of a spelling, folded as text is."""
        words = split_words(fold(text, self.code), self.code)
        return tuple(word for word in words if word != BREAK)

    def main(self, number: int) -> Tokens:
        """The tokens of the main form of a number."""
        return self.tokens(self.spoken(number))

    def spellings(self, number: int) -> Iterator[Tokens]:
        """Every form; of 1 the one for counting only, since its other forms are articles.

        Of large numbers, which are many, it is the main form only.
        """
        is_article = number == 1 and self.code != "ko"
        try:
            if is_article or number > _FEW_FORMS:
                forms = [self.spoken(number)]
            else:
                spelled = self._engine.format_number(number, FormatPurpose.CARDINAL)
                forms = list(dict.fromkeys(spelled.text_by_ruleset.values()))
        except RbnfError:
            return
        yield from map(self.tokens, forms)

    def point(self) -> str | None:
        """The word for a decimal point; None where it is not one word."""
        try:
            spoken = self._engine.format_number(Decimal("5.5"), FormatPurpose.CARDINAL).text
        except (RbnfError, ValueError):
            return None
        tokens = self.tokens(spoken)
        return tokens[1] if len(tokens) == 3 else None  # noqa: PLR2004 (five point five)


speller_of = cache(Speller)


def spell(figure: str, language: str | None, *, is_year: bool = False) -> str | None:
    """Words of a whole number as it is spoken; None in a language whose words are not known."""
    code = known_code(language)
    if code not in languages() | {"zh", "yue", "ja"}:
        return None
    speller = speller_of(str(code))
    if len(figure) > _MAX_FIGURES or (figure.startswith("0") and len(figure) > 1):
        return " ".join(speller.spoken(int(digit)) for digit in figure)
    return speller.spoken(int(figure), is_year=is_year)
