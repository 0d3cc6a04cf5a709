"""GroupArrivals: groups a stream of inputs into units, each input in one unit only."""

from __future__ import annotations

import uuid
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_audio.output.commits import is_closed
from beam_audio.stream.interval import Repeat
from beam_audio.stream.reservations import Reservation, reserve
from beam_audio.types import stable_id
from beam_audio.unit.packing import MAX_UNIT_INPUTS, into_units
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.unit.tasks import Input

UNITS: Final = "units"
REPEATED: Final = "repeated"

_Batch = tuple[str, list["Task"]]


class GroupArrivals(beam.PTransform):
    """Groups inputs into units by count, bytes or waiting time; state holds references only.

    Returns a tuple of PCollections: ``units``, each a :class:`Unit`, and ``repeated``, a
    :class:`Repeat` for each input that has rows or that another unit of this run is working on.
    Inputs another run is working on produce no output.

    Args:
        output: The output folder.
        run_id: Name of the run; a later run has a greater name.
        unit_bytes: Encoded bytes of a unit.
        max_wait_seconds: How long an input may wait for others.
    """

    def __init__(
        self,
        output: str,
        *,
        run_id: str,
        unit_bytes: int,
        max_wait_seconds: float,
    ) -> None:
        super().__init__()
        self._reserve = _Reserve(output, run_id)
        self._unit_bytes = unit_bytes
        self._max_wait_seconds = max_wait_seconds

    def expand(self, inputs: beam.PCollection[Input]) -> beam.pvalue.DoOutputsTuple:
        """Wire the waiting; groups are made permanent before their inputs are reserved."""
        wait = beam.GroupIntoBatches.WithShardedKey(MAX_UNIT_INPUTS, self._max_wait_seconds)
        return (
            inputs
            | "Key" >> beam.Map(lambda item: ("", item)).with_output_types(tuple[str, Any])
            | "Wait" >> wait
            | "IntoUnits" >> beam.FlatMapTuple(self._into_units)
            | "Fix" >> beam.Reshuffle()
            | "Reserve" >> beam.ParDo(self._reserve).with_outputs(REPEATED, main=UNITS)
        )

    def _into_units(self, _key: object, inputs: Iterable[Input]) -> Iterator[_Batch]:
        distinct = {item.source_id: Task(item) for item in inputs}
        for tasks in into_units(distinct.values(), self._unit_bytes):
            yield uuid.uuid4().hex, tasks


class _Reserve(beam.DoFn):
    def __init__(self, output: str, run_id: str) -> None:
        super().__init__()
        self._output = output
        self._run_id = run_id

    def process(self, element: _Batch) -> Iterator[Unit | beam.pvalue.TaggedOutput]:
        batch, arrived = element
        mine = Reservation(self._open_unit(batch), self._run_id)
        tasks = []
        for each in arrived:
            found = reserve(self._output, each.item, mine)
            if isinstance(found, Task):
                tasks.append(found)
            elif found == "repeated":
                Metrics.counter("beam_audio", "repeated_inputs").inc()
                yield beam.pvalue.TaggedOutput(REPEATED, Repeat(each.source_id))
        if tasks:
            yield Unit(mine.unit_id, tuple(tasks))

    def _open_unit(self, batch: str) -> str:
        """Name of a batch's unit: a new name if another run has closed the earlier unit."""
        names = (stable_id("unit", batch, attempt) for attempt in count())
        return next(name for name in names if not is_closed(self._output, name))
