"""Lags, counted by bound."""

from __future__ import annotations

from beam_audio.stream.lags import BOUNDS, counts_by_bound


def test_each_bound_counts_what_is_at_most_that_long() -> None:
    counts = counts_by_bound([0.0, 1.0, 1.1, 40.0, 1e6])
    assert (counts["1"], counts["2.5"], counts["30"], counts["60"]) == (2, 3, 3, 4)
    assert (counts["21600"], counts["+Inf"]) == (4, 5)


def test_without_lags_every_bound_counts_none() -> None:
    assert counts_by_bound([]) == dict.fromkeys(BOUNDS, 0)


def test_a_clock_that_is_behind_makes_a_lag_of_less_than_nothing() -> None:
    assert set(counts_by_bound([-3.0]).values()) == {1}
