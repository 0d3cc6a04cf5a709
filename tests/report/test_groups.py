from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.hostile_report import HOSTILE
from support.run_outputs import read_rows, run, write_manifest, write_speech

from beam_audio.report.content import report_of
from beam_audio.report.tables import opened_tables

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.report.content import Report


def test_every_key_adds_up_to_all_segments(report: Report, output: Path) -> None:
    rows = read_rows(output, "segments")
    keys = [group["key"] for group in report.content["groups"]]
    assert keys[:3] == ["language", "folder", "model"]
    assert {"metadata: speaker", "metadata: source"} <= set(keys)
    for group in report.content["groups"]:
        assert sum(each["segments"] for each in group["values"]) == len(rows)


def test_error_rates_are_pooled_over_the_segments_of_a_value(report: Report, output: Path) -> None:
    (group,) = (each for each in report.content["groups"] if each["key"] == "metadata: source")
    rows = [row for row in read_rows(output, "segments") if '"source": "odd"' in row["metadata"]]
    (odd,) = (each for each in group["values"] if each["value"] == "odd")
    scored = [row for row in rows if row["wer"] is not None]
    errors = sum(
        row["wer_substitutions"] + row["wer_deletions"] + row["wer_insertions"] for row in scored
    )
    words = sum(row["wer_hits"] + row["wer_substitutions"] + row["wer_deletions"] for row in scored)
    assert odd["segments"] == len(rows)
    assert odd["wer"] == pytest.approx(errors / words)


def test_values_are_what_the_metadata_says(report: Report) -> None:
    (group,) = (each for each in report.content["groups"] if each["key"] == "metadata: speaker")
    assert {each["value"] for each in group["values"]} == set(HOSTILE)


def test_rare_values_are_added_up_and_missing_ones_counted(tmp_path: Path) -> None:
    lines: list[dict[str, object] | str] = []
    for number in range(34):
        path = write_speech(tmp_path / f"{number}.wav", start_seconds=number / 16, seconds=1.0)
        line: dict[str, object] = {"audio_filepath": str(path)}
        lines.append(line if number == 0 else line | {"speaker": f"s{number:02}"})
    run(manifest=write_manifest(tmp_path / "m.jsonl", lines), output=tmp_path / "out")
    with opened_tables(str(tmp_path / "out")) as tables:
        groups = report_of(tables).content["groups"]
        (group,) = (each for each in groups if each["key"] == "metadata: speaker")
    *named, others, without = group["values"]
    assert (len(named), others["others"], without["value"]) == (30, 3, None)
    assert without["segments"] == 1
