"""Segments beside their recordings."""

from __future__ import annotations

import pyarrow as pa

from beam_audio.curate.joined import JoinedSegments

SEGMENTS = pa.table(
    {
        "recording_id": ["b", "a", "b"],
        "text": ["no no no no", "so it goes", ""],
        "heard_language": ["de", None, "en"],
        "normalizer_id": pa.array(["basic-1", None, None]),
    }
)
RECORDINGS = pa.table(
    {
        "recording_id": ["a", "b"],
        "sample_rate_hz": [8_000, 16_000],
        "language": ["fr", "de"],
        "stated_language": ["fr", "en"],
        "reasons": pa.array([["score_failed"], []], pa.list_(pa.string())),
    }
)


def test_each_segment_has_what_its_recording_has() -> None:
    joined = JoinedSegments(SEGMENTS, RECORDINGS)
    assert joined.of_recordings("language").to_pylist() == ["de", "fr", "de"]
    assert joined.sample_rates_hz.tolist() == [16_000, 8_000, 16_000]
    assert joined.score_failed.tolist() == [False, True, False]


def test_words_are_counted_in_the_stated_language_only_beside_a_reference() -> None:
    joined = JoinedSegments(SEGMENTS, RECORDINGS)
    assert joined.judged_as.tolist() == ["en", "fr", "en"]
    assert joined.spoken.tolist() == ["en", "fr", "en"]
    assert joined.words.are_repetitive().tolist() == [True, False, False]


def test_a_segment_without_text_has_no_language() -> None:
    heard, recording, stated = JoinedSegments(SEGMENTS, RECORDINGS).languages
    columns = [each.to_pylist() for each in (heard, recording, stated)]
    assert columns == [["de", None, None], ["de", "fr", "de"], ["en", "fr", "en"]]
