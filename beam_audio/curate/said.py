"""The text of a recording, without the words that nobody said."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.quality.recording_text import core_texts, join_texts, spoken_texts
from beam_audio.types import Segment, Transcript, Word

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from beam_audio.types import Row

SEGMENT_COLUMNS: Final = (
    *("segment_id", "segment_index", "start_seconds", "end_seconds", "core_start_seconds"),
    *("core_end_seconds", "duration_seconds", "text", "heard_language", "words"),
)
"""Columns of ``segments`` that a text is made from."""

_NO_SAMPLES: Final = np.zeros(0, dtype=np.float32)


def said(
    recording: Row, segments: Sequence[Row], failed: Sequence[Row], unspoken: Collection[str]
) -> str:
    """The text of a recording from its rows.

    Args:
        recording: Its row.
        segments: The rows of its segments.
        failed: The rows in ``failures`` of its segments that failed.
        unspoken: Ids of the segments whose words nobody said.
    """
    rows = [*segments, *map(_core, failed)]
    rows.sort(key=lambda row: row["core_start_seconds"])
    left_out = {n for n, row in enumerate(rows) if row["segment_id"] in unspoken}
    texts = [row["text"] for row in rows]
    if overlap(rows):
        rate_hz = recording["sample_rate_hz"]
        texts = core_texts([(_segment(row, rate_hz), _transcript(row)) for row in rows])
    return join_texts(spoken_texts(texts, left_out), recording["language"])


def overlap(segments: Sequence[Row]) -> bool:
    """Whether any segment of a recording, in order of time, begins before the one before ends."""
    return any(one["end_seconds"] > other["start_seconds"] for one, other in pairwise(segments))


def _core(failure: Row) -> dict[str, Any]:
    """A failed segment: only its core is stored."""
    edges = {edge: failure[f"{edge}_seconds"] for edge in ("start", "end")}
    return {
        "segment_id": failure["segment_id"],
        "text": "",
        "heard_language": None,
        "words": None,
        "has_failed": True,
        **{f"{edge}_seconds": seconds for edge, seconds in edges.items()},
        **{f"core_{edge}_seconds": seconds for edge, seconds in edges.items()},
    }


def _segment(row: Row, rate_hz: int) -> Segment:
    return Segment(
        recording_id="",
        segment_id=row["segment_id"],
        segment_index=-1,
        channel=None,
        sample_rate_hz=rate_hz,
        start_sample=round(row["start_seconds"] * rate_hz),
        end_sample=round(row["end_seconds"] * rate_hz),
        core_start_sample=round(row["core_start_seconds"] * rate_hz),
        core_end_sample=round(row["core_end_seconds"] * rate_hz),
        speech=(),
        samples=_NO_SAMPLES,
    )


def _transcript(row: Row) -> Transcript | None:
    if row.get("has_failed"):
        return None
    words = row["words"]
    return Transcript(
        row["text"],
        row["heard_language"],
        words=None if words is None else tuple(Word(**each) for each in words),
    )
