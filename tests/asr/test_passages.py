from __future__ import annotations

from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.asr.passages import is_plausible, join, joined, move, part
from beam_audio.asr.recognizer import Request
from beam_audio.types import Transcript, Word


def word(text: str, start: float, end: float) -> Word:
    return Word(text, start, end, 0.5)


def test_a_passage_is_its_segments_one_after_the_other() -> None:
    segments = [Request(np.full(n, n, np.float32), "de", seed=n) for n in (3, 1, 2)]
    passage = join(segments)
    assert passage.samples.tolist() == [3, 3, 3, 1, 2, 2]
    assert (passage.language, passage.pieces) == ("de", tuple(segments))
    assert join(segments[:1]) is segments[0]


def test_a_word_goes_where_its_middle_is() -> None:
    words = [word("a", 0.1, 0.9), word("b", 0.9, 1.2), word("c", 1.2, 3.1), word("d", 3.1, 3.3)]
    assert part(words, [1.0, 2.0, 1.0]) == [slice(0, 1), slice(1, 3), slice(3, 4)]
    assert part([], [1.0, 2.0]) == [slice(0, 0), slice(0, 0)]


times = st.lists(st.floats(0, 30), max_size=20).map(sorted)
lengths = st.lists(st.floats(0.1, 8), min_size=1, max_size=6)


@given(times, lengths)
def test_every_word_goes_to_one_piece_and_stays_inside_it(
    borders: list[float], seconds: list[float]
) -> None:
    words = [word(str(place), *pair) for place, pair in enumerate(list(pairwise(borders))[::2])]
    slices = part(words, seconds)
    assert [one for own in slices for one in words[own]] == words
    for own, start, length in zip(slices, accumulate(seconds, initial=0.0), seconds, strict=False):
        moved = move(words[own], start, length)
        bounds = [time for one in moved for time in (one.start_seconds, one.end_seconds)]
        assert bounds == sorted(bounds)
        assert all(0 <= time <= length for time in bounds)
        assert [one.word for one in moved] == [one.word for one in words[own]]


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ([], 0.5),
        ([("so", 0.2, 0.6)], 2.7),  # the rest is missing
        ([("so", 2.2, 2.6)], 2.7),  # the start is missing
        ([("something", 0.2, 0.6), ("else", 2.7, 3.0)], 3.0),
        ([("of", 0.2, 2.4)], 2.7),
        ([("extraordinarily" * 4, 0.0, 1.0)], 1.0),
    ],
)
def test_implausible_words_are_not_trusted(
    words: list[tuple[str, float, float]], seconds: float
) -> None:
    assert not is_plausible([word(*one) for one in words], seconds, "en")


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ([("so", 0.2, 0.6), ("be", 0.7, 0.9), ("it", 1.0, 1.2)], 1.4),
        ([("Yes.", 0.2, 0.6)], 0.9),
        ([("something", 0.2, 0.6), ("else", 2.5, 3.0)], 3.0),
        ([("unbelievable", 0.0, 3.0)], 3.0),
    ],
)
def test_plausible_words_are_trusted(words: list[tuple[str, float, float]], seconds: float) -> None:
    assert is_plausible([word(*one) for one in words], seconds, "en")


def test_the_text_of_a_passage_is_that_of_its_pieces() -> None:
    english = [Transcript("One,", "en"), Transcript("", "de"), Transcript("two.", "en")]
    assert joined(english).text == "One, two."
    assert joined(english).pieces == tuple(english)
    assert joined([Transcript("静か", "ja"), Transcript("な海", "ja")]).text == "静かな海"


def test_languages_without_spaces_have_fewer_characters() -> None:
    words = [word("静", 0.2, 0.5), word("か", 0.5, 0.8)]
    assert is_plausible(words, 1.2, "ja")
    assert not is_plausible(words, 1.2, "en")
