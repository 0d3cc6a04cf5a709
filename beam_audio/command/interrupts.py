"""Ctrl-C: one plain line, no traceback, and no process left behind.

A terminal sends Ctrl-C (the signal SIGINT) to every process that was started from it. Left to
itself, Beam would end its bundles first, minutes later, and each of its worker processes would
print a traceback. So a thread of this process waits for the signal, and the processes it starts
ignore it. Ending at once costs nothing: committed units are whole, and the next run deletes what
was half-written.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXIT_INTERRUPTED: Final = 128 + signal.SIGINT
"""The status that shells give to a program ended by Ctrl-C."""
STOPPED: Final = "stopped; the same command resumes"

_TO_MAIN_THREAD: Final = signal.SIGUSR1


def watch() -> None:
    """Have Ctrl-C taken by a thread of this process; call it once, before other threads start.

    Until :func:`on_interrupt` says otherwise, the main thread gets a KeyboardInterrupt, as usual.
    A process that was started in the background, where shells ignore Ctrl-C, is left as it is.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    signal.signal(_TO_MAIN_THREAD, signal.default_int_handler)
    # Threads take over what is blocked; programs take over what is ignored. Linux keeps a signal
    # that is both for whoever waits for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_listen, name="interrupts", daemon=True).start()


@contextmanager
def on_interrupt(act: Callable[[], object]) -> Iterator[None]:
    """Call ``act`` at each Ctrl-C, in another thread, whatever the main thread waits for."""
    _ACTIONS.append(act)
    try:
        yield
    finally:
        _ACTIONS.remove(act)


def _interrupt_main_thread() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, _TO_MAIN_THREAD)


_ACTIONS: Final[list[Callable[[], object]]] = [_interrupt_main_thread]
"""What a Ctrl-C does; the last one counts."""


def _listen() -> None:
    while True:
        signal.sigwait({signal.SIGINT})
        _ACTIONS[-1]()


def end_at_once() -> NoReturn:
    """Say that the run is stopped and end this process and those it started.

    Nothing that threads or processes have to say about their end is printed.
    """
    with suppress(OSError, ValueError):  # whoever read it may be gone
        sys.stdout.flush()
        wipe = "\r\x1b[K" if sys.stderr.isatty() else ""
        sys.stderr.write(f"{wipe}beam-audio: {STOPPED}\n")
        sys.stderr.flush()
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
