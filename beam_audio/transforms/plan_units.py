"""PlanUnits: inputs meet what was committed of them; what is left to do comes out as units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.output.commits import commit_files, load_commit
from beam_audio.types import AudioRef
from beam_audio.unit.progress import PROGRESS
from beam_audio.unit.tasks import Committed, Task, committed_sources
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beam_audio.unit.tasks import Input, Wanted

MAX_UNIT_INPUTS: Final = 64
_NEW: Final = "new"
_AGAIN: Final = "again"


class PlanUnits(beam.PTransform):
    """Turns listed inputs into the units that are left to do; inputs listed twice count once.

    Inputs without rows are grouped by the hash of their source id, sized by bytes of encoded audio;
    a file above ``unit_bytes`` is a unit of its own. Inputs whose rows are out of date come out in
    the committed unit that holds these rows.

    Args:
        output: The output folder.
        wanted: What the rows should be made with.
        unit_bytes: Encoded bytes a unit.
    """

    def __init__(self, output: str, wanted: Wanted, unit_bytes: int) -> None:
        super().__init__()
        self._output = output
        self._wanted = wanted
        self._unit_bytes = unit_bytes

    def expand(self, inputs: beam.PCollection[Input]) -> beam.PCollection[Unit]:
        """Wire the planning; only references and commit records cross a shuffle."""
        committed = (
            inputs.pipeline
            | "Output" >> beam.Create([self._output])
            | "Records" >> beam.FlatMap(commit_files)
            | "Spread" >> beam.Reshuffle()
            | "Committed" >> beam.FlatMap(lambda file: committed_sources([load_commit(file.path)]))
        )
        listed = inputs | "Place" >> beam.Map(lambda item: (item.place_id, item))
        planned = (
            {"listed": listed, "committed": committed}
            | "Meet" >> beam.CoGroupByKey()
            | "Plan" >> beam.ParDo(_Plan(self._wanted)).with_outputs(_AGAIN, main=_NEW)
        )
        again = (
            planned[_AGAIN] | "ByUnit" >> beam.GroupByKey() | "Unit" >> beam.MapTuple(unit_again)
        )
        return (self._grouped(planned[_NEW]), again) | "AllUnits" >> beam.Flatten()

    def _grouped(self, tasks: beam.PCollection[Task]) -> beam.PCollection[Unit]:
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


class _Plan(beam.DoFn):
    def __init__(self, wanted: Wanted) -> None:
        super().__init__()
        self._wanted = wanted

    def process(
        self, element: tuple[str, Mapping[str, Iterable[Input | Committed]]]
    ) -> Iterator[Task | beam.pvalue.TaggedOutput]:
        _, found = element
        listed = [item for item in found["listed"] if not isinstance(item, Committed)]
        committed = [each for each in found["committed"] if isinstance(each, Committed)]
        for unit, task in self._wanted.tasks(listed, committed):
            PROGRESS.plan(inputs=1)
            if unit is None:
                yield task
            else:
                yield beam.pvalue.TaggedOutput(_AGAIN, (unit.unit_id, (unit.version, task)))


def unit_again(unit_id: str, tasks: Iterable[tuple[int, Task]]) -> Unit:
    """The next version of a committed unit, from the tasks that repeat part of it."""
    ordered = sorted(tasks, key=lambda each: each[1].source_id)
    return Unit(unit_id, tuple(task for _, task in ordered), version=ordered[0][0])


def pack(tasks: Iterable[Task], unit_bytes: int) -> Iterator[Unit]:
    """Pack tasks into units of at most ``unit_bytes``, in the order of their source ids.

    A runner that repeats this step gets the same units, committed or not. An input that another
    unit of the run has committed, as when files were added meanwhile, is left to that unit.
    """
    for tasks_of_unit in into_units(tasks, unit_bytes):
        unit = Unit.of(tasks_of_unit)
        kept = [task for task in unit.tasks if task.held_by in {"", unit.unit_id}]
        if kept:
            yield unit if len(kept) == len(unit.tasks) else Unit.of(kept)


def into_units(tasks: Iterable[Task], unit_bytes: int) -> Iterator[list[Task]]:
    """Split tasks into lists, one for each unit, in the order of their source ids."""
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
