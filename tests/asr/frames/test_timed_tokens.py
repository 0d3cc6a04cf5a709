from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.asr.frames.timed_tokens import TimedToken, transcript_of


def tokens(*texts: str, step: float = 0.1) -> list[TimedToken]:
    return [
        TimedToken(number, text, number * step, (number + 1) * step, math.log(0.5))
        for number, text in enumerate(texts)
    ]


def test_spaces_separate_words_and_marks_belong_to_them() -> None:
    heard = transcript_of(tokens(" so", "me", " word", " ,", " and", "…"), "en", 1.0)
    assert heard.text == "some word, and…"
    assert heard.words is not None
    assert [word.word for word in heard.words] == ["some", "word,", "and…"]
    times = [(word.start_seconds, word.end_seconds) for word in heard.words]
    assert times == [pytest.approx(pair) for pair in ((0, 0.2), (0.2, 0.3), (0.4, 0.5))]
    assert heard.token_ids == (0, 1, 2, 3, 4, 5)
    assert heard.avg_logprob == pytest.approx(math.log(0.5))
    assert all(word.probability == pytest.approx(0.5) for word in heard.words)


def test_letters_with_spaces_between_words_make_words() -> None:
    heard = transcript_of(tokens(" ", "h", "i", " ", " ", "y", "o", " "), None, 1.0)
    assert heard.text == "hi yo"
    assert heard.words is not None
    assert [word.word for word in heard.words] == ["hi", "yo"]
    assert [word.start_seconds for word in heard.words] == pytest.approx([0.1, 0.5])


def test_a_currency_keeps_its_space() -> None:
    assert transcript_of(tokens(" costs", " $", "5", "."), "en", 1.0).text == "costs $5."


def test_no_tokens_have_no_confidence() -> None:
    heard = transcript_of([], "de", 2.0)
    assert (heard.text, heard.words, heard.avg_logprob) == ("", (), None)
    assert (heard.language, heard.token_ids) == ("de", ())
    assert transcript_of(tokens(" ", " "), None, 1.0).words == ()


@given(
    pieces=st.lists(st.sampled_from([" a", "b", " ", ",", " ?", "(", " c"]), max_size=20),
    starts=st.lists(st.floats(0, 5), min_size=20, max_size=20),
    lengths=st.lists(st.floats(0, 1), min_size=20, max_size=20),
    clip_seconds=st.floats(0, 5),
)
def test_words_are_in_order_and_inside_the_clip(
    pieces: list[str], starts: list[float], lengths: list[float], clip_seconds: float
) -> None:
    heard = transcript_of(
        [
            TimedToken(None, text, start, start + length, -0.1)
            for text, start, length in zip(pieces, sorted(starts), lengths, strict=False)
        ],
        None,
        clip_seconds,
    )
    flat = [t for word in heard.words or () for t in (word.start_seconds, word.end_seconds)]
    assert flat == sorted(flat)
    assert all(0 <= time <= clip_seconds for time in flat)
    assert "".join(word.word for word in heard.words or ()).replace(" ", "") == "".join(
        pieces
    ).replace(" ", "")
