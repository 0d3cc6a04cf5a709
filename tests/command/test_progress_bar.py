"""What is shown of long work, on a terminal and without one."""

from __future__ import annotations

import io
import os
import pty
import termios
import time
from functools import partial
from typing import TextIO

import pytest

from beam_audio.command.progress_bar import ProgressBar, Status, run_status
from beam_audio.unit.progress import Progress


def half_done() -> Progress:
    progress = Progress()
    progress.plan(inputs=8)
    progress.add(inputs=3, decoded_seconds=5400.0)
    progress.add(inputs=1, failures=["DecodeError", "InputError", "DecodeError"])
    return progress


def test_the_status_of_a_run_has_rate_and_failures_by_kind() -> None:
    status = run_status(half_done(), 100.0)
    assert (status.done, status.total) == (4, 8)
    assert status.remark == (
        "1.50 h decoded · 54.0× real time · 3 failed (2 DecodeError, 1 InputError)"
    )


def test_the_status_of_a_run_shows_long_copies() -> None:
    progress = half_done()
    with progress.copying(8 << 30) as copy:
        copy.copied_bytes = 3 << 29
        remark = run_status(progress, 100.0).remark
    assert " · copying long recordings, 1.5 of 8.0 GiB · 3 failed" in remark


def test_before_the_plan_is_known_there_is_no_total() -> None:
    assert run_status(Progress(), 1.0) == Status(0, None, "listing inputs")


def test_channels_of_one_input_are_not_more_than_all() -> None:
    progress = Progress()
    progress.plan(inputs=1)
    progress.add(inputs=2)
    assert run_status(progress, 1.0).done == 1


def test_without_a_terminal_a_line_comes_now_and_then() -> None:
    stream = io.StringIO()
    with ProgressBar(partial(run_status, half_done()), "inputs", stream=stream, line_seconds=0.2):
        time.sleep(0.5)
    lines = stream.getvalue().splitlines()
    assert 1 <= len(lines) <= 3
    assert lines[0].startswith("beam-audio: 4 of 8 inputs (50%) · ")
    assert " left · 1.50 h decoded · " in lines[0]
    assert lines[0].endswith("3 failed (2 DecodeError, 1 InputError)")


def test_without_a_terminal_short_work_shows_nothing() -> None:
    stream = io.StringIO()
    with ProgressBar(partial(run_status, half_done()), "inputs", stream=stream):
        time.sleep(0.7)
    assert stream.getvalue() == ""


def open_terminal() -> tuple[int, int]:
    """Both ends of a terminal that is wide enough."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 160))
    return controller, terminal


def read_for(controller: int, seconds: float) -> str:
    """What a terminal shows until then."""
    os.set_blocking(controller, False)
    end, shown = time.monotonic() + seconds, b""
    while time.monotonic() < end:
        try:
            shown += os.read(controller, 4096)
        except BlockingIOError:
            time.sleep(0.05)
    return shown.decode()


def test_a_terminal_shows_a_bar_and_nothing_of_it_stays() -> None:
    controller, terminal = open_terminal()
    with os.fdopen(terminal, "w") as stream:
        with ProgressBar(partial(run_status, half_done()), "inputs", stream=stream):
            shown = read_for(controller, 1.5)
        wiped = read_for(controller, 0.3)
    os.close(controller)
    assert " 50%|" in shown
    assert " 4/8 inputs [" in shown
    assert " left, 1.50 h decoded · " in shown
    assert "3 failed (2 DecodeError, 1 InputError)" in shown
    assert wiped.endswith("\r")
    assert not wiped.split("\r")[-2].strip()


def test_the_bar_is_wiped_when_the_work_fails() -> None:
    controller, terminal = pty.openpty()  # without a size, as in a container

    def fail(stream: TextIO) -> None:
        with ProgressBar(partial(run_status, Progress()), "inputs", stream=stream):
            assert "listing inputs" in read_for(controller, 1.5)
            raise RuntimeError("stopped")

    with os.fdopen(terminal, "w") as stream:
        with pytest.raises(RuntimeError, match="stopped"):
            fail(stream)
        assert read_for(controller, 0.3).endswith("\r")
    os.close(controller)
