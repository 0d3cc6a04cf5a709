"""The line of a stream that closes no interval for a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from support.intervals import INTERVAL

from beam_audio.command.heartbeat import heartbeat
from beam_audio.stream.progress import StreamProgress

if TYPE_CHECKING:
    import pytest

EVERY_SECONDS = 0.3


def lines(progress: StreamProgress, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is said within two beats."""
    with heartbeat(progress, EVERY_SECONDS):
        time.sleep(2.5 * EVERY_SECONDS)
    return capsys.readouterr().err.splitlines()


def test_an_idle_stream_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    progress = StreamProgress()
    progress.begin("run")
    found = lines(progress, capsys)
    assert 1 <= len(found) <= 2
    assert found[0].endswith("no messages; Pub/Sub answered 0 s ago; last commit never")


def test_long_work_is_no_idleness(capsys: pytest.CaptureFixture[str]) -> None:
    progress = StreamProgress()
    progress.begin("run")
    progress.take([time.time() - 70.0] * 3)
    assert "working on 3 messages for 0 s; the oldest is 70 s old" in lines(progress, capsys)[0]


def test_a_stream_that_starts_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "starting: the model" in lines(StreamProgress(), capsys)[0]


def test_intervals_speak_for_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    progress = StreamProgress()
    progress.begin("run")
    with heartbeat(progress, 1.0):
        for _ in range(4):
            time.sleep(0.4)
            progress.settle(INTERVAL, returned=0)
    assert capsys.readouterr().err == ""
