"""The command, killed with all it started before it puts a file into a folder of its output.

python tests/support/killed_at.py OUTPUT/_units 2 run --subscription=… --output=OUTPUT

Every file of an output gets its name by a rename; the process ends before the one that is asked
for. Python itself tells of renames, so nothing of the command is changed.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from itertools import count
from typing import Any


def die_before(folder: str, number: int) -> None:
    """Kill this process's group before its rename of this number, from 1, into a folder.

    Hidden files, in which runs agree with one another, do not count.
    """
    numbers = count(1)

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename":
            target = os.fsdecode(arguments[1])
            counts = target.startswith(f"{folder}/") and "/." not in target.removeprefix(folder)
            if counts and next(numbers) == number:
                os.killpg(0, signal.SIGKILL)

    sys.addaudithook(look)


if __name__ == "__main__":
    die_before(sys.argv[1], int(sys.argv[2]))
    sys.argv[:] = ["beam-audio", *sys.argv[3:]]
    runpy.run_module("beam_audio", run_name="__main__")
