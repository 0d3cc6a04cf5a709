"""A recording of two hours: killed three times, it is begun anew nowhere."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support.counted_work import work_in
from support.joined_speech import write_joined
from support.project import ROOT
from support.run_outputs import all_rows, read_rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.shared]

PROGRAM = ROOT / "tests" / "support" / "counted_work.py"
HOURS = 2
PART_SECONDS = 900
KILLS = 3
LIMIT_SECONDS = 1200


@pytest.fixture(scope="module")
def recording(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_joined(shared_data, HOURS * 3600, tmp_path_factory.mktemp("long") / "day.flac")


def start(log: Path, recording: Path, output: Path, *flags: str) -> subprocess.Popen[bytes]:
    words = ["run", f"--input={recording}", f"--output={output}", "--model=placeholder", *flags]
    return subprocess.Popen(
        [sys.executable, PROGRAM, log, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_after(process: subprocess.Popen[bytes], log: Path, heard: int) -> None:
    """End a run and all it started once so many clips were heard."""
    end = time.monotonic() + LIMIT_SECONDS
    while process.poll() is None and work_in(log)["heard"] < heard and time.monotonic() < end:
        time.sleep(0.01)
    assert process.poll() is None, "it was over before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_killed_three_times_it_repeats_three_parts_at_most(recording: Path, tmp_path: Path) -> None:
    whole, output, log = tmp_path / "whole", tmp_path / "killed", tmp_path / "work"
    # Other parts change no row.
    once = start(tmp_path / "once", recording, whole, "--part_minutes=60")
    assert once.wait(LIMIT_SECONDS) == 0
    clips = work_in(tmp_path / "once")["heard"]
    moment = random.Random(18)
    for heard in sorted(moment.sample(range(clips // 4, clips), KILLS)):
        kill_after(start(log, recording, output), log, heard)
    assert start(log, recording, output).wait(LIMIT_SECONDS) == 0

    assert all_rows(output) == all_rows(whole)
    starts = (row["start_seconds"] for row in read_rows(whole, "segments"))
    in_part = Counter(int(each // PART_SECONDS) for each in starts)
    repeated = work_in(log)["heard"] - clips
    assert 0 <= repeated <= KILLS * max(in_part.values())
    assert not (output / "_parts").exists()
