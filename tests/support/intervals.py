"""An interval of a stream as tests need one."""

from __future__ import annotations

from beam_audio.output.ledger import Ledger
from beam_audio.stream.interval import Interval
from beam_audio.stream.lags import counts_by_bound

LAGS_SECONDS = [2.0, 4.0, 8.0]
INTERVAL = Interval(
    name="run-000001",
    began="2026-01-05T09:00:00+00:00",
    messages=6,
    ignored=1,
    repeated=2,
    ledger=Ledger(
        inputs=4,
        missing=(),
        recordings=3,
        unbalanced=(),
        seconds={"keep": 20.0, "review": 0.0, "drop": 2.0, "failed": 0.0, "skipped": 8.0},
        segments={"keep": 6, "review": 0, "drop": 1},
        failures={("input", "read", "InputError"): 1, ("segment", "invented", "Odd"): 2},
    ),
    overdue=(),
    waiting=(),
    decoded_seconds=30.0,
    wall_seconds=10.0,
    lag_seconds=max(LAGS_SECONDS),
    padding=0.25,
    alerts=("snr_db drifts: PSI 0.50",),
    unit_ids=("a", "b"),
    stage_seconds={"decode": 1.5, "device_busy": 3.0},
    lag_median_seconds=4.0,
    lag_sum_seconds=sum(LAGS_SECONDS),
    lag_counts=counts_by_bound(LAGS_SECONDS),
)
