"""Recordings whose speech ends the process of the recogniser, and processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from support.odd_recognizers import odd_environment, recogniser_processes
from support.project import ROOT
from support.pubsub_emulator import publish
from support.run_outputs import all_rows, read_rows, run, run_files, write_speech
from support.stream_processes import closed_messages, start_stream

if TYPE_CHECKING:
    from support.pubsub_emulator import Channel

pytestmark = pytest.mark.integration

RECORDINGS, ODD = 40, (3, 11, 37)
LIMIT_SECONDS = 240
MULTI_PROCESSING = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """Speech; a few recordings are so loud that the recogniser is odd."""
    folder = tmp_path / "audio"
    for index in range(RECORDINGS):
        path = write_speech(folder / f"{index:02}.wav", start_seconds=index / 20, seconds=1.5)
        if index in ODD:
            samples, rate_hz = soundfile.read(path, dtype="float32")
            samples *= 0.99 / np.abs(samples).max()
            soundfile.write(path, samples, rate_hz, subtype="PCM_16")
    return folder


def start(audio: Path, output: Path, *flags: str, **variables: str) -> subprocess.Popen[bytes]:
    """The command with the placeholder, in a process group of its own."""
    flags = (f"--input={audio}", f"--output={output}", "--model=placeholder", *flags)
    return subprocess.Popen(
        [sys.executable, "-m", "beam_audio", "run", *flags],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def calm(audio: Path, tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a run in which nothing is odd."""
    assert run(input=audio, output=tmp_path / "calm").exit_status == 0
    return all_rows(tmp_path / "calm")


def is_there(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def check_rows(found: dict[str, list[Any]], expected: dict[str, list[Any]], *names: str) -> None:
    """Segments of these recordings failed, and nothing else differs."""
    failed = {row["segment_id"]: row for row in found["failures"]}
    kept = [row for row in expected["segments"] if row["segment_id"] not in failed]
    assert found["segments"] == kept
    assert {row["uri"].rpartition("/")[2] for row in failed.values()} == set(names)
    for row in failed.values():
        assert row["error_type"] == "RecognizerCrash"
        assert row["message"] == "placeholder/none died of this segment (SIGSEGV)"


@pytest.mark.parametrize("flags", [(), MULTI_PROCESSING], ids=["in_process", "multi_processing"])
def test_a_batch_loses_only_what_ends_the_recogniser(
    audio: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    expected = calm(audio, tmp_path)
    output = tmp_path / "odd"
    process = start(audio, output, *flags, "--unit_bytes=300000", **odd_environment("segfault"))
    assert process.wait(LIMIT_SECONDS) == 0
    check_rows(all_rows(output), expected, *(f"{index:02}.wav" for index in ODD))


def test_a_stream_loses_only_what_ends_the_recogniser(
    audio: Path, tmp_path: Path, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = calm(audio, tmp_path)
    for name, value in odd_environment("segfault").items():
        monkeypatch.setenv(name, value)
    output = tmp_path / "odd"
    stream = start_stream(channel, output, "--max_wait_seconds=1")
    lines = [{"audio_filepath": str(path)} for path in sorted(audio.iterdir())]
    publish(channel.topic, *((json.dumps(line).encode(), {}) for line in lines))
    stream.wait_until(lambda: closed_messages(output) == RECORDINGS, LIMIT_SECONDS)
    assert stream.stop() == 0
    ids = [row["segment_id"] for row in read_rows(output, "failures")]
    kept = [row["text"] for row in expected["segments"] if row["segment_id"] not in ids]
    assert len(ids) == len(ODD)
    assert [row["text"] for row in read_rows(output, "segments")] == kept


def test_twenty_kills_put_no_segment_into_the_failures(audio: Path, tmp_path: Path) -> None:
    """A run that is not over its kills ends with status 1, and the next one goes on."""
    output, kills = tmp_path / "killed", tmp_path / "kills"
    statuses: list[int] = []
    while 0 not in statuses and len(statuses) < 20:
        process = start(audio, output, **odd_environment("killed", twenty_times=kills))
        statuses.append(process.wait(LIMIT_SECONDS))
        assert not read_rows(output, "failures")
    assert kills.stat().st_size == 20
    assert set(statuses) == {0, 1}
    assert all_rows(output) == calm(audio, tmp_path)


def test_a_run_that_is_killed_while_its_recogniser_dies_blames_nobody(
    audio: Path, tmp_path: Path
) -> None:
    expected, output = calm(audio, tmp_path), tmp_path / "killed"
    for _ in range(3):
        process = start(audio, output, **odd_environment("abort"))
        seen: set[int] = set()
        end = time.monotonic() + LIMIT_SECONDS
        while len(seen) < 2 and time.monotonic() < end:  # one has died of a batch
            seen.update(recogniser_processes(process.pid))
            time.sleep(0.005)
        assert len(seen) == 2
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        end = time.monotonic() + 10
        while any(map(is_there, seen)) and time.monotonic() < end:
            time.sleep(0.01)
        assert not any(map(is_there, seen))
        assert not read_rows(output, "failures")
        assert not run_files(output)
    assert start(audio, output).wait(LIMIT_SECONDS) == 0
    assert all_rows(output) == expected
