"""Processes that load a tool once and then do the same work round after round, timed.

All processes of a configuration wait for each other, then take jobs from one list until none is
left, the long recording first: so each tool's work spreads over its processes as evenly as it can.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Barrier

    from corpus import Recording

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_PATIENCE_SECONDS = 120.0
T = TypeVar("T")

_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Heard:
    """Texts of some recordings, and the part of the time that was start-up and not work."""

    texts: list[str]
    start_up_seconds: float = 0.0


class Tool(Protocol):
    """A loaded speech recogniser."""

    warms_up: bool
    """Whether it does some work before it is timed: a tool that starts again each time cannot."""

    def plan(self, recordings: list[Recording], processes: int) -> list[list[int]]:
        """Jobs as places among the recordings, the same in every process."""

    def transcribe(self, recordings: list[Recording]) -> Heard:
        """Do one job."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How many processes, and how many threads each."""

    processes: int
    threads: int

    def __str__(self) -> str:
        return f"{self.processes}×{self.threads}"

    @staticmethod
    def parse(text: str) -> Layout:
        """Read ``2x1``."""
        processes, _, threads = text.partition("x")
        return Layout(int(processes), int(threads))


@dataclass(frozen=True, slots=True)
class Share:
    """What one process did in a round: (job, seconds) pairs, and the seconds before the work."""

    texts: dict[int, str]
    jobs: list[tuple[list[int], float]]
    seconds: float
    start_up_seconds: float
    peak_mebibytes: float


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a configuration.

    Attributes:
        seconds: Until the last process was done, start-up not counted.
        start_up_seconds: The longest start-up inside the round.
        texts: In the order of the recordings.
        jobs: Places among the recordings and seconds of each job, of all processes.
        peak_mebibytes: Sum of the processes' peak resident memory so far.
    """

    seconds: float
    start_up_seconds: float
    texts: list[str]
    jobs: list[tuple[list[int], float]]
    peak_mebibytes: float


class Workers:
    """The processes of one configuration.

    Args:
        load: Makes the tool; called in each process, where it also imports what it needs.
        recordings: What is transcribed every round.
        layout: Processes, and threads each.
        pinned: Whether each process is held to as many cores as it has threads.
    """

    def __init__(
        self,
        load: Callable[[], Tool],
        recordings: list[Recording],
        layout: Layout,
        *,
        pinned: bool,
    ) -> None:
        self._recordings = recordings
        self._taken = _CONTEXT.Value("i", 0)
        # Held on to like the counter: freed here, its shared memory would be given to another.
        self._barrier = _CONTEXT.Barrier(layout.processes)
        cores = sorted(os.sched_getaffinity(0))
        self._processes, self._connections = [], []
        start = time.monotonic()
        with _thread_variables(layout.threads):
            for number in range(layout.processes):
                ours, theirs = _CONTEXT.Pipe()
                own = cores[number * layout.threads : (number + 1) * layout.threads]
                job = _Job(load, recordings, layout.processes, own if pinned else [])
                process = _CONTEXT.Process(
                    target=_work, args=(theirs, self._barrier, self._taken, job), daemon=False
                )
                process.start()
                theirs.close()
                self._processes.append(process)
                self._connections.append(ours)
        # Processes share this clock.
        loaded = max(self._answer(connection, float) for connection in self._connections)
        self.load_seconds = loaded - start

    def play_round(self) -> Round:
        """Transcribe everything once."""
        self._taken.value = 0
        for connection in self._connections:
            connection.send("round")
        shares = [self._answer(connection, Share) for connection in self._connections]
        texts = {place: text for share in shares for place, text in share.texts.items()}
        return Round(
            seconds=max(share.seconds for share in shares),
            start_up_seconds=max(share.start_up_seconds for share in shares),
            texts=[texts[place] for place in range(len(self._recordings))],
            jobs=[job for share in shares for job in share.jobs],
            peak_mebibytes=sum(share.peak_mebibytes for share in shares),
        )

    def close(self) -> None:
        """End the processes."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.send("end")
        for process in self._processes:
            process.join()

    def _answer(self, connection: Connection, kind: type[T]) -> T:
        try:
            answer = connection.recv()
        except EOFError:
            answer = "it ended without a word: was it out of memory?"
        if isinstance(answer, kind):
            return answer
        for process in self._processes:
            process.terminate()
        raise SystemExit(f"a benchmark process failed: {answer}")


@contextlib.contextmanager
def _thread_variables(threads: int) -> Iterator[None]:
    """Set what numeric libraries read when they are loaded, for processes started meanwhile."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@dataclass(frozen=True, slots=True)
class _Job:
    load: Callable[[], Tool]
    recordings: list[Recording]
    processes: int
    cores: list[int]


def _work(connection: Connection, barrier: Barrier, taken: Synchronized[int], job: _Job) -> None:
    try:
        if job.cores:
            os.sched_setaffinity(0, job.cores)
        tool = job.load()
        loaded = time.monotonic()
        plan = tool.plan(job.recordings, job.processes)
        if tool.warms_up:
            middle = plan[len(plan) // 2]
            tool.transcribe([job.recordings[place] for place in middle])
        connection.send(loaded)
        while connection.recv() == "round":
            barrier.wait(_PATIENCE_SECONDS)
            connection.send(_share(tool, plan, job.recordings, taken))
    except Exception:  # noqa: BLE001 - the parent shows whatever it is, and ends
        connection.send(traceback.format_exc())


def _share(
    tool: Tool, plan: list[list[int]], recordings: list[Recording], taken: Synchronized[int]
) -> Share:
    texts: dict[int, str] = {}
    jobs = []
    start_up_seconds = 0.0
    start = time.perf_counter()
    while (number := _next(taken)) < len(plan):
        places = plan[number]
        job_start = time.perf_counter()
        heard = tool.transcribe([recordings[place] for place in places])
        job_seconds = time.perf_counter() - job_start - heard.start_up_seconds
        start_up_seconds += heard.start_up_seconds
        jobs.append((places, job_seconds))
        texts.update(zip(places, heard.texts, strict=True))
    return Share(
        texts=texts,
        jobs=jobs,
        seconds=time.perf_counter() - start - start_up_seconds,
        start_up_seconds=start_up_seconds,
        peak_mebibytes=_peak_mebibytes(),
    )


def _next(taken: Synchronized[int]) -> int:
    with taken.get_lock():
        number = taken.value
        taken.value += 1
    return number


def _peak_mebibytes() -> float:
    """Peak resident memory of the child processes where the work is done there, else our own."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    if children:
        return children
    # Not ru_maxrss: at a process's start that is its parent's.
    status = Path("/proc/self/status").read_text("utf-8")
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024
