from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from support.bucket_servers import google_bucket, put

from beam_audio.quality.rules import load_rules
from beam_audio.report.clips import Clip, clips_of
from beam_audio.report.content import report_of
from beam_audio.report.tables import opened_tables

if TYPE_CHECKING:
    from beam_audio.report.content import Report

OLD_OUTPUT = Path(__file__).parents[1] / "data" / "output-2.0"


def test_a_report_is_json_and_says_which_rules_judged(report: Report) -> None:
    assert json.loads(json.dumps(report.content)) == report.content
    rules = report.content["rules"]
    assert rules == {"id": load_rules("balanced").rules_id, "known": True, "others": []}
    ids = [each["segment_id"] for each in report.content["segments"]]
    assert set(ids) == {
        *report.content["worst"],
        *(e["segment_id"] for e in report.content["borderline"]),
    }
    assert [row["segment_id"] for row in report.segments] == ids


def test_the_same_output_gives_the_same_report(output: Path) -> None:
    found = []
    for _ in range(2):
        with opened_tables(str(output)) as tables:
            found.append(report_of(tables).content)
    assert found[0] == found[1]


def test_an_output_in_a_bucket_gives_the_same_report_and_clips(output: Path) -> None:
    with opened_tables(str(output)) as tables:
        local = report_of(tables).content
    with google_bucket() as bucket:
        for path in output.rglob("*"):
            if path.is_file():
                put(f"{bucket}/out/{path.relative_to(output)}", path.read_bytes())
        with opened_tables(f"{bucket}/out") as tables:
            found = report_of(tables)
            clips = clips_of(tables, found.segments, found.recordings)
    assert found.content | {"output": ""} == local | {"output": ""}
    assert all(isinstance(clip, Clip) for clip in clips.values())


def test_an_older_output_is_reported_on() -> None:
    with opened_tables(str(OLD_OUTPUT)) as tables:
        content = report_of(tables).content
    assert content["total"]["segments"] == 1
    assert content["account"]["ledger"]["balances"]
