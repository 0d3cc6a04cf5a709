"""Rows that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.unit_runs import ref, tones, transcribe, write

from beam_audio.output.commits import read_commits
from beam_audio.output.compact import compact
from beam_audio.output.counted import Counted
from beam_audio.output.valid_rows import valid_rows

if TYPE_CHECKING:
    from pathlib import Path


def test_a_row_of_a_shared_file_counts_if_its_unit_does(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    inputs = [ref(write(tmp_path / f"{name}.wav", tones([0.1]))) for name in "abc"]
    for each in inputs:
        transcribe(tmp_path / "out", each)
    before = list(read_commits(out))
    columns = ["source_id", "uri"]
    alone = list(valid_rows(out, Counted.of(before), "recordings", columns))
    assert [row["uri"] for row in alone] == [
        each.uri for row in alone for each in inputs if each.source_id == row["source_id"]
    ]
    compact(out)
    (first, *others) = read_commits(out)
    merged = list(valid_rows(out, Counted.of([first, *others]), "recordings", columns))
    assert sorted(map(repr, merged)) == sorted(map(repr, alone))
    counted = list(valid_rows(out, Counted.of(others), "recordings", columns))
    assert {row["source_id"] for row in counted} == {
        source_id for each in others for source_id in each.sources
    }
