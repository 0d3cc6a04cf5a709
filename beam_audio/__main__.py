"""The command as a process: ``beam-audio`` and ``python -m beam_audio``."""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn

from beam_audio.command import interrupts
from beam_audio.command.cli import main


def run() -> NoReturn:
    """Run the command and end the process with its exit status.

    The interpreter's own teardown is left out: a thread of some native library has been seen to
    abort it, after all was written, which made a finished run end with status 134.
    """
    interrupts.watch()
    status = main()
    atexit._run_exitfuncs()  # noqa: SLF001 - they end the job servers that Beam started
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    run()
