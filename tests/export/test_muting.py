"""What must not be heard: in a clip, in those that overlap it, and where it cannot be muted."""

from __future__ import annotations

from typing import Any

from beam_audio.export.muting import NOT_REDACTED, NOT_STORED, UNTIMED, Muting


def row(start: float, end: float, *found: tuple[float | None, float | None]) -> dict[str, Any]:
    redactions = [
        {"kind": "phone", "start": 0, "end": 4, "start_seconds": a, "end_seconds": b}
        for a, b in found
    ]
    times = {"start_seconds": start, "end_seconds": end}
    return {"recording_id": "r1", **times, "text": "anna", "words": [], "redactions": redactions}


def test_a_clip_is_muted_where_words_of_its_neighbour_reach_into_it() -> None:
    first, second, third = row(0, 5), row(4, 9, (4.5, 5.5), (7, 8)), row(9, 12)
    muting = Muting.of([first, second, third])
    assert [each["start_seconds"] for each in muting.of_segment(second)] == [4.5, 7]
    assert muting.of_segment(first) == [{"kind": "phone", "start_seconds": 4.5, "end_seconds": 5.5}]
    assert muting.of_segment(third) == []
    assert muting.why_not(first, is_stored=True) is None


def test_a_number_is_muted_from_the_word_before_it_to_the_word_after_it() -> None:
    """Ten digits take four seconds to say; a model times their figures as one short word."""
    words = [("call", 1.0, 1.5), ("4155552671", 3.0, 3.4), ("now", 6.0, 6.5)]
    names = ("word", "start_seconds", "end_seconds")
    redactions = [
        {"kind": "phone", "start": 5, "end": 15, "start_seconds": 3.0, "end_seconds": 3.4}
    ]
    segment = row(0.5, 8) | {
        "text": "call 4155552671 now",
        "words": [dict(zip(names, each, strict=True)) for each in words],
        "redactions": redactions,
    }
    muted = {"kind": "phone", "start_seconds": 1.5, "end_seconds": 6.0}
    assert Muting.of([segment]).of_segment(segment) == [muted]
    alone = segment | {"text": "on  4155552671", "words": segment["words"][1:2]}
    assert Muting.of([alone]).of_segment(alone) == [
        muted | {"start_seconds": 0.5, "end_seconds": 8}
    ]


def test_words_without_times_keep_every_clip_back_that_may_hold_them() -> None:
    first, second, third = row(0, 5), row(4, 9, (None, None)), row(9, 12)
    muting = Muting.of([first, second, third])
    assert [muting.why_not(each, is_stored=True) for each in (first, second, third)] == [
        *(UNTIMED, UNTIMED, None)
    ]
    no_length = Muting.of([row(0, 5, (2, 2))])
    assert no_length.why_not(row(0, 5), is_stored=True) == UNTIMED


def test_without_stored_audio_a_recording_with_redacted_words_is_not_played_at_all() -> None:
    clean = row(9, 12)
    muting = Muting.of([row(4, 9, (5, 6)), clean])
    assert muting.why_not(clean, is_stored=False) == NOT_STORED
    assert muting.why_not(clean | {"recording_id": "r2"}, is_stored=False) is None


def test_segments_that_are_newer_than_the_redactions_are_kept_back() -> None:
    new = row(9, 12) | {"redactions": None}
    assert Muting.of([row(0, 5), new]).why_not(new, is_stored=True) == NOT_REDACTED
    assert Muting.of([new]).why_not(new, is_stored=False) is None
