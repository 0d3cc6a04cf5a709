"""Where a recording is quietest, in memory that its length does not decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.segments.vad import VAD_RATE_HZ, StreamBuffer, source_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A cut falls where the energy around it, in hops of 8 ms under a triangle of 160 ms, is lowest:
# wide enough to prefer a pause to the closure of one consonant and to land in the pause's middle.
_HOP_SAMPLES: Final = 128
_HALF_HOPS: Final = 10
_TRIANGLE: Final = np.concatenate((np.arange(1, _HALF_HOPS + 1), np.arange(_HALF_HOPS, 0, -1)))
# Energies are whole numbers, so that their sums are exact in any order.
_ENERGY_SCALE: Final = 2.0**20


class Energies:
    """Energy of a 16 kHz stream in hops of 8 ms, kept only as far back as a cut may need it."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._rest = np.empty(0, np.float32)
        self._hops = StreamBuffer(np.int64)

    def push(self, samples: NDArray[np.float32]) -> None:
        """Add float32 (n,) at 16 kHz."""
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) // _HOP_SAMPLES * _HOP_SAMPLES
        hops = joined[:whole].reshape(-1, _HOP_SAMPLES).astype(np.float64)
        self._hops.append(np.rint((hops * hops).sum(axis=1) * _ENERGY_SCALE).astype(np.int64))
        self._rest = joined[whole:]

    def drop_before(self, position: int) -> None:
        """Forget what lies before ``position``, in source samples."""
        self._hops.drop_before(position * VAD_RATE_HZ // (self._sample_rate_hz * _HOP_SAMPLES))

    def quietest(self, first: int, last: int) -> int:
        """Find the quietest point between two source samples at least half a second apart.

        What is weighed lies before ``last``; of equally quiet points the latest is taken.
        """
        per_hop = self._sample_rate_hz * _HOP_SAMPLES
        low = -(-first * VAD_RATE_HZ // per_hop)
        # At the very end the resampler may have rounded the last hop away.
        high = min(last * VAD_RATE_HZ // per_hop, self._hops.stop) - _HALF_HOPS
        weighed = np.convolve(
            self._hops.read(low - _HALF_HOPS, high + _HALF_HOPS), _TRIANGLE, mode="valid"
        )
        latest = high - int(np.argmin(weighed[::-1]))
        return source_sample(latest * _HOP_SAMPLES, self._sample_rate_hz)
