"""Texts of recordings without what nobody said, and with it again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import judged_outputs
from support.unit_runs import WINDOWS, Scripted, read_all, transcribe

from beam_audio.curate.curate_unit import ByKept, ByRules, curate_unit
from beam_audio.output.commits import read_commits
from beam_audio.quality.rules import load_rules, parse_rules

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.segments.splitter import SegmentSettings
    from beam_audio.types import Row, Transcript

UNSPOKEN = parse_rules(
    "rules: [{reason: goes, decision: drop, unspoken: true, column: text, contains: it goes}]", ""
)


def texts(root: Path) -> dict[str, tuple[str, str, float]]:
    def facts(row: Row) -> tuple[str, str, float]:
        return row["text"], row["text_all"], row["chars_per_second"]

    return {row["uri"]: facts(row) for row in read_all(root)["recordings"]}


def hear_but_one(request: Request) -> Transcript:
    """A segment in the middle of its recording fails now and then."""
    if round(float(abs(request.samples).max()) * 10) % 8 == 3:
        raise ValueError("this clip hurts")
    return judged_outputs.hear(request)


@pytest.mark.parametrize("segments", [WINDOWS, judged_outputs.OVERLAPPING], ids=["apart", "over"])
def test_texts_are_those_of_a_run_beside_failed_and_overlapping_segments(
    tmp_path: Path, segments: SegmentSettings
) -> None:
    inputs = judged_outputs.inputs(tmp_path / "in")
    balanced = judged_outputs.using(load_rules("balanced"), segments)
    unspoken = replace(balanced, rows=replace(balanced.rows, rules=UNSPOKEN))
    recognizer = Scripted(hear_but_one)
    first, fresh = tmp_path / "one", tmp_path / "two"
    transcribe(first, *inputs, recognizer=recognizer, using=balanced)
    transcribe(fresh, *inputs, recognizer=recognizer, using=unspoken)
    before = texts(first)
    assert read_all(first)["failures"]
    (unit,) = read_commits(str(first))
    curate_unit(str(first), unit, ByRules(UNSPOKEN), run_id="r")
    assert texts(first) == texts(fresh)
    assert any(text != whole for text, whole, _ in texts(first).values())
    (unit,) = read_commits(str(first))
    curate_unit(str(first), unit, ByKept(balanced.rows.rules.rules_id), run_id="r")
    assert texts(first) == before
