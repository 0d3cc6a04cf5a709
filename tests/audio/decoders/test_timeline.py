"""Frames find their place in time, and silence fills what is between them."""

from __future__ import annotations

import pytest

from beam_audio.audio.decoders.timeline import Timeline

FRAME = 0.02


def placed(timeline: Timeline, *timestamps: float | None) -> list[float]:
    return [round(timeline.place(each, FRAME)[0], 3) for each in timestamps]


def timed(*, origin: float | None = None, end: float | None = None) -> Timeline:
    return Timeline(origin, end, timed=True)


def test_a_gap_between_timestamps_is_silence() -> None:
    timeline = timed()
    assert placed(timeline, 5.0, 5.02, 15.04, 15.06) == [0, 0, 10, 0]
    assert timeline.clock == pytest.approx(10.08)


def test_a_late_start_counts_from_the_origin() -> None:
    assert placed(timed(origin=1.0), 4.0, 4.02) == [3, 0]


def test_jitter_is_no_gap() -> None:
    assert placed(timed(), 0.0, 0.05, 0.03, 0.09) == [0, 0, 0, 0]


def test_timestamps_that_start_again_go_on() -> None:
    timeline = timed()
    assert placed(timeline, 7.0, 7.02, 0.0, 0.02, 3.04) == [0, 0, 0, 0, 3]


def test_a_timestamp_beyond_the_end_is_not_believed() -> None:
    assert placed(timed(origin=0.0, end=60.0), 0.0, 9e8, 0.04) == [0, 0, 0]


def test_a_lost_packet_leaves_a_hole_of_its_length() -> None:
    untimed = Timeline(None, None, timed=False)
    placed(untimed, None)
    untimed.lose(0.02)
    untimed.lose(0.02)
    assert untimed.open_damage
    silence, hole = untimed.place(None, FRAME)
    assert (round(silence, 3), hole, untimed.open_damage) == (0.04, "damaged_packets", False)


def test_after_damage_timestamps_say_how_long_the_hole_is() -> None:
    timeline = timed()
    placed(timeline, 0.0)
    timeline.lose(0.02)
    silence, hole = timeline.place(0.08, FRAME)
    assert (round(silence, 3), hole) == (0.06, "damaged_packets")
    assert timeline.place(0.1, FRAME)[0] == 0


def test_a_gap_longer_than_the_bytes_can_hold_is_not_believed() -> None:
    timeline = Timeline(0.0, None, timed=True, longest=60.0)
    assert placed(timeline, 0.0, 9e8, 9e8 + 30) == [0, 0, 30 - FRAME]
