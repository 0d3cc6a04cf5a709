"""Where a recording is quietest, in memory that does not grow with its length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.segments.vad import VAD_RATE_HZ, StreamBuffer, source_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A cut is made where the energy around it, in hops of 8 ms weighted by a triangle of 160 ms, is
# lowest. The triangle is wide enough to prefer a pause over the closure of one consonant, and to
# find the middle of the pause.
_HOP_SAMPLES: Final = 128
_HALF_HOPS: Final = 10
_TRIANGLE: Final = np.concatenate((np.arange(1, _HALF_HOPS + 1), np.arange(_HALF_HOPS, 0, -1)))
# Energies are whole numbers: their sums are exact in any order.
_ENERGY_SCALE: Final = 2.0**20


class Energies:
    """Energy of a 16 kHz stream in hops of 8 ms; what no cut needs any more is forgotten."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._rest = np.empty(0, np.float32)
        self._hops = StreamBuffer(np.int64)

    def push(self, samples: NDArray[np.float32]) -> None:
        """Add float32 (n,) at 16 kHz."""
        joined = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(joined) // _HOP_SAMPLES * _HOP_SAMPLES
        hops = joined[:whole].reshape(-1, _HOP_SAMPLES).astype(np.float64)
        self._hops.append(
            np.rint(np.einsum("ij,ij->i", hops, hops) * _ENERGY_SCALE).astype(np.int64)
        )
        self._rest = joined[whole:]

    def drop_before(self, position: int) -> None:
        """Forget what lies before ``position``, in source samples."""
        self._hops.drop_before(position * VAD_RATE_HZ // (self._sample_rate_hz * _HOP_SAMPLES))

    def quietest(self, first: int, last: int) -> int:
        """Find the quietest point between two source samples at least half a second apart.

        All audio that is weighed lies before ``last``. The latest of equally quiet points is taken.
        """
        per_hop = self._sample_rate_hz * _HOP_SAMPLES
        low = -(-first * VAD_RATE_HZ // per_hop)
        # At the very end of a recording the resampler may drop the last hop.
        high = min(last * VAD_RATE_HZ // per_hop, self._hops.stop) - _HALF_HOPS
        weighed = np.convolve(
            self._hops.read(low - _HALF_HOPS, high + _HALF_HOPS), _TRIANGLE, mode="valid"
        )
        latest = high - int(np.argmin(weighed[::-1]))
        return source_sample(latest * _HOP_SAMPLES, self._sample_rate_hz)
