"""Gated loudness of one channel by ITU-R BS.1770-4, with numpy alone.

The K-weighting filters are those of pyloudnorm's class ``DeMan``, which follow the coefficients of
the standard most closely, for any sample rate. pyloudnorm itself needs scipy, a sixth of a whole
installation, for one function; a test holds both equal within 1e-9 LU.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_SECONDS: Final = 0.4
STEP_SECONDS: Final = 0.1
_STEP_BLOCKS: Final = 0.25
MIN_RATE_HZ: Final = 4000
"""Below this rate, half the rate leaves no room for the K-weighting shelf at 1.7 kHz."""

_SHELF_HZ, _SHELF_Q, _SHELF_DB = 1681.9744509555319, 0.7071752369554193, 3.99984385397
_SHELF_MIDDLE: Final = 0.499666774155
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087613982, 0.5003270373253953
_DECAY_SECONDS: Final = 0.25
"""After it, the filters' response to an impulse is below 1e-20 of its peak."""
_OFFSET_DB: Final = -0.691
_ABSOLUTE_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_DB: Final = -10.0


def loudness_lufs(samples: NDArray[np.float64], rate_hz: int) -> float | None:
    """Loudness of whole blocks of 400 ms, every 100 ms; a last incomplete block is left out.

    Args:
        samples: Shape (n,), full scale 1.0, finite.
        rate_hz: Their rate.

    Returns:
        LUFS; None under 0.4 s, under 4 kHz of rate, or where no block passes the gate of -70 LUFS.
    """
    seconds = len(samples) / rate_hz
    if seconds < BLOCK_SECONDS or rate_hz < MIN_RATE_HZ:
        return None
    count = math.floor((seconds - BLOCK_SECONDS) / STEP_SECONDS + 1e-9) + 1
    weighted = _k_weighted(samples, rate_hz)
    blocks = np.arange(count) * _STEP_BLOCKS
    # Rounded as pyloudnorm rounds: a block that starts a sample later differs by 1e-5 LU.
    starts = (BLOCK_SECONDS * blocks * rate_hz).astype(np.int64)
    stops = (BLOCK_SECONDS * (blocks + 1) * rate_hz).astype(np.int64)
    edges = zip(starts, stops, strict=True)
    sums = [np.square(weighted[first:stop]).sum() for first, stop in edges]
    powers = np.array(sums) / (BLOCK_SECONDS * rate_hz)
    audible = powers[_lufs(powers) >= _ABSOLUTE_GATE_LUFS]
    if not len(audible):
        return None
    gated = audible[_lufs(audible) > _lufs(audible.mean()) + _RELATIVE_GATE_DB]
    return float(_lufs(gated.mean()))


def _lufs(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return _OFFSET_DB + 10.0 * np.log10(np.asarray(power))


def _k_weighted(samples: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    """Filter by multiplying spectra of blocks; each block's decay is added to the next."""
    decay = math.ceil(_DECAY_SECONDS * rate_hz)
    size = 1 << (8 * decay).bit_length()
    step = size - decay
    response = _response(size, rate_hz)
    out = np.zeros(len(samples) + size)
    for first in range(0, len(samples), step):
        spectrum = np.fft.rfft(samples[first : first + step], size)
        out[first : first + size] += np.fft.irfft(spectrum * response, size)
    return out[: len(samples)]


@lru_cache(maxsize=8)
def _response(size: int, rate_hz: int) -> NDArray[np.complex128]:
    """Frequency response of shelf and high-pass filter at the ``size // 2 + 1`` bins of a block."""
    delay = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)

    def polynomial(zeroth: float, first: float, second: float) -> NDArray[np.complex128]:
        return np.asarray(zeroth + first * delay + second * delay**2)

    shelf = math.tan(math.pi * _SHELF_HZ / rate_hz)
    gain = 10.0 ** (_SHELF_DB / 20.0)
    middle = gain**_SHELF_MIDDLE * shelf / _SHELF_Q
    square = shelf * shelf
    damped = shelf / _SHELF_Q
    shelved = polynomial(gain + middle + square, 2 * (square - gain), gain - middle + square)
    shelved /= polynomial(1 + damped + square, 2 * (square - 1), 1 - damped + square)
    high = math.tan(math.pi * _HIGH_PASS_HZ / rate_hz)
    damped, square = high / _HIGH_PASS_Q, high * high
    passed = (1 + damped + square) * polynomial(1, -2, 1)
    passed /= polynomial(1 + damped + square, 2 * (square - 1), 1 - damped + square)
    return shelved * passed
