"""How far a stream is, and what that means for probes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.intervals import INTERVAL

from beam_audio.stream.progress import StreamProgress

PATIENCE_SECONDS = 60.0


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> StreamProgress:
    return StreamProgress(clock)


def state(progress: StreamProgress, clock: Clock) -> tuple[bool, bool]:
    """Whether it is alive, and ready."""
    status = progress.status
    return (
        status.is_alive(clock.seconds, PATIENCE_SECONDS),
        status.is_ready(clock.seconds, PATIENCE_SECONDS),
    )


def test_a_stream_that_starts_is_alive_and_not_ready(
    progress: StreamProgress, clock: Clock
) -> None:
    clock.seconds += 3600
    assert state(progress, clock) == (True, False)
    progress.begin("run")
    assert state(progress, clock) == (True, True)


def test_a_stream_that_asks_for_nothing_is_not_alive(
    progress: StreamProgress, clock: Clock
) -> None:
    progress.begin("run")
    clock.seconds += PATIENCE_SECONDS
    assert state(progress, clock) == (True, True)
    clock.seconds += 1
    assert state(progress, clock) == (False, False)


def test_a_stream_that_gets_no_answer_is_alive_and_not_ready(
    progress: StreamProgress, clock: Clock
) -> None:
    progress.begin("run")
    answered = clock.seconds
    clock.seconds += PATIENCE_SECONDS + 1
    progress.look(answered)
    assert state(progress, clock) == (True, False)


def test_work_may_take_any_time(progress: StreamProgress, clock: Clock) -> None:
    progress.begin("run")
    progress.take([990.0, 995.0])
    clock.seconds += 7200
    assert state(progress, clock) == (True, True)
    assert min(progress.status.published_seconds) == 990.0
    progress.settle(INTERVAL, returned=0)
    progress.look(clock.seconds)
    assert progress.status.published_seconds == ()
    assert state(progress, clock) == (True, True)


def test_only_units_are_a_commit(progress: StreamProgress, clock: Clock) -> None:
    progress.settle(INTERVAL, returned=0)
    clock.seconds += 5
    progress.settle(replace(INTERVAL, unit_ids=()), returned=0)
    progress.settle(None, returned=3)
    status = progress.status
    assert (status.committed_seconds, status.settled_seconds) == (1000.0, 1005.0)
    assert (status.totals.intervals, status.totals.returned) == (2, 3)
