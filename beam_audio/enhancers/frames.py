"""Clips to overlapping frames and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Framing:
    """How a clip is cut.

    Frames that overlap have the square root of a periodic Hann window when they are cut and once
    more when they are joined; frames that follow each other have none. Joining divides by the sum
    of the squared windows (Griffin and Lim, 1984, equation 6), so that frames which nothing changed
    give the clip again.

    Attributes:
        frame_samples: Length of a frame.
        hop_samples: From the start of a frame to that of the next one.
    """

    frame_samples: int
    hop_samples: int

    def cut(self, clip: NDArray[np.float32]) -> NDArray[np.float32]:
        """The frames of a clip.

        Args:
            clip: Shape (n,).

        Returns:
            Shape (frames, frame_samples). As many frames hold the first and the last sample as any
            other; what they hold before and after the clip is silence.
        """
        count = max(1, -(-(len(clip) + self._before) // self.hop_samples))
        padded = np.zeros((count - 1) * self.hop_samples + self.frame_samples, np.float32)
        padded[self._before : self._before + len(clip)] = clip
        views = np.lib.stride_tricks.sliding_window_view(padded, self.frame_samples)
        return np.asarray(views[:: self.hop_samples] * self._window, np.float32)

    def join(self, frames: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
        """The clip of this many samples that the frames of :meth:`cut` are of."""
        window, hop = self._window, self.hop_samples
        joined = np.zeros((len(frames) - 1) * hop + self.frame_samples, np.float32)
        weights = np.zeros_like(joined)
        for number, frame in enumerate(frames):
            here = slice(number * hop, number * hop + self.frame_samples)
            joined[here] += window * frame
            weights[here] += window * window
        clip = slice(self._before, self._before + samples)
        return joined[clip] / weights[clip]

    @property
    def _before(self) -> int:
        """Samples of silence before a clip."""
        return self.frame_samples - self.hop_samples

    @property
    def _window(self) -> NDArray[np.float32]:
        if self.hop_samples == self.frame_samples:
            return np.ones(self.frame_samples, np.float32)
        # The square root of 0.5 - 0.5 cos(2 pi n / N) is sin(pi n / N).
        return np.sin(np.pi * np.arange(self.frame_samples) / self.frame_samples).astype(np.float32)
