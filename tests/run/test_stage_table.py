"""Who waited for whom, from the records of units."""

from __future__ import annotations

import pytest

from beam_audio.output.commits import Commit
from beam_audio.run.stage_table import StageTable


def unit(seconds: dict[str, float], batches: dict[str, float]) -> Commit:
    return Commit("u", {}, {}, stage_seconds=seconds, batches=batches)


def test_the_units_of_a_run_add_up() -> None:
    counts = {"batches": 2, "passage_seconds": 30.0, "padded_seconds": 40.0, "budget_seconds": 50.0}
    table = StageTable.of(
        [
            unit({"decode": 1.5, "device_busy": 3.0, "device_idle": 0.0}, counts),
            unit({"decode": 0.5, "device_busy": 3.0, "device_idle": 2.0}, counts),
        ]
    )
    assert table.seconds == {"decode": 2.0, "device_busy": 6.0, "device_idle": 2.0}
    assert table.batches["batches"] == 4
    assert table.busy_share == 0.75
    assert table.filled_share == 0.8
    assert table.padding_share == pytest.approx(0.25)


@pytest.mark.parametrize("units", [[], [unit({"decode": 1.0}, {})]])
def test_without_a_batch_there_are_no_shares(units: list[Commit]) -> None:
    table = StageTable.of(units)
    assert (table.busy_share, table.filled_share, table.padding_share) == (None, None, None)
