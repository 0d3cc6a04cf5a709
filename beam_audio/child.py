"""A program in a child process: talked to in messages, watched, and ended with its parent.

Native code that aborts, hangs or takes all memory takes its process with it. Here that is a child.
The parent starts it with :class:`Child`. The program is a module whose last lines call
:func:`connect` and then serve what the parent asks.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_STDIN: Final = 0
_HEADER: Final = struct.Struct("<QI")
_MOST_FILES: Final = 8
_WHOLE: Final = socket.MSG_WAITALL | socket.MSG_CMSG_CLOEXEC
_LAST_WORDS_BYTES: Final = 4096
_LOOK_SECONDS: Final = 0.25
"""How often a silent child is looked at."""

_END_SECONDS: Final = 5.0
"""A child that has closed its socket ends within this time, or is killed."""

_PROBE_BYTES: Final = 32 * 2**20
_LIBRARIES_BYTES: Final = 2**30
"""Address space that code and thread stacks take beside a child's data."""

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_OUTSIDE: Final = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"})


class Message(NamedTuple):
    """Bytes, and descriptors of files that travelled with them; the receiver closes those."""

    data: bytes
    files: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended.

    Attributes:
        cause: A signal's name, or ``exit status 3``.
        last_words: The end of what it wrote to standard error. It differs from run to run.
    """

    cause: str
    last_words: str

    @property
    def from_outside(self) -> bool:
        """Whether somebody else ended it: a person, or a machine that is out of memory."""
        return self.cause in _OUTSIDE


class ChildEnded(Exception):  # noqa: N818 - it is no error of this process
    """A child ended while it was needed."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.cause)
        self.ending = ending


class ChildHangs(Exception):  # noqa: N818 - as above
    """A child makes no progress."""


class Connection:
    """One end of a Unix socket: whole messages in order, with open files beside them."""

    def __init__(self, end: socket.socket) -> None:
        end.settimeout(None)  # libraries set a time limit for all new sockets of a process
        self._end = end

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return self._end.fileno()

    def send(self, data: bytes, files: Sequence[int] = ()) -> None:
        """Send a message; the files stay open here.

        Raises:
            OSError: The other end is closed.
        """
        message = (_HEADER.pack(len(data), len(files)), data)
        sent = socket.send_fds(self._end, message, files)
        for each in message:
            if sent < len(each):
                self._end.sendall(memoryview(each)[sent:])
            sent = max(0, sent - len(each))

    def receive(self) -> Message:
        """Wait for the next message.

        Raises:
            EOFError: The other end is closed.
        """
        try:
            header, files, _, _ = socket.recv_fds(self._end, _HEADER.size, _MOST_FILES, _WHOLE)
            if len(header) < _HEADER.size:
                raise EOFError
            size_bytes, _ = _HEADER.unpack(header)
            return Message(self._exactly(size_bytes), tuple(files))
        except ConnectionError as error:
            raise EOFError from error

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _exactly(self, size_bytes: int) -> bytes:
        data = self._end.recv(size_bytes, socket.MSG_WAITALL)  # in one piece, without Python's lock
        while len(data) < size_bytes:  # a signal came
            more = self._end.recv(size_bytes - len(data), socket.MSG_WAITALL)
            if not more:
                raise EOFError
            data += more
        return data


