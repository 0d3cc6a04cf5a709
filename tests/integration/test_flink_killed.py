"""Flink loses a TaskManager halfway through a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support.local_flink import flink_cluster
from support.project import ROOT
from support.run_outputs import all_rows, commit_files, run, write_speech

from beam_audio.output.commits import read_commits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.local_flink import Flink

RECORDINGS = 300
UNIT_BYTES = 200_000
LIMIT_SECONDS = 300

pytestmark = pytest.mark.integration


@pytest.fixture
def flink(tmp_path: Path) -> Iterator[Flink]:
    with flink_cluster(tmp_path / "flink") as cluster:
        yield cluster


def test_a_killed_task_manager_costs_no_row_and_doubles_none(flink: Flink, tmp_path: Path) -> None:
    recordings = tmp_path / "in"
    for index in range(RECORDINGS):
        write_speech(recordings / f"{index}.wav", index % 100 / 25, 1.5 + index / RECORDINGS)
    flags = {"input": recordings, "unit_bytes": UNIT_BYTES}
    whole = tmp_path / "whole"
    assert run(**flags, output=whole).exit_status == 0
    units = len(commit_files(whole))
    assert units > 50

    output, log = tmp_path / "killed", tmp_path / "log"
    arguments = [f"--{name}={value}" for name, value in flags.items()]
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "beam_audio", "run", "--model=placeholder"),
                *(f"--output={output}", *arguments, *flink.flags),
            ],
            cwd=ROOT,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + LIMIT_SECONDS
        while process.poll() is None and len(commit_files(output)) < units / 2:
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.002)
        os.kill(flink.process_id("taskmanager-1"), signal.SIGKILL)
        assert len(commit_files(output)) < units, "it was over before the kill"
        assert process.wait(LIMIT_SECONDS) == 0, log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)

    assert all_rows(output) == all_rows(whole)
    # The very same units: else what was planned again would share inputs with what was done.
    done = [name for commit in read_commits(str(output)) for name in commit.sources]
    assert len(done) == len(set(done)) == RECORDINGS
    job = flink.only_job()
    assert job["state"] == "FINISHED"
    assert job["timestamps"]["RESTARTING"] > 0
