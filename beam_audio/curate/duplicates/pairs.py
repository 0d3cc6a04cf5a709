"""Pairs of rows that are alike, level by level: the steps that a graph spreads over workers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.curate.duplicates.buckets import ENTRY, Candidate, candidates_of, hits_of, pack
from beam_audio.curate.duplicates.places import Item, Level, Likeness, Pair
from beam_audio.curate.duplicates.sound import compare_sounds, sound_keys
from beam_audio.curate.duplicates.words import compare_texts, text_keys
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from beam_audio.curate.duplicates.buckets import Packed
    from beam_audio.curate.duplicates.places import Place


@dataclass(frozen=True, slots=True)
class Comparison:
    """How rows are compared on one level.

    Attributes:
        keys: Keys of a print, and where they stand.
        least_hits: So many keys two rows must share to be compared at all.
        compare: How two prints are alike at a shift, or None.
    """

    keys: Callable[[bytes], tuple[NDArray[np.uint64], NDArray[np.int64]]]
    least_hits: int
    compare: Callable[[bytes, bytes, int], Likeness | None]


def _exact_keys(stored: bytes) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    key = int(stable_id("exact", stored.decode())[:16], 16)
    return np.array([key], dtype=np.uint64), np.zeros(1, dtype=np.int64)


def _compare_exactly(first: bytes, second: bytes, _shift: int) -> Likeness | None:
    return Likeness(1.0) if first == second else None


_EXACT: Final = Comparison(_exact_keys, 1, _compare_exactly)
COMPARISONS: Final[Mapping[Level, Comparison]] = {
    "bytes": _EXACT,
    "samples": _EXACT,
    "sound": Comparison(sound_keys, 2, compare_sounds),
    "text": Comparison(text_keys, 1, compare_texts),
}


def entries_of(items: Iterable[Item], level: Level) -> Packed:
    """Entries of some rows; see :mod:`beam_audio.curate.duplicates.buckets`."""
    keys_of = COMPARISONS[level].keys
    packed = [pack(item.place.row_id, *keys_of(item.print)) for item in items]
    return np.concatenate([np.zeros(0, dtype=ENTRY), *packed])


def pair_of(first: Item, second: Item, candidate: Candidate, level: Level) -> Pair | None:
    """The pair of two rows, if they are alike."""
    if first.place.is_test and second.place.is_test:
        return None
    likeness = COMPARISONS[level].compare(first.print, second.print, candidate.shift)
    if likeness is None:
        return None
    if level == "text" and _speakers_differ(first.place, second.place):
        return None
    return Pair(level, first.place, second.place, likeness)


def find_pairs(items: Iterable[Item], level: Level) -> Iterator[Pair]:
    """Pairs of rows that are alike, in one process; each row has one item."""
    by_id = {item.place.row_id: item for item in items}
    hits, _ = hits_of(entries_of(by_id.values(), level))
    for each in candidates_of(hits, COMPARISONS[level].least_hits):
        pair = pair_of(by_id[each.row_id], by_id[each.other_id], each, level)
        if pair is not None:
            yield pair


def by_shard(packed: Packed, shards: NDArray[np.uint64]) -> Iterator[tuple[int, bytes]]:
    """Packed rows with the number of the worker's share they belong to; shapes (n,) and (n,)."""
    order = np.argsort(shards, kind="stable")
    packed, shards = packed[order], shards[order]
    bounds = np.flatnonzero(shards[1:] != shards[:-1]) + 1
    for first, last in pairwise([0, *bounds.tolist(), len(packed)]):
        if first < last:
            yield int(shards[first]), packed[first:last].tobytes()


def _speakers_differ(first: Place, second: Place) -> bool:
    """The same words by somebody else are no duplicate."""
    return None not in {first.speaker, second.speaker} and first.speaker != second.speaker
