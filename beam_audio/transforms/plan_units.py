"""PlanWork: inputs and what is committed, met by their place; out comes what is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.commits import commit_files, load_commit
from beam_audio.staleness import Committed, Task, committed_sources
from beam_audio.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beam_audio.staleness import Input, Wanted

NEW: Final = "new"
AGAIN: Final = "again"


class PlanWork(beam.PTransform):
    """Tells what of the inputs is to be done.

    Returns a tuple of PCollections: ``new``, a :class:`Task` for each input that has no rows, and
    ``again``, a :class:`Unit` for each committed one of which something is to be done again.
    Inputs that were listed twice are one.

    Args:
        output: The output folder.
        wanted: What the rows should be made with.
    """

    def __init__(self, output: str, wanted: Wanted) -> None:
        super().__init__()
        self._output = output
        self._wanted = wanted

    def expand(
        self, inputs: beam.PCollection[Input]
    ) -> tuple[beam.PCollection[Task], beam.PCollection[Unit]]:
        """Wire the meeting; only references and records of what became of them cross a shuffle."""
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
            | "Plan" >> beam.ParDo(_Plan(self._wanted)).with_outputs(AGAIN, main=NEW)
        )
        again = planned[AGAIN] | "ByUnit" >> beam.GroupByKey() | "Unit" >> beam.MapTuple(unit_again)
        return planned[NEW], again


def unit_again(unit_id: str, tasks: Iterable[tuple[int, Task]]) -> Unit:
    """A committed unit with what is to be done again of it."""
    ordered = sorted(tasks, key=lambda each: each[1].source_id)
    return Unit(unit_id, tuple(task for _, task in ordered), version=ordered[0][0])


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
            if unit is None:
                yield task
            else:
                yield beam.pvalue.TaggedOutput(AGAIN, (unit.unit_id, (unit.version, task)))
