"""Random weights for large networks, fast: some millions are drawn and used again and again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DRAWN: Final = 4_999_999
"""A prime: no two rows of a matrix begin at the same number."""


class RepeatedNoise:
    """Gives normal numbers in any shape; each call goes on where the last one ended.

    Args:
        largest: The most numbers that a call asks for.
        scale: Standard deviation of the numbers.
        dtype: Their type.
    """

    def __init__(self, largest: int, scale: float, dtype: Any) -> None:  # noqa: ANN401 - numpy's own
        drawn = np.random.default_rng(0).standard_normal(_DRAWN, np.float32) * np.float32(scale)
        self._numbers = np.tile(drawn.astype(dtype), 2 + largest // _DRAWN)
        self._start = 0

    def __call__(self, *shape: int) -> NDArray[Any]:
        """Numbers that must not be written to."""
        start, count = self._start, math.prod(shape)
        self._start = (start + count) % _DRAWN
        return self._numbers[start : start + count].reshape(shape)
