"""Fingerprints and texts of rows that nobody recorded, and copies of them with errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.curate.duplicates.places import Item, Place, Source
from beam_audio.curate.duplicates.words import text_print
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Sentence = NDArray[np.str_]

BITS_WRONG: Final = 0.06
WORDS_WRONG: Final = 0.05
_VOCABULARY: Final = 20_000
_OFFSET: Final = 2.7
"""Of the law of Zipf and Mandelbrot: the commonest word is 3 % of all."""


def sounds(count: int, words: int = 120) -> NDArray[np.uint16]:
    """Words of sounds whose bands rise and fall at random, as smoothly as those of speech."""
    generator = np.random.default_rng(3)
    found = np.empty((count, words), dtype="<u2")
    for first in range(0, count, 1000):
        noise = generator.standard_normal((min(1000, count - first), words + 12, 17), np.float32)
        sums = np.cumsum(noise, axis=1)
        smooth = sums[:, 6:] - sums[:, :-6]
        rises = smooth[:, 6:] - smooth[:, :-6]
        found[first : first + 1000] = (rises[..., :-1] > rises[..., 1:]) @ (1 << np.arange(16))
    return found


def copied(words: NDArray[np.uint16]) -> bytes:
    """A sound without its first 0.7 s, with 6 % of its bits turned."""
    bits = np.unpackbits(words[22:].view(np.uint8))
    turned = np.random.default_rng(4).random(len(bits)) < BITS_WRONG
    return np.packbits(bits ^ turned).tobytes()


class Texts:
    """Sentences of 8 to 24 words that are as common as those of a language."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(5)
        lengths = self._generator.integers(2, 10, _VOCABULARY)
        self._words = np.array(
            ["".join(map(chr, self._generator.integers(97, 123, each))) for each in lengths]
        )
        weights = 1.0 / (np.arange(1, _VOCABULARY + 1) + _OFFSET)
        self._shares = weights / weights.sum()

    def sentences(self, count: int) -> list[Sentence]:
        """New sentences."""
        lengths = self._generator.integers(8, 25, count)
        drawn = self._generator.choice(_VOCABULARY, lengths.sum(), p=self._shares)
        return np.split(self._words[drawn], np.cumsum(lengths)[:-1])

    def misheard(self, sentence: Sentence) -> Sentence:
        """A sentence of which each word is another one with a chance of 5 %."""
        others = self._words[self._generator.integers(0, _VOCABULARY, len(sentence))]
        return np.where(self._generator.random(len(sentence)) < WORDS_WRONG, others, sentence)


def text_of(sentence: Sentence) -> bytes:
    """What a row with this text is compared by."""
    stored = text_print([" ".join(sentence)])
    if stored is None:
        raise ValueError("sentences of eight words are compared")
    return stored


def item(name: str, stored: bytes, unit_id: str = "unit") -> Item:
    """A row of a recording of its own."""
    row_id = stable_id(name)
    return Item(Place(row_id, "recordings", Source(row_id, name), unit_id), stored)
