"""Disks without room, or that cannot be written: what a person sees, and that runs end well later.

Each disk is small, real, and mounted where the test alone sees it; that needs root.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.run_outputs import all_rows, run, run_words, write_speech
from support.small_disk import runs_on_growing_disk

if TYPE_CHECKING:
    from pathlib import Path

    from support.run_outputs import Command

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.environ.get("CI", "") == "" and os.geteuid() != 0, reason="needs root"),
]

ONE_UNIT_EACH = "--unit_bytes=1"
SPOOLED = np.zeros((30 * 48_000, 2))
"""Audio of 22 MiB in doubles; more than 16 MiB are copied to the temporary folder."""


@pytest.mark.parametrize(
    "options",
    [
        [f"nr_inodes={most}" for most in range(3, 60, 2)],
        [f"size={size}k" for size in range(4, 400, 24)],
    ],
    ids=["files", "bytes"],
)
def test_an_output_without_room_ends_every_run_with_1_until_there_is_room(
    audio: Path, tmp_path: Path, options: list[str]
) -> None:
    """Every kind of file is the one for which there is no room: parts, records, the run file."""
    output = tmp_path / "disk" / "out"
    words = run_words(audio, output, ONE_UNIT_EACH)
    *failed, last = runs_on_growing_disk(tmp_path / "disk", options, words)
    assert (last.status, last.complaint) == (0, "")
    assert len(failed) > 3
    for attempt in failed:
        assert attempt.status == 1, attempt
        assert attempt.complaint.startswith("beam-audio: "), attempt
        assert attempt.complaint.count("\n") == 1, attempt
        assert "No space left on device" in attempt.complaint
        assert "free some space" in attempt.complaint
    assert all_rows(output) == rows_of_a_calm_run(audio, tmp_path)


def test_a_temporary_folder_without_room_is_named_with_the_cure(
    command: Command, tmp_path: Path
) -> None:
    audio, output = tmp_path / "audio", tmp_path / "out"
    audio.mkdir()
    soundfile.write(audio / "large.wav", SPOOLED, 48_000, subtype="DOUBLE")
    words = run_words(audio, output)
    disk = tmp_path / "disk"
    (attempt,) = runs_on_growing_disk(disk, ["size=1m"], words, temporary=True)
    assert attempt.status == 1
    assert f"the temporary folder {disk} cannot be used" in attempt.complaint
    assert "set TMPDIR" in attempt.complaint
    assert attempt.complaint.count("\n") == 1
    assert not any(all_rows(output).values())
    status, out, _ = command(*words)
    assert status == 0
    assert "done before" not in out
    assert len(all_rows(output)["recordings"]) == 1


def test_stored_audio_without_room_is_a_fault_of_the_temporary_folder(tmp_path: Path) -> None:
    audio, output = tmp_path / "audio", tmp_path / "out"
    write_speech(audio / "a.wav", seconds=20)
    words = run_words(audio, output, "--store_audio=flac")
    disk, sizes = tmp_path / "disk", ["size=16k", "size=8m"]
    full, roomy = runs_on_growing_disk(disk, sizes, words, temporary=True)
    assert (full.status, roomy.status) == (1, 0)
    assert f"the temporary folder {disk} cannot be used" in full.complaint
    assert not all_rows(output)["failures"]


def test_an_output_that_is_read_only_is_refused_and_left_alone(audio: Path, tmp_path: Path) -> None:
    output = tmp_path / "disk" / "out"
    words = run_words(audio, output)
    refused, done = runs_on_growing_disk(tmp_path / "disk", ["size=8m,ro", "size=8m,rw"], words)
    assert refused.status == 2  # it is the flag that names the output
    assert "Read-only file system" in refused.complaint
    assert "choose another --output" in refused.complaint
    assert done.status == 0
    assert all_rows(output) == rows_of_a_calm_run(audio, tmp_path)


def rows_of_a_calm_run(audio: Path, tmp_path: Path) -> object:
    run(input=audio, output=tmp_path / "calm")
    return all_rows(tmp_path / "calm")
