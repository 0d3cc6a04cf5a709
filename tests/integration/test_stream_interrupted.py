"""A stream that Ctrl-C ends, as its terminal sees it, and that is started again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.foreground import PROGRAM
from support.pubsub_emulator import new_channel, publish, pubsub_emulator
from support.run_outputs import commit_files, read_rows, write_speech
from support.stream_processes import STOP_SECONDS, start_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

COUNT = 30
LIMIT_SECONDS = 120
STOPPED = " INFO beam_audio: stopped; the same command resumes"


@pytest.fixture(autouse=True)
def emulator() -> Iterator[None]:
    with pubsub_emulator() as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        yield


def test_ctrl_c_commits_what_came_and_the_same_command_resumes(tmp_path: Path) -> None:
    out, complaints = tmp_path / "out", tmp_path / "complaints"
    channel = new_channel()

    def send(first: int) -> None:
        paths = [
            write_speech(tmp_path / f"{number}.wav", seconds=10.0)
            for number in range(first, first + COUNT)
        ]
        lines = [json.dumps({"audio_filepath": str(path)}).encode() for path in paths]
        publish(channel.topic, *((line, {}) for line in lines))

    send(0)
    flags = ["--max_wait_seconds=2", "--unit_bytes=1"]
    stream = start_stream(channel, out, *flags, program=("-c", PROGRAM), complaints=complaints)
    stream.wait_until(lambda: bool(commit_files(out)), LIMIT_SECONDS)
    stream.interrupt()
    assert stream.process.wait(STOP_SECONDS) == 130
    complained = complaints.read_text("utf-8")
    assert complained.splitlines()[-1].endswith(STOPPED)
    assert "Traceback" not in complained
    assert "Traceback" not in stream.printed()

    send(COUNT)
    again = start_stream(channel, out, *flags)
    again.wait_until(lambda: len(read_rows(out, "recordings")) == 2 * COUNT, LIMIT_SECONDS)
    assert again.stop() == 0


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    out, complaints = tmp_path / "out", tmp_path / "complaints"
    channel = new_channel()
    path = write_speech(tmp_path / "a.wav", seconds=2000.0)
    line = json.dumps({"audio_filepath": str(path)}).encode()
    publish(channel.topic, (line, {}))
    flags = ["--max_wait_seconds=1"]
    stream = start_stream(channel, out, *flags, program=("-c", PROGRAM), complaints=complaints)
    stream.wait_until(lambda: any((out / "_tmp").rglob("*")), LIMIT_SECONDS)
    for _ in range(2):
        stream.interrupt()
        stream.wait_until(lambda: "Ctrl-C again" in complaints.read_text("utf-8"), LIMIT_SECONDS)
    assert stream.process.wait(STOP_SECONDS) == 130
    assert complaints.read_text("utf-8").splitlines()[-1].endswith(STOPPED)
    assert commit_files(out) == []
