"""Samples as 16-bit PCM, and the hash that tells whether two recordings sound the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FULL_SCALE: Final = 32_768


def to_pcm16(samples: NDArray[np.float32]) -> bytes:
    """Signed 16-bit little-endian samples, as the data of a WAV file holds them.

    Each is the sample times 32768, rounded to the nearest integer (halves to the even one) and kept
    within -32768 and 32767; what is not a number is 0. Decoded 16-bit audio comes back exactly.

    Args:
        samples: Shape (n,); full scale is 1.0.
    """
    # All of it is exact in float32: the scale is a power of two.
    kept = samples.clip(-1.0, 1.0)
    if np.isnan(kept).any():
        kept = np.nan_to_num(kept)
    return np.rint(kept * np.float32(_FULL_SCALE)).clip(max=_FULL_SCALE - 1).astype("<i2").tobytes()


class PcmHash:
    """sha256 of a signal as 16-bit PCM, given block by block; the blocks do not matter."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def push(self, samples: NDArray[np.float32]) -> None:
        """Add the next samples, shape (n,)."""
        self._digest.update(to_pcm16(samples))

    def hexdigest(self) -> str:
        """The hash of all samples so far, 64 hex digits."""
        return self._digest.hexdigest()
