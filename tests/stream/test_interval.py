"""An interval as people and files tell of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import InputError
from beam_audio.stream.interval import Interval

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = Interval(
    name="run-000001",
    began="2026-01-05T09:00:00+00:00",
    messages=5,
    ignored=0,
    repeated=1,
    inputs=4,
    missing=(),
    unbalanced=(),
    overdue=(),
    waiting=(),
    recordings=3,
    segments={"keep": 6, "review": 0, "drop": 1},
    failures={"input/read/InputError": 1},
    seconds={"keep": 20.0, "review": 0.0, "drop": 2.0, "failed": 0.0, "skipped": 8.0},
    decoded_seconds=30.0,
    wall_seconds=10.0,
    lag_seconds=12.5,
    padding=0.25,
)
FULL = replace(
    PLAIN,
    ignored=2,
    missing=("a",),
    waiting=("17", "18"),
    drift={"snr_db": {"psi": 0.5}},
    alerts=("snr_db drifts: PSI 0.50",),
)


@pytest.mark.parametrize("interval", [PLAIN, FULL])
def test_a_ledger_is_read_as_it_was_written(tmp_path: Path, interval: Interval) -> None:
    interval.write(str(tmp_path))
    assert Interval.read(str(tmp_path), "run-000001") == interval
    with pytest.raises(InputError):
        Interval.read(str(tmp_path), "run-000002")


def test_the_line_of_an_ordinary_interval() -> None:
    assert PLAIN.line == (
        "5 messages · 3 recordings · 1 repeated · 1 failures · 30.0 s of audio · 3.0× real time · "
        "lag 12.5 s · padding 25%"
    )


def test_the_line_tells_of_all_that_is_not_ordinary() -> None:
    said = ("2 ignored", "2 waiting", "snr_db drifts: PSI 0.50", "DOES NOT BALANCE")
    assert all(each in FULL.line for each in said)
    assert "ledger/run-000001.json" in FULL.line


@pytest.mark.parametrize(
    "lost",
    [
        replace(PLAIN, missing=("a",)),
        replace(PLAIN, unbalanced=("a",)),
        replace(PLAIN, overdue=("a",)),
    ],
)
def test_what_is_lost_does_not_balance(lost: Interval) -> None:
    assert PLAIN.balances
    assert not lost.balances
