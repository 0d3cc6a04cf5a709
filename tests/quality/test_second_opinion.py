"""How far two transcripts differ, and which language has most votes."""

from __future__ import annotations

import pytest

from beam_audio.quality.normalizers import Normalizer
from beam_audio.quality.second_opinion import chosen_by_model, compare, voted_language
from beam_audio.types import Transcript

BASIC = Normalizer("basic-1")


@pytest.mark.parametrize(
    ("first", "second", "language", "wer", "cer"),
    [
        ("The cat sat.", "the cat sat", "en", 0.0, 0.0),
        ("the cat sat", "the bat sat down", "en", 2 / 3, 6 / 11),
        ("the cat", "", "en", 1.0, 1.0),
        ("", "...", "en", 0.0, 0.0),
        ("", "the cat", "en", None, None),
        ("今天天气很好", "今天天汽好", "zh", None, 2 / 6),
    ],
)
def test_the_first_text_stands_in_for_the_reference(
    first: str, second: str, language: str, wer: float | None, cer: float | None
) -> None:
    found = compare(Transcript(first, language), Transcript(second, language), BASIC)
    assert found.wer == wer
    assert found.cer == pytest.approx(cer)


@pytest.mark.parametrize(
    ("votes", "winner"),
    [
        (("en", "en", "de"), "en"),
        (("en", "de", "de"), "de"),
        (("en", "de", "fr"), None),
        (("en", None, None), None),
        (("jw", "jv", None), "jv"),
        ((), None),
    ],
)
def test_two_of_three_decide_on_the_language(
    votes: tuple[str | None, ...], winner: str | None
) -> None:
    assert voted_language(votes) == winner


def test_a_model_that_was_told_the_language_does_not_vote() -> None:
    assert chosen_by_model(Transcript("a", "en", 0.9)) == "en"
    assert chosen_by_model(Transcript("a", "en")) is None
