"""Safeguards: which decoded texts are not trusted, and how they are decoded again.

The policy is that of Whisper's reference (https://github.com/openai/whisper, ``transcribe.py``). A
text that repeats itself, or that the model is unsure of, is decoded again with tokens drawn at
random, at higher and higher temperatures. Silence is not decoded again. Three things differ from
the reference: a text that is repetitive by this project's own measure also counts as repeating
itself; short texts have no compression ratio; and if no temperature helps, the best attempt is
taken instead of the last.

A draw depends only on the clip's seed, the temperature and the place of the token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.quality.text import compression_ratio, is_repetitive

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEMPERATURES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
MAX_COMPRESSION_RATIO: Final = 2.4
MIN_AVG_LOGPROB: Final = -1.0
MAX_NO_SPEECH_PROB: Final = 0.6

_DECIMALS: Final = 4  # measures are rounded to this before a rule sees them, too


@dataclass(frozen=True, slots=True)
class Attempt:
    """One decoding of a clip.

    Attributes:
        text: The decoded text.
        language: ISO 639 code of the text; for a translation not that of the speech.
        avg_logprob: Mean log probability of its tokens and the end token.
        no_speech_prob: Probability of silence; the same for every attempt.
    """

    text: str
    language: str
    avg_logprob: float
    no_speech_prob: float

    @property
    def is_silence(self) -> bool:
        """Whether the model detects no speech and is unsure of its text, too."""
        heard = round(self.no_speech_prob, _DECIMALS) <= MAX_NO_SPEECH_PROB
        return self._is_unsure and not heard

    @property
    def is_safe(self) -> bool:
        """Whether there is no reason to decode the clip again."""
        return self.is_silence or not (self._is_unsure or self._repeats)

    @property
    def merit(self) -> tuple[bool, float]:
        """Order of attempts that are not safe: first those that do not repeat, then the surest."""
        return not self._repeats, round(self.avg_logprob, _DECIMALS)

    @property
    def _is_unsure(self) -> bool:
        return round(self.avg_logprob, _DECIMALS) < MIN_AVG_LOGPROB

    @property
    def _repeats(self) -> bool:
        ratio = compression_ratio(self.text)
        too_regular = ratio is not None and round(ratio, _DECIMALS) > MAX_COMPRESSION_RATIO
        return too_regular or is_repetitive(self.text, self.language)


def draw_noise(seed: int, temperature: float, step: int, count: int) -> NDArray[np.float64]:
    """Standard Gumbel noise, float64 (count,); equal arguments give equal noise on any machine.

    Philox is a counter-based generator: the key is seed and temperature, and the counter is the
    step, so that any draw can be made directly. Its raw bits do not depend on numpy's version,
    unlike numpy's distributions.
    """
    key = np.array([seed % 2**64, round(1000 * temperature)], np.uint64)
    counter = np.array([0, 0, 0, step], np.uint64)
    raw = np.random.Philox(key=key, counter=counter).random_raw(count)
    uniform = ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    noise: NDArray[np.float64] = -np.log(-np.log(uniform))
    return noise


def draw(
    logits: NDArray[np.float32], temperature: float, noise: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Draw a token for each row, and give its log probability at temperature 1.

    Args:
        logits: float32 (rows, vocabulary); minus infinity for tokens that may not be drawn.
        temperature: Above 0.
        noise: Gumbel noise (rows, vocabulary). The token with the largest
            ``logits / temperature + noise`` is a draw from their softmax.

    Returns:
        Tokens, int64 (rows,), and log probabilities, float32 (rows,).
    """
    drawn = (logits / temperature + noise).argmax(axis=1)
    best = logits.max(axis=1)
    taken = logits[np.arange(len(logits)), drawn]
    total = np.exp(logits - best[:, None]).sum(axis=1)
    return drawn, taken - best - np.log(total)
