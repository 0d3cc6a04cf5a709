"""Processes by name: running, stopped, ended, or of another machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from beam_audio.output import processes

SAY_NAME = "from beam_audio.output import processes; print(processes.own(), flush=True); input()"


def test_a_process_runs_until_it_has_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SAY_NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert processes.is_running(name)
        child.send_signal(signal.SIGSTOP)
        assert processes.is_running(name)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is not waited for yet
        assert processes.is_running(name) is False
    time.sleep(0.01)
    assert processes.is_running(name) is False


def test_another_process_of_the_same_number_is_another_one() -> None:
    *machine, number, started = processes.own().split()
    assert processes.is_running(" ".join([*machine, number, started]))
    assert processes.is_running(" ".join([*machine, number, str(int(started) - 1)])) is False


def test_of_other_machines_nothing_is_known() -> None:
    _, *rest = processes.own().split()
    assert processes.is_running(" ".join(["another-boot", *rest])) is None
    assert processes.is_running("") is None
