from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.run_outputs import read_rows, run

from beam_audio.report.against import moved_since
from beam_audio.report.content import report_of
from beam_audio.report.tables import opened_tables

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
rules:
  - {reason: all_wrong, decision: review, column: wer, above: 0.3}
"""


def test_other_rules_move_decisions_and_no_text(output: Path, tmp_path: Path) -> None:
    rules = tmp_path / "own.yaml"
    rules.write_text(RULES, encoding="utf-8")
    manifest = output.parent / "manifest.jsonl"
    run(manifest=manifest, output=tmp_path / "out", rules=rules)
    with opened_tables(str(output)) as before, opened_tables(str(tmp_path / "out")) as now:
        report_of(now)
        moved = moved_since(before, now)
    rows = [read_rows(each, "segments") for each in (output, tmp_path / "out")]
    decisions = [{row["segment_id"]: row["decision"] for row in each} for each in rows]
    expected = [each for each in decisions[0] if decisions[0][each] != decisions[1][each]]
    assert expected
    assert sum(each["segments"] for each in moved["moved"]) == len(expected)
    assert (moved["common"], moved["only_before"], moved["only_now"]) == (len(rows[0]), 0, 0)
    assert moved["before"]["wer"] == pytest.approx(moved["now"]["wer"])
    assert moved["texts"] == []


def test_segments_of_one_side_are_counted(output: Path, tmp_path: Path) -> None:
    run(input=output.parent / "*0.wav", output=tmp_path / "out")
    with opened_tables(str(output)) as before, opened_tables(str(tmp_path / "out")) as now:
        report_of(now)
        moved = moved_since(before, now)
    assert moved["common"] + moved["only_before"] == len(read_rows(output, "segments"))
    assert moved["common"] == len(read_rows(tmp_path / "out", "segments"))
