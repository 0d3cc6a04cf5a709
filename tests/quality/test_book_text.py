"""Sentences of a text are found in a recording, and what differs is named."""

from __future__ import annotations

from itertools import pairwise

import pytest

from beam_audio.quality.book_text import Reading, read_sentences
from beam_audio.quality.normalizers import normalizer_for
from beam_audio.quality.pauses import Spoken
from beam_audio.types import Word

WORD_SECONDS = 0.3
PAUSE_SECONDS = 0.8
SENTENCES = (
    "The child almost hurt the small dog.",
    "At that high level the air is pure.",
    "A thin stripe runs down the middle.",
    "Sunday is the best part of the week.",
)


def said(*sentences: str) -> Spoken:
    """Sentences with a pause before each of them and after the last."""
    words, speech, now = [], [], 0.0
    for sentence in sentences:
        now += PAUSE_SECONDS
        start = now
        for word in sentence.split():
            words.append(Word(word, now, now + WORD_SECONDS, 0.9))
            now += WORD_SECONDS
        speech.append((start, now))
    return Spoken(words, speech, now + PAUSE_SECONDS)


def found(text: str, spoken: Spoken, language: str = "en") -> list[Reading]:
    return read_sentences(text, spoken, normalizer_for(language))


def kinds(readings: list[Reading]) -> list[str]:
    return [each.kind for each in readings]


def test_each_sentence_is_cut_in_the_pauses_around_it() -> None:
    spoken = said(*SENTENCES)
    readings = found(" ".join(SENTENCES), spoken)
    assert [each.text for each in readings] == [*SENTENCES]
    assert kinds(readings) == ["read"] * 4
    for reading, (start, end) in zip(readings, spoken.speech, strict=True):
        assert reading.start_seconds == pytest.approx(start - 0.3)
        assert reading.end_seconds == pytest.approx(end + 0.3)
        assert reading.cer == 0.0
    assert all(one.end_seconds <= other.start_seconds for one, other in pairwise(readings))  # type: ignore[operator] # all are read


def test_bare_text_is_found_by_its_paragraphs_whatever_its_case() -> None:
    text = "\n\n".join(SENTENCES).upper().replace(".", "")
    assert kinds(found(text, said(*SENTENCES))) == ["read"] * 4


@pytest.mark.parametrize("gone", range(4))
def test_what_the_text_lacks_is_added_with_its_place(gone: int) -> None:
    spoken = said(*SENTENCES)
    rest = [each for n, each in enumerate(SENTENCES) if n != gone]
    readings = found(" ".join(rest), spoken)
    assert kinds(readings) == ["added" if n == gone else "read" for n in range(4)]
    added, (start, end) = readings[gone], spoken.speech[gone]
    assert (added.text, added.heard, added.cer) == ("", SENTENCES[gone], None)
    assert added.start_seconds == pytest.approx(start - 0.3)
    assert added.end_seconds == pytest.approx(end + 0.3)


@pytest.mark.parametrize("gone", range(4))
def test_what_is_not_read_is_named_and_costs_its_neighbours_nothing(gone: int) -> None:
    spoken = said(*(each for n, each in enumerate(SENTENCES) if n != gone))
    readings = found(" ".join(SENTENCES), spoken)
    assert readings[gone] == Reading("not_read", SENTENCES[gone])
    others = [each for each in readings if each.kind == "read"]
    assert [each.start_seconds for each in others] == [
        pytest.approx(start - 0.3) for start, _ in spoken.speech
    ]


def test_another_sentence_in_place_of_one_is_both() -> None:
    spoken = said(SENTENCES[0], "Nobody had expected such heavy rain in June.", SENTENCES[2])
    assert kinds(found(" ".join(SENTENCES[:3]), spoken)) == ["read", "not_read", "added", "read"]


def test_a_sentence_read_otherwise_is_misread() -> None:
    spoken = said(SENTENCES[0], "At that high water the ships can go.", SENTENCES[2])
    readings = found(" ".join(SENTENCES[:3]), spoken)
    assert kinds(readings) == ["read", "misread", "read"]
    assert readings[1].heard == "At that high water the ships can go."


def test_words_heard_wrongly_at_an_edge_stay_with_their_sentence() -> None:
    spoken = said("A child almost hurt the small doc.", "Add that high level the air is poor.")
    readings = found(" ".join(SENTENCES[:2]), spoken)
    assert [each.heard for each in readings] == [
        "A child almost hurt the small doc.",
        "Add that high level the air is poor.",
    ]


def test_figures_are_found_as_words() -> None:
    (reading,) = found("In nineteen eighty four he left.", said("In 1984 he left."))
    assert (reading.kind, reading.cer) == ("read", 0.0)


def test_a_language_without_word_spaces() -> None:
    words = [Word(each, n / 4, n / 4 + 0.25, 0.9) for n, each in enumerate("今天很好我们去公园")]
    readings = found("今天很好。我们去公园。", Spoken(words, [(0.0, 2.25)], 2.25), "zh")
    assert [each.heard for each in readings] == ["今天很好", "我们去公园"]


def test_nothing_said_and_nothing_written() -> None:
    assert kinds(found(" ".join(SENTENCES), Spoken([], [], 9.0))) == ["not_read"] * 4
    assert kinds(found("", said(SENTENCES[0]))) == ["added"]
    assert found("", Spoken([], [], 9.0)) == []
