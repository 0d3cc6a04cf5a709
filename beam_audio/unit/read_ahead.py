"""Reading ahead in threads: what is read next is made while the reader is at work."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from beam_audio.unit.clock import StageClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

ONE_THREAD: Final = threading.Semaphore(0)
"""No places: each reader has one thread."""
_SWITCH_SECONDS: Final = 0.0001


@functools.cache
def places_of_cores(cores: int | None) -> threading.Semaphore:
    """Places of the threads that prepare audio for all units of this process, one a core.

    Most of them wait for children that prepare audio. Those that prepare it in this process give
    Python's lock away some thousand times a second, for as long as numpy or ONNX Runtime computes.
    To get it back a thread waits for Python's switch interval if another one is in Python code
    meanwhile. It is 5 ms by default, more than most of what they compute.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    return threading.Semaphore(cores or len(os.sched_getaffinity(0)))


@contextmanager
def read_ahead(
    streams: Iterable[Iterable[T]],
    *,
    seconds: Callable[[T], float],
    budget_seconds: float,
    places: threading.Semaphore = ONE_THREAD,
    clock: StageClock | None = None,
) -> Iterator[Iterator[T]]:
    """Make the items of ``streams`` in threads, ahead of the reader by about a budget of seconds.

    A stream is made by one thread from start to end, and its items are read in their order. One
    thread takes stream after stream. Whenever it begins one, and one of ``places`` is free, it
    starts another thread that does the same; items of several streams are then mixed. All threads
    wait once they are ahead by the budget, so they are never ahead by more than the budget and one
    item each. An error in one ends all, and is raised again in the reader. Leaving the context
    stops them, at the latest after the items they are working on.

    Args:
        streams: What each thread makes at a time.
        seconds: Length of an item.
        budget_seconds: How far ahead the threads may be; 0 for one item each.
        places: How many threads there may be in all; those who share it share the places. The first
            thread of each reader does not need one.
        clock: Is told how long the reader waited for audio, and the threads for the reader.
    """
    lead = _Lead(streams, seconds, budget_seconds, places, clock or StageClock())
    lead.begin()
    try:
        yield lead.read()
    finally:
        lead.stop()


class _Lead(Generic[T]):
    """The items that are made and not yet read."""

    def __init__(
        self,
        streams: Iterable[Iterable[T]],
        seconds: Callable[[T], float],
        budget_seconds: float,
        places: threading.Semaphore,
        clock: StageClock,
    ) -> None:
        self._streams = iter(streams)
        self._seconds = seconds
        self._budget_seconds = budget_seconds
        self._places = places
        self._clock = clock
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._at_work = 0
        self._ready: deque[T] = deque()
        self._ready_seconds = 0.0
        self._is_stopped = False
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Start the first thread."""
        has_place = self._places.acquire(blocking=False)
        self._start(self._places.release if has_place else lambda: None)

    def stop(self) -> None:
        """Stop the threads and wait for them."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._at_work)
        for thread in self._threads:
            thread.join()

    def read(self) -> Iterator[T]:
        while True:
            with self._changed:
                with self._clock.stage("wait_for_audio"):
                    self._changed.wait_for(lambda: self._ready or not self._at_work)
                if not self._ready:
                    break
                item = self._ready.popleft()
                self._ready_seconds -= self._seconds(item)
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def _produce(self, at_end: Callable[[], object]) -> None:
        try:
            while (stream := self._next_stream()) is not None:
                self._call_help()
                for item in stream:
                    if not self._put(item):
                        return
        except BaseException as raised:  # noqa: BLE001 - it is raised again by the reader
            with self._changed:
                self._is_stopped = True
                self._error = self._error or raised
        finally:
            at_end()
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def _next_stream(self) -> Iterable[T] | None:
        with self._changed:
            return None if self._is_stopped else next(self._streams, None)

    def _call_help(self) -> None:
        if self._places.acquire(blocking=False):
            try:
                self._start(self._places.release)
            except BaseException:
                self._places.release()
                raise

    def _start(self, at_end: Callable[[], object]) -> None:
        """Start a thread; it calls ``at_end`` last."""
        thread = threading.Thread(
            target=self._produce, args=(at_end,), name="read-ahead", daemon=True
        )
        with self._changed:
            thread.start()
            self._threads.append(thread)
            self._at_work += 1

    def _put(self, item: T) -> bool:
        """Hand over an item when there is room for it; returns whether more are wanted."""
        with self._changed:
            with self._clock.stage("wait_for_recogniser"):
                self._changed.wait_for(self._has_room)
            if self._is_stopped:
                return False
            self._ready.append(item)
            self._ready_seconds += self._seconds(item)
            self._changed.notify_all()
            return True

    def _has_room(self) -> bool:
        is_full = bool(self._ready) and self._ready_seconds >= self._budget_seconds
        return self._is_stopped or not is_full
