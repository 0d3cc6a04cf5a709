from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.run_outputs import read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.report.content import Report


def test_the_account_is_that_of_the_run(report: Report, output: Path) -> None:
    account = report.content["account"]
    ledger = account["ledger"]
    assert (ledger["balances"], ledger["inputs"], ledger["recordings"]) == (True, 6, 5)
    decoded = sum(row["decoded_seconds"] for row in read_rows(output, "recordings"))
    assert sum(ledger["hours"].values()) == pytest.approx(decoded / 3600)
    (run,) = account["runs"]
    assert run["model_id"] == "placeholder/none"
    assert run["hours"] == pytest.approx(decoded / 3600)
    assert account["stages"]["decoded_hours"] == pytest.approx(decoded / 3600)
    assert account["stages"]["seconds"]["decode"] > 0


def test_failures_are_counted_by_stage_and_the_last_are_named(report: Report) -> None:
    account = report.content["account"]
    (failure,) = account["ledger"]["failures"]
    assert (failure["unit"], failure["count"]) == ("input", 1)
    (named,) = account["failed"]
    assert named["uri"].endswith("missing.wav")
    assert named["error_type"] == failure["error_type"]
