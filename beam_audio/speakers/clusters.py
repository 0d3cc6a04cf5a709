"""Directions in groups: average linkage by cosine, in memory that does not grow with their square.

The mean cosine between two groups of directions is that of their means, so a group is known by the
weighted sum of its directions alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE: Final = 1_000
"""Directions that are compared each with each."""
_APART: Final = -2.0
"""Below every cosine: these two are not one group."""


def group(
    directions: NDArray[np.float32],
    weights: NDArray[np.float32],
    threshold: float,
    *,
    count: int | None = None,
    rooms: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """The number of the group of each direction; groups are numbered by their first member.

    Two groups become one as long as the mean cosine between them is ``threshold`` or more. More
    directions than :data:`AT_ONCE` come in blocks: what is like a group that is known joins it.

    Args:
        directions: float32 of shape (n, d), each of length 1.
        weights: How much each counts, of shape (n,), above 0.
        threshold: Mean cosine from which groups are joined.
        count: Exactly so many groups, as far as there are as many directions; None for as many as
            the threshold gives.
        rooms: Directions of one room are of different groups; None for no such rule. It holds for
            those of a block, and only as far as ``count`` leaves room.
    """
    exact = weights.astype(np.float64)
    weighted = directions * exact[:, np.newaxis]
    if len(directions) <= AT_ONCE:
        numbers = _linked(weighted, exact, threshold, count, rooms)
        if count is None or numbers.max(initial=0) < count:
            return numbers
        kept_apart = _Groups(directions.shape[1])  # by rooms, into more than there are
        kept_apart.put(weighted, exact, numbers)
        return kept_apart.joined(threshold, count)
    groups = _Groups(directions.shape[1])
    for first in range(0, len(directions), AT_ONCE):
        block = slice(first, first + AT_ONCE)
        inside = None if rooms is None else rooms[block]
        groups.add(weighted[block], exact[block], threshold, inside)
    return _in_order(groups.joined(threshold, count))


class _Groups:
    """Groups that grow block by block."""

    def __init__(self, dimensions: int) -> None:
        self._sums = np.zeros((0, dimensions))
        self._weights = np.zeros(0)
        self._numbers: list[NDArray[np.int64]] = []

    def add(
        self,
        weighted: NDArray[np.float64],
        weights: NDArray[np.float64],
        threshold: float,
        rooms: NDArray[np.int64] | None,
    ) -> None:
        """Put a block of directions into groups."""
        numbers = self._nearest(weighted / weights[:, np.newaxis], threshold)
        new = np.flatnonzero(numbers < 0)
        inside = None if rooms is None else rooms[new]
        numbers[new] = len(self._weights) + _linked(
            weighted[new], weights[new], threshold, None, inside
        )
        self.put(weighted, weights, numbers)

    def put(
        self,
        weighted: NDArray[np.float64],
        weights: NDArray[np.float64],
        numbers: NDArray[np.int64],
    ) -> None:
        """Put directions into the groups of these numbers; those that are new follow the others."""
        more = int(numbers.max()) + 1 - len(self._weights)
        self._sums = np.concatenate([self._sums, np.zeros((max(more, 0), weighted.shape[1]))])
        self._weights = np.concatenate([self._weights, np.zeros(max(more, 0))])
        np.add.at(self._sums, numbers, weighted)
        np.add.at(self._weights, numbers, weights)
        self._numbers.append(numbers)

    def joined(self, threshold: float, count: int | None) -> NDArray[np.int64]:
        """The group of each direction, once groups that are alike are one."""
        again = _linked(self._sums, self._weights, threshold, count, None)
        return again[np.concatenate(self._numbers)]

    def _nearest(self, directions: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
        """The group that each direction is most like; -1 for none."""
        if not len(self._weights):
            return np.full(len(directions), -1, np.int64)
        cosines = directions @ (self._sums / self._weights[:, np.newaxis]).T
        nearest = cosines.argmax(axis=1)
        alike = np.take_along_axis(cosines, nearest[:, np.newaxis], axis=1)[:, 0] >= threshold
        return np.where(alike, nearest, -1)


def _linked(
    sums: NDArray[np.float64],
    weights: NDArray[np.float64],
    threshold: float,
    count: int | None,
    rooms: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """Average linkage of groups, each known by its weighted sum and its weight."""
    size = len(weights)
    numbers = np.arange(size)
    means = sums / weights[:, np.newaxis]
    likeness = means @ means.T
    if rooms is not None:
        likeness[rooms[:, np.newaxis] == rooms] = _APART
    np.fill_diagonal(likeness, _APART)
    weights = weights.copy()
    nearest = likeness.argmax(axis=1) if size else numbers
    for left in range(size, 1, -1):
        most = likeness[np.arange(size), nearest]
        one, other = sorted([int(most.argmax()), int(nearest[most.argmax()])])
        best = most.max()
        is_enough = best < threshold if count is None else left <= count
        if is_enough or best <= _APART:
            break
        merged = weights[one] * likeness[one] + weights[other] * likeness[other]
        merged /= weights[one] + weights[other]
        merged[(likeness[one] <= _APART) | (likeness[other] <= _APART)] = _APART
        likeness[one] = likeness[:, one] = merged
        likeness[other] = likeness[:, other] = _APART
        weights[one] += weights[other]
        numbers[numbers == other] = one
        # A mean is never above both of its parts: the nearest of the others stays.
        stale = np.flatnonzero((nearest == one) | (nearest == other))
        stale = np.union1d(stale, [one, other])
        nearest[stale] = likeness[stale].argmax(axis=1)
    return _in_order(numbers)


def _in_order(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers from 0, in the order of the first member of each."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return ranks[inverse]
