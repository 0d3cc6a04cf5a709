"""Length-sorted batches under a budget of padded seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

_LOOKAHEAD_BUDGETS = 2
_FIRST_BUDGET_SECONDS = 30.0
_FIRST_SHARE = 1 / 8


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What the recogniser was given.

    Attributes:
        batches: Batches.
        passages: Passages in them.
        passage_seconds: Seconds of these.
        padded_seconds: Seconds of these once padded.
        budget_seconds: Padded seconds that the batches could have held.
    """

    batches: int = 0
    passages: int = 0
    passage_seconds: float = 0.0
    padded_seconds: float = 0.0
    budget_seconds: float = 0.0

    def plus(
        self, passage_seconds: Sequence[float], *, padded_seconds: float, budget_seconds: float
    ) -> BatchCounts:
        """These counts with one more batch, of passages of these lengths."""
        return BatchCounts(
            self.batches + 1,
            self.passages + len(passage_seconds),
            self.passage_seconds + sum(passage_seconds),
            self.padded_seconds + padded_seconds,
            self.budget_seconds + budget_seconds,
        )


def batches(
    items: Iterable[T],
    *,
    seconds: Callable[[T], float],
    cost: Callable[[T], float],
    budget_seconds: float,
    is_break: Callable[[T], bool] = lambda _: False,
) -> Iterator[list[T]]:
    """Group items of similar length, so that little is padded.

    Items of up to two budgets are held and sorted by length, and the longest that fit together
    leave first. A batch costs its size times its costliest item. It stays within the budget, but an
    item above the budget is a batch of its own. The first budget is small, and each is twice the
    one before, so that work begins long before items of two whole budgets have come.

    Args:
        items: The items, in any order.
        seconds: Length of an item.
        cost: Seconds an item counts for when padded, at least its length.
        budget_seconds: Highest cost of a batch.
        is_break: Is asked once for each item; if it is true, all items before leave first.

    Yields:
        Batches of at least one item; each item once.
    """
    held: list[T] = []
    held_cost = 0.0
    budget_now = min(budget_seconds, max(_FIRST_BUDGET_SECONDS, _FIRST_SHARE * budget_seconds))
    for item in items:
        if is_break(item):
            while held:
                yield _take_longest(held, seconds, cost, budget_seconds)
            held_cost = 0.0
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
