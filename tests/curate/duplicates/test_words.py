"""Texts are compared without case and punctuation, and short ones not at all."""

from __future__ import annotations

import numpy as np
import pytest

from beam_audio.curate.duplicates.words import compare_texts, text_keys, text_print

LONG = "When the rain stopped, we walked home along the river and sang the old songs again."

MISHEARD = [
    (
        "The dean asked everybody to leave before the storm",
        "The team asked everybody to leave before the show",
    ),
    ("He sold his old boat for a hundred crowns", "She sold his old coat for a hundred crowns"),
    (
        "My neighbour plants tomatoes behind the garden fence",
        "My neighbours plant tomatoes behind a garden fence",
    ),
]


def print_of(*texts: str | None) -> bytes:
    stored = text_print(texts)
    assert stored is not None
    return stored


def share_a_key(first: bytes, second: bytes) -> bool:
    return len(np.intersect1d(text_keys(first)[0], text_keys(second)[0])) > 0


@pytest.mark.parametrize(
    ("other", "similarity"),
    [
        (LONG.upper().replace(",", " -"), 1.0),
        (LONG.replace("songs", "song"), 1 - 1 / 81),
        (LONG.replace("again", "once more"), 1 - 9 / 85),
        (LONG.replace("river", "road").replace("old", "new"), 1 - 7 / 81),
    ],
)
def test_near_equal_texts_share_a_key_and_are_alike(other: str, similarity: float) -> None:
    first, second = print_of(LONG), print_of(other)
    assert share_a_key(first, second)
    found = compare_texts(first, second, 0)
    assert found is not None
    assert found.similarity == pytest.approx(similarity, abs=1e-3)


def test_other_texts_are_not_alike() -> None:
    other = print_of("The meeting was moved to Thursday, because nobody had read the report.")
    assert compare_texts(print_of(LONG), other, 0) is None
    assert not share_a_key(print_of(LONG), other)


def test_the_shorter_texts_are_the_more_must_be_equal() -> None:
    one_word = compare_texts(
        print_of("What time is it today"), print_of("What time is it there"), 0
    )
    assert one_word is None
    before = "The doors of the hall were still closed, and nobody knew what time it was"
    first, second = print_of(f"{before} today, so we waited."), print_of(f"{before} there.")
    assert compare_texts(first, second, 0) is not None


@pytest.mark.parametrize(("heard", "said"), MISHEARD)
def test_texts_with_two_of_eight_words_wrong_are_alike(heard: str, said: str) -> None:
    assert share_a_key(print_of(heard), print_of(said))
    assert compare_texts(print_of(heard), print_of(said), 0) is not None


@pytest.mark.parametrize("text", ["", "Yes.", "Thank you very much", None])
def test_short_texts_are_not_compared(text: str | None) -> None:
    assert text_print([text]) is None


def test_a_text_without_word_spaces_is_compared() -> None:
    text = "今天天气很好我们一起去公园散步然后回家做饭吃晚饭看电视"
    found = compare_texts(print_of(text), print_of(text.replace("电视", "电影")), 0)
    assert found is not None


def test_either_of_two_texts_counts() -> None:
    heard = print_of("Something that the model made up, and nobody said", LONG)
    found = compare_texts(heard, print_of(LONG), 0)
    assert found is not None
    assert found.similarity == 1.0
