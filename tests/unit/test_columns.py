"""Groups of columns, and the times of words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.types import Segment, Word
from beam_audio.unit.columns import date_key, encodable, words_column, words_in_recording


def segment(rate_hz: int, start_sample: int, samples: int) -> Segment:
    end = start_sample + samples
    return Segment(
        recording_id="r",
        segment_id="s",
        segment_index=0,
        channel=None,
        sample_rate_hz=rate_hz,
        start_sample=start_sample,
        end_sample=end,
        core_start_sample=start_sample,
        core_end_sample=end,
        speech=(),
        samples=np.zeros(0, np.float32),
    )


def test_words_are_timed_from_the_start_of_the_recording() -> None:
    words = (Word("Well,", 0.0, 0.34, 0.87654321), Word("then.", 0.4, 0.70001, None))
    assert words_column(words_in_recording(segment(16_000, 160_000, 16_000), words)) == [
        {"word": "Well,", "start_seconds": 10.0, "end_seconds": 10.34, "probability": 0.8765},
        {"word": "then.", "start_seconds": 10.4, "end_seconds": 10.7, "probability": None},
    ]


def test_no_times_differ_from_no_words() -> None:
    for words, column in ((None, None), ((), [])):
        assert words_column(words_in_recording(segment(8_000, 0, 8_000), words)) == column


@given(
    st.integers(100, 192_000),
    st.integers(0, 10**9),
    st.integers(1, 10**6),
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20),
)
def test_no_word_lies_outside_its_segment_or_before_the_last(
    rate_hz: int, start_sample: int, samples: int, places: list[float]
) -> None:
    """Rounding, or a recogniser that looks into the padding, may place a word outside."""
    heard_in = segment(rate_hz, start_sample, samples)
    times = [1.01 * place * heard_in.duration_seconds for place in sorted(places)]
    words = tuple(Word("x", start, end, 0.5) for start, end in pairwise(times))
    found = words_in_recording(heard_in, words) or ()
    edges = [(word.start_seconds, word.end_seconds) for word in found]
    flat = [time for edge in edges for time in edge]
    assert flat == sorted(flat)
    assert heard_in.start_seconds <= flat[0]
    assert flat[-1] <= heard_in.end_seconds


def test_dates_are_in_utc() -> None:
    evening = datetime(2026, 3, 1, 23, tzinfo=timezone(timedelta(hours=-5)))
    assert date_key(evening) == ("date", "2026-03-02")
    assert date_key(datetime(2026, 3, 1, tzinfo=UTC)) == ("date", "2026-03-01")
    assert date_key(None) == ("date", "unknown")


def test_names_that_are_not_text_can_be_written() -> None:
    assert encodable("Übung.wav") == "Übung.wav"
    assert encodable("caf\udce9.wav") == "caf\\udce9.wav"
