"""A recogniser without a model: text made up from a clip's samples, for tests and dry runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.errors import ModelError
from beam_audio.types import Transcript, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from beam_audio.asr.recognizer import Mode, Request
    from beam_audio.models.card import ModelCard

_VERSION = "placeholder/2"
_SILENT_RMS = 1e-4
_WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")


def placeholder_sha256() -> str:
    """Stands where other models have the hash of their weights."""
    return hashlib.sha256(_VERSION.encode("ascii")).hexdigest()


class PlaceholderRecognizer:
    """Gives every clip two words a second, chosen by its loudness. It recognises nothing.

    Text depends on the clip alone; silence has no text. A word takes the half second it was made
    of. Every language is accepted.
    """

    def __init__(self, card: ModelCard, task: Mode = "transcribe") -> None:
        self._card = card
        self._task = task

    @property
    def model_id(self) -> str:
        """``placeholder/none``, so that no row of it is taken for recognised speech."""
        return "placeholder/none" + ("/translate" if self._task == "translate" else "")

    @property
    def model_sha256(self) -> str:
        """A fixed hash."""
        return placeholder_sha256()

    @property
    def provider(self) -> str:
        """The CPU, of which numpy makes use."""
        return "CPUExecutionProvider"

    @property
    def sample_rate_hz(self) -> int:
        """Rate the clips must have: 16,000."""
        return self._card.sample_rate_hz

    @property
    def max_seconds(self) -> float:
        """Longest clip accepted: 30 s."""
        return self._card.max_seconds

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages Whisper knows; any other is accepted too."""
        return frozenset(self._card.languages)

    @property
    def passage_seconds(self) -> float:
        """None: each clip is heard on its own."""
        return 0.0

    def cost_seconds(self, duration_seconds: float) -> float:
        """The clip's own length: nothing is padded."""
        return duration_seconds

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Make a text up for each clip.

        Raises:
            ModelError: A clip is too long or not finite.
        """
        return [self._transcript(request) for request in requests]

    def _transcript(self, request: Request) -> Transcript:
        samples = request.samples
        if samples.ndim != 1 or len(samples) > self.max_seconds * self.sample_rate_hz:
            limit = self.max_seconds
            raise ModelError(f"a clip of shape {samples.shape} is over {limit} s: cut it first")
        if not np.isfinite(samples).all():
            raise ModelError("a clip holds samples that are not finite numbers")
        words = _words(samples, self.sample_rate_hz)
        return Transcript(
            text=" ".join(word.word for word in words),
            language=request.language or "en",
            language_probability=None if request.language else 1.0,
            avg_logprob=0.0,
            no_speech_prob=0.0 if words else 1.0,
            words=tuple(words),
        )


def _words(samples: NDArray[np.float32], sample_rate_hz: int) -> list[Word]:
    """The words of the half seconds that are not silent."""
    step = sample_rate_hz // 2
    words = []
    for start in range(0, len(samples), step):
        half = samples[start : start + step]
        if text := _word(half):
            end = start + len(half)
            words.append(Word(text, start / sample_rate_hz, end / sample_rate_hz, 1.0))
    return words


def _word(samples: NDArray[np.float32]) -> str:
    """A word for each step of 6 dB; none below -80 dBFS."""
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    if rms < _SILENT_RMS:
        return ""
    return _WORDS[int(-2.0 * np.log2(rms)) % len(_WORDS)]
