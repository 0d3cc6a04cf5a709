"""Neighbouring encoder positions as one: the table of mean position embeddings, and its rows.

The table holds the embedding of every position, then the means of every two neighbours, of every
four and eight, each group beginning at a multiple of its size; the last of a size may be
short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUP_SIZES: Final = (1, 2, 4)


def group_row(size: int, position: int, positions: int) -> int:
    """Row of the group of ``size`` that begins at ``position``, of a window of ``positions``."""
    before = sum(-(-positions // smaller) for smaller in GROUP_SIZES if smaller < size)
    return before + position // size


def group_means(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """The table for embeddings (positions, width): float32 (rows, width)."""
    means = []
    for size in GROUP_SIZES:
        starts = np.arange(0, len(embeddings), size)
        sums = np.add.reduceat(embeddings.astype(np.float64), starts)
        members = np.minimum(size, len(embeddings) - starts)
        means.append((sums / members[:, None]).astype(np.float32))
    return np.concatenate(means)
