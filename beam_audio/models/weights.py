"""Weights that are read and widened to float32 only when they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tensor:
    """A weight of known shape. ``read`` loads it as float32, so that one is in memory at a time."""

    shape: tuple[int, ...]
    read: Callable[[], NDArray[np.float32]]


def join_rows(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors stacked along their first axis."""
    shape = (sum(tensor.shape[0] for tensor in tensors), *tensors[0].shape[1:])
    return Tensor(shape, lambda: np.concatenate([tensor.read() for tensor in tensors]))


def zeros(*shape: int) -> Tensor:
    """A weight of zeros, for a bias that a checkpoint leaves out."""
    return Tensor(shape, lambda: np.zeros(shape, np.float32))
