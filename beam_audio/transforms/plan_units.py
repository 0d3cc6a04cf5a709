"""PlanUnits: compares inputs with the commit records and gives the units left to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.output.commits import commit_files, load_commit
from beam_audio.unit.packing import bucket_count, pack, size_bytes, unit_again
from beam_audio.unit.progress import PROGRESS
from beam_audio.unit.tasks import Committed, Task, committed_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beam_audio.unit.tasks import Input, Wanted
    from beam_audio.unit.transcribe import Unit

_NEW: Final = "new"
_AGAIN: Final = "again"


class PlanUnits(beam.PTransform):
    """Turns inputs of any pipeline into the units left to do; inputs listed twice count once.

    Inputs without rows are grouped by their source id into units of about ``unit_bytes`` of encoded
    audio; a larger file is a unit of its own, and cuts of one file are together. Inputs whose rows
    are out of date are part of the committed unit that holds these rows.

    Args:
        output: The output folder.
        wanted: The configuration that the rows should have.
        unit_bytes: Encoded bytes per unit.
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


def _sum_pairs(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    sizes, counts = 0, 0
    for size, count in pairs:
        sizes += size
        counts += count
    return sizes, counts


def _keyed(task: Task, buckets: int) -> tuple[int, Task]:
    return int(task.file_id, 16) % buckets, task
