"""The files of the model are exchanged under a batch: rows of one model, or the run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support.odd_recognizers import recogniser_processes
from support.project import ROOT
from support.run_outputs import commit_files, read_rows, write_speech
from support.swapped_models import link_to, sha256_of, write_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[[], subprocess.Popen[str]]

pytestmark = pytest.mark.integration

RECORDINGS = 40
LIMIT_SECONDS = 120


@pytest.fixture
def versions(tmp_path: Path) -> list[str]:
    """Names of two models; a link leads to the first."""
    first, second, _ = write_versions(tmp_path)
    (tmp_path / "model").symlink_to(first)
    return [sha256_of(first), sha256_of(second)]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a batch with a unit a recording, which does not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        command = [
            *(sys.executable, "-m", "beam_audio", "run", f"--model={tmp_path / 'model'}"),
            *(f"--input={tmp_path / 'in'}", f"--output={tmp_path / 'out'}"),
            *("--unit_bytes=1", "--partition_by=date"),
        ]
        process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    for number in range(RECORDINGS):
        write_speech(tmp_path / "in" / f"{number}.wav", number % 40 / 10, 1.0)
    yield begin
    for process in started:
        process.kill()


def exchange_under(process: subprocess.Popen[str], tmp_path: Path) -> None:
    """Put the second model in the place of the first, once rows of that are committed."""
    end = time.monotonic() + LIMIT_SECONDS
    while not commit_files(tmp_path / "out"):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    link_to(tmp_path / "v1", tmp_path / "model")


def models(tmp_path: Path) -> set[str]:
    """The models of all rows."""
    return {row["model_sha256"] for row in read_rows(tmp_path / "out", "segments")}


def test_a_batch_keeps_the_model_that_it_has_loaded(
    tmp_path: Path, start: Start, versions: list[str]
) -> None:
    process = start()
    exchange_under(process, tmp_path)
    assert process.wait(LIMIT_SECONDS) == 0
    assert models(tmp_path) == {versions[0]}
    assert start().wait(LIMIT_SECONDS) == 0
    assert models(tmp_path) == {versions[1]}
    assert len(read_rows(tmp_path / "out", "recordings")) == RECORDINGS


def test_a_batch_that_has_to_load_another_model_ends(
    tmp_path: Path, start: Start, versions: list[str]
) -> None:
    process = start()
    exchange_under(process, tmp_path)
    for recogniser in recogniser_processes(process.pid):
        os.kill(recogniser, signal.SIGKILL)
    _, complained = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 1
    assert "cannot be loaded again: it is another model now" in complained.splitlines()[-1]
    assert models(tmp_path) <= {versions[0]}
    assert not read_rows(tmp_path / "out", "failures")
    assert start().wait(LIMIT_SECONDS) == 0
    assert models(tmp_path) == {versions[1]}
    assert len(read_rows(tmp_path / "out", "recordings")) == RECORDINGS
