"""A list of 20,000 recordings: begun at once, killed, gone on with, and complete."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pyarrow.dataset
import pytest
from support.project import ROOT
from support.run_outputs import commit_files, run_files, run_words, write_manifest, write_speech

from beam_audio.output.status import read_status

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = 20_000
FILES = 100
DEADLINE_SECONDS = 1200

pytestmark = pytest.mark.integration


def start(manifest: Path, output: Path) -> subprocess.Popen[bytes]:
    words = run_words("", output, "--segmenter=fixed", f"--manifest={manifest}")
    words.remove("--input=")
    return subprocess.Popen(
        [sys.executable, "-m", "beam_audio", *words], cwd=ROOT, start_new_session=True
    )


def test_a_long_list_is_begun_early_and_gone_on_with(tmp_path: Path) -> None:
    for number in range(FILES):
        write_speech(tmp_path / f"{number}.wav", start_seconds=number / 50, seconds=0.1)
    for number in range(FILES, INPUTS):
        (tmp_path / f"{number}.wav").hardlink_to(tmp_path / f"{number % FILES}.wav")
    lines = [{"audio_filepath": f"{number}.wav"} for number in range(INPUTS)]
    manifest = write_manifest(tmp_path / "m.jsonl", [*lines, *lines[:10]])
    output = tmp_path / "out"
    killed = start(manifest, output)
    end = time.monotonic() + DEADLINE_SECONDS
    while not commit_files(output) and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    looked_at = INPUTS // 2
    found = read_status(str(output))
    assert 0 < found.inputs["recorded"] < looked_at
    assert found.left is not None
    assert found.left + found.inputs["recorded"] in range(INPUTS, INPUTS + 11)  # some are repeats

    assert start(manifest, output).wait(DEADLINE_SECONDS) == 0
    rows = pyarrow.dataset.dataset(f"{output}/recordings", partitioning="hive")
    uris = rows.to_table(columns=["uri"]).column("uri").to_pylist()
    assert sorted(uris) == sorted(str(tmp_path / f"{number}.wav") for number in range(INPUTS))
    ledger = json.loads(run_files(output)[-1].read_text("utf-8"))["ledger"]
    assert (ledger["listed"], ledger["inputs"], ledger["balances"]) == (INPUTS + 10, INPUTS, True)
    assert ledger["new_inputs"] == INPUTS - found.inputs["recorded"]
