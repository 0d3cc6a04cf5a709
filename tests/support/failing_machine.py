"""The command on a machine that begins to fail when the command first opens a file of a folder.

python tests/support/failing_machine.py FAULT FOLDER run --input=… --output=…
"""

from __future__ import annotations

import os
import resource
import runpy
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable


def no_more_files() -> None:
    """Let no further file be opened."""
    lowest_free = os.dup(0)
    os.close(lowest_free)
    _limit(resource.RLIMIT_NOFILE, lowest_free)


def no_more_memory() -> None:
    """Let the process have a few more megabytes only."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + (4 << 20))


def output_gone() -> None:
    """Delete the output."""
    (output,) = (each for each in sys.argv if each.startswith("--output="))
    shutil.rmtree(output.removeprefix("--output="))


FAULTS: Final = {each.__name__: each for each in (no_more_files, no_more_memory, output_gone)}


def _limit(kind: int, most: int) -> None:
    resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def fail_at(folder: str, fault: Callable[[], None]) -> None:
    """Have the fault when a file of the folder is first opened."""
    waiting = [fault]

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and waiting and str(arguments[0]).startswith(f"{folder}/"):
            waiting.pop()()

    sys.addaudithook(look)


if __name__ == "__main__":
    fail_at(sys.argv[2], FAULTS[sys.argv[1]])
    sys.argv[:] = ["beam-audio", *sys.argv[3:]]
    runpy.run_module("beam_audio", run_name="__main__")
