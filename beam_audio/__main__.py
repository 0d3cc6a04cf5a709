"""The command as a process: ``beam-audio`` and ``python -m beam_audio``."""

from __future__ import annotations

import atexit
import os
import select
import sys
from typing import Final, NoReturn

from beam_audio.command import interrupts
from beam_audio.command.cli import main

EXIT_NOBODY_READS: Final = 141
"""What shells say of a process that the signal of a closed pipe ends."""


def run() -> NoReturn:
    """Run the command and end the process with its exit status.

    The interpreter's own teardown is left out: a thread of some native library has been seen to
    abort it, after all was written, which made a finished run end with status 134.
    """
    interrupts.watch()
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        status = EXIT_NOBODY_READS
    atexit._run_exitfuncs()  # noqa: SLF001 - they end the job servers that Beam started
    sys.stderr.flush()
    os._exit(status)


def _nobody_reads() -> bool:
    """Whether the reader of what is printed has seen enough, as ``head`` has."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


if __name__ == "__main__":
    run()
