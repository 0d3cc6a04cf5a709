"""Several pieces of work at the same time, their results in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")


def in_flight(items: Iterable[T], work: Callable[[T], R], most: int) -> Iterator[tuple[T, R]]:
    """Do the work on up to ``most`` items at the same time, each in a thread.

    With ``most`` 2, the work on an item goes on while the reader uses the result of the one before.

    Args:
        items: They are read in this thread.
        work: What is done with each; its error is raised here, in the item's place.
        most: Items begun whose results are not read yet; 1 works in this thread.

    Yields:
        Each item with its result, in order.
    """
    if most == 1:
        for item in items:
            yield item, work(item)
        return
    with ThreadPoolExecutor(most, thread_name_prefix="recognise") as threads:
        begun: deque[tuple[T, Future[R]]] = deque()
        for item in items:
            begun.append((item, threads.submit(work, item)))
            if len(begun) == most:
                first, result = begun.popleft()
                yield first, result.result()
        for item, result in begun:
            yield item, result.result()
