"""Text measures: compression, signs of repetition, rates.

Languages written without spaces between words have no word counts here. They are compared by
characters without white space, which in these languages is punctuation or layout only.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from typing import Final

from beam_audio.quality.first_normalizers import spoken_words
from beam_audio.quality.languages import has_word_spaces
from beam_audio.quality.spoken_form import spoken_form

COMPRESSION_MIN_BYTES: Final = 32
"""Shorter texts compress by chance."""
REPETITION_MIN_WORDS: Final = 4
REPETITION_UNIQUE_RATIO: Final = 0.4
REPETITION_NGRAM: Final = 10
REPETITION_NGRAM_COUNT: Final = 3

# The text of a day has hundreds of thousands of words: they are counted one at a time.
_WORD: Final = re.compile(r"\S+")


def tokens(text: str, language: str | None) -> list[str]:
    """The units that are counted and compared: words, or characters in languages without spaces."""
    words = text.split()
    return words if has_word_spaces(language) else list("".join(words))


def compression_ratio(text: str) -> float | None:
    """UTF-8 bytes divided by zlib bytes: high when a text repeats itself; None under 32 bytes."""
    encoded = text.encode("utf-8", errors="replace")
    if len(encoded) < COMPRESSION_MIN_BYTES:
        return None
    return len(encoded) / len(zlib.compress(encoded))


def unique_word_ratio(text: str, language: str | None) -> float | None:
    """Share of words that differ, ignoring case and punctuation; None without words."""
    words = spoken_words(text).split()
    return len(set(words)) / len(words) if words and has_word_spaces(language) else None


def is_repetitive(text: str, language: str | None) -> bool:
    """Whether the text of one segment goes in circles, as decoders do when they lose the audio.

    True for a unique-word ratio of at most 0.4 over at least 4 words, or when any run of 10 words
    (characters, in languages without word spaces) occurs more than 3 times. Not meant for the text
    of a long recording: its unique-word ratio falls with its length.
    """
    spoken = tokens(spoken_words(text), language)
    counts = Counter(spoken)
    if (
        has_word_spaces(language)
        and len(spoken) >= REPETITION_MIN_WORDS
        and len(counts) / len(spoken) <= REPETITION_UNIQUE_RATIO
    ):
        return True
    if max(counts.values(), default=0) <= REPETITION_NGRAM_COUNT:
        return False  # the first word of a run occurs as often as the run
    runs = Counter(zip(*(spoken[start:] for start in range(REPETITION_NGRAM)), strict=False))
    return max(runs.values(), default=0) > REPETITION_NGRAM_COUNT


def words_per_second(text: str, seconds: float, language: str | None) -> float | None:
    """Words per second as they are spoken; None for zero seconds and without word spaces."""
    if seconds <= 0 or not has_word_spaces(language):
        return None
    return sum(1 for _ in _WORD.finditer(spoken_form(text, language))) / seconds


def chars_per_second(text: str, seconds: float, language: str | None) -> float | None:
    """Characters per second without white space, as they are spoken; None for zero seconds."""
    if seconds <= 0:
        return None
    spoken = _WORD.finditer(spoken_form(text, language))
    return sum(found.end() - found.start() for found in spoken) / seconds
