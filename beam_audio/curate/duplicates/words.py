"""Comparison of texts: keys that near-equal texts share, and how much of two texts is equal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
from rapidfuzz.distance import Levenshtein
from rensa import RMinHash

from beam_audio.curate.duplicates.places import Likeness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

LEAST_CHARACTERS: Final = 20
"""Shorter texts, such as greetings, are the same by chance."""

_ALL_EQUAL_CHARACTERS: Final = 12
"""A third of the characters after so many may differ: the shorter two texts, the more of them
must be equal. Two words of eight may be wrong, or one short word of four."""
_SHINGLE_CHARACTERS: Final = 5
_BANDS: Final = 64
_ROWS: Final = 4
"""Texts that have 0.6 of their pieces in common share a key with a chance of 0.9999, those with
0.4 with one of 0.81, and those with 0.05, as other texts have, with one of 0.0004."""
_SEED: Final = 17
_BETWEEN: Final = b"\0"


def text_print(texts: Iterable[str | None]) -> bytes | None:
    """What a row is compared by: its texts without case and punctuation; None for short ones."""
    folded = (" ".join(re.findall(r"\w+", text.casefold())) for text in texts if text)
    kept = dict.fromkeys(each for each in folded if len(each) >= LEAST_CHARACTERS)
    return _BETWEEN.join(each.encode() for each in kept) or None


def text_keys(stored: bytes) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Keys of a row's texts; near-equal texts share one. Shapes (n,) and (n,), all at 0."""
    keys = np.unique(np.concatenate([_keys(each) for each in stored.split(_BETWEEN)]))
    return keys, np.zeros(len(keys), dtype=np.int64)


def compare_texts(first: bytes, second: bytes, _shift: int) -> Likeness | None:
    """How much of two rows' texts is equal; None if it is little.

    The similarity is the share of characters that stay when one text is changed into the other,
    for those of their texts that are most alike.
    """
    similarity = max(
        _similarity(one.decode(), other.decode())
        for one in first.split(_BETWEEN)
        for other in second.split(_BETWEEN)
    )
    return Likeness(round(similarity, 4)) if similarity else None


def _similarity(first: str, second: str) -> float:
    """Share of equal characters; 0.0 where too many differ."""
    longer = max(len(first), len(second))
    most = (longer - _ALL_EQUAL_CHARACTERS) // 3
    changed = Levenshtein.distance(first, second, score_cutoff=most)
    return 1.0 - changed / longer if changed <= most else 0.0


def _keys(text: bytes) -> NDArray[np.uint64]:
    minima = RMinHash(num_perm=_BANDS * _ROWS, seed=_SEED)
    minima.update(sorted(_shingles(text)))
    rows = np.array(minima.digest(), dtype=np.uint64).reshape(_BANDS, _ROWS)
    keys = np.arange(_BANDS, dtype=np.uint64)
    for column in rows.T:  # the multiplier of FNV-1a; the product wraps
        keys = (keys ^ column) * np.uint64(0x100000001B3)
    return keys


def _shingles(text: bytes) -> frozenset[str]:
    decoded = text.decode()
    last = len(decoded) - _SHINGLE_CHARACTERS + 1
    return frozenset(decoded[at : at + _SHINGLE_CHARACTERS] for at in range(last))
