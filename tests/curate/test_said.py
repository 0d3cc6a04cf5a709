"""The text of a recording from its rows."""

from __future__ import annotations

from typing import Any

from beam_audio.curate.said import overlap, said

RECORDING = {"sample_rate_hz": 8_000, "language": "en"}


def row(name: str, start: float, end: float, text: str) -> dict[str, Any]:
    words = text.split()
    step = (end - start) / max(len(words), 1)
    return {
        "segment_id": name,
        "start_seconds": start,
        "end_seconds": end,
        "core_start_seconds": start,
        "core_end_seconds": end,
        "text": text,
        "heard_language": "en",
        "words": [
            {"word": word, "start_seconds": start + n * step, "end_seconds": start + (n + 1) * step,
             "probability": None}
            for n, word in enumerate(words)
        ],
    }  # fmt: skip


def test_texts_are_joined_in_order_of_time_without_what_nobody_said() -> None:
    rows = [row("b", 2, 3, "three"), row("a", 0, 2, "one two"), row("c", 3, 4, "noise")]
    assert said(RECORDING, rows, [], {"c"}) == "one two three"
    assert said(RECORDING, rows, [], set()) == "one two three noise"
    chinese = RECORDING | {"language": "zh"}
    assert said(chinese, rows[:2], [], set()) == "one twothree"


def test_words_in_an_overlap_stand_once() -> None:
    one, other = row("a", 0, 4, "one two three four"), row("b", 2, 6, "three four five six")
    one["core_end_seconds"] = other["core_start_seconds"] = 3
    assert overlap([one, other])
    assert said(RECORDING, [one, other], [], set()) == "one two three four five six"
    assert said(RECORDING, [one, other], [], {"b"}) == "one two three"


def test_a_segment_that_failed_adds_nothing() -> None:
    failed = {"segment_id": "f", "start_seconds": 1.0, "end_seconds": 2.0}
    rows = [row("a", 0, 1, "one"), row("b", 2, 3, "two")]
    assert said(RECORDING, rows, [failed], set()) == "one two"
