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
from run_outputs import all_rows, commit_files, listing, run, write_manifest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_run_is_resumed_to_the_same_rows(
    shared_data: Path, manifest_lines: list[dict[str, Any]], tmp_path: Path, seed: int
) -> None:
    """The kill falls at a moment of its own after the first commit."""
    lines = [
        line | {"audio_filepath": str(shared_data / line["audio_filepath"])}
        for line in manifest_lines
        if line["audio_filepath"].split("/")[0] in {"librispeech", "malformed", "ljspeech"}
    ]
    manifest = write_manifest(tmp_path / "m.jsonl", lines[::2])
    flags = {"manifest": manifest, "unit_bytes": 1}
    assert run(**flags, output=tmp_path / "whole").exit_status == 0

    output = tmp_path / "killed"
    arguments = [f"--{name}={value}" for name, value in flags.items()]
    command = [sys.executable, "-m", "beam_audio", "run", "--model=placeholder", *arguments]
    process = subprocess.Popen(
        [*command, f"--output={output}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    moment = random.Random(seed)
    try:
        commits_before = moment.randrange(1, 12)
        while process.poll() is None and len(commit_files(output)) < commits_before:
            time.sleep(0.002)
        time.sleep(moment.uniform(0.0, 0.05))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = len(commit_files(output))
    total = len(commit_files(tmp_path / "whole"))
    assert 0 < done < total
    resumed = run(**flags, output=output)
    assert (resumed.exit_status, resumed.new_inputs) == (0, total - done)
    assert all_rows(output) == all_rows(tmp_path / "whole")
    assert not [name for name in listing(output) if name.startswith("_tmp")]
