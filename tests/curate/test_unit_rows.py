"""Columns of a unit's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import judged_outputs
from support.unit_runs import read_all

from beam_audio.curate.unit_rows import has_columns, table_of
from beam_audio.output.commits import read_commits
from beam_audio.output.compact import compact
from beam_audio.quality.rules import load_rules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("is_compacted", [False, True])
def test_the_rows_of_chosen_inputs_are_read_and_no_others(
    tmp_path: Path,
    is_compacted: bool,  # noqa: FBT001
) -> None:
    inputs = judged_outputs.inputs(tmp_path / "in")
    out = judged_outputs.output(
        tmp_path / "out", inputs, judged_outputs.using(load_rules("balanced"))
    )
    if is_compacted:
        compact(str(out))
    found = []
    for unit in read_commits(str(out)):
        chosen = sorted(unit.sources)[:2]
        rows = table_of(str(out), unit, "segments", ["text"], chosen).to_pylist()
        assert {row["source_id"] for row in rows} == set(chosen)
        found += rows
        assert has_columns(str(out), unit, ["text", "end_cer", "chars_per_speech_second"])
    names = {row["source_id"] for row in found}
    wanted = [row for row in read_all(out)["segments"] if row["source_id"] in names]
    assert sorted(row["text"] for row in found) == sorted(row["text"] for row in wanted)
