"""Where a recording is speech, in its own samples, up to its very edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.segments.vad import (
    MARGIN_FRAMES,
    SpeechDetector,
    SpeechTracker,
    source_sample,
)
from beam_audio.segments.vad_graph import FRAME_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.segments.cuts import Stretch
    from beam_audio.segments.vad_presets import VadSettings

EDGE_FRAMES: Final = 4
"""Speech that the recording cuts off is taken to go on for 0.13 s beyond its edge: a word that is
cut tightly may be shorter than the shortest speech."""

_SILENCE: Final = np.zeros(MARGIN_FRAMES * FRAME_SAMPLES, np.float32)
"""The detector hears it after the last sample: a word at the very end fades out, too."""


class SpeechFinder:
    """Finds the speech of one recording, given block by block at 16 kHz.

    Args:
        sample_rate_hz: The recording's own rate; what is found is in samples of that rate.
        settings: What counts as speech.

    Raises:
        ModelError: onnxruntime is not installed.
    """

    def __init__(self, sample_rate_hz: int, settings: VadSettings) -> None:
        self._rate = sample_rate_hz
        self._detector = SpeechDetector()
        self._tracker = SpeechTracker(
            threshold=settings.threshold,
            release=settings.release,
            min_speech_seconds=settings.min_speech_seconds,
            min_silence_seconds=settings.min_silence_seconds,
            first_frame=-EDGE_FRAMES,
        )
        self._heard_samples = 0
        self._frames = 0

    @property
    def decided(self) -> int:
        """All speech before this sample has been returned."""
        return self._place(self._tracker.decided)

    def push(self, samples: NDArray[np.float32]) -> list[Stretch]:
        """Take float32 (n,) at 16 kHz; return the speech that became certain.

        A long stretch is returned in parts that touch.
        """
        self._heard_samples += len(samples)
        return self._found(self._detector.push(samples))

    def finish(self, samples: NDArray[np.float32], end: int) -> list[Stretch]:
        """Take the last samples and return the remaining speech.

        Args:
            samples: As in :meth:`push`.
            end: Length of the recording at its own rate.
        """
        self._heard_samples += len(samples)
        rest = (self._detector.push(samples), self._detector.push(_SILENCE))
        probabilities = np.concatenate((*rest, self._detector.finish()))
        frames = -(-self._heard_samples // FRAME_SAMPLES)
        last = frames - self._frames - 1
        if last < 0:
            return []
        beyond = probabilities[last + 1 : last + 1 + EDGE_FRAMES]
        np.maximum(beyond, probabilities[last], out=beyond)
        found = [
            # The last frame is filled with zeros: its speech ends where the recording does.
            (self._place(first), end if stop >= frames else self._place(stop))
            for first, stop in self._spans(probabilities)
        ]
        return [(start, stop) for start, stop in found if start < stop]

    def _found(self, probabilities: NDArray[np.float32]) -> list[Stretch]:
        spans = self._spans(probabilities)
        found = [(self._place(first), self._place(stop)) for first, stop in spans]
        return [(start, stop) for start, stop in found if start < stop]

    def _spans(self, probabilities: NDArray[np.float32]) -> list[tuple[int, int]]:
        """Speech in frames, from the next frames' probabilities."""
        first = self._frames == 0
        self._frames += len(probabilities)
        if first and len(probabilities):
            before = np.repeat(probabilities[0], EDGE_FRAMES)
            probabilities = np.concatenate((before, probabilities))
        return self._tracker.push(probabilities)

    def _place(self, frame: int) -> int:
        return source_sample(max(0, frame) * FRAME_SAMPLES, self._rate)