class Child:
    """A running program. One thread uses it at a time.

    It looks for modules where this process does, has its environment, and works in the root folder.
    What it prints to standard output goes nowhere. It ends when this process ends, however that
    ends, and the keyboard's Ctrl-C does not reach it.
    """

    def __init__(
        self,
        module: str,
        *,
        memory_bytes: int | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Start it.

        Args:
            module: Name of the module to run.
            memory_bytes: The most memory it may take for data; None sets no limit.
            environment: Variables that differ from those of this process.

        Raises:
            OSError: The machine cannot start a process.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(theirs.fileno()), str(memory_bytes or 0)],
                stdin=subprocess.PIPE,  # nothing is ever written; its end is this process's end
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": _module_paths(), **environment},
                cwd="/",  # libsndfile looks for files of certain names in the working folder
                process_group=0,
            )
        self._connection = Connection(ours)
        self._last_words = b""
        self._waiting = select.poll()
        self._waiting.register(ours, select.POLLIN)
        if self._process.stderr is not None:
            os.set_blocking(self._process.stderr.fileno(), False)
            self._waiting.register(self._process.stderr, select.POLLIN)
        _running.add(self)

    @property
    def process_id(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def send(self, data: bytes, files: Sequence[int] = ()) -> None:
        """Send a message.

        Raises:
            ChildEnded: The child has ended.
        """
        try:
            self._connection.send(data, files)
        except ConnectionError as error:
            raise ChildEnded(self._end()) from error

    def receive(
        self, progress: Callable[[], object] = lambda: None, *, hang_seconds: float = float("inf")
    ) -> Message:
        """Wait for the next message.

        Args:
            progress: Something that changes whenever the child gets on.
            hang_seconds: How long it may compute, or sleep, without getting on. The time that a
                busy or stopped machine takes away from it does not count.

        Raises:
            ChildEnded: The child has ended.
            ChildHangs: It does not get on. It still runs: :meth:`stop` it.
        """
        watch: _Watch | None = None
        while not self._is_ready():
            watch = watch or _Watch(self.process_id, progress)
            if watch.idle_seconds() >= hang_seconds:
                raise ChildHangs(f"no progress for {hang_seconds:g} s")
        try:
            return self._connection.receive()
        except EOFError as error:
            raise ChildEnded(self._end()) from error

    def data_bytes(self) -> int:
        """Memory that it has for data, as its limit counts it; 0 once it has ended."""
        try:
            pages = Path(f"/proc/{self.process_id}/statm").read_text().split()[5]
        except OSError:
            return 0
        return int(pages) * _PAGE_BYTES

    def stop(self) -> None:
        """End it, and wait for that."""
        self._process.kill()
        self._process.wait()
        self.release()

    def _is_ready(self) -> bool:
        """Whether there is a message, or the end; waits for it a moment."""
        stderr = self._process.stderr
        ready = {place for place, _ in self._waiting.poll(_LOOK_SECONDS * 1000)}
        if stderr is not None and not stderr.closed and stderr.fileno() in ready:
            self._hear()
        return self._connection.fileno() in ready

    def _hear(self) -> None:
        """Take what it has written to standard error, so that it never waits for a reader."""
        stderr = self._process.stderr
        if stderr is None or stderr.closed:
            return
        said = os.read(stderr.fileno(), 65_536)
        self._last_words = (self._last_words + said)[-_LAST_WORDS_BYTES:]
        if not said:
            self._waiting.unregister(stderr)
            stderr.close()

    def _end(self) -> Ending:
        """How it ended, once its end of the socket is closed."""
        try:
            status = self._process.wait(_END_SECONDS)
            cause = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        except subprocess.TimeoutExpired:
            cause = "it closed its socket"
        with contextlib.suppress(BlockingIOError):
            while self._process.stderr is not None and not self._process.stderr.closed:
                self._hear()
        self.stop()
        return Ending(cause, self._last_words.decode(errors="replace").strip())

    def release(self) -> None:
        """Close what this process holds of it, which ends it only if no other process holds it."""
        self._connection.close()
        for pipe in (self._process.stdin, self._process.stderr):
            if pipe is not None:
                pipe.close()
        _running.discard(self)


_running: weakref.WeakSet[Child] = weakref.WeakSet()


def _release_all() -> None:
    """A forked process holds nothing of its parent's children: they are to end with the parent."""
    for child in [*_running]:
        child.release()


os.register_at_fork(after_in_child=_release_all)


class _Watch:
    """How long a child has been at work, or asleep, since it last got on."""

    def __init__(self, process_id: int, progress: Callable[[], object]) -> None:
        self._stat = Path(f"/proc/{process_id}/stat")
        self._progress = progress
        self._looked_at = time.monotonic()
        self._seen: object = progress()
        self._asleep_seconds = 0.0
        self._first_cpu_seconds: float | None = None

    def idle_seconds(self) -> float:
        """Look again: the longer of both times."""
        now, seen = time.monotonic(), self._progress()
        elapsed, self._looked_at = now - self._looked_at, now
        state, cpu_seconds = self._look()
        if seen != self._seen or self._first_cpu_seconds is None:
            self._seen, self._asleep_seconds, self._first_cpu_seconds = seen, 0.0, cpu_seconds
        elif state == "S":
            # This process may have been stopped, too: a long look is not a long sleep.
            self._asleep_seconds += min(elapsed, 2 * _LOOK_SECONDS)
        return max(self._asleep_seconds, cpu_seconds - self._first_cpu_seconds)

    def _look(self) -> tuple[str, float]:
        """State of the process (R, S, T …) and its CPU seconds so far."""
        try:
            fields = self._stat.read_text().rpartition(")")[2].split()
        except OSError:
            return "S", 0.0  # a system without /proc
        return fields[0], (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _module_paths() -> str:
    """``PYTHONPATH`` of a child: it finds the modules that this process finds."""
    named = os.environ.get("PYTHONPATH", "")
    paths = [*filter(None, named.split(os.pathsep)), *sys.path]
    return os.pathsep.join(os.path.abspath(path) for path in paths)  # noqa: PTH100 - "" is a path here


def connect() -> Connection:
    """Make this process the child that :class:`Child` started, and return its end.

    It ends at once when its parent does, even in native code: the kernel signals the end of
    standard input. Only the parent ends it: Ctrl-C and a polite SIGTERM are the parent's to answer.
    """
    place, memory_bytes = (int(each) for each in sys.argv[1:3])
    for polite in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(polite, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    fcntl.fcntl(_STDIN, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(_STDIN, fcntl.F_SETFL, fcntl.fcntl(_STDIN, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([_STDIN], [], [], 0)[0]:  # it ended before
        os._exit(1)
    return Connection(socket.socket(fileno=place))


def own_limit_refused_memory() -> bool:
    """Whether a MemoryError of this child comes from its own limit, not from the machine."""
    data, _ = resource.getrlimit(resource.RLIMIT_DATA)
    space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if data == resource.RLIM_INFINITY:
        return False
    if space != resource.RLIM_INFINITY and space < data + _LIBRARIES_BYTES:
        return False
    try:
        mmap.mmap(-1, _PROBE_BYTES).close()  # shared memory, which is not part of the limit
    except OSError:
        return False
    return True
