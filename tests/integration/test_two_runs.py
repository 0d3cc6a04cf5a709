"""Two runs as processes on one output: refused, taken over, paused; no row comes twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support.project import ROOT
from support.pubsub_emulator import publish
from support.run_outputs import (
    all_rows,
    commit_files,
    read_rows,
    run,
    run_words,
    write_speech,
)
from support.stream_processes import closed_messages, start_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.pubsub_emulator import Channel
    from support.stream_processes import Stream

pytestmark = pytest.mark.integration

COUNT = 60
LIMIT_SECONDS = 90
LEASE_SECONDS = 60
SHORT_LEASES = (str(ROOT / "tests" / "support" / "killed_by.py"), "nothing")
FLAGS = ("--unit_bytes=1", "--max_recording_seconds=100")


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as a process."""

    process: subprocess.Popen[str]

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT_SECONDS
        while not is_so():
            assert time.monotonic() < end
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.01)

    def ended(self) -> tuple[int, str]:
        """Its exit status and what it complained of."""
        _, complained = self.process.communicate(timeout=LIMIT_SECONDS)
        return self.process.returncode, complained


@pytest.fixture
def start() -> Iterator[Callable[..., Batch]]:
    """Starts batches, which do not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(folder: Path, out: Path, *flags: str) -> Batch:
        process = subprocess.Popen(
            [sys.executable, "-m", "beam_audio", *run_words(folder, out, *FLAGS, *flags)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return Batch(process)

    yield begin
    for process in started:
        process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Enough recordings for runs to meet."""
    for number in range(COUNT):
        write_speech(tmp_path / "in" / f"{number}.wav", number / 30, 4.0 + number / 10)
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def check_once(out: Path, tmp_path: Path, folder: Path) -> None:
    """Check that the rows are those of a calm run."""
    run(input=folder, output=tmp_path / "calm")
    assert all_rows(out) == all_rows(tmp_path / "calm")


def send(channel: Channel, folder: Path) -> None:
    lines = [json.dumps({"audio_filepath": str(path)}).encode() for path in folder.iterdir()]
    publish(channel.topic, *((line, {}) for line in lines))


def test_of_two_batches_at_once_one_is_refused(
    folder: Path, out: Path, tmp_path: Path, start: Callable[..., Batch]
) -> None:
    same, other = start(folder, out), start(folder, out, "--rules=strict")
    ends = sorted([same.ended(), other.ended()])
    assert [status for status, _ in ends] == [0, 1]
    said = ends[1][1].splitlines()[-1]
    assert "is in use by batch" in said
    assert "wait until it has ended" in said
    assert run(input=folder, output=out).exit_status == 0
    check_once(out, tmp_path, folder)


def test_a_killed_batch_is_taken_over_at_once(
    folder: Path, out: Path, tmp_path: Path, start: Callable[..., Batch]
) -> None:
    """The second run groups the inputs otherwise."""
    first = start(folder, out)
    first.wait_until(lambda: len(commit_files(out)) > 2)
    first.process.kill()
    first.process.wait()
    second = start(folder, out, "--unit_bytes=1000000")
    assert second.ended()[0] == 0
    check_once(out, tmp_path, folder)


def test_a_paused_batch_that_another_machine_took_over_stops(
    folder: Path, out: Path, tmp_path: Path, start: Callable[..., Batch]
) -> None:
    first = start(folder, out)
    first.wait_until(lambda: len(commit_files(out)) > 2)
    first.process.send_signal(signal.SIGSTOP)
    try:
        assert "in use by batch" in start(folder, out).ended()[1]  # it lives, and this is known
        look_like_another_machines(out / "_units" / ".batch")
        assert start(folder, out, "--unit_bytes=1000000").ended()[0] == 0
    finally:
        first.process.send_signal(signal.SIGCONT)
    status, complained = first.ended()
    assert status == 1
    assert "was taken over by another batch" in complained
    check_once(out, tmp_path, folder)


def look_like_another_machines(holder: Path) -> None:
    """Rewrite who holds an output as another machine's batch that was last seen long ago."""
    written = json.loads(holder.read_text("utf-8"))
    holder.write_text(json.dumps(written | {"process": "boot pid:[1] 7 1"}), "utf-8")
    os.utime(holder, (0, 0))
    for claim in holder.parent.with_name("_claims").iterdir():
        os.utime(claim, (0, 0))


def test_a_batch_beside_a_stream_over_the_same_recordings(
    folder: Path, out: Path, tmp_path: Path, start: Callable[..., Batch], channel: Channel
) -> None:
    """They have different rules; a last run makes all rows alike."""
    send(channel, folder)
    stream = start_stream(channel, out, *FLAGS, "--max_wait_seconds=1")
    try:
        stream.wait_until(lambda: bool(commit_files(out)), LIMIT_SECONDS)
        assert start(folder, out, "--rules=strict").ended()[0] == 0
        stream.wait_until(lambda: closed_messages(out) >= COUNT, LEASE_SECONDS + LIMIT_SECONDS)
        assert stream.stop() == 0
    finally:
        stop(stream)
    uris = [row["uri"] for row in read_rows(out, "recordings")]
    assert sorted(uris) == sorted(map(str, folder.iterdir()))
    assert run(input=folder, output=out).exit_status == 0
    check_once(out, tmp_path, folder)


def test_a_paused_stream_that_another_took_over_adds_nothing(
    folder: Path, out: Path, tmp_path: Path, channel: Channel
) -> None:
    send(channel, folder)
    first = start_stream(channel, out, *FLAGS, "--max_wait_seconds=1", program=SHORT_LEASES)
    first.wait_until(lambda: bool(commit_files(out)), LIMIT_SECONDS)
    first.process.send_signal(signal.SIGSTOP)
    second = start_stream(channel, out, *FLAGS, "--max_wait_seconds=1")
    try:
        second.wait_until(
            lambda: len(read_rows(out, "recordings")) == COUNT, LEASE_SECONDS + LIMIT_SECONDS
        )
        first.process.send_signal(signal.SIGCONT)
        assert (first.stop(), second.stop()) == (0, 0)
    finally:
        stop(first)
        stop(second)
    check_once(out, tmp_path, folder)


def stop(stream: Stream) -> None:
    if stream.process.poll() is None:
        stream.kill()
