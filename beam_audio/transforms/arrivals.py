"""GroupArrivals: groups a stream of inputs into units, each input in one unit only."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_audio.errors import StoreError
from beam_audio.stream.interval import Repeat
from beam_audio.stream.reservations import Contradicted, Reservation, reserve
from beam_audio.stream.sharing import give_way, open_unit
from beam_audio.types import stable_id
from beam_audio.unit.contradictions import distinct_messages
from beam_audio.unit.packing import MAX_UNIT_INPUTS, into_units
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.stream.reservations import Refusal
    from beam_audio.unit.tasks import Input

UNITS: Final = "units"
REPEATED: Final = "repeated"

_Batch = tuple[str, list["Task"]]


class GroupArrivals(beam.PTransform):
    """Groups inputs into units by count, bytes or waiting time; state holds references only.

    Returns a tuple of PCollections: ``units``, each a :class:`Unit`, and ``repeated``, a
    :class:`Repeat` for each input that has rows or that another unit of this run is working on.
    Inputs another run is working on produce no output, as their messages come again. Of messages
    that contradict one another none is processed; one that contradicts an earlier batch's becomes
    a failure beside its rows.

    Args:
        output: The output folder.
        run_id: Name of the run; a later run has a greater name.
        unit_bytes: Encoded bytes of a unit.
        max_wait_seconds: How long an input may wait for others.
        is_acknowledged: Whether messages are acknowledged by now and do not come again: then the
            runner repeats the batch of an input that another run is working on.
    """

    def __init__(
        self,
        output: str,
        *,
        run_id: str,
        unit_bytes: int,
        max_wait_seconds: float,
        is_acknowledged: bool = False,
    ) -> None:
        super().__init__()
        self._reserve = _Reserve(output, run_id, is_acknowledged=is_acknowledged)
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
        for tasks in into_units(map(Task, distinct_messages(inputs)), self._unit_bytes):
            yield uuid.uuid4().hex, tasks


class _Reserve(beam.DoFn):
    def __init__(self, output: str, run_id: str, *, is_acknowledged: bool) -> None:
        super().__init__()
        self._output = output
        self._run_id = run_id
        self._is_acknowledged = is_acknowledged

    def process(self, element: _Batch) -> Iterator[Unit | beam.pvalue.TaggedOutput]:
        batch, arrived = element
        mine = Reservation(open_unit(self._output, stable_id("unit", batch)), self._run_id)
        found = self._take(mine, [each.item for each in arrived])
        contradictions = [each.failure for each in found.values() if isinstance(each, Contradicted)]
        more = self._take(mine, contradictions)
        for source_id, each in found.items():
            if each == "elsewhere" and self._is_acknowledged:
                raise StoreError(f"another run is working on the input {source_id}; trying again")
            if each == "repeated" or isinstance(each, Contradicted):
                Metrics.counter("beam_audio", "repeated_inputs").inc()
                yield beam.pvalue.TaggedOutput(REPEATED, Repeat(source_id))
        tasks = [each for each in (*found.values(), *more.values()) if isinstance(each, Task)]
        if tasks:
            yield Unit(mine.unit_id, tuple(tasks))

    def _take(self, mine: Reservation, inputs: Iterable[Input]) -> dict[str, Task | Refusal]:
        """What is to be done with each input by its source id, or why nothing is."""
        found = {item.source_id: reserve(self._output, item, mine) for item in inputs}
        reserved = [each for each in found.values() if isinstance(each, Task)]
        for task, refusal in give_way(self._output, reserved):
            found[task.source_id] = refusal or task
        return found
