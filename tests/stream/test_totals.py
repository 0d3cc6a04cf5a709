"""What a stream has done: the sums over its intervals."""

from __future__ import annotations

from dataclasses import replace

from support.intervals import INTERVAL

from beam_audio.stream.totals import Totals


def test_intervals_add_up() -> None:
    found = Totals().plus(INTERVAL).plus(INTERVAL)
    assert (found.intervals, found.units, found.recordings, found.alerts) == (2, 4, 6, 2)
    assert found.messages == {"processed": 6, "repeated": 4, "ignored": 2}
    assert found.segments == {"keep": 12, "review": 0, "drop": 2}
    assert found.audio_seconds["skipped"] == 16.0
    assert sum(found.audio_seconds.values()) == 2 * INTERVAL.decoded_seconds
    assert found.stage_seconds == {"decode": 3.0, "device_busy": 6.0}
    assert (found.lag_counts["5"], found.lag_counts["+Inf"]) == (4, 6)
    assert found.lag_sum_seconds == 28.0


def test_failures_of_stages_that_nobody_knows_are_others() -> None:
    found = Totals().plus(INTERVAL).failures
    assert (found["read"], found["other"], found["decode"]) == (1, 2, 0)
    assert "invented" not in found


def test_a_ledger_written_earlier_counts_without_lags() -> None:
    found = Totals().plus(replace(INTERVAL, lag_counts={}, lag_median_seconds=None, unit_ids=()))
    assert (found.intervals, found.units, found.lag_counts["+Inf"]) == (1, 0, 0)
