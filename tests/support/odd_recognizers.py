"""Recognisers in processes of their own that are odd on purpose; see ``odd_recognizer/``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from beam_audio.command.interrupts import descendants

PROGRAM: Final = b"beam_audio.asr.isolated.program"


def odd_environment(
    what: str, twenty_times: Path | None = None, *, on_device: bool = False
) -> dict[str, str]:
    """Variables that make the placeholder odd, as a key of ``ODDITIES`` says.

    If a file is named, it is odd twenty times, and each time a byte is added to the file. On a
    device, batches that wait together are recognised together.
    """
    folder = str(Path(__file__).with_name("odd_recognizer"))
    paths = [folder, *filter(None, [os.environ.get("PYTHONPATH")])]
    times = {"ODD_LOG": str(twenty_times)} if twenty_times else {}
    device = {"ODD_DEVICE": "yes"} if on_device else {}
    return {"ODD": what, "PYTHONPATH": os.pathsep.join(paths)} | times | device


def recogniser_processes(above: int) -> list[int]:
    """The processes of recognisers below a process."""
    return [process for process in descendants(above) if PROGRAM in _command_line(process)]


def _command_line(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
