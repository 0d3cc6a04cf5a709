"""Comparison of fingerprints: keys that copies of a sound share, and where two of them agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.curate.duplicates.places import Likeness, Stretch
from beam_audio.quality.fingerprint import WORD_BITS, WORD_SECONDS, first_word, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

LEAST_SIMILARITY: Final = 0.8
"""Share of equal bits. Other sounds reach 0.66 where they fit best; see docs/duplicates.md."""
LEAST_WORDS: Final = 20
"""Stretches with fewer words of sound are not said to be alike."""

_LEAST_EVIDENCE: Final = 3.3
"""Words, times the squared distance of their similarity from chance: the shorter a stretch, the
more its bits must agree. 37 words, or 1.6 s, do at the least similarity, 20 words at 0.91."""
_CHANCE: Final = 0.5
_KEY_WORDS: Final = 4
"""A key is two words, this far apart."""
_LEAST_VARIETY: Final = 0.2
"""Share of words that differ from each other; a steady tone has less, and is like any other."""
_WORD_SPAN_SECONDS: Final = 0.4
"""What one word is about."""
_BITS_SET: Final = np.array([value.bit_count() for value in range(1 << WORD_BITS)], dtype=np.uint8)
_NO_KEYS: Final = np.zeros(0, dtype=np.uint64)


def sound_keys(stored: bytes) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Keys of a fingerprint, and the words they stand at; shapes (n,) and (n,)."""
    words = words_of(stored).astype(np.uint64)
    if len(words) <= _KEY_WORDS:
        return _NO_KEYS, np.zeros(0, dtype=np.int64)
    early, late = words[:-_KEY_WORDS], words[_KEY_WORDS:]
    at = np.flatnonzero((early > 0) & (late > 0))
    return early[at] << np.uint64(WORD_BITS) | late[at], at


def timeline(parts: Iterable[tuple[float, bytes]]) -> bytes | None:
    """The fingerprints of a recording's segments as one, with silence between them.

    Args:
        parts: Start in seconds and fingerprint of each segment, in any order.

    Returns:
        Words from the start of the recording on; None if no segment has any.
    """
    placed = [(first_word(start), words_of(stored)) for start, stored in parts]
    length = max((first + len(words) for first, words in placed), default=0)
    line = np.zeros(length, dtype="<u2")
    for first, words in placed:
        line[first : first + len(words)] = words
    return line.tobytes() if line.any() else None


def compare_sounds(first: bytes, second: bytes, shift: int) -> Likeness | None:
    """Where two fingerprints agree.

    Args:
        first: A fingerprint.
        second: Another.
        shift: The word of the first at which the second begins, about; may be negative.

    Returns:
        The longest agreement there; None if it is too short, too weak, or of steady sound.
    """
    found = [_agreement(words_of(first), words_of(second), shift + by) for by in (-1, 0, 1)]
    return max(
        (each for each in found if each is not None),
        key=_extent,
        default=None,
    )


def _extent(likeness: Likeness) -> tuple[float, float]:
    return likeness.first.seconds if likeness.first else 0.0, likeness.similarity


def _agreement(
    first: NDArray[np.uint16], second: NDArray[np.uint16], shift: int
) -> Likeness | None:
    begin = max(0, shift)
    first, second = first[begin:], second[begin - shift :]
    length = min(len(first), len(second))
    first, second = first[:length], second[:length]
    heard = (first > 0) & (second > 0)
    if np.count_nonzero(heard) < LEAST_WORDS:
        return None
    wrong = _BITS_SET[first ^ second].astype(np.int64)
    # The stretch with the largest sum: words that agree well add to it, others take away.
    scores = np.where(heard, (1.0 - LEAST_SIMILARITY) * WORD_BITS + 1.0 - wrong, 0.0)
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    gains = sums - np.minimum.accumulate(sums)
    end = int(np.argmax(gains))
    start = int(np.argmin(sums[: end + 1]))
    chosen = np.flatnonzero(heard[start:end]) + start
    if len(chosen) < LEAST_WORDS:
        return None
    similarity = 1.0 - float(wrong[chosen].mean()) / WORD_BITS
    evidence = len(chosen) * (similarity - _CHANCE) ** 2
    variety = len(np.unique(first[chosen])) / len(chosen)
    if similarity < LEAST_SIMILARITY or evidence < _LEAST_EVIDENCE or variety < _LEAST_VARIETY:
        return None
    return Likeness(
        round(similarity, 4),
        _stretch(begin + start, begin + end),
        _stretch(begin - shift + start, begin - shift + end),
    )


def _stretch(start: int, end: int) -> Stretch:
    return Stretch(start * WORD_SECONDS, (end - 1) * WORD_SECONDS + _WORD_SPAN_SECONDS)
