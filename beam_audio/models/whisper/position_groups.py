"""Embeddings of groups of neighbouring encoder positions: the table, and its rows.

The table holds the embedding of every position, then one for every two neighbours, for every four,
and so on. A group begins at a multiple of its size; the last of a size may be short. A group's
embedding is half-way between the mean of its members and the middle member, and as long as its
members are on average. The plain mean would be too short, because what changes fast cancels out,
and a layer's norm would then amplify the rest. This at least halves the loss that groups cause in a
clip's token probabilities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUP_SIZES: Final = (1, 2, 4, 8, 16)


def group_row(size: int, position: int, positions: int) -> int:
    """Row of the group of ``size`` that begins at ``position``, in a window of ``positions``."""
    before = sum(-(-positions // smaller) for smaller in GROUP_SIZES if smaller < size)
    return before + position // size


def group_embeddings(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """The table for embeddings (positions, width): float32 (rows, width)."""
    whole = embeddings.astype(np.float64)
    return np.concatenate([_grouped(whole, size) for size in GROUP_SIZES]).astype(np.float32)


def _grouped(embeddings: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    if size == 1:
        return embeddings
    starts = np.arange(0, len(embeddings), size)
    members = np.minimum(size, len(embeddings) - starts)[:, None]
    mean = np.add.reduceat(embeddings, starts) / members
    between = (mean + embeddings[starts + members[:, 0] // 2]) / 2
    norms = np.add.reduceat(_norm(embeddings), starts) / members
    grouped: NDArray[np.float64] = between * norms / _norm(between)
    return grouped


def _norm(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    norms: NDArray[np.float64] = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    return norms
