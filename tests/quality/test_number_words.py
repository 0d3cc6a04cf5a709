"""Words to figures, figures to words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.quality.folding import fold, split_words
from beam_audio.quality.languages import has_word_spaces
from beam_audio.quality.number_speller import languages, spell
from beam_audio.quality.number_words import number_words

if TYPE_CHECKING:
    from beam_audio.quality.number_words import NumberWords


def known(language: str) -> NumberWords:
    words = number_words(language)
    assert words is not None
    return words


def figures(text: str, language: str) -> str:
    return " ".join(known(language).to_figures(split_words(fold(text, language), language)))


def test_the_languages_that_count() -> None:
    assert {"en", "de", "es", "fr", "it", "pt", "nl", "ru", "uk", "pl", "tr", "ar"} <= languages()
    assert {"he", "hi", "ko", "th", "vi", "id", "sv", "fi", "el", "hu", "cs", "ro"} <= languages()
    assert number_words("xx") is None
    assert number_words(None) is None


@pytest.mark.parametrize("language", sorted(languages()))
def test_spelled_numbers_lead_back_to_their_figures(language: str) -> None:
    """0 to 99 and every thirteenth number up to 9999; all of them in the languages spoken most."""
    often = language in {"en", "de", "es", "fr", "it", "hi", "ru", "ar", "pt"}
    numbers = [*range(100), *range(100, 10_000, 1 if often else 13)]
    wrong = {
        number: spelled
        for number in numbers
        if figures(spelled := str(spell(str(number), language)).replace(",", ""), language)
        != str(number)
    }
    assert not wrong


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("es", "uno dos tres cuatro cinco", "1 2 3 4 5"),
        ("fr", "un deux trois quatre cinq", "1 2 3 4 5"),
        ("fr", "quatre-vingt-dix-sept", "97"),
        ("fr", "deux cent mille", "200000"),
        ("it", "uno due tre quattro cinque sei sette otto nove dieci", "1 2 3 4 5 6 7 8 9 10"),
        ("hi", "एक दो तीन", "1 2 3"),
        ("de", "eins zwei drei", "1 2 3"),
        ("de", "zweitausendvierundzwanzig", "2024"),
        ("de", "hundertfünf zwölftausenddreihundert", "105 12300"),
        ("de", "drei Komma fünf", "3.5"),
        ("ru", "один два три пять тысяч", "1 2 3 5000"),
        ("ru", "двадцать одна тысяча", "21000"),
        ("pt", "mil e cinco", "1005"),
        ("ar", "واحد", "1"),
        ("ko", "하나 둘 셋 이천이십사", "1 2 3 2024"),
        ("tr", "bir iki üç bin dokuz yüz", "1 2 3900"),
        ("id", "satu dua tiga seribu", "1 2 3 1000"),
        ("vi", "một hai ba", "1 2 3"),
        ("en", "two million three hundred thousand five", "2300005"),
        ("en", "one hundred and five", "105"),
        ("en", "twenty twenty-four", "20 24"),
        ("en", "nineteen hundred and six", "1906"),
        ("en", "one point two five million", "1250000"),
        ("en", "nine thousand, five", "9000 \0 5"),
        ("en", "5 million", "5000000"),
        ("en", "0123 007", "0123 007"),
    ],
)
def test_number_words_become_figures(language: str, text: str, expected: str) -> None:
    assert figures(text, language) == expected


def test_articles_are_no_numbers() -> None:
    assert figures("une femme et une fille", "fr") == "une femme et une fille"
    assert figures("eine Frau, einen Mann", "de").startswith("eine frau")


def test_languages_without_spaces_count_by_characters() -> None:
    assert not has_word_spaces("th")
    assert figures("หนึ่งสองสาม", "th") == "1 2 3"


@pytest.mark.parametrize(
    ("language", "loop"),
    [
        ("de", "tausend"),
        ("de", "tausend eine million"),
        ("it", "mille"),
        ("it", "mille un milione"),
        ("en", "one million one thousand one hundred"),
        ("en", "million"),
    ],
)
def test_text_that_loops_ends(language: str, loop: str) -> None:
    """Recognisers loop, and a manifest line may hold megabytes of it."""
    separator = " " if has_word_spaces(language) else ""
    found = figures(separator.join([loop] * 20_000), language)
    assert found
    assert max(map(len, found.split())) < 60
