"""Ctrl-C and SIGTERM: one plain line, no traceback, and no process left behind.

A terminal sends Ctrl-C (the signal SIGINT) to every process that was started from it. Left to
itself, Beam would end its bundles first, minutes later, and each of its worker processes would
print a traceback. So a thread of this process waits for the signal, and the processes it starts
ignore it. SIGTERM is sent to one process, by a supervisor or by ``kill``; the processes it starts
must go on listening to it, as Beam ends them that way. Ending at once costs nothing: committed
units are whole, and the next run deletes what was half-written.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from beam_audio.command.log_lines import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXIT_INTERRUPTED: Final = 128 + signal.SIGINT
"""The status that shells give to a program ended by Ctrl-C; SIGTERM gives the same."""
STOPPED: Final = "stopped; the same command resumes"

_WIPE: Final = "\r\x1b[K"
"""Clears the line of a terminal that a progress bar is on."""
_TO_MAIN_THREAD: Final = signal.SIGUSR1


def watch() -> None:
    """Have both signals taken by threads of this process; call it once, before others start.

    Until :func:`on_interrupt` says otherwise, the main thread gets a KeyboardInterrupt.
    A process that was started in the background, where shells ignore Ctrl-C, goes on ignoring it.
    """
    signal.signal(_TO_MAIN_THREAD, signal.default_int_handler)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Threads take over what is blocked; programs take over what is ignored. Linux keeps a
        # signal that is both for the one that waits for it, if no thread lets it through.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _start(partial(signal.sigwait, {signal.SIGINT}))
    _watch_terminate()


def _watch_terminate() -> None:
    """Have SIGTERM written to a pipe at once, whatever the main thread waits for."""
    arrived, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    _start(lambda: os.read(arrived, 1)[0])


@contextmanager
def on_interrupt(act: Callable[[int], object]) -> Iterator[None]:
    """Call ``act`` with each of the two signals, in another thread."""
    _ACTIONS.append(act)
    try:
        yield
    finally:
        _ACTIONS.remove(act)


def _interrupt_main_thread(_signal: int) -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, _TO_MAIN_THREAD)


_ACTIONS: Final[list[Callable[[int], object]]] = [_interrupt_main_thread]
"""What the signals do; the last one counts."""


def _start(wait: Callable[[], int]) -> None:
    threading.Thread(target=_listen, args=(wait,), name="interrupts", daemon=True).start()


def _listen(wait: Callable[[], int]) -> None:
    while True:
        arrived = wait()
        if arrived in {signal.SIGINT, signal.SIGTERM}:
            _ACTIONS[-1](arrived)


def end_at_once(_signal: int) -> NoReturn:
    """Say that the run is stopped and end this process and those it started.

    Nothing that threads or processes have to say about their end is printed.
    """
    with suppress(OSError, ValueError):  # its reader may be gone
        sys.stdout.flush()
        if sys.stderr.isatty():
            sys.stderr.write(_WIPE)
        say(STOPPED, "stopped", exit_status=EXIT_INTERRUPTED)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for process in descendants(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    os._exit(EXIT_INTERRUPTED)


def descendants(process: int) -> list[int]:
    """Processes that a process started, and those they started; none where there is no /proc."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):  # it ended meanwhile
            # The name of the program, in parentheses, may hold anything.
            parent = int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            children[parent].append(int(path.parent.name))
    found = [process]
    for each in found:
        found += children[each]
    return found[1:]
