"""Judging again, killed anywhere: a unit has its old rows or its new ones, and the next ends it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support.project import ROOT
from support.run_outputs import all_rows, commit_files, listing, run, run_words, write_speech

from beam_audio.curate.unit_rows import table_of
from beam_audio.output.commits import read_commits
from beam_audio.quality.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UNITS = 24
KILLS = 5
LIMIT_SECONDS = 240
BALANCED, STRICT = (load_rules(name).rules_id for name in ("balanced", "strict"))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with recordings, and an output with a unit for each."""
    for index in range(UNITS):
        write_speech(tmp_path / "in" / f"{index}.wav", index / 8, seconds=2.0)
    run(input=tmp_path / "in", output=tmp_path / "out", unit_bytes=1)
    run(input=tmp_path / "in", output=tmp_path / "fresh", unit_bytes=1, rules="strict")
    return tmp_path


def judged(root: Path) -> dict[str, str]:
    """Whose decisions each unit has, as a reader finds that goes by the commit records."""
    found = {}
    for unit in read_commits(str(root)):
        rows = table_of(str(root), unit, "segments", ["segment_id", "rules_id"], unit.sources)
        assert len(rows) == unit.rows["segments"] == len(rows["segment_id"].unique())
        (found[unit.unit_id],) = rows["rules_id"].unique().to_pylist()
    return found


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_curation_leaves_old_or_new_rows_and_is_finished_by_the_next(
    corpus: Path, workers: int
) -> None:
    out = corpus / "out"
    words = ["curate", str(out), "--rules=strict"]
    if workers > 1:
        words += [f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"]
    check_killed(words, out, corpus / "fresh")


@pytest.mark.slow
@pytest.mark.integration
def test_a_killed_run_with_new_rules_is_finished_by_the_next(corpus: Path) -> None:
    words = run_words(corpus / "in", corpus / "out", "--rules=strict", "--unit_bytes=1")
    check_killed(words, corpus / "out", corpus / "fresh")


def check_killed(words: list[str], out: Path, fresh: Path) -> None:
    """Kill the command at moments of its progress on disk; then let it end."""
    first = {path.name: path.read_bytes() for path in commit_files(out)}
    segments = sum(unit.rows["segments"] for unit in read_commits(str(out)))

    def rewritten() -> int:
        return sum(path.read_bytes() != first[path.name] for path in commit_files(out))

    def kept() -> int:
        return len(list((out / "decisions").rglob("*.parquet")))

    chance = random.Random(7)
    moments: list[tuple[Callable[[], int], int]] = [(kept, 1)]
    moments += [(rewritten, units) for units in (3, 7, 12, 17)]
    assert len(moments) == KILLS
    for progress, least in moments:
        process = start(words)
        wait(process, progress, least)
        time.sleep(chance.uniform(0, 0.02))
        assert process.poll() is None, "it was over before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        found = judged(out)
        assert set(found.values()) <= {BALANCED, STRICT}
        assert sum(unit.rows["segments"] for unit in read_commits(str(out))) == segments
    assert start(words).wait(LIMIT_SECONDS) == 0
    assert set(judged(out).values()) == {STRICT}
    assert all_rows(out) == all_rows(fresh)
    assert not [name for name in listing(out) if name.startswith("_tmp")]


def start(words: list[str]) -> subprocess.Popen[bytes]:
    """The command in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "beam_audio", *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait(process: subprocess.Popen[bytes], progress: Callable[[], int], least: int) -> None:
    """Wait until so much is on disk."""
    end = time.monotonic() + LIMIT_SECONDS
    while process.poll() is None and progress() < least and time.monotonic() < end:
        time.sleep(0.001)
