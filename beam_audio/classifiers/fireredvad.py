"""FireRedVAD's event model: speech, singing and music every 10 ms, each on its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from beam_audio.classifiers.heard import EventSettings, Heard, audible
from beam_audio.errors import ModelError
from beam_audio.models.cpu_session import one_thread_session
from beam_audio.quality.spectrogram import (
    FRAME_SAMPLES,
    FULL_SCALE,
    HOP_SAMPLES,
    KALDI_RATE_HZ,
    kaldi_fbank,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_BANDS: Final = 80
_HEADER_BYTES: Final = 15
_LEAST_VARIANCE: Final = 1e-20


@dataclass(frozen=True, slots=True, eq=False)
class FireRedVad:
    """The loaded model.

    Attributes:
        session: The network.
        mean: Of each band.
        inverse_deviation: One over the standard deviation of each band.
    """

    session: Any
    mean: NDArray[np.float64] = field(repr=False)
    inverse_deviation: NDArray[np.float64] = field(repr=False)
    labels: ClassVar[tuple[str, ...]] = ("Speech", "Singing", "Music")
    sample_rate_hz: ClassVar[int] = KALDI_RATE_HZ
    # As its authors have them.
    events: ClassVar[EventSettings] = EventSettings((0.4, 0.5, 0.5), 5, 20)

    @classmethod
    def load(cls, network: Path, statistics: Path) -> Self:
        """Load the network, and the statistics of its features from a file of Kaldi.

        Raises:
            ModelError: The network cannot be loaded, or the statistics are others.
        """
        sums = np.frombuffer(statistics.read_bytes()[_HEADER_BYTES:], "<f8")
        if len(sums) != 2 * (_BANDS + 1):
            raise ModelError(f"{statistics} does not hold the statistics of {_BANDS} bands")
        of_values, of_squares = sums.reshape(2, _BANDS + 1)
        count = of_values[-1]
        mean = of_values[:-1] / count
        variance = np.maximum(of_squares[:-1] / count - mean**2, _LEAST_VARIANCE)
        return cls(one_thread_session(network), mean, 1.0 / np.sqrt(variance))

    def hear(self, clip: NDArray[np.float32]) -> Heard:
        """Score frames of 25 ms, one every 10 ms; a shorter clip is filled with zeros."""
        padded = np.pad(audible(clip), (0, max(0, FRAME_SAMPLES - len(clip))))
        energies = kaldi_fbank(padded * FULL_SCALE, _BANDS, "povey")
        features = ((energies - self.mean) * self.inverse_deviation).astype(np.float32)
        scores = self.session.run(["probs"], {"feat": features[np.newaxis]})[0][0]
        # A frame stands for the 10 ms to the next one.
        hop_seconds = HOP_SAMPLES / KALDI_RATE_HZ
        return Heard(scores, hop_seconds, hop_seconds)
