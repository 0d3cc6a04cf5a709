"""Gated loudness of one channel by ITU-R BS.1770-4, with numpy alone.

The K-weighting filters are those of pyloudnorm's class ``DeMan``, which follow the coefficients of
the standard most closely, for any sample rate. pyloudnorm itself needs scipy, a sixth of a whole
installation, for one function; a test holds both equal within 1e-9 LU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
_ROW: Final = 64
"""Samples that are filtered by one product. A product of 64 x 64 x 64 stays on one thread."""
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
    heard = (weighted[first:stop] for first, stop in edges)
    sums = [np.einsum("i,i->", each, each) for each in heard]
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
    """Filter rows of samples by matrices: what went in, and the filters' state before the row."""
    matrices = _matrices(rate_hz)
    squares = np.zeros((-(-len(samples) // _ROW**2), _ROW, _ROW))
    squares.reshape(-1)[: len(samples)] = samples
    states = np.zeros((squares.shape[0] * _ROW, 4))
    states[1:] = (squares @ matrices.to_state).reshape(-1, 4)[:-1]
    # What one row adds to the states reaches first the next row, then the second one, the fourth …
    passed, reach = matrices.over_a_row, 1
    while reach < len(states):
        states[reach:] += states[:-reach] @ passed
        passed, reach = passed @ passed, 2 * reach
    out = squares @ matrices.response
    out += states.reshape(-1, _ROW, 4) @ matrices.from_state
    return out.reshape(-1)[: len(samples)]


@dataclass(frozen=True, slots=True, eq=False)
class _Matrices:
    """Both filters over a row of 64 samples; rows are multiplied from the left.

    Attributes:
        response: Samples to output, without what was before them (64, 64).
        to_state: Samples to what they add to the state after the row (64, 4).
        over_a_row: The state before a row to that after it (4, 4).
        from_state: The state before a row to what it adds to the output (4, 64).
    """

    response: NDArray[np.float64]
    to_state: NDArray[np.float64]
    over_a_row: NDArray[np.float64]
    from_state: NDArray[np.float64]


@lru_cache(maxsize=8)
def _matrices(rate_hz: int) -> _Matrices:
    step, into, out, through = _filters(rate_hz)
    steps = [np.eye(4)]
    for _ in range(_ROW):
        steps.append(steps[-1] @ step)
    echo = [through, *(float(into @ each @ out) for each in steps[: _ROW - 1])]
    response = np.array([[0.0] * row + echo[: _ROW - row] for row in range(_ROW)])
    return _Matrices(
        response=response,
        to_state=np.stack([into @ each for each in reversed(steps[:_ROW])]),
        over_a_row=steps[_ROW],
        from_state=np.stack([each @ out for each in steps[:_ROW]], axis=1),
    )


def _filters(rate_hz: int) -> tuple[NDArray[np.float64], ...]:
    """High-pass and then shelf filter as ``state, y = state @ A + x * b, state @ c + x * d``.

    The state of the high-pass filter is chosen so that its matrices hold no small differences of
    large numbers: an offset, which it removes, leaves no rounding errors.
    """
    high = math.tan(math.pi * _HIGH_PASS_HZ / rate_hz)
    damped, square = high / _HIGH_PASS_Q, high * high
    whole = 1 + damped + square
    slow, fast = 4 * square / whole, 2 * damped / whole
    passing = np.array([[1 - slow, fast - 1], [slow, 1 - fast]])
    passing_in, passing_out = np.array([-slow, fast]), np.array([1.0, -1.0])

    shelf = math.tan(math.pi * _SHELF_HZ / rate_hz)
    gain = 10.0 ** (_SHELF_DB / 20.0)
    middle = gain**_SHELF_MIDDLE * shelf / _SHELF_Q
    square = shelf * shelf
    damped = shelf / _SHELF_Q
    whole = 1 + damped + square
    first, second = 2 * (square - 1) / whole, (1 - damped + square) / whole
    through = (gain + middle + square) / whole
    shelving = np.array([[-first, -second], [1.0, 0.0]])
    shelving_in = np.array([2 * (square - gain), gain - middle + square]) / whole
    shelving_in -= through * np.array([first, second])

    step = np.block([[passing, np.outer(passing_out, shelving_in)], [np.zeros((2, 2)), shelving]])
    into = np.concatenate((passing_in, shelving_in))
    out = np.concatenate((passing_out * through, [1.0, 0.0]))
    return step, into, out, np.array(through)
