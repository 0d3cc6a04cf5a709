"""Neighbours joined to wanted durations, and what is left over."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from beam_audio.export.pack import Stretch, packed

RATE_HZ = 100


def stretches(*seconds: float, pause: float = 0.0, first: int = 0) -> list[Stretch]:
    """Segments of these lengths, one after the other."""
    starts = accumulate([0.0, *(each + pause for each in seconds)])
    return [
        Stretch(round(start * RATE_HZ), round((start + each) * RATE_HZ), first + number)
        for number, (start, each) in enumerate(zip(starts, seconds, strict=False))
    ]


def test_neighbours_fill_the_wanted_time() -> None:
    assert packed(stretches(4, 4, 4, 4, 4), RATE_HZ, (7.0, 12.0)) == [(0, 3), (3, 5)]


def test_nothing_is_left_over_that_another_cut_would_use() -> None:
    """Filling the first item to the brim would leave five seconds alone."""
    assert packed(stretches(10, 10, 10, 5), RATE_HZ, (12.0, 30.0)) == [(0, 2), (2, 4)]


def test_what_is_too_long_or_too_short_alone_is_in_no_item() -> None:
    assert packed(stretches(40, 3), RATE_HZ, (5.0, 30.0)) == []
    assert packed(stretches(40, 6), RATE_HZ, (5.0, 30.0)) == [(1, 2)]
    assert packed([], RATE_HZ, (5.0, 30.0)) == []


def test_no_item_crosses_a_long_pause_a_gap_or_a_change_of_voice() -> None:
    assert packed(stretches(3, 3, pause=1.5), RATE_HZ, (5.0, 30.0)) == []
    assert packed(stretches(3, 3, pause=0.5), RATE_HZ, (5.0, 30.0)) == [(0, 2)]
    one, other = stretches(3, 3)
    left_out_between = Stretch(other.start_sample, other.end_sample, 2)
    assert packed([one, left_out_between], RATE_HZ, (5.0, 30.0)) == []
    by_another = Stretch(other.start_sample, other.end_sample, 1, ("bert",))
    assert packed([one, by_another], RATE_HZ, (5.0, 30.0)) == []


def test_pauses_inside_count_as_time() -> None:
    assert packed(stretches(5, 5, pause=0.9), RATE_HZ, (5.0, 10.5)) == [(0, 1), (1, 2)]


@given(st.lists(st.floats(0.1, 20.0), max_size=40))
def test_items_are_disjoint_in_order_and_of_the_wanted_length(seconds: list[float]) -> None:
    given_stretches = stretches(*seconds)
    found = packed(given_stretches, RATE_HZ, (8.0, 15.0))
    assert all(one[1] <= other[0] for one, other in pairwise(found))
    for first, last in found:
        samples = given_stretches[last - 1].end_sample - given_stretches[first].start_sample
        assert 8.0 <= samples / RATE_HZ <= 15.0
