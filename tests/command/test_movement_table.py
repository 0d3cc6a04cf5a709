"""What a person reads after segments were judged again."""

from __future__ import annotations

from collections import Counter

from beam_audio.command.movement_table import movement_table
from beam_audio.curate.movement import Movement

MOVED = Movement(
    units=Counter(written=2, lost=1),
    segments=Counter({"keep>keep": 5, "keep>drop": 2, "review>keep": 1}),
    seconds=Counter({"keep>keep": 18_000, "keep>drop": 3_600, "review>keep": 1_800}),
    word_errors=Counter({"keep>keep": 3, "keep>drop": 7}),
    words=Counter({"keep>keep": 80, "keep>drop": 20}),
    reasons=Counter({"+low_snr": 2, "-too_short": 1}),
    undecided=4,
)


def test_what_moved_is_told_with_hours_and_errors() -> None:
    assert movement_table(MOVED).splitlines() == [
        "8 segments, 3 moved",
        "  keep: 6.00 h before, 5.50 h after",
        "  review: 0.50 h before, 0.00 h after",
        "  drop: 0.00 h before, 1.00 h after",
        "  WER of what is kept: 10.00 % before, 3.75 % after",
        "  keep to drop: 2 segments, 1.00 h",
        "  review to keep: 1 segments, 0.50 h",
        "  more for low_snr: 2",
        "  fewer for too_short: 1",
        "4 segments have no such decision, and keep theirs",
        "1 units lost, 2 units written",
        "another writer was faster for the units that are lost; run it again",
    ]


def test_where_nothing_moved_little_is_told() -> None:
    assert movement_table(Movement()).splitlines() == [
        "0 segments, 0 moved",
        "  keep: 0.00 h before, 0.00 h after",
        "  review: 0.00 h before, 0.00 h after",
        "  drop: 0.00 h before, 0.00 h after",
    ]
