"""Passages: neighbouring segments of a recording, recognised together and then separated again.

Whisper was trained on windows of 30 s, and a segment of three seconds has little context. On speech
cut at its pauses it makes a third more word errors than on passages of the same segments, which are
also faster to recognise (``benchmarks/longform.py``). A passage is its segments joined one after
the other, so that the borders are in the pauses. Each word belongs to the segment that contains its
middle.

A passage can fail where a segment would not: Whisper takes a pause for the end and leaves out the
rest, translates a part that is in another language, or repeats itself. Therefore a segment is
recognised again on its own if it has too few or too many words for speech, a long gap between
words, or seems to be in another language. All segments of a passage that Whisper's safeguards
distrust are recognised again, too.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.recognizer import Request
from beam_audio.quality.languages import has_word_spaces
from beam_audio.types import Transcript, Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Measured against 10, 15, 25 and 30 s: none had fewer word errors with both tiny.en and base.
PASSAGE_SECONDS: Final = 20.0

# Pauses inside a segment are at most 0.3 s long, and its pads 0.2 s.
_LONGEST_GAP_SECONDS: Final = 2.0
_MOST_CHARS_PER_SECOND: Final = 40.0
_LEAST_CHARS_PER_SECOND: Final = {True: 3.0, False: 1.5}
_DECIMALS: Final = 3


def join(requests: Sequence[Request]) -> Request:
    """One request for segments in one language that follow each other in a recording."""
    if len(requests) == 1:
        return requests[0]
    first = requests[0]
    samples = np.concatenate([request.samples for request in requests])
    return Request(samples, first.language, first.seed, tuple(requests))


def part(words: Sequence[Word], lengths_seconds: Iterable[float]) -> list[slice]:
    """The words of each piece of a passage: those whose middle is inside the piece.

    Args:
        words: Words in order, not overlapping, with times in the passage.
        lengths_seconds: Length of each piece, in order.

    Returns:
        One slice of the words per piece; together they cover all words.
    """
    middles = [(word.start_seconds + word.end_seconds) / 2 for word in words]
    stops = [bisect_left(middles, border) for border in accumulate(lengths_seconds)]
    stops[-1] = len(words)
    return [slice(first, stop) for first, stop in pairwise([0, *stops])]


def move(words: Iterable[Word], start_seconds: float, seconds: float) -> tuple[Word, ...]:
    """Words of a piece, with times counted from its start and limited to its length."""

    def moved(time: float) -> float:
        return min(max(round(time - start_seconds, _DECIMALS), 0.0), seconds)

    return tuple(
        Word(word.word, moved(word.start_seconds), moved(word.end_seconds), word.probability)
        for word in words
    )


def is_plausible(words: Sequence[Word], seconds: float, language: str) -> bool:
    """Whether words can be all that was said in a piece: no gap, not too few and not too many."""
    times = [time for word in words for time in (word.start_seconds, word.end_seconds)]
    gaps = [end - start for start, end in list(pairwise([0.0, *times, seconds]))[::2]]
    characters = sum(len(part) for word in words for part in word.word.split())
    least = _LEAST_CHARS_PER_SECOND[has_word_spaces(language)]
    return (
        max(gaps) <= _LONGEST_GAP_SECONDS
        and seconds > 0
        and least <= characters / seconds <= _MOST_CHARS_PER_SECOND
    )


def joined(pieces: Sequence[Transcript]) -> Transcript:
    """The transcript of a passage: the texts of its pieces, one after the other."""
    language = pieces[0].language
    glue = " " if has_word_spaces(language) else ""
    text = glue.join(piece.text for piece in pieces if piece.text)
    return Transcript(text, language, pieces=tuple(pieces))
