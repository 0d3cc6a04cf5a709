"""Whether both channels of a stereo recording sound at once and have nothing in common.

Two talkers, one a channel, are such; one talker heard by two microphones is not, whatever the
delay and the sign between them. So the channels are compared by how the power in bands rises and
falls, not by their waves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNLIKE_CORRELATION: Final = 0.4
"""Two microphones of one talker give more in half a second, two talkers hardly ever do."""
FEWEST_SECONDS: Final = 1.0
FEWEST_SHARE: Final = 0.35
"""Channels differ if they do for a second, and for this share of the time that both sound."""

ACTIVE_RANGE_DB: Final = 25.0
"""A channel sounds within this much of its own loudest half second."""
BOTH_RANGE_DB: Final = 20.0
"""Both sound if neither is this much weaker than the other: less is crosstalk."""
ACTIVE_DBFS: Final = -55.0
CHANGING_DB: Final = 3.0
"""Standard deviation of the power of a channel's frames in half a second: noise changes less."""

_FRAME_SECONDS: Final = 0.032
_BAND_EDGES_HZ: Final = (100, 250, 400, 600, 850, 1150, 1500, 2000, 2700, 3700)
_FLOOR_POWER: Final = 1e-10
_FEWEST_FRAMES: Final = 8


class Alikeness:
    """Compares the two channels of a recording hop by hop; holds a few numbers."""

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._frame = max(1, round(_FRAME_SECONDS * rate_hz))
        hertz = np.fft.rfftfreq(self._frame, 1 / rate_hz)
        edges = np.searchsorted(hertz, _BAND_EDGES_HZ)
        self._bands = np.unique(edges[edges < len(hertz)])
        self._window = np.hanning(self._frame).astype(np.float32)
        self._loudest_db = np.full(2, -np.inf)
        self._both_seconds = self._unlike_seconds = 0.0

    @property
    def differ(self) -> bool:
        """Whether the channels had nothing in common while both sounded."""
        needed = max(FEWEST_SECONDS, FEWEST_SHARE * self._both_seconds)
        return self._unlike_seconds >= needed

    def push(self, hop: NDArray[np.float32]) -> None:
        """Take the next samples, shape (frames, 2); each hop is judged as a whole."""
        count = len(hop) // self._frame
        if count < _FEWEST_FRAMES or len(self._bands) < 3:  # noqa: PLR2004 - two bands
            return
        rows = np.ascontiguousarray(hop[: count * self._frame].T)
        frames = rows.reshape(2, count, self._frame)
        powers = np.einsum("ijk,ijk->ij", frames, frames, dtype=np.float64) / self._frame
        if not self._both_sound(powers):
            return
        self._both_seconds += len(hop) / self._rate
        if self._correlation(frames) < UNLIKE_CORRELATION:
            self._unlike_seconds += len(hop) / self._rate

    def _both_sound(self, powers: NDArray[np.float64]) -> bool:
        """Whether both channels sound, from the powers of their frames (2, frames)."""
        levels_db = 10.0 * np.log10(powers.mean(axis=1) + _FLOOR_POWER)
        self._loudest_db = np.maximum(self._loudest_db, levels_db)
        changes_db = np.std(10.0 * np.log10(powers + _FLOOR_POWER), axis=1)
        return bool(
            np.all(levels_db >= np.maximum(ACTIVE_DBFS, self._loudest_db - ACTIVE_RANGE_DB))
            and abs(levels_db[0] - levels_db[1]) <= BOTH_RANGE_DB
            and np.all(changes_db >= CHANGING_DB)
        )

    def _correlation(self, frames: NDArray[np.float32]) -> float:
        """Correlation of the logarithms of power by band and frame, less the mean of each band."""
        spectra = np.fft.rfft(frames * self._window)
        squares = np.square(spectra.real) + np.square(spectra.imag)
        bands = np.add.reduceat(squares, self._bands, axis=2)[:, :, :-1]
        levels = np.log10(bands + _FLOOR_POWER)
        levels -= levels.mean(axis=1, keepdims=True)
        left, right = levels.reshape(2, -1)
        size = float(np.sqrt(left @ left) * np.sqrt(right @ right))
        return float(left @ right) / size if size > 0.0 else 1.0
