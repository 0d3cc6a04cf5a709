"""The noise floor of a recording around a segment, in memory that does not grow with its length.

It belongs to the recording: a segment alone may be cut at the word and hold no noise of its own.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.segments.vad import StreamBuffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME_SECONDS: Final = 0.025
BEFORE_SECONDS: Final = 20
AFTER_SECONDS: Final = 10
"""The floor is sought in this much of the recording before and after a segment."""

GUARD_SECONDS: Final = 0.1
"""Frames this close to speech are left out: they hold the edges of words."""
OUTSIDE_PERCENTILE: Final = 45.0
"""Of frames outside speech. Of a babble, which comes and goes, a lower one is only its pauses; a
higher one takes in the breaths and clicks of a quiet recording."""
FEWEST_FRAMES: Final = 16
"""With fewer frames outside speech, the floor is sought in the pauses inside speech."""
INSIDE_PERCENTILES: Final = (2.0, 5.0)
"""Of all frames: the pauses between words."""
INSIDE_EXPONENT: Final = 0.75
"""The quietest moments of a noise that fluctuates lie below its mean, the further the more they
differ. So the second percentile is raised by this power of its ratio to the first."""

_SILENT_POWER: Final = 1e-13
"""A frame with less power holds no sound, not even the last bit of 16. It is no noise: recorders,
codecs and noise gates put such silence in the place of noise."""


class NoiseFloor:
    """Power of a stream in frames of 25 ms, and where speech is."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._frame = max(1, round(FRAME_SECONDS * sample_rate_hz))
        self._rest = np.empty(0, np.float64)
        self._means = StreamBuffer(np.float64)
        self._squares = StreamBuffer(np.float64)
        self._speech: deque[tuple[int, int]] = deque()

    @property
    def after_samples(self) -> int:
        """The floor of a segment needs this many samples after its end."""
        return AFTER_SECONDS * self._rate

    def push(self, samples: NDArray[np.float32]) -> None:
        """Add float32 (n,) at the source rate; values that are not finite count as 0."""
        joined = samples.astype(np.float64)
        if not np.isfinite(samples).all():
            joined = np.nan_to_num(joined, nan=0.0, posinf=1.0, neginf=-1.0)
        if len(self._rest):
            joined = np.concatenate((self._rest, joined))
        whole = len(joined) // self._frame * self._frame
        frames = joined[:whole].reshape(-1, self._frame)
        self._means.append(frames.mean(axis=1))
        self._squares.append(np.einsum("ij,ij->i", frames, frames) / self._frame)
        self._rest = joined[whole:]

    def mark(self, start: int, end: int) -> None:
        """Add a stretch of speech, in source samples, after those before it, or touching them."""
        if self._speech and self._speech[-1][1] == start:
            start, _ = self._speech.pop()
        self._speech.append((start, end))

    def drop_before(self, position: int) -> None:
        """Forget what no segment that starts at ``position`` or later needs."""
        first = self._first_frame(position)
        self._means.drop_before(first)
        self._squares.drop_before(first)
        while self._speech and self._speech[0][1] + self._guard < first * self._frame:
            self._speech.popleft()

    def power(self, start: int, end: int) -> float | None:
        """Mean square of the noise around a segment, without the offset; full scale is 1.0.

        Args:
            start: First sample of the segment.
            end: The sample after its last; :attr:`after_samples` more are pushed and their speech
                is marked, or the recording has ended.

        Returns:
            The power; 0.0 where all is digital silence, None where there is no frame.
        """
        first = self._first_frame(start)
        stop = min((end + self.after_samples) // self._frame, self._means.stop)
        if stop <= first:
            return None
        means, squares = self._means.read(first, stop), self._squares.read(first, stop)
        sounding = squares - means**2 > _SILENT_POWER
        if not sounding.any():
            return 0.0
        offset = float(means[sounding].mean())
        powers = squares - 2.0 * offset * means + offset**2
        outside = powers[sounding & self._outside(first, stop)]
        if len(outside) >= FEWEST_FRAMES:
            return float(np.percentile(outside, OUTSIDE_PERCENTILE))
        lowest, low = np.percentile(powers[sounding], INSIDE_PERCENTILES)
        return float(low * (low / lowest) ** INSIDE_EXPONENT)

    @property
    def _guard(self) -> int:
        return round(GUARD_SECONDS * self._rate)

    def _first_frame(self, position: int) -> int:
        return -(-max(0, position - BEFORE_SECONDS * self._rate) // self._frame)

    def _outside(self, first: int, stop: int) -> NDArray[np.bool_]:
        """Which frames lie outside speech and its guards as a whole."""
        outside = np.ones(stop - first, np.bool_)
        for start, end in self._speech:
            begin = (start - self._guard) // self._frame - first
            outside[max(0, begin) : max(0, -(-(end + self._guard) // self._frame) - first)] = False
        return outside
