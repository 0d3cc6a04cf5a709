"""GroupIntoUnits: small references into units that take minutes at most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.types import AudioRef
from beam_audio.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.staleness import Task

MAX_UNIT_INPUTS: Final = 64


class GroupIntoUnits(beam.PTransform):
    """Groups tasks by the hash of their source id, sized by bytes of encoded audio.

    A file above ``unit_bytes`` is a unit of its own.
    """

    def __init__(self, unit_bytes: int) -> None:
        super().__init__()
        self._unit_bytes = unit_bytes

    def expand(self, tasks: beam.PCollection[Task]) -> beam.PCollection[Unit]:
        """Wire the grouping; only references cross the shuffle."""
        buckets = (
            tasks
            | "Size" >> beam.Map(lambda task: (size_bytes(task), 1))
            | "Total" >> beam.CombineGlobally(_sum_pairs)
            | "Buckets" >> beam.Map(bucket_count, unit_bytes=self._unit_bytes)
        )
        return (
            tasks
            | "Key" >> beam.Map(_keyed, buckets=beam.pvalue.AsSingleton(buckets))
            | "Group" >> beam.GroupByKey()
            | "Pack" >> beam.FlatMapTuple(self._pack)
        )

    def _pack(self, _bucket: int, tasks: Iterable[Task]) -> Iterator[Unit]:
        return pack(tasks, self._unit_bytes)


def pack(tasks: Iterable[Task], unit_bytes: int) -> Iterator[Unit]:
    """Split tasks into units of at most ``unit_bytes``, in the order of their source ids.

    Where a runner does this a second time, units come out as before, committed or not. An input
    that another unit of the run has committed, as when files were added meanwhile, is left to it.
    """
    for tasks_of_unit in split(tasks, unit_bytes):
        unit = Unit.of(tasks_of_unit)
        kept = [task for task in unit.tasks if task.held_by in {"", unit.unit_id}]
        if kept:
            yield unit if len(kept) == len(unit.tasks) else Unit.of(kept)


def split(tasks: Iterable[Task], unit_bytes: int) -> Iterator[list[Task]]:
    """Split tasks into lists that are worth a unit each, in the order of their source ids."""
    unit: list[Task] = []
    held_bytes = 0
    for task in sorted(tasks, key=lambda task: task.source_id):
        full = held_bytes + size_bytes(task) > unit_bytes or len(unit) == MAX_UNIT_INPUTS
        if unit and full:
            yield unit
            unit, held_bytes = [], 0
        unit.append(task)
        held_bytes += size_bytes(task)
    if unit:
        yield unit


def size_bytes(task: Task) -> int:
    """Encoded size of an input; a failure to read one weighs nothing."""
    return task.item.size_bytes if isinstance(task.item, AudioRef) else 0


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


def _keyed(task: Task, buckets: int) -> tuple[int, Task]:
    return int(task.source_id, 16) % buckets, task
