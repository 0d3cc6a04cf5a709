"""Numbers in words."""

from __future__ import annotations

import pytest

from beam_audio.quality.number_speller import spell, speller_of


@pytest.mark.parametrize(
    ("figure", "language", "words"),
    [
        ("6", "en", "six"),
        ("21", "de", "einundzwanzig"),
        ("007", "en", "zero zero seven"),
        ("6", "zh", "六"),
        ("12", "ja", "十二"),
        ("9" * 30, "en", " ".join(["nine"] * 30)),
    ],
)
def test_figures_become_words(figure: str, language: str, words: str) -> None:
    assert spell(figure, language) == words


def test_years_are_read_in_pairs() -> None:
    assert spell("1465", "en", is_year=True) == "fourteen sixty-five"


def test_a_language_without_known_words_spells_nothing() -> None:
    assert spell("5", "xx") is None
    assert spell("5", None) is None


def test_the_forms_of_a_number() -> None:
    russian = set(speller_of("ru").spellings(2))
    assert {("два",), ("две",)} <= russian
    assert list(speller_of("fr").spellings(1)) == [("un",)]  # the others are articles
    assert speller_of("de").point() == "komma"
