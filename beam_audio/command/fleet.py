"""A fleet of workers on paper: a job played through unit by unit, in seconds instead of days.

In: seconds of each unit, and what the workers are like.
Out: how long the job takes, how long workers are paid for, and how much of that is work.
Main function: :func:`simulate`.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_HOUR_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """Workers of one kind, and how they come and go.

    Attributes:
        max_workers: Most workers at a time.
        units_at_a_time: Units that one worker has in hand.
        start_seconds: From asking for a worker to its first unit. It is paid for.
        scale_seconds: How often the fleet is resized. It begins with one worker, doubles as long
            as more units wait than it has hands, and gives back workers that found nothing to do.
            0 asks for all workers at once and keeps them to the end.
        preemptions_per_hour: How often a worker is taken away. Its units are done again, and
            another worker is asked for.
        slow_share: Share of workers that are slower than the others.
        slow_factor: How many times as long these take.
    """

    max_workers: int
    units_at_a_time: int = 1
    start_seconds: float = 0.0
    scale_seconds: float = 0.0
    preemptions_per_hour: float = 0.0
    slow_share: float = 0.0
    slow_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job went.

    Attributes:
        seconds: From submission to the last commit.
        worker_seconds: Seconds that are paid for, those of all workers added up.
        idle_share: Share of the hands paid for that worked on nothing that was committed.
        peak_workers: Most workers at a time.
        preemptions: Number of workers that were taken away.
    """

    seconds: float
    worker_seconds: float
    idle_share: float
    peak_workers: int
    preemptions: int


def simulate(unit_seconds: NDArray[np.float64], fleet: Fleet, *, seed: int = 0) -> Outcome:
    """Play a job through.

    Units are taken in their order by the next free worker. The order of events and the draws depend
    on the arguments alone.

    Args:
        unit_seconds: Seconds that each unit takes in one hand of a worker, shape (units,).
        fleet: The workers.
        seed: Chooses which workers are slow, and which are taken away when.

    Raises:
        ValueError: Units outlive every worker: at this rate of preemptions the job never ends.
    """
    return _Job(unit_seconds, fleet, np.random.default_rng(seed)).play()


@dataclass(slots=True)
class _Worker:
    """A worker: since when it is paid for, how slow it is, and what it has in hand."""

    since_seconds: float
    slowness: float
    is_up: bool = False
    units: set[int] = field(default_factory=set)


class _Job:
    """Events in the order of their time, and what they change."""

    def __init__(
        self, unit_seconds: NDArray[np.float64], fleet: Fleet, random: np.random.Generator
    ) -> None:
        self._unit_seconds = unit_seconds.tolist()
        self._fleet = fleet
        self._random = random
        self._waiting = deque(range(len(self._unit_seconds)))
        self._left = len(self._unit_seconds)
        self._workers: dict[int, _Worker] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._now_seconds = self._paid_seconds = 0.0
        self._asked = self._order = self._peak = self._preemptions = 0

    def play(self) -> Outcome:
        fleet = self._fleet
        self._ask(1 if fleet.scale_seconds else fleet.max_workers)
        if fleet.scale_seconds:
            self._at(fleet.scale_seconds, self._resize)
        most = 100 * (self._left + fleet.max_workers)
        while self._left:
            self._now_seconds, _, happen = heapq.heappop(self._events)
            happen()
            if self._preemptions > most:
                raise ValueError(
                    f"units of up to {max(self._unit_seconds) / _HOUR_SECONDS:.1f} h do not end "
                    f"at {fleet.preemptions_per_hour:g} preemptions an hour: make them smaller"
                )
        for name in [*self._workers]:
            self._let_go(name)
        hands_seconds = self._paid_seconds * fleet.units_at_a_time
        return Outcome(
            seconds=self._now_seconds,
            worker_seconds=self._paid_seconds,
            idle_share=1 - math.fsum(self._unit_seconds) / hands_seconds if hands_seconds else 0.0,
            peak_workers=self._peak,
            preemptions=self._preemptions,
        )

    def _at(self, in_seconds: float, happen: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._events, (self._now_seconds + in_seconds, self._order, happen))

    def _ask(self, count: int) -> None:
        fleet = self._fleet
        for name in range(self._asked, self._asked + count):
            slow = self._random.random() < fleet.slow_share
            self._workers[name] = _Worker(self._now_seconds, fleet.slow_factor if slow else 1.0)
            self._at(fleet.start_seconds, partial(self._start, name))
        self._asked += count
        self._peak = max(self._peak, len(self._workers))

    def _start(self, name: int) -> None:
        self._workers[name].is_up = True
        rate = self._fleet.preemptions_per_hour
        if rate:
            lives = self._random.exponential(_HOUR_SECONDS / rate)
            self._at(lives, partial(self._preempt, name))
        self._fill(name)

    def _fill(self, name: int) -> None:
        worker = self._workers[name]
        while self._waiting and len(worker.units) < self._fleet.units_at_a_time:
            unit = self._waiting.popleft()
            worker.units.add(unit)
            took = self._unit_seconds[unit] * worker.slowness
            self._at(took, partial(self._finish, name, unit))

    def _finish(self, name: int, unit: int) -> None:
        worker = self._workers.get(name)
        if worker is not None:  # else it was taken away with its units
            worker.units.discard(unit)
            self._left -= 1
            self._fill(name)

    def _preempt(self, name: int) -> None:
        if name in self._workers:
            self._preemptions += 1
            lost = self._workers[name].units
            self._let_go(name)
            self._waiting.extendleft(sorted(lost, reverse=True))
            self._ask(1)
            for other, worker in self._workers.items():
                if worker.is_up:
                    self._fill(other)

    def _let_go(self, name: int) -> None:
        self._paid_seconds += self._now_seconds - self._workers.pop(name).since_seconds

    def _resize(self) -> None:
        idle = [name for name, each in self._workers.items() if each.is_up and not each.units]
        for name in idle:
            self._let_go(name)
        here = len(self._workers)
        hands = self._fleet.units_at_a_time
        wanted = min(2 * here, self._fleet.max_workers, here + -(-len(self._waiting) // hands))
        self._ask(max(wanted, min(1, self._left)) - here)
        self._at(self._fleet.scale_seconds, self._resize)
