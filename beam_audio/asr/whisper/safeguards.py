"""When a decoded text is not to be trusted, and how to decode it again.

The policy of Whisper's reference (https://github.com/openai/whisper, ``transcribe.py``): a text
that repeats itself, or of which the model is unsure, is decoded again, the tokens drawn at random
at a higher and higher temperature; silence is left alone. Beyond the reference, a text that goes in
circles by this project's own measure counts as repeating itself, short texts have no compression
ratio, and where no temperature helps the best attempt is taken instead of the last.

Every draw depends on the clip's seed, the temperature and the place of the token alone.
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

_DECIMALS: Final = 4  # as everywhere before a rule looks at a measure


@dataclass(frozen=True, slots=True)
class Attempt:
    """One decoding of a clip.

    Attributes:
        text: What it says.
        language: ISO 639 code of the text, which in a translation is not that of the speech.
        avg_logprob: Mean log probability of its tokens and the end token.
        no_speech_prob: Probability of silence; the same for every attempt.
    """

    text: str
    language: str
    avg_logprob: float
    no_speech_prob: float

    @property
    def is_silence(self) -> bool:
        """Whether the model hears no speech and does not believe in its text either."""
        heard = round(self.no_speech_prob, _DECIMALS) <= MAX_NO_SPEECH_PROB
        return self._is_unsure and not heard

    @property
    def is_safe(self) -> bool:
        """Whether there is no reason to decode the clip again."""
        return self.is_silence or not (self._is_unsure or self._repeats)

    @property
    def merit(self) -> tuple[bool, float]:
        """Orders attempts none of which is safe: one that does not repeat, then the surest."""
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
    """Standard Gumbel noise, float64 (count,): the same for the same arguments anywhere.

    Philox counts: the key is seed and temperature, the counter the step, so that any draw is
    reached at once. Its raw bits do not change with numpy's version, unlike numpy's distributions.
    """
    key = np.array([seed % 2**64, round(1000 * temperature)], np.uint64)
    counter = np.array([0, 0, 0, step], np.uint64)
    raw = np.random.Philox(key=key, counter=counter).random_raw(count)
    uniform = ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    noise: NDArray[np.float64] = -np.log(-np.log(uniform))
    return noise


def choose(
    logits: NDArray[np.float32], temperature: float, noise: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """A token for each row, and its log probability at temperature 1.

    Args:
        logits: float32 (rows, vocabulary), minus infinity where a token may not be chosen.
        temperature: 0 takes the likeliest.
        noise: Gumbel noise (rows, vocabulary) for other temperatures: the largest of the logits
            over the temperature plus noise is a draw from their softmax.

    Returns:
        int64 and float32 (rows,).
    """
    best = logits.max(axis=1)
    if temperature and noise is not None:
        chosen = (logits / temperature + noise).argmax(axis=1)
    else:
        chosen = logits.argmax(axis=1)
    taken = logits[np.arange(len(logits)), chosen]
    total = np.exp(logits - best[:, None]).sum(axis=1)
    return chosen, taken - best - np.log(total)
