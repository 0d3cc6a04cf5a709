"""Separators of figures, and their digits."""

from __future__ import annotations

import pytest

from beam_audio.quality.figures import digits, join_groups, parted, without_leading_zeros


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("1,000,000", "1000000"),
        ("1.000.000", "1000000"),
        ("1'000'000", "1000000"),
        ("12,345.67", "12345.67"),
        ("3.5 and 3,5", "3.5 and 3.5"),
        ("1,2,3", "1 2 3"),
        ("12.05.2024", "12 05 2024"),
        ("10:30", "10 30"),
        ("5, 5", "5, 5"),
        ("in 1465, he", "in 1465, he"),
        ("2.", "2."),
    ],
)
def test_separators(text: str, joined: str) -> None:
    assert join_groups(text) == joined


def test_figures_and_letters_part() -> None:
    assert parted("5kg") == ["5", "kg"]
    assert parted("mp3") == ["mp", "3"]
    assert parted("3.5") == ["3.5"]
    assert parted("word") == ["word"]


def test_digits() -> None:
    assert digits("2024", "point") == ["2", "0", "2", "4"]
    assert digits("20.5", "komma") == ["2", "0", "komma", "5"]
    assert digits("0.5", "point") == ["0", "point", "5"]
    assert digits("3.5", None) == ["3", "5"]
    assert digits("21st", "point") == ["2", "1st"]
    assert digits("80s", "point") == ["8", "0s"]
    assert digits("word", "point") == ["word"]


def test_a_zero_before_the_point_is_left_out() -> None:
    assert without_leading_zeros(["0", "point", "5"], "point") == ["point", "5"]
    assert without_leading_zeros(["1", "0", "point", "5"], "point") == ["1", "0", "point", "5"]
    assert without_leading_zeros(["0", "5"], "point") == ["0", "5"]
