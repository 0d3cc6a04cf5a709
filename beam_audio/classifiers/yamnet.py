"""YAMNet: 521 sounds of AudioSet, in windows of 0.975 s. Its features are inside the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from beam_audio.classifiers.heard import EventSettings, Heard, audible
from beam_audio.models.cpu_session import one_thread_session

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_RATE_HZ: Final = 16_000
_WINDOW_SAMPLES: Final = 15_600
_HOP_SAMPLES: Final = 7_800


@dataclass(frozen=True, slots=True, eq=False)
class YamNet:
    """A loaded YAMNet. A clip that is shorter than a window is filled with zeros."""

    session: Any
    labels: tuple[str, ...]
    sample_rate_hz: ClassVar[int] = _RATE_HZ
    events: ClassVar[EventSettings] = EventSettings((0.3,), most_labels=10)

    @classmethod
    def load(cls, network: Path, labels: Path) -> Self:
        """Load the network, and its labels from a file with one a line.

        Raises:
            ModelError: The network cannot be loaded.
        """
        names = labels.read_text("utf-8").splitlines()
        return cls(one_thread_session(network), tuple(filter(None, names)))

    def hear(self, clip: NDArray[np.float32]) -> Heard:
        """Score every whole window; a score is a multiple of 1/256."""
        padded = np.pad(audible(clip), (0, max(0, _WINDOW_SAMPLES - len(clip))))
        starts = range(0, len(padded) - _WINDOW_SAMPLES + 1, _HOP_SAMPLES)
        windows = (padded[start : start + _WINDOW_SAMPLES] for start in starts)
        scores = [self.session.run(None, {"waveform": window})[0][0] for window in windows]
        return Heard(np.stack(scores), _WINDOW_SAMPLES / _RATE_HZ, _HOP_SAMPLES / _RATE_HZ)
