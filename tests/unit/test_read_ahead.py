"""Reading ahead: order inside a stream, a bounded lead, errors, threads that come and go."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.unit.clock import StageClock
from beam_audio.unit.read_ahead import places_of_cores, read_ahead

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LENGTHS = st.lists(st.floats(0.1, 40.0), max_size=60)


def identity(value: float) -> float:
    return value


def second(_: object) -> float:
    return 1.0


@given(LENGTHS, st.floats(0.0, 100.0))
def test_one_thread_keeps_the_order_and_bounds_the_lead(
    lengths: list[float], budget: float
) -> None:
    made: list[float] = []

    def produce() -> Iterator[float]:
        for length in lengths:
            made.append(length)
            yield length

    read = []
    with read_ahead([produce()], seconds=identity, budget_seconds=budget) as items:
        for item in items:
            read.append(item)
            ahead = made[len(read) :]
            # The last item waits for room, and the one before it may have exceeded the budget.
            assert sum(ahead[:-2]) <= budget + 1e-6
    assert read == lengths


@given(st.lists(st.integers(0, 8), max_size=12), st.integers(0, 4), st.floats(0.0, 6.0))
def test_each_stream_comes_whole_and_in_order(sizes: list[int], count: int, budget: float) -> None:
    streams = [[(name, each) for each in range(size)] for name, size in enumerate(sizes)]
    places = threading.Semaphore(count)
    with read_ahead(streams, seconds=second, budget_seconds=budget, places=places) as items:
        read = list(items)
    assert [[item for item in read if item[0] == name] for name in range(len(sizes))] == streams
    assert sum(places.acquire(blocking=False) for _ in range(count + 1)) == count


def test_threads_share_one_lead() -> None:
    lock, made = threading.Lock(), 0

    def produce() -> Iterator[int]:
        nonlocal made
        for each in range(50):
            with lock:
                made += 1
            yield each

    read = 0
    streams = (produce() for _ in range(8))
    places = threading.Semaphore(4)
    with read_ahead(streams, seconds=second, budget_seconds=5.0, places=places) as items:
        for _ in items:
            read += 1
            assert made - read <= 5 + 4  # the budget, and an item in each thread
    assert read == 8 * 50


def test_a_long_stream_does_not_keep_others_waiting() -> None:
    over = threading.Event()

    def long() -> Iterator[str]:
        yield "long"
        over.wait(timeout=30.0)
        yield "long"

    def streams() -> Iterator[Iterable[str]]:
        yield long()
        for _ in range(9):
            yield ["short"]

    places = threading.Semaphore(2)
    with read_ahead(streams(), seconds=second, budget_seconds=4.0, places=places) as items:
        first = [next(items) for _ in range(10)]
        over.set()
        assert sorted(first) == ["long", *["short"] * 9]
        assert list(items) == ["long"]


def test_no_more_threads_than_places_and_one_work_at_a_time() -> None:
    lock, at_work, most = threading.Lock(), 0, 0

    def produce() -> Iterator[int]:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        yield from range(20)
        with lock:
            at_work -= 1

    streams = (produce() for _ in range(30))
    places = threading.Semaphore(3)
    with read_ahead(streams, seconds=second, budget_seconds=3.0, places=places) as items:
        assert sum(1 for _ in items) == 600
    assert 1 <= most <= 3


def test_a_second_reader_has_a_thread_even_if_there_is_no_place() -> None:
    places, hold = threading.Semaphore(1), threading.Event()

    def held() -> Iterator[int]:
        hold.wait(timeout=30.0)
        yield 1

    with (
        read_ahead([held()], seconds=second, budget_seconds=1.0, places=places) as first,
        read_ahead([[2], [3]], seconds=second, budget_seconds=1.0, places=places) as other,
    ):
        assert list(other) == [2, 3]
        hold.set()
        assert list(first) == [1]


def test_a_thread_runs_ahead_without_being_asked() -> None:
    produced = threading.Event()

    def produce() -> Iterator[float]:
        yield from (1.0, 1.0, 1.0)
        produced.set()

    with read_ahead([produce()], seconds=identity, budget_seconds=10.0):
        assert produced.wait(timeout=30.0)


def test_an_error_reaches_the_reader_after_what_came_before() -> None:
    def produce() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    seen: list[int] = []
    with (
        pytest.raises(ValueError, match="broken"),
        read_ahead([produce(), [2]], seconds=float, budget_seconds=4.0) as items,
    ):
        seen.extend(items)
    assert seen == [1]


def test_an_error_in_one_thread_ends_all() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 0

    def broken() -> Iterator[int]:
        yield 1
        raise OSError("no disk")

    streams = [endless(), broken(), endless()]
    places = threading.Semaphore(2)
    with (
        pytest.raises(OSError, match="no disk"),
        read_ahead(streams, seconds=second, budget_seconds=9.0, places=places) as items,
    ):
        for _ in items:
            pass
    assert places.acquire(blocking=False)
    assert places.acquire(blocking=False)


@pytest.mark.parametrize("count", [0, 4])
def test_leaving_early_stops_all_threads(count: int) -> None:
    def produce() -> Iterator[int]:
        yield from range(10**9)

    streams = (produce() for _ in range(10**9))
    places = threading.Semaphore(count)
    with read_ahead(streams, seconds=float, budget_seconds=4.0, places=places) as items:
        assert next(items) == 0
    assert "read-ahead" not in {thread.name for thread in threading.enumerate()}


def test_the_clock_tells_who_waited_for_whom() -> None:
    def late() -> Iterator[int]:
        time.sleep(0.02)
        yield from range(3)

    clock = StageClock()
    with read_ahead([late()], seconds=second, budget_seconds=0.0, clock=clock) as items:
        next(items)
        assert clock.seconds["wait_for_audio"] >= 0.01
        time.sleep(0.02)  # one item is ahead, and the next one waits for room
        assert list(items) == [1, 2]
    assert clock.seconds["wait_for_recogniser"] >= 0.01


def test_threads_that_prepare_audio_get_pythons_lock_back_soon() -> None:
    before = sys.getswitchinterval()
    places_of_cores.cache_clear()
    try:
        places = places_of_cores(3)
        assert sys.getswitchinterval() == pytest.approx(1e-4)
        assert [places.acquire(blocking=False) for _ in range(4)] == [True, True, True, False]
        assert places_of_cores(3) is places
    finally:
        sys.setswitchinterval(before)
        places_of_cores.cache_clear()
