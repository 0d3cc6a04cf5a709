"""Words with their times: the path through the cross-attention, corrected by pauses in the audio.

Attention shows which word is said, but its start and end only to a tenth of a second: the path
assigns the silence before the first word to that word, and ends the last word too early. Pauses in
the audio are more exact. So the border between two words moves to a pause near it, if there is one:
the word before ends where the pause begins, and the word after begins where the pause ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.whisper.alignment import SECONDS_PER_FRAME
from beam_audio.types import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from beam_audio.asr.words import WordTokens

_RATE_HZ: Final = 16_000
_HOP_SAMPLES: Final = 160
# A pause is quieter than a limit: 10 dB above the quietest tenth of the clip, but not lower than
# 40 dB and not higher than 15 dB below the clip's loudest 10 ms. It lasts at least 80 ms, longer
# than the closure of most plosives.
_ABOVE_FLOOR_DB: Final = 10.0
_BELOW_PEAK_DB: Final = (40.0, 15.0)
_FLOOR_PERCENTILE: Final = 10
_SILENCE_POWER: Final = 1e-12  # so that digital silence has a logarithm
_PAUSE_SECONDS: Final = 0.08
_REACH_SECONDS: Final = 0.3  # largest distance between the path's border and a pause
_LAST_REACH_SECONDS: Final = 0.6  # larger, because no word follows the last one
# As in Whisper's reference, the first and last word of a sentence may not be longer than twice the
# median word, which counts as at most 0.7 s. Here a longer word is cut only at a pause inside it
# that is longer than any closure, or if it is longer than any word.
_LONGEST_MEDIAN_SECONDS: Final = 0.7
_SPLITTING_PAUSE_SECONDS: Final = 0.2
_LONGEST_WORD_SECONDS: Final = 2.0
_SENTENCE_ENDS: Final = (".", "。", "!", "！", "?", "？")  # noqa: RUF001 (full-width on purpose)
_DECIMALS: Final = 3


@dataclass(frozen=True, slots=True)
class _Sound:
    """The quiet parts of a clip.

    Attributes:
        seconds: Length of the clip.
        start: End of the silence at its start.
        end: Start of the silence at its end.
        pauses: Start and end of each pause between, in order.
    """

    seconds: float
    start: float
    end: float
    pauses: tuple[tuple[float, float], ...]


@dataclass(slots=True)
class _Span:
    """Seconds from the start of the clip."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def align_words(
    samples: NDArray[np.float32],
    frames: NDArray[np.int64],
    words: Sequence[WordTokens],
    logprobs: Sequence[float],
) -> tuple[Word, ...]:
    """Words of a text, in order, with times in the clip that do not overlap.

    Args:
        samples: float32 (n,) at 16 kHz.
        frames: int64 (t, 2): for each token its first frame of 20 ms and the frame after its last,
            see ``beam_audio.asr.whisper.alignment.token_spans``.
        words: The words of the t tokens, from ``split_words``.
        logprobs: Log probability of each token.
    """
    sound = _listen(samples)
    spans = [
        _Span(
            min(int(frames[word.first, 0]) * SECONDS_PER_FRAME, sound.seconds),
            min(int(frames[word.stop - 1, 1]) * SECONDS_PER_FRAME, sound.seconds),
        )
        for word in words
    ]
    if spans:
        _move_to_pauses(spans, sound)
        _shorten(spans, [word.text.endswith(_SENTENCE_ENDS) for word in words], sound)
    probabilities = np.exp(logprobs)
    return tuple(
        Word(
            word=word.text,
            start_seconds=min(round(span.start, _DECIMALS), sound.seconds),
            end_seconds=min(round(span.end, _DECIMALS), sound.seconds),
            probability=float(np.mean(probabilities[word.first : word.stop])),
        )
        for word, span in zip(words, spans, strict=True)
    )


def _listen(samples: NDArray[np.float32]) -> _Sound:
    seconds = len(samples) / _RATE_HZ
    hop = _HOP_SAMPLES / _RATE_HZ
    edges = np.flatnonzero(np.diff(_is_quiet(samples), prepend=False, append=False))
    runs = [
        (int(first) * hop, min(int(stop) * hop, seconds)) for first, stop in edges.reshape(-1, 2)
    ]
    start, end = 0.0, seconds
    if runs and runs[0][0] == 0:
        start = runs.pop(0)[1]
    if runs and runs[-1][1] == seconds:
        end = runs.pop()[0]
    pauses = (run for run in runs if run[1] - run[0] >= _PAUSE_SECONDS)
    return _Sound(seconds, start, end, tuple(pauses))


def _is_quiet(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each 10 ms are quieter than speech."""
    hops = -(-len(samples) // _HOP_SAMPLES)
    if not hops:
        return np.zeros(0, np.bool_)
    padded = np.zeros(hops * _HOP_SAMPLES)
    padded[: len(samples)] = samples
    levels = 10 * np.log10(np.square(padded.reshape(hops, -1)).mean(axis=1) + _SILENCE_POWER)
    floor, peak = np.percentile(levels, _FLOOR_PERCENTILE), levels.max()
    low, high = (peak - below for below in _BELOW_PEAK_DB)
    quiet: NDArray[np.bool_] = levels < np.clip(floor + _ABOVE_FLOOR_DB, low, high)
    return quiet


def _move_to_pauses(spans: list[_Span], sound: _Sound) -> None:
    """Move each border to the nearest pause within reach that leaves both words a part."""
    for before, after in pairwise(spans):
        near = [
            (max(start - after.start, before.end - end, 0.0), start - end, (start, end))
            for start, end in sound.pauses
            if before.start < start and end < after.end
        ]
        if near and min(near)[0] <= _REACH_SECONDS:
            before.end, after.start = min(near)[2]
    first, last = spans[0], spans[-1]
    if first.start < sound.start < first.end:
        first.start = sound.start
    if last.start < sound.end <= last.end + _LAST_REACH_SECONDS:
        last.end = sound.end


def _shorten(spans: list[_Span], ends_sentence: list[bool], sound: _Sound) -> None:
    """Shorten words at the borders of sentences that are too long."""
    lengths = [span.seconds for span in spans if span.seconds > 0]
    if not lengths:
        return
    limit = 2 * min(_LONGEST_MEDIAN_SECONDS, float(np.median(lengths)))
    opens = [True, *ends_sentence[:-1]]
    closes = [*ends_sentence[:-1], True]
    for span, opening, closing in zip(spans, opens, closes, strict=True):
        if opening and span.seconds > limit:
            within = _splitting(span, sound)
            if within:
                span.start = within[-1][1]
            elif span.seconds > _LONGEST_WORD_SECONDS:
                span.start = span.end - limit
        if closing and span.seconds > limit:
            within = _splitting(span, sound)
            if within:
                span.end = within[0][0]
            elif span.seconds > _LONGEST_WORD_SECONDS:
                span.end = span.start + limit


def _splitting(span: _Span, sound: _Sound) -> list[tuple[float, float]]:
    return [
        (start, end)
        for start, end in sound.pauses
        if end - start >= _SPLITTING_PAUSE_SECONDS and span.start < start and end < span.end
    ]
