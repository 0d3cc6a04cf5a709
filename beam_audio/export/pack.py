"""Neighbouring segments joined to items of wanted durations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_PAUSE_SECONDS: Final = 1.0
"""A longer pause between two segments stays out of items."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What packing looks at of a segment: its samples, and what may not differ in an item.

    Attributes:
        start_sample: Where it begins in the recording.
        end_sample: The sample after its last.
        index: Its number in the recording: those of neighbours follow one another.
        voice: Speaker and language.
    """

    start_sample: int
    end_sample: int
    index: int
    voice: tuple[str | None, ...] = ()


def packed(
    stretches: Sequence[Stretch], sample_rate_hz: int, seconds: tuple[float, float]
) -> list[tuple[int, int]]:
    """Which stretches become one item: positions of the first and after the last, in order.

    As much audio as possible is used, in as few items as possible. What is in no item has no
    neighbours to be long enough with, or is too long.

    Args:
        stretches: Segments of one recording, in order of time.
        sample_rate_hz: The rate of their samples.
        seconds: Shortest and longest item.
    """
    shortest, longest = (each * sample_rate_hz for each in seconds)
    runs = _runs(stretches, round(MOST_PAUSE_SECONDS * sample_rate_hz))
    return [
        (first + start, first + end)
        for first, last in runs
        for start, end in _best(stretches[first:last], shortest, longest)
    ]


def _runs(stretches: Sequence[Stretch], most_pause: int) -> list[tuple[int, int]]:
    """Stretches that follow one another without a gap."""
    borders = [
        position
        for position, (one, other) in enumerate(pairwise(stretches), 1)
        if other.index != one.index + 1
        or other.voice != one.voice
        or other.start_sample - one.end_sample > most_pause
    ]
    return list(pairwise([0, *borders, len(stretches)])) if stretches else []


def _best(run: Sequence[Stretch], shortest: float, longest: float) -> list[tuple[int, int]]:
    """The items of a run that leave out the fewest samples, and of these the fewest items."""
    # By how many stretches are done: samples used, items (negative), where the last one begins.
    best: list[tuple[int, int, int | None]] = [(0, 0, None)]
    for end in range(1, len(run) + 1):
        used, items, _ = best[end - 1]
        found: tuple[int, int, int | None] = (used, items, None)
        for start in range(end - 1, -1, -1):
            samples = run[end - 1].end_sample - run[start].start_sample
            if samples > longest:
                break
            if samples >= shortest:
                used, items, _ = best[start]
                found = max(found, (used + samples, items - 1, start), key=lambda each: each[:2])
        best.append(found)
    made, end = [], len(run)
    while end:
        first = best[end][2]
        if first is not None:
            made.append((first, end))
        end = end - 1 if first is None else first
    return made[::-1]
