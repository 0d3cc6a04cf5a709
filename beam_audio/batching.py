"""Length-sorted batches under a budget of padded seconds, and reading ahead in a thread."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

_LOOKAHEAD_BUDGETS = 2


def batches(
    items: Iterable[T],
    *,
    seconds: Callable[[T], float],
    cost: Callable[[T], float],
    budget_seconds: float,
) -> Iterator[list[T]]:
    """Group items of like length, so that little is padded.

    Up to two budgets' worth of items are held and sorted by length; the longest that fit together
    leave first. A batch costs its size times its costliest item and stays within the budget,
    except that an item above the budget is a batch of its own.

    Args:
        items: The items, in any order.
        seconds: Length of an item.
        cost: Seconds an item counts for once padded, at least its length.
        budget_seconds: Upper bound of a batch's cost.

    Yields:
        Batches of at least one item; every item once.
    """
    held: list[T] = []
    held_cost = 0.0
    for item in items:
        held.append(item)
        held_cost += cost(item)
        while held_cost >= _LOOKAHEAD_BUDGETS * budget_seconds:
            batch = _take_longest(held, seconds, cost, budget_seconds)
            held_cost = sum(map(cost, held))
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
def read_ahead(items: Iterable[T], *, depth: int) -> Iterator[Iterator[T]]:
    """Produce ``items`` in a thread, at most ``depth`` of them ahead of the reader.

    An error in the producer is raised again in the reader. Leaving the context stops the producer,
    at the latest when it has made the item it is working on.
    """
    lead = _Lead(items, depth)
    thread = threading.Thread(target=lead.produce, name="read-ahead", daemon=True)
    thread.start()
    try:
        yield lead.read()
    finally:
        lead.stop.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class _End:
    """Closes a stream read ahead, with the error that ended it."""

    error: BaseException | None


class _Lead(Generic[T]):
    """What the producer is ahead of the reader."""

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self.stop = threading.Event()
        self._items = items
        self._ready: queue.Queue[T | _End] = queue.Queue(maxsize=depth)

    def produce(self) -> None:
        end = _End(None)
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again by the reader
            end = _End(error)
        self._put(end)

    def _put(self, item: T | _End) -> bool:
        while not self.stop.is_set():
            try:
                self._ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def read(self) -> Iterator[T]:
        while not isinstance(item := self._ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
