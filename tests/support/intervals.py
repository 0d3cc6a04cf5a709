"""Intervals of a stream as tests need them."""

from __future__ import annotations

from dataclasses import replace

from beam_audio.output.ledger import Ledger
from beam_audio.stream.interval import Interval
from beam_audio.stream.lags import counts_by_bound

LAGS_SECONDS = [2.0, 4.0, 8.0]
LEDGER = Ledger(
    inputs=4,
    missing=(),
    recordings=3,
    unbalanced=(),
    seconds={"keep": 20.0, "review": 0.0, "drop": 2.0, "failed": 0.0, "skipped": 8.0},
    segments={"keep": 6, "review": 0, "drop": 1},
    failures={("input", "read", "InputError"): 1},
)
PLAIN = Interval(
    name="run-000001",
    began="2026-01-05T09:00:00+00:00",
    messages=5,
    ignored=0,
    repeated=1,
    ledger=LEDGER,
    overdue=(),
    waiting=(),
    decoded_seconds=30.0,
    wall_seconds=10.0,
    lag_seconds=12.5,
    padding=0.25,
)
# One with every figure that is counted.
INTERVAL = replace(
    PLAIN,
    messages=6,
    ignored=1,
    repeated=2,
    ledger=replace(LEDGER, failures={**LEDGER.failures, ("segment", "invented", "Odd"): 2}),
    lag_seconds=max(LAGS_SECONDS),
    alerts=("snr_db drifts: PSI 0.50",),
    unit_ids=("a", "b"),
    stage_seconds={"decode": 1.5, "device_busy": 3.0},
    lag_median_seconds=4.0,
    lag_sum_seconds=sum(LAGS_SECONDS),
    lag_counts=counts_by_bound(LAGS_SECONDS),
)
