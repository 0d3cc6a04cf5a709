"""A run that is killed anywhere, and started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.counted_work import work_in
from support.project import ROOT
from support.run_outputs import all_rows, commit_files, listing, run, write_manifest

PROGRAM = ROOT / "tests" / "support" / "counted_work.py"
KILLS = 10
LIMIT_SECONDS = 120


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_run_is_resumed_to_the_same_rows(
    shared_data: Path, placed_lines: list[dict[str, Any]], tmp_path: Path, seed: int
) -> None:
    """The kill falls at a moment of its own after the first commit."""
    folders = {shared_data / name for name in ("librispeech", "malformed", "ljspeech")}
    lines = [line for line in placed_lines if Path(line["audio_filepath"]).parent in folders]
    manifest = write_manifest(tmp_path / "m.jsonl", lines[::2])
    flags = {"manifest": manifest, "unit_bytes": 1}
    assert run(**flags, output=tmp_path / "whole").exit_status == 0

    output = tmp_path / "killed"
    log = tmp_path / "work"
    process = start(log, flags, output)
    moment = random.Random(seed)
    commits_before = moment.randrange(1, 12)
    while process.poll() is None and len(commit_files(output)) < commits_before:
        time.sleep(0.002)
    time.sleep(moment.uniform(0.0, 0.05))
    kill(process)
    done = len(commit_files(output))
    total = len(commit_files(tmp_path / "whole"))
    assert 0 < done < total
    resumed = run(**flags, output=output)
    assert (resumed.exit_status, resumed.new_inputs) == (0, total - done)
    assert all_rows(output) == all_rows(tmp_path / "whole")
    assert not [name for name in listing(output) if name.startswith("_tmp")]


@pytest.mark.integration
@pytest.mark.shared
def test_killed_ten_times_it_hears_little_twice(
    shared_data: Path, placed_lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Each kill falls when so many clips were heard, the last ones close to the end.

    A kill right after a batch costs all that the workers hold, up to a unit each. So the list has
    half of the recordings under two names: ten times two units of it are below a tenth.
    """
    other = tmp_path / "again"
    other.symlink_to(shared_data)
    again = [
        line | {"audio_filepath": line["audio_filepath"].replace(str(shared_data), str(other))}
        for line in placed_lines[::2]
    ]
    flags = {
        "manifest": write_manifest(tmp_path / "m.jsonl", placed_lines + again),
        "unit_bytes": 1 << 17,
    }
    whole = tmp_path / "whole"
    once = start(tmp_path / "once", flags, whole)
    assert once.wait(LIMIT_SECONDS) == 0
    clips = work_in(tmp_path / "once")["heard"]

    output, log = tmp_path / "killed", tmp_path / "work"
    moment = random.Random(4)
    for heard in sorted(moment.sample(range(1, clips), KILLS)):
        process = start(log, flags, output)
        end = time.monotonic() + LIMIT_SECONDS
        while process.poll() is None and work_in(log)["heard"] < heard and time.monotonic() < end:
            time.sleep(0.002)
        assert process.poll() is None, "it was over before it could be killed"
        kill(process)
    assert start(log, flags, output).wait(LIMIT_SECONDS) == 0
    assert all_rows(output) == all_rows(whole)
    assert not [name for name in listing(output) if name.startswith("_tmp")]
    repeated = work_in(log)["heard"] - clips
    assert repeated < 0.1 * clips, (repeated, clips)


def start(log: Path, flags: dict[str, Any], output: Path) -> subprocess.Popen[bytes]:
    """A run in a process group of its own, its work counted."""
    arguments = [f"--{name}={value}" for name, value in flags.items()]
    return subprocess.Popen(
        [
            *(sys.executable, str(PROGRAM), str(log), "run", "--model=placeholder"),
            *(*arguments, f"--output={output}"),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a run and all it started, at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
