"""A machine that runs out of something under a run, loses the output, or whose clock jumps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.project import ROOT
from support.run_outputs import all_rows, run, run_words, write_speech

if TYPE_CHECKING:
    from pathlib import Path

    from support.run_outputs import Command

pytestmark = pytest.mark.integration

PROGRAM = ROOT / "tests" / "support" / "failing_machine.py"
LIMIT_SECONDS = 120
IN_CI = os.environ.get("CI", "").lower() == "true"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder of recordings for several units."""
    for number in range(4):
        write_speech(tmp_path / "audio" / f"{number}.wav", start_seconds=0.5 * number)
    return tmp_path / "audio"


@pytest.mark.parametrize(
    ("fault", "cure"),
    [("no_more_files", "allow more open files"), ("no_more_memory", "give it more memory")],
)
def test_a_machine_without_files_or_memory_ends_the_run(
    command: Command, many: Path, tmp_path: Path, fault: str, cure: str
) -> None:
    output = tmp_path / "out"
    words = run_words(many, output)
    failed = on_failing_machine(fault, many, words)
    assert failed.returncode == 1
    *_, last = failed.stderr.splitlines()
    assert last.startswith("beam-audio: the run failed: ")
    assert cure in last
    assert "nothing is lost" in last
    assert not any(all_rows(output).values())
    status, out, _ = command(*words)
    assert status == 0
    assert "done before" not in out
    assert all_rows(output) == rows_of_a_calm_run(many, tmp_path)


def test_an_output_that_is_removed_midway_ends_with_1_and_is_made_again(
    command: Command, many: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    words = run_words(many, output)
    command(*words, "--limit=2")
    failed = on_failing_machine("output_gone", many, words)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("beam-audio: ")
    assert command(*words)[0] == 0
    assert all_rows(output) == rows_of_a_calm_run(many, tmp_path)


@pytest.mark.skipif(not IN_CI and shutil.which("faketime") is None, reason="needs faketime")
def test_a_clock_that_jumps_by_years_changes_no_row(many: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    for path in many.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    words = run_words(many, output)
    for jump, limit in (("+3650d", 2), ("-3650d", 4), ("+0d", 4)):
        done = at_another_time(jump, [*words, f"--limit={limit}"])
        assert done.returncode == 0, done.stderr
    assert "4 done before" in done.stdout
    assert all_rows(output) == rows_of_a_calm_run(many, tmp_path)


def on_failing_machine(
    fault: str, folder: Path, words: list[str]
) -> subprocess.CompletedProcess[str]:
    return _finished([sys.executable, str(PROGRAM), fault, str(folder), *words])


def at_another_time(jump: str, words: list[str]) -> subprocess.CompletedProcess[str]:
    return _finished(["faketime", "-f", jump, sys.executable, "-m", "beam_audio", *words])


def _finished(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )


def rows_of_a_calm_run(audio: Path, tmp_path: Path) -> object:
    run(input=audio, output=tmp_path / "calm")
    return all_rows(tmp_path / "calm")
