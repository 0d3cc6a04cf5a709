"""How much of its time the recogniser of a process has a batch."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class DeviceSeconds:
    """Seconds with at least one batch, and seconds without one between two batches."""

    busy: float = 0.0
    idle: float = 0.0


class DeviceClock:
    """Adds up the time in which a recogniser has batches, from any caller.

    The units of a process share it. Each takes what was added since another one took it, so that
    the sums over all units are those of the process.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._batches = 0
        self._counted_to: float | None = None
        self._busy = self._idle = 0.0

    @contextmanager
    def batch(self) -> Iterator[None]:
        """The recogniser has a batch while the block runs."""
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def take(self) -> DeviceSeconds:
        """What was added since it was taken last."""
        with self._lock:
            taken = DeviceSeconds(self._busy, self._idle)
            self._busy = self._idle = 0.0
        return taken

    def _change(self, batches: int) -> None:
        with self._lock:
            now = self._now()
            took = now - self._counted_to if self._counted_to is not None else 0.0
            if self._batches:
                self._busy += took
            else:
                self._idle += took
            self._counted_to = now
            self._batches += batches
