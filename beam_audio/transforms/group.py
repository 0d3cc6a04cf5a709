"""GroupIntoUnits: small references into units that take minutes at most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Input = AudioRef | Failure

MAX_UNIT_INPUTS: Final = 64


class GroupIntoUnits(beam.PTransform):
    """Groups inputs by the hash of their source id, sized by bytes of encoded audio.

    Inputs with the same source id become one. A file above ``unit_bytes`` is a unit of its own.
    """

    def __init__(self, unit_bytes: int) -> None:
        super().__init__()
        self._unit_bytes = unit_bytes

    def expand(self, inputs: beam.PCollection[Input]) -> beam.PCollection[tuple[Input, ...]]:
        """Wire the grouping; only references cross the shuffle."""
        buckets = (
            inputs
            | "Size" >> beam.Map(lambda item: (size_bytes(item), 1))
            | "Total" >> beam.CombineGlobally(_sum_pairs)
            | "Buckets" >> beam.Map(bucket_count, unit_bytes=self._unit_bytes)
        )
        return (
            inputs
            | "Key" >> beam.Map(_keyed, buckets=beam.pvalue.AsSingleton(buckets))
            | "Group" >> beam.GroupByKey()
            | "Pack" >> beam.FlatMapTuple(self._pack)
        )

    def _pack(self, _bucket: int, inputs: Iterable[Input]) -> Iterator[tuple[Input, ...]]:
        return pack(inputs, self._unit_bytes)


def pack(inputs: Iterable[Input], unit_bytes: int) -> Iterator[tuple[Input, ...]]:
    """Split inputs into units of at most ``unit_bytes``, in the order of their source ids."""
    distinct = {item.source_id: item for item in sorted(inputs, key=_stable_order)}
    unit: list[Input] = []
    held_bytes = 0
    for item in distinct.values():
        full = held_bytes + size_bytes(item) > unit_bytes or len(unit) == MAX_UNIT_INPUTS
        if unit and full:
            yield tuple(unit)
            unit, held_bytes = [], 0
        unit.append(item)
        held_bytes += size_bytes(item)
    if unit:
        yield tuple(unit)


def size_bytes(item: Input) -> int:
    """Encoded size of an input; a failure to read one weighs nothing."""
    return item.size_bytes if isinstance(item, AudioRef) else 0


def bucket_count(total: tuple[int, int], unit_bytes: int) -> int:
    """How many hash buckets hold (bytes, inputs) so that most are one unit."""
    total_bytes, inputs = total
    return max(1, math.ceil(total_bytes / unit_bytes), math.ceil(inputs / MAX_UNIT_INPUTS))


def _sum_pairs(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    sizes, counts = 0, 0
    for size, count in pairs:
        sizes += size
        counts += count
    return sizes, counts


def _keyed(item: Input, buckets: int) -> tuple[int, Input]:
    return int(item.source_id, 16) % buckets, item


def _stable_order(item: Input) -> tuple[str, str]:
    # Of two claims about one source the same one must win whatever order they arrive in.
    return item.source_id, repr(item)
