"""Ctrl-C and SIGTERM while a batch or a stream is at work, as a process and its terminal see it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.foreground import PROGRAM
from support.project import ROOT
from support.run_outputs import commit_files, read_rows, run, run_words, write_speech

from beam_audio.command.interrupts import descendants

if TYPE_CHECKING:
    from collections.abc import Iterator

SAID = "beam-audio: stopped; the same command resumes"
PATIENCE_SECONDS = 120.0
Send = Callable[[subprocess.Popen[str]], None]
COUNT = 80


def start(*words: str) -> subprocess.Popen[str]:
    """The command in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def press_ctrl_c(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process


def terminate(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More recordings than are done in a moment."""
    for number in range(COUNT):
        write_speech(tmp_path / "in" / f"{number}.wav", seconds=20.0)
    return tmp_path / "in"


@pytest.fixture
def ended() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that do not outlive the test."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "send"),
    [
        ("in_memory", press_ctrl_c),
        ("in_memory", terminate),
        ("multi_processing", press_ctrl_c),
        ("multi_processing", terminate),
    ],
)
def test_a_batch_ends_with_one_line_and_its_rows_are_taken_up(
    many: Path, tmp_path: Path, ended: list[subprocess.Popen[str]], mode: str, send: Send
) -> None:
    out = tmp_path / "out"
    flags = ["--unit_bytes=1", f"--direct_running_mode={mode}", "--direct_num_workers=2"]
    process = start(*run_words(many, out, *flags))
    ended.append(process)
    wait_until(lambda: len(commit_files(out)) > 2, process)
    started = descendants(process.pid)
    assert (mode == "multi_processing") == any(map(is_worker, started))
    send(process)
    printed, complained = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, printed) == (130, "")
    assert complained.splitlines()[-1] == SAID
    assert "Traceback" not in complained
    assert started  # the recogniser's process is one of them
    assert not any(map(is_alive, started))
    assert 0 < len(commit_files(out)) < COUNT
    assert run(input=many, output=out, unit_bytes=1).exit_status == 0
    assert len(read_rows(out, "recordings")) == COUNT


def is_worker(process: int) -> bool:
    """Whether a process is one of the runner's."""
    try:
        return b"sdk_worker_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def is_alive(process: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.parametrize("send", [press_ctrl_c, terminate])
def test_before_the_graph_runs_the_line_is_the_same(
    tmp_path: Path, ended: list[subprocess.Popen[str]], send: Send
) -> None:
    fifo = tmp_path / "run.yaml"
    os.mkfifo(fifo)
    kept_open = os.open(fifo, os.O_RDWR)  # so whoever reads it waits for ever
    process = start("run", f"--config={fifo}")
    ended.append(process)
    opened = Path(f"/proc/{process.pid}/fd")
    wait_until(lambda: str(fifo) in {str(each.readlink()) for each in opened.iterdir()}, process)
    send(process)
    printed, complained = process.communicate(timeout=PATIENCE_SECONDS)
    os.close(kept_open)
    assert (process.returncode, printed, complained) == (130, "", f"{SAID}\n")


def test_descendants_are_children_and_theirs() -> None:
    sleeper = "import time; time.sleep(60)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleeper!r}])"
    with subprocess.Popen([sys.executable, "-c", script]) as child:
        wait_until(lambda: bool(descendants(child.pid)), child)
        (grandchild,) = descendants(child.pid)
        assert {child.pid, grandchild} <= set(descendants(os.getpid()))
        child.kill()
        os.kill(grandchild, signal.SIGKILL)
