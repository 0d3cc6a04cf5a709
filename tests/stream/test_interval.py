"""An interval: its file, and the line that a log shows of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.intervals import LEDGER, PLAIN

from beam_audio.errors import InputError
from beam_audio.stream.interval import Interval

if TYPE_CHECKING:
    from pathlib import Path

FULL = replace(
    PLAIN,
    ignored=2,
    ledger=replace(LEDGER, missing=("a",)),
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


WRITTEN_BEFORE = """{
 "alerts": ["snr_db drifts: PSI 0.50"],
 "balances": false,
 "began": "2026-01-05T09:00:00+00:00",
 "decoded_seconds": 30.0,
 "drift": {"snr_db": {"psi": 0.5}},
 "failures": {"input/read/InputError": 1},
 "ignored": 2,
 "inputs": 4,
 "lag_seconds": 12.5,
 "messages": 5,
 "missing": ["a"],
 "name": "run-000001",
 "overdue": [],
 "padding": 0.25,
 "recordings": 3,
 "repeated": 1,
 "seconds": {"drop": 2.0, "failed": 0.0, "keep": 20.0, "review": 0.0, "skipped": 8.0},
 "segments": {"drop": 1, "keep": 6, "review": 0},
 "unbalanced": [],
 "waiting": ["17", "18"],
 "wall_seconds": 10.0
}"""
"""A file as it was written when each figure of a ledger was a field of the interval."""


def test_files_have_only_gained_figures(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "run-000001.json"
    path.parent.mkdir()
    path.write_text(WRITTEN_BEFORE)
    assert Interval.read(str(tmp_path), "run-000001") == FULL
    FULL.write(str(tmp_path))
    added = {"unit_ids", "stage_seconds", "lag_median_seconds", "lag_sum_seconds", "lag_counts"}
    written = json.loads(path.read_text())
    assert {name: written[name] for name in written if name not in added} == json.loads(
        WRITTEN_BEFORE
    )
    assert added <= written.keys()


def test_the_line_of_an_ordinary_interval() -> None:
    assert PLAIN.line == (
        "5 messages · 3 recordings · 6 keep, 0 review, 1 drop · 1 repeated · 1 failures · "
        "30.0 s of audio · 3.0× real time · lag 12.5 s · padding 25%"
    )


def test_the_line_says_the_median_lag_where_it_is_known() -> None:
    assert "lag 12.5 s at most, 3.2 s median" in replace(PLAIN, lag_median_seconds=3.2).line


def test_figures_say_what_the_line_says() -> None:
    figures = replace(PLAIN, unit_ids=("u",), decoded_seconds=0.1 + 0.2).figures
    assert (figures["run_id"], figures["interval"]) == ("run", "run-000001")
    assert figures["segments"] == {"keep": 6, "review": 0, "drop": 1}
    assert figures["failures"] == {"input/read/InputError": 1}
    assert (figures["unit_ids"], figures["decoded_seconds"]) == (("u",), 0.3)
    assert json.loads(json.dumps(figures))["balances"] is True


def test_the_line_names_everything_unusual() -> None:
    said = ("2 ignored", "2 waiting", "snr_db drifts: PSI 0.50", "DOES NOT BALANCE")
    assert all(each in FULL.line for each in said)
    assert "ledger/run-000001.json" in FULL.line


@pytest.mark.parametrize(
    "lost",
    [
        replace(PLAIN, ledger=replace(LEDGER, missing=("a",))),
        replace(PLAIN, ledger=replace(LEDGER, unbalanced=("a",))),
        replace(PLAIN, overdue=("a",)),
    ],
)
def test_a_loss_does_not_balance(lost: Interval) -> None:
    assert PLAIN.balances
    assert not lost.balances
