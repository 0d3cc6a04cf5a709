from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.run_outputs import read_rows

from beam_audio.quality.rules import load_rules
from beam_audio.report.figures import nice_step

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.report.content import Report
    from beam_audio.types import Row


def sums_at(sweep: Row, bound: float) -> tuple[float, float, float]:
    """Seconds, errors and words that a threshold at this bound keeps."""
    last = round((bound - sweep["start"]) / sweep["step"])
    is_above = sweep["comparison"] == "above"
    kept = slice(0, last + 1) if is_above else slice(last, None)
    seconds, errors, words = (
        sweep["missing"][name] + sum(sweep[name][kept]) for name in ("seconds", "errors", "words")
    )
    return seconds, errors, words


def test_hours_and_counts_by_decision_and_reason(report: Report, output: Path) -> None:
    rows = read_rows(output, "segments")
    for each in report.content["decisions"]:
        own = [row for row in rows if row["decision"] == each["decision"]]
        assert each["segments"] == len(own)
        seconds = sum(row["core_end_seconds"] - row["core_start_seconds"] for row in own)
        assert each["hours"] == pytest.approx(seconds / 3600)
    for each in report.content["reasons"]:
        own = [row for row in rows if each["reason"] in row["reasons"]]
        assert each["segments"] == len([r for r in own if r["decision"] == each["decision"]])


def test_every_segment_is_in_a_bar_or_missing(report: Report, output: Path) -> None:
    count = len(read_rows(output, "segments"))
    for measure in report.content["measures"]:
        bars = sum(sum(measure[name]) for name in ("keep", "review", "drop"))
        assert bars + measure["missing"] == count, measure["name"]
    (wer,) = (each for each in report.content["measures"] if each["name"] == "wer")
    assert [each["bound"] for each in wer["thresholds"]] == [0.3]


@pytest.mark.parametrize("bound", [0.3, 0.5, 1.0])
def test_a_sweep_is_what_the_rules_with_that_threshold_keep(
    report: Report, output: Path, bound: float
) -> None:
    (sweep,) = (each for each in report.content["sweeps"] if each["reason"] == "wer_high")
    kept = [
        row
        for row in read_rows(output, "segments")
        if set(row["reasons"]) <= {"wer_high", "no_reference", "empty_reference"}
        and (row["wer"] is None or row["wer"] <= bound)
    ]
    seconds, _, words = sums_at(sweep, bound)
    assert seconds == pytest.approx(sum(row["duration_seconds"] for row in kept), abs=0.1)
    assert words == sum(
        row["wer_hits"] + row["wer_substitutions"] + row["wer_deletions"]
        for row in kept
        if row["wer"] is not None
    )


def test_a_sweep_at_its_own_threshold_is_what_is_kept_now(report: Report) -> None:
    (keep,) = (each for each in report.content["decisions"] if each["decision"] == "keep")
    rules = {rule.reason for rule in load_rules("balanced").rules}
    moved = [each for each in report.content["sweeps"] if each["reason"] in rules]
    assert moved
    for sweep in moved:
        seconds, _, _ = sums_at(sweep, sweep["bound"])
        assert seconds / 3600 == pytest.approx(keep["hours"], abs=1e-6), sweep["measure"]


@pytest.mark.parametrize(
    ("low", "high", "count", "step"),
    [
        (0, 1, 100, 0.01),
        (0, 30, 60, 0.5),
        (-1.5, 0.0, 300, 0.005),
        (3.0, 3.0, 60, 1.0),
        (0, 7, 2, 5),
    ],
)
def test_steps_are_numbers_that_people_set_thresholds_at(
    low: float, high: float, count: int, step: float
) -> None:
    assert nice_step(low, high, count) == step
