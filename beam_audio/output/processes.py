"""Names of processes by which another process of the same machine can tell whether they run."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_NAMES: Final = Path("/proc/self/ns/pid")
_STATE, _STARTED = 0, 19
"""Fields of ``/proc/PID/stat`` after the name of the program."""


def own() -> str:
    """Name of this process: its machine since it was started, its number, and when it began."""
    number = os.getpid()
    return " ".join([*_machine(), str(number), _fields(number)[_STARTED]])


def is_running(name: str) -> bool | None:
    """Whether a process runs, also if it is stopped; None for one of another machine or none."""
    *machine, number, started = name.split() if name else [""] * 4
    if machine != _machine():
        return None
    with suppress(OSError, IndexError):
        fields = _fields(int(number))
        return fields[_STARTED] == started and fields[_STATE] != "Z"
    return False


def _machine() -> list[str]:
    """What is unlike on every machine and in every container that numbers its own processes."""
    return [_BOOT_ID.read_text("ascii").strip(), _PROCESS_NAMES.readlink().name]


def _fields(number: int) -> list[str]:
    # The name of the program, in parentheses, may hold anything.
    stat = Path(f"/proc/{number}/stat").read_text("utf-8", errors="replace")
    return stat.rpartition(")")[2].split()
