"""How long a text is when it is spoken."""

from __future__ import annotations

import pytest

from beam_audio.quality.spoken_form import spoken_form


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("en", "6", "six"),  # case 19_figures_counted_as_characters
        ("en", "9", "nine"),
        ("en", "In 1465,", "In fourteen sixty five,"),
        ("en", "at 10:30", "at ten thirty"),
        ("en", "1,000", "one thousand"),
        ("en", "$5", "dollars five"),
        ("en", "50%", "fifty percent"),
        ("en", "Mr. Fox", "mister Fox"),
        ("en", "the FBI", "the efbeeeye"),
        ("en", "plain words", "plain words"),
        ("de", "21", "einundzwanzig"),
        ("hi", "१२", "बारह"),
        ("zh", "6", "六"),
        ("xx", "6", "six"),  # about as long as in a language that is known
        (None, "6", "six"),
        ("fr", "les 3 amis", "les trois amis"),
    ],
)
def test_figures_and_abbreviations_are_spelled(
    language: str | None, text: str, spoken: str
) -> None:
    assert spoken_form(text, language).split() == spoken.split()


def test_a_text_in_capitals_has_no_initials() -> None:
    assert spoken_form("YOU DO NOT MEAN", "en") == "YOU DO NOT MEAN"


def test_any_figure_is_spelled() -> None:
    assert spoken_form("9" * 40, "en").split() == ["nine"] * 40
