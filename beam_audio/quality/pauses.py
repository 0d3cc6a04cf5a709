"""Pauses between the words of a recording: where it can be cut.

The times of words are exact to a tenth of a second; the silences between stretches of speech are
more exact, and are taken where there is one beside the words.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.types import Word

_LONGEST_EDGE_SECONDS: Final = 0.3
"""Silence that a clip has at most before its first and after its last word."""
_WORD_ERROR_SECONDS: Final = 0.15
_SHORTEST_SILENCE_SECONDS: Final = 0.05
_DECIMALS: Final = 3


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was heard of a recording.

    Attributes:
        words: Its words in order, with times in the recording.
        speech: Start and end of each stretch of speech, in order, in seconds.
        seconds: Its length.
    """

    words: Sequence[Word] = field(repr=False)
    speech: Sequence[tuple[float, float]] = field(repr=False)
    seconds: float


class Pauses:
    """Where a recording can be cut: the pause before each of its words, and after the last."""

    def __init__(self, spoken: Spoken) -> None:
        self._words, self._seconds = spoken.words, spoken.seconds
        silences, latest = [], 0.0
        for start, end in [*spoken.speech, (spoken.seconds, spoken.seconds)]:
            if start > latest:
                silences.append((latest, start))
            latest = max(latest, end)
        self._silences = silences

    def seconds(self, number: int) -> float:
        """Length of the pause before a word."""
        start, end = self._pause(number)
        return end - start

    def after(self, number: int) -> float:
        """Where what begins with a word is cut."""
        start, end = self._pause(number)
        return round(max((start + end) / 2, end - _LONGEST_EDGE_SECONDS), _DECIMALS)

    def before(self, number: int) -> float:
        """Where what ends before a word is cut."""
        start, end = self._pause(number)
        return round(min((start + end) / 2, start + _LONGEST_EDGE_SECONDS), _DECIMALS)

    def _pause(self, number: int) -> tuple[float, float]:
        """The longest silence between two words, or all between them if they are not parted."""
        low, high = 0.0, self._seconds
        widest = [low, high]
        if number > 0:
            word = self._words[number - 1]
            low = word.end_seconds
            widest[0] = max((word.start_seconds + low) / 2, low - _WORD_ERROR_SECONDS)
        if number < len(self._words):
            word = self._words[number]
            high = word.start_seconds
            widest[1] = min((word.end_seconds + high) / 2, high + _WORD_ERROR_SECONDS)
        inside = [
            (max(start, widest[0]), min(end, widest[1]))
            for start, end in self._silences_near(*widest)
        ]
        longest = max(inside, key=lambda each: each[1] - each[0], default=(0.0, 0.0))
        if longest[1] - longest[0] >= _SHORTEST_SILENCE_SECONDS:
            return longest
        return (low, high) if low <= high else ((low + high) / 2, (low + high) / 2)

    def _silences_near(self, low: float, high: float) -> Iterator[tuple[float, float]]:
        place = bisect_right(self._silences, low, key=lambda each: each[1])
        while place < len(self._silences) and self._silences[place][0] < high:
            yield self._silences[place]
            place += 1
