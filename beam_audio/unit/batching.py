"""Length-sorted batches under a budget of padded seconds, and reading ahead in a thread."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

_LOOKAHEAD_BUDGETS = 2
_FIRST_BUDGET_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What the recogniser was given: batches, passages, their seconds, and seconds once padded."""

    batches: int = 0
    passages: int = 0
    passage_seconds: float = 0.0
    padded_seconds: float = 0.0

    def plus(self, passage_seconds: Sequence[float], padded_seconds: float) -> BatchCounts:
        """These counts with one more batch, of passages of these lengths."""
        return BatchCounts(
            self.batches + 1,
            self.passages + len(passage_seconds),
            self.passage_seconds + sum(passage_seconds),
            self.padded_seconds + padded_seconds,
        )


def batches(
    items: Iterable[T],
    *,
    seconds: Callable[[T], float],
    cost: Callable[[T], float],
    budget_seconds: float,
) -> Iterator[list[T]]:
    """Group items of similar length, so that little is padded.

    Items of up to two budgets are held and sorted by length, and the longest that fit together
    leave first. A batch costs its size times its costliest item. It stays within the budget, but an
    item above the budget is a batch of its own. The first budgets are small, and each is twice the
    one before, so that work begins long before items of two whole budgets have come.

    Args:
        items: The items, in any order.
        seconds: Length of an item.
        cost: Seconds an item counts for when padded, at least its length.
        budget_seconds: Highest cost of a batch.

    Yields:
        Batches of at least one item; each item once.
    """
    held: list[T] = []
    held_cost = 0.0
    budget_now = min(budget_seconds, _FIRST_BUDGET_SECONDS)
    for item in items:
        held.append(item)
        held_cost += cost(item)
        while held_cost >= _LOOKAHEAD_BUDGETS * budget_now:
            batch = _take_longest(held, seconds, cost, budget_now)
            held_cost = sum(map(cost, held))
            budget_now = min(budget_seconds, 2 * budget_now)
            yield batch
    while held:
        yield _take_longest(held, seconds, cost, budget_seconds)


def _take_longest(
    held: list[T],
    seconds: Callable[[T], float],
    cost: Callable[[T], float],
    budget_seconds: float,
) -> list[T]:
    held.sort(key=seconds, reverse=True)
    longest = max(cost(held[0]), 1e-9)
    size = max(1, int(budget_seconds / longest))
    batch = held[:size]
    del held[:size]
    return batch


@contextmanager
def read_ahead(
    items: Iterable[T], *, seconds: Callable[[T], float], budget_seconds: float
) -> Iterator[Iterator[T]]:
    """Produce ``items`` in a thread, ahead of the reader by about a budget of seconds.

    The producer waits once it is ahead by the budget, so it is never ahead by more than the budget
    and one item. An error in the producer is raised again in the reader. Leaving the context stops
    the producer, at the latest after the item it is working on.

    Args:
        items: Made in the thread, read in their order.
        seconds: Length of an item.
        budget_seconds: How far ahead the producer may be; 0 for one item.
    """
    lead = _Lead(items, seconds, budget_seconds)
    thread = threading.Thread(target=lead.produce, name="read-ahead", daemon=True)
    thread.start()
    try:
        yield lead.read()
    finally:
        lead.stop()
        thread.join()


class _Lead(Generic[T]):
    """The items that are produced and not yet read."""

    def __init__(
        self, items: Iterable[T], seconds: Callable[[T], float], budget_seconds: float
    ) -> None:
        self._items = items
        self._seconds = seconds
        self._budget_seconds = budget_seconds
        self._changed = threading.Condition()
        self._ready: deque[T] = deque()
        self._ready_seconds = 0.0
        self._is_over = False
        self._error: BaseException | None = None

    def produce(self) -> None:
        error = None
        try:
            for item in self._items:
                if not self._put(item):
                    break
        except BaseException as raised:  # noqa: BLE001 - it is raised again by the reader
            error = raised
        with self._changed:
            self._is_over, self._error = True, error
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _put(self, item: T) -> bool:
        """Hand over an item when there is room for it; returns whether more are wanted."""
        with self._changed:
            self._changed.wait_for(self._has_room)
            if self._is_over:
                return False
            self._ready.append(item)
            self._ready_seconds += self._seconds(item)
            self._changed.notify_all()
            return True

    def _has_room(self) -> bool:
        is_full = bool(self._ready) and self._ready_seconds >= self._budget_seconds
        return self._is_over or not is_full

    def read(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._is_over)
                if not self._ready:
                    break
                item = self._ready.popleft()
                self._ready_seconds -= self._seconds(item)
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error
