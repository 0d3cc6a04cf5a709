"""``whisper-en-2``: spellings of the same English speech are equal."""

# ruff: noqa: RUF001 (letters of other scripts, on purpose)

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.quality.english_text import english_2
from beam_audio.quality.number_speller import spell

WORDS = st.sampled_from(
    [
        *("the", "cat,", "twenty", "one", "oh", "hundred", "and", "five.", "don't", "point", "a"),
        *("million", "$20.50", "5,", "10:30", "1st", "second", "eighties", "double", "half", "%"),
    ]
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Case 20_figures_against_number_words
        ("five five", "5, 5"),
        ("one two three", "1. Two. 3"),
        ("two three", "2, 3"),
        ("nine eight seven", "9, 8, 7"),
        ("twenty twenty four", "2024"),
        (
            "one zero zero zero one nine oh two one oh zero one eight zero three",
            "1-0-0-0-1, 9-0-2-1-0, 0-1-8-0-3",
        ),
        ("five five five one two three four", "555-1234"),
        # Case 23_apostrophes
        ("He’ll say it’s Mario’s", "He'll say it's Mario's"),
        ("we can’t", "we can't"),
        ("they`re here", "they're here"),
        ("you don\u02bct mean", "you don't mean"),
        ("$20.50, twenty-one", "twenty dollars and fifty cents, twenty one"),
        ("$1.05", "one dollar and five cents"),
        ("£3.20", "three pounds and twenty pence"),
        ("$.50", "fifty cents"),
        ("$5 million", "five million dollars"),
        ("In 1465,", "in fourteen sixty-five"),
        ("1905", "nineteen oh five"),
        ("the 1980s", "the nineteen eighties"),
        ("the 1980's", "the nineteen eighties"),
        ("10%", "ten per cent"),
        ("the 21st of May", "the twenty first of may"),
        ("January 5, 2020", "January fifth twenty twenty"),
        ("at 10:30 a.m.", "at ten thirty a m"),
        ("4:05 PM", "four oh five pm"),
        ("10:00", "ten o’clock"),
        ("1.5 million", "one point five million"),
        ("2½", "two and a half"),
        ("105", "a hundred and five"),
        ("0.5", "zero point five"),
        ("12,345", "twelve thousand three hundred and forty-five"),
        ("5 5", "double five"),
        ("R&D in the U.S.A.", "r and d in the USA"),
        ("cannot", "can't"),
        ("café", "cafe"),
        ("Mr. Colour's  can't, [noise] (laughs) uh", "mister color is can not"),
        ("（laughs） yes", "yes"),
    ],
)
def test_the_same_speech_is_equal(one: str, other: str) -> None:
    assert english_2(one) == english_2(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("five", "nine"),
        ("fifteen", "fifty"),
        ("3.5", "35"),
        ("one hundred", "one thousand"),
        ("five", "fifth"),
        ("ten dollars", "ten euros"),
    ],
)
def test_different_numbers_stay_different(one: str, other: str) -> None:
    assert english_2(one) != english_2(other)


def test_one_wrong_digit_is_one_wrong_word() -> None:
    right = english_2("one nine oh two one").split()
    heard = english_2("1 9 0 7 1").split()
    assert [a == b for a, b in zip(right, heard, strict=True)] == [True, True, True, False, True]


def test_numbers_in_words_and_in_figures_are_equal() -> None:
    numbers = [*range(0, 10_000, 3), 12_345, 999_999, 1_000_000, 2_300_005]
    assert not [
        number
        for number in numbers
        if english_2(f"about {spell(str(number), 'en')} of them")
        != english_2(f"about {number} of them")
    ]


@given(st.text(max_size=60))
def test_it_takes_any_text(text: str) -> None:
    once = english_2(text)
    assert once == " ".join(once.split())


@given(st.lists(WORDS, max_size=10).map(" ".join))
def test_normalising_words_twice_changes_nothing(text: str) -> None:
    once = english_2(text)
    assert english_2(once) == once


@pytest.mark.parametrize("hostile", ["[", "<", "(", "'", " uh", "9", "[)", "a b ", "9,", "one "])
def test_it_stays_fast_on_hostile_text(hostile: str) -> None:
    text = hostile * (100_000 // len(hostile))
    english_2("warm")
    before = time.process_time()
    english_2(text)
    assert time.process_time() - before < 5
