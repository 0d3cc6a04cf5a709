"""Runs over data sets that are killed again and again, and go on to the rows of a calm run."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import killed_at
from support.data_sets import WRITERS, write_clips
from support.run_outputs import all_rows, listing, read_rows, run, run_words

if TYPE_CHECKING:
    from pathlib import Path

CLIPS = 6
KILLS = (("recordings", 1), ("_units", 3))
"""The folder of the file before which a run is killed, and the file's number: between the files of
the first unit, and between those of a later one and its commit record."""


@pytest.mark.integration
@pytest.mark.parametrize("name", ["webdataset", "shar", "huggingface"])
def test_a_killed_run_over_a_data_set_is_resumed_to_the_same_rows(
    name: str, tmp_path: Path
) -> None:
    """A unit is one member of a shard, or one row of a table, so that kills fall between them."""
    input_format, write = WRITERS[name]
    place = write(tmp_path / "in", write_clips(tmp_path / "clips", CLIPS))
    flags = {"input": place, "input_format": input_format, "unit_bytes": 1}
    assert run(**flags, output=tmp_path / "calm").exit_status == 0

    output = tmp_path / "killed"
    words = run_words(place, output, f"--input_format={input_format}", "--unit_bytes=1")
    for folder, number in KILLS:
        into = (killed_at.__file__, str(output / folder), str(number))
        script = [sys.executable, *into, *words]
        ended = subprocess.run(script, start_new_session=True, check=False, capture_output=True)
        assert ended.returncode == -signal.SIGKILL, ended.stderr

    resumed = run(**flags, output=output)
    assert resumed.exit_status == 0
    assert 0 < resumed.new_inputs < CLIPS
    assert len(read_rows(output, "recordings")) == CLIPS
    assert all_rows(output) == all_rows(tmp_path / "calm")
    assert not [path for path in listing(output) if path.startswith("_tmp")]
