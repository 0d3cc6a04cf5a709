"""Directions in coarse lists: those alike are in one, so a search looks through few of them.

An inverted file, as Jégou, Douze and Schmid (2011) describe it, with cosine in place of distance.
Nothing is drawn at random: the same directions in the same order give the same lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDS: Final = 8
_AT_ONCE: Final = 4_096
"""Directions that are compared with all centres at a time."""


def centres_of(directions: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The centres of groups of directions: k-means by cosine.

    Args:
        directions: float32 of shape (n, d), each of length 1.
        count: How many groups, at most n.

    Returns:
        float32 of shape (count, d), each of length 1.
    """
    places = np.linspace(0, len(directions) - 1, count).astype(np.int64)
    centres = directions[places]
    for _ in range(_ROUNDS):
        nearest = nearest_of(directions, centres)
        order = np.argsort(nearest, kind="stable")
        held, first = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(directions[order], first, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        is_one = lengths[:, 0] > 0
        centres[held[is_one]] = sums[is_one] / lengths[is_one]
    return centres


def nearest_of(directions: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    """The place of the centre that each direction is most like, of shape (n,)."""
    blocks = [
        (directions[start : start + _AT_ONCE] @ centres.T).argmax(axis=1)
        for start in range(0, len(directions), _AT_ONCE)
    ]
    return np.concatenate([np.zeros(0, np.int64), *blocks])
