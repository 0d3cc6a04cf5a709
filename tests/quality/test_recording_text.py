"""Words that overlapping segments share come once in the text of the recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.quality.recording_text import core_texts, majority_language
from beam_audio.segments.cuts import WindowCutter
from beam_audio.types import Segment, Transcript, Word

if TYPE_CHECKING:
    from random import Random

RATE_HZ = 1000


def windows(seconds: float, window: float, overlap: float) -> list[Segment]:
    """Fixed windows over a recording, as the segmenter cuts them."""
    step = window - overlap
    cutter = WindowCutter(window=round(window * RATE_HZ), step=round(step * RATE_HZ))
    return [
        Segment(
            recording_id="r",
            segment_id=str(index),
            segment_index=index,
            channel=None,
            sample_rate_hz=RATE_HZ,
            start_sample=piece.start,
            end_sample=piece.end,
            core_start_sample=piece.core_start,
            core_end_sample=piece.core_end,
            speech=(),
            samples=np.zeros(0, np.float32),
        )
        for index, piece in enumerate(cutter.take(round(seconds * RATE_HZ), ended=True))
    ]


def hear(
    segment: Segment, said: list[tuple[str, float, float]], language: str = "en"
) -> Transcript:
    """The words that lie inside a segment."""
    words = tuple(
        Word(text, start, end, 0.9)
        for text, start, end in said
        if start >= segment.start_seconds and end <= segment.end_seconds
    )
    glue = "" if language == "ja" else " "
    return Transcript(glue.join(word.word for word in words), language, words=words)


SAID = [("one", 0.5, 1.0), ("two,", 3.0, 3.5), ("three", 4.1, 4.8), ("four.", 5.2, 6.0)]


def test_words_in_the_overlap_belong_to_the_core_of_their_middle() -> None:
    first, second = windows(7.0, 5.0, 3.0)
    assert first.core_end_sample == second.core_start_sample == 3500
    segments = [(segment, hear(segment, SAID)) for segment in (first, second)]
    assert [transcript.text for _, transcript in segments] == [
        "one two, three",
        "two, three four.",
    ]
    assert core_texts(segments) == ["one two,", "three four."]


def test_languages_without_spaces_are_joined_without() -> None:
    segments = windows(7.0, 5.0, 3.0)
    assert core_texts([(segment, hear(segment, SAID, "ja")) for segment in segments]) == [
        "onetwo,",
        "threefour.",
    ]


@pytest.mark.parametrize(
    ("first", "second", "texts"),
    [
        # The border is at 3.5. Both segments have the word, on different sides of it.
        ((3.30, 3.66), (3.34, 3.70), ["word", ""]),
        ((3.34, 3.70), (3.30, 3.66), ["", "word"]),
        ((3.10, 3.50), (3.10, 3.50), ["word", ""]),
        ((3.50, 3.90), (3.50, 3.90), ["", "word"]),
    ],
)
def test_a_word_on_the_border_is_neither_lost_nor_doubled(
    first: tuple[float, float], second: tuple[float, float], texts: list[str]
) -> None:
    early, late = windows(7.0, 5.0, 3.0)
    segments = [(early, hear(early, [("word", *first)])), (late, hear(late, [("word", *second)]))]
    assert core_texts(segments) == texts


def test_segments_that_do_not_overlap_give_their_text_as_it_is() -> None:
    """A word without length at the very end of a segment stays in that segment."""
    segments = windows(4.0, 2.0, 0.0)
    odd = Transcript("  As written ", "en", words=(Word("As", 2.0, 2.0, None),))
    assert core_texts([(segment, odd) for segment in segments]) == ["  As written "] * 2


def test_without_word_times_or_a_result_there_is_nothing_to_choose_by() -> None:
    first, second, third = windows(9.0, 5.0, 3.0)
    segments = [(first, Transcript("all of it", "en")), (second, None), (third, hear(third, SAID))]
    assert core_texts(segments) == ["all of it", "", "four."]
    assert core_texts([]) == []


@given(
    st.lists(st.tuples(st.floats(0.25, 0.9), st.floats(0.0, 1.5)), min_size=1, max_size=40),
    st.floats(3.0, 8.0),
    st.floats(2.0, 2.9),
    st.randoms(use_true_random=False),
)
def test_words_that_windows_place_differently_come_once_and_in_order(
    lengths: list[tuple[float, float]],
    window: float,
    overlap: float,
    random: Random,
) -> None:
    said, now = [], 0.0
    for index, (length, pause) in enumerate(lengths):
        said.append((f"w{index}", now, now + length))
        now += length + pause
    segments = []
    for segment in windows(now + 0.1, window, overlap):
        placed = [
            (word, start + random.uniform(-0.05, 0.05), end + random.uniform(-0.05, 0.05))
            if segment.start_seconds + 0.05 < start and end < segment.end_seconds - 0.05
            else (word, start, end)
            for word, start, end in said
        ]
        segments.append((segment, hear(segment, placed)))
    assert " ".join(filter(None, core_texts(segments))).split() == [word for word, _, _ in said]


def test_the_language_is_that_of_most_seconds_with_text() -> None:
    segments = windows(7.5, 2.0, 0.0)
    assert majority_language([]) is None

    def majority(*results: Transcript | None) -> str | None:
        return majority_language(list(zip(segments, results, strict=True)))

    english, german = Transcript("x", "en"), Transcript("y", "de")
    welsh_silence, unknown = Transcript("", "cy"), Transcript("z")
    assert majority(english, german, english, None) == "en"
    assert majority(english, german, unknown, None) == "de"
    assert majority(english, welsh_silence, welsh_silence, welsh_silence) == "en"
    assert majority(english, None, None, german) == "en"
    assert majority(welsh_silence, None, None, None) == "cy"
    assert majority(unknown, None, None, unknown) is None
