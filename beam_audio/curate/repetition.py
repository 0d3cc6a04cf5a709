"""Signs of repetition in many texts at once, as :mod:`beam_audio.quality.text` finds them in one.

Words of plain texts are counted for all rows together. Other texts, and those few whose counts do
not tell, are looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_audio.quality.languages import has_word_spaces
from beam_audio.quality.text import (
    REPETITION_MIN_WORDS,
    REPETITION_NGRAM,
    REPETITION_NGRAM_COUNT,
    REPETITION_UNIQUE_RATIO,
    is_repetitive,
    unique_word_ratio,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

T = TypeVar("T")

_NOT_SPOKEN: Final = r"[!-/:-@\[-`{-~]"
"""Punctuation and symbols in ASCII; words are what stands between them and spaces."""
_CONTROL: Final = r"[\x00-\x1f\x7f]"


@dataclass(frozen=True, slots=True)
class WordCounts:
    """Words of texts, counted for all texts together.

    Attributes:
        texts: The texts.
        languages: The language that the words of each are counted in; None if unknown.
        is_known: Whether a text was counted: it is in ASCII, in a language with word spaces.
        words: Number of its words.
        different: How many of them differ.
        frequent: How many of them are words that occur more than 3 times.
    """

    texts: pa.Array
    languages: NDArray[np.object_]
    is_known: NDArray[np.bool_]
    words: NDArray[np.int64]
    different: NDArray[np.int64]
    frequent: NDArray[np.int64]

    @classmethod
    def of(cls, texts: pa.Array, languages: NDArray[np.object_]) -> Self:
        """Count the words of these texts."""
        spaced = {each: has_word_spaces(each) for each in set(languages)}
        plain = pc.and_not(
            pc.string_is_ascii(texts), pc.match_substring_regex(texts, _CONTROL)
        ).to_numpy(zero_copy_only=False)
        known = plain & np.array([spaced[each] for each in languages], dtype=np.bool_)
        spoken = pc.replace_substring_regex(texts.filter(pa.array(known)), _NOT_SPOKEN, " ")
        lists = pc.ascii_split_whitespace(pc.ascii_lower(spoken))
        owners = np.flatnonzero(known)[pc.list_parent_indices(lists).to_numpy()]
        encoded = lists.flatten().dictionary_encode()
        words = encoded.dictionary.to_pylist()
        codes = encoded.indices.to_numpy()
        # Spaces at the ends of a text give empty words.
        are_words = codes != words.index("") if "" in words else np.ones(len(codes), np.bool_)
        keys = owners[are_words] * len(words) + codes[are_words]
        found, counts = np.unique(keys, return_counts=True)
        rows = found // max(len(words), 1)

        def summed(values: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.bincount(rows, values, minlength=len(texts)).astype(np.int64)

        often = np.where(counts > REPETITION_NGRAM_COUNT, counts, 0)
        return cls(
            texts, languages, known, summed(counts), summed(np.ones_like(counts)), summed(often)
        )

    def unique_word_ratios(self) -> NDArray[np.float64]:
        """:func:`unique_word_ratio` of each text; NaN for None."""
        with np.errstate(invalid="ignore"):
            found = self.different / self.words
        rows = np.flatnonzero(~self.is_known)
        found[rows] = [
            np.nan if each is None else each for each in self._of(unique_word_ratio, rows)
        ]
        return found

    def are_repetitive(self) -> NDArray[np.bool_]:
        """Whether :func:`is_repetitive` says so of each text."""
        with np.errstate(invalid="ignore"):
            few = self.different / self.words <= REPETITION_UNIQUE_RATIO
        found = self.is_known & (self.words >= REPETITION_MIN_WORDS) & few
        # Runs of words that occur more than 3 times take so many words that occur as often.
        may_run = self.frequent >= REPETITION_NGRAM + REPETITION_NGRAM_COUNT
        rows = np.flatnonzero(~self.is_known | (may_run & ~found))
        found[rows] = self._of(is_repetitive, rows)
        return found

    def _of(self, function: Callable[[str, str | None], T], rows: NDArray[np.intp]) -> list[T]:
        texts = self.texts.take(rows).to_pylist()
        return [function(*each) for each in zip(texts, self.languages[rows], strict=True)]
