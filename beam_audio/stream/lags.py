"""Lags of messages, counted in fixed steps so that those of many intervals add up."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_BOUNDS_SECONDS: Final = (1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 21600)
BOUNDS: Final = (*(f"{bound:g}" for bound in _BOUNDS_SECONDS), "+Inf")
"""The steps, in seconds and ascending, as Prometheus writes them."""


def counts_by_bound(lags_seconds: Sequence[float]) -> dict[str, int]:
    """For each bound, the number of lags that are at most that long."""
    exact = Counter(map(_bound, lags_seconds))
    return dict(zip(BOUNDS, accumulate(exact[bound] for bound in BOUNDS), strict=True))


def _bound(lag_seconds: float) -> str:
    """The lowest bound that a lag does not exceed."""
    return BOUNDS[bisect_left(_BOUNDS_SECONDS, lag_seconds)]
