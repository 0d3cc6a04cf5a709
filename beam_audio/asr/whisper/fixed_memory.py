"""Memory of batches of a few fixed sizes, at fixed addresses.

A CUDA graph repeats a decoder step without launching its operators one by one. It is captured for
fixed shapes and addresses, so batches are filled up to a few sizes here, and each size has its
values made once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import DTypeLike

    from beam_audio.asr.device_values import Device

_FEW_POSITIONS: Final = 500
"""Audio positions of a batch of short clips; others have all. Each size needs its own memory."""


@dataclass(frozen=True, slots=True, eq=False)
class FixedBatch:
    """Values of a batch.

    Attributes:
        graph: Number of its CUDA graph.
        size: Number of rows.
        positions: Number of audio positions.
        audio: Keys and values of the audio, and the weights of its positions, by input name.
        buffers: Keys and values of tokens.
        loop: The next tokens, their log probabilities, and the place of the next token.
    """

    graph: int
    size: int
    positions: int
    audio: dict[str, Any]
    buffers: dict[str, Any]
    loop: dict[str, Any]


class FixedMemory:
    """Batches of every size, made when they are needed.

    Args:
        device: Where they are.
        dtype: Number type of keys and values.
        shapes: Shapes of all values by name; rows are ``b``, places ``s``, audio positions ``n``.
        most: Places for the tokens of a row, and audio positions of a whole window.
    """

    def __init__(
        self,
        device: Device,
        dtype: DTypeLike,
        shapes: Mapping[str, Sequence[int | str]],
        most: tuple[int, int],
    ) -> None:
        self._device, self._dtype, self._shapes = device, dtype, shapes
        self._places, self._window = most
        self._batches: dict[tuple[int, int], FixedBatch] = {}

    @staticmethod
    def size(rows: int) -> int:
        """Rows of the batch that so many are in: the next power of two."""
        return 1 << (rows - 1).bit_length()

    def of_size(self, rows: int, positions: int) -> FixedBatch | None:
        """The batch that has so many rows and audio positions itself, if there is one."""
        if rows == self.size(rows) and positions in {_FEW_POSITIONS, self._window}:
            return self.batch(rows, positions)
        return None

    def batch(self, rows: int, longest: int) -> FixedBatch:
        """The values of a batch; what is in them is that of an earlier batch."""
        few = longest <= _FEW_POSITIONS
        key = self.size(rows), _FEW_POSITIONS if few else self._window
        if key not in self._batches:
            self._batches[key] = self._make(*key)
        return self._batches[key]

    def _make(self, size: int, positions: int) -> FixedBatch:
        sizes = {"b": size, "s": self._places, "n": positions}
        values = {
            name: self._device.zeros(
                sized(shape, sizes),
                np.float32 if name == "log_members" else self._dtype,
            )
            for name, shape in self._shapes.items()
        }
        audio = {name for name in values if name.startswith(("cross_", "log_members"))}
        return FixedBatch(
            graph=1 + len(self._batches),
            size=size,
            positions=positions,
            audio={name: value for name, value in values.items() if name in audio},
            buffers={name: value for name, value in values.items() if name not in audio},
            loop=loop_values(self._device, size),
        )


def sized(shape: Sequence[int | str], sizes: Mapping[str, int]) -> list[int]:
    """A shape whose free dimensions have their sizes."""
    return [sizes[each] if isinstance(each, str) else each for each in shape]


def loop_values(device: Device, size: int) -> dict[str, Any]:
    """Where a loop has the next tokens of its rows, their log probabilities, and their place."""
    return {
        "tokens": device.zeros((size, 1), np.int64),
        "logprob": device.zeros((size, 1), np.float32),
        "start": device.zeros((1,), np.int64),
    }
