"""A recogniser without a model: it makes text up from samples, for tests and dry runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.asr.recognizer import ON_CPU, ModelFacts
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


class PlaceholderRecognizer:
    """Gives every clip two words per second, chosen by loudness. It recognises nothing.

    The text depends only on the clip; silence has no text. A word lasts the half second it was
    made from. Every language is accepted.
    """

    provider = "CPUExecutionProvider"
    passage_seconds = 0.0
    batch_limits = ON_CPU

    def __init__(self, card: ModelCard, mode: Mode = "transcribe") -> None:
        self.facts = ModelFacts(
            # A name of its own, so that nobody takes these rows for recognised speech.
            model_id="placeholder/none" + ("/translate" if mode == "translate" else ""),
            model_sha256=hashlib.sha256(_VERSION.encode("ascii")).hexdigest(),
            sample_rate_hz=card.sample_rate_hz,
            max_seconds=card.max_seconds,
            languages=frozenset(card.languages),
        )

    def cost_seconds(self, duration_seconds: float) -> float:
        """The clip's own length: no clip is padded."""
        return duration_seconds

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Make up one text per clip.

        Raises:
            ModelError: A clip is too long or not finite.
        """
        return [self._transcript(request) for request in requests]

    def _transcript(self, request: Request) -> Transcript:
        samples = request.samples
        if samples.ndim != 1 or len(samples) > self.facts.max_seconds * self.facts.sample_rate_hz:
            limit = self.facts.max_seconds
            raise ModelError(f"a clip of shape {samples.shape} is over {limit} s: cut it first")
        if not np.isfinite(samples).all():
            raise ModelError("a clip holds samples that are not finite numbers")
        words = _words(samples, self.facts.sample_rate_hz)
        return Transcript(
            text=" ".join(word.word for word in words),
            language=request.language or "en",
            language_probability=None if request.language else 1.0,
            avg_logprob=0.0,
            no_speech_prob=0.0 if words else 1.0,
            words=tuple(words),
        )


def _words(samples: NDArray[np.float32], sample_rate_hz: int) -> list[Word]:
    """One word for each half second that is not silent."""
    step = sample_rate_hz // 2
    words = []
    for start in range(0, len(samples), step):
        half = samples[start : start + step]
        if text := _word(half):
            end = start + len(half)
            words.append(Word(text, start / sample_rate_hz, end / sample_rate_hz, 1.0))
    return words


def _word(samples: NDArray[np.float32]) -> str:
    """One word for each 6 dB of loudness; none below -80 dBFS."""
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    if rms < _SILENT_RMS:
        return ""
    return _WORDS[int(-2.0 * np.log2(rms)) % len(_WORDS)]
