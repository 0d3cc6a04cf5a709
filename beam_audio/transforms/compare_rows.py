"""CompareRows: rows that share keys are grouped, and those that share enough are compared."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import numpy as np

from beam_audio.curate.duplicates.buckets import ENTRY, HIT, Candidate, candidates_of, hits_of
from beam_audio.curate.duplicates.pairs import COMPARISONS, by_shard, entries_of, pair_of
from beam_audio.curate.duplicates.places import Item, Level, Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CROWDED_KEYS: Final = "crowded_keys"
"""Counter of keys that so many rows share that not all of them are compared."""

_SHARDS: Final = 64
"""Shares of the keys; one fits in memory up to some hundred million keys in all."""

Items = dict[Level, list[Item]]


class CompareRows(beam.PTransform):
    """Finds the pairs of rows that are alike on one level.

    Takes a collection of mappings from levels to items, one mapping a unit. Only packed keys, and
    those rows that share some, travel between workers.
    """

    def __init__(self, level: Level) -> None:
        super().__init__()
        self._level = level

    def expand(self, items: beam.PCollection[Items]) -> beam.PCollection[Pair]:
        """From the items of units to pairs of rows."""
        level = self._level
        by_id = items | "ById" >> beam.FlatMap(
            lambda unit: [(item.place.row_id, item) for item in unit[level]]
        )
        candidates = (
            items
            | "Entries" >> beam.FlatMap(_sharded_entries, level)
            | "Keys" >> beam.GroupByKey()
            | "Hits" >> beam.FlatMap(_sharded_hits)
            | "Rows" >> beam.GroupByKey()
            | "Candidates" >> beam.FlatMap(_candidates, level)
        )
        halves = (
            {"items": by_id, "candidates": candidates}
            | "First" >> beam.CoGroupByKey()
            | "Half" >> beam.FlatMap(_halves)
        )
        return (
            {"items": by_id, "halves": halves}
            | "Second" >> beam.CoGroupByKey()
            | "Pair" >> beam.FlatMap(_pairs, level)
        )


def _sharded_entries(unit: Items, level: Level) -> Iterator[tuple[int, bytes]]:
    entries = entries_of(unit[level], level)
    return by_shard(entries, entries["key"] % np.uint64(_SHARDS))


def _sharded_hits(shard: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
    hits, crowded = hits_of(np.frombuffer(b"".join(shard[1]), dtype=ENTRY))
    beam.metrics.Metrics.counter("beam_audio", CROWDED_KEYS).inc(crowded)
    return by_shard(hits, (hits["low"] ^ hits["other_low"]) % np.uint64(_SHARDS))


def _candidates(shard: tuple[int, Iterable[bytes]], level: Level) -> list[tuple[str, Candidate]]:
    hits = np.frombuffer(b"".join(shard[1]), dtype=HIT)
    found = candidates_of(hits, COMPARISONS[level].least_hits)
    return [(each.row_id, each) for each in found]


def _halves(joined: tuple[str, Mapping[str, Any]]) -> Iterator[tuple[str, tuple[Item, Candidate]]]:
    """Candidates with their first row, by the id of the second."""
    _, found = joined
    for item, candidate in product(found["items"], found["candidates"]):
        yield candidate.other_id, (item, candidate)


def _pairs(joined: tuple[str, Mapping[str, Any]], level: Level) -> Iterator[Pair]:
    _, found = joined
    for second, (first, candidate) in product(found["items"], found["halves"]):
        pair = pair_of(first, second, candidate, level)
        if pair is not None:
            yield pair
