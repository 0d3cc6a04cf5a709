"""GroupArrivals: from a stream of inputs to units, each input taken once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_audio.commits import unit_id
from beam_audio.places import Claim, claim
from beam_audio.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beam_audio.staleness import Input

UNITS: Final = "units"
REPEATED: Final = "repeated"
UNIT_INPUTS: Final = 32
"""Inputs of a unit at most; fewer when the wait is over."""


class GroupArrivals(beam.PTransform):
    """Groups inputs into units by count or waiting time; state holds references only.

    Returns a tuple of PCollections: ``units``, each a :class:`Unit`, and ``repeated``, the source
    ids of inputs that have rows, or that another unit of this run is at.

    Args:
        output: The output folder.
        run_id: Name of the run.
        max_wait_seconds: How long an input may wait for others.
        clock: What the time is; a test stream has its own.
    """

    def __init__(
        self,
        output: str,
        *,
        run_id: str,
        max_wait_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._output = output
        self._run_id = run_id
        self._max_wait_seconds = max_wait_seconds
        self._clock = clock

    def expand(self, inputs: beam.PCollection[Input]) -> beam.pvalue.DoOutputsTuple:
        """Wire the waiting; what was grouped is fixed before any of it is claimed."""
        wait = beam.GroupIntoBatches.WithShardedKey(
            UNIT_INPUTS, self._max_wait_seconds, self._clock
        )
        return (
            inputs
            | "Key" >> beam.Map(lambda item: ("arrivals", item))
            | "Wait" >> wait
            | "Items" >> beam.Values()
            | "Fix" >> beam.Reshuffle()
            | "Claim"
            >> beam.ParDo(_Claim(self._output, self._run_id)).with_outputs(REPEATED, main=UNITS)
        )


class _Claim(beam.DoFn):
    def __init__(self, output: str, run_id: str) -> None:
        super().__init__()
        self._output = output
        self._run_id = run_id

    def process(self, element: Iterable[Input]) -> Iterator[Unit | beam.pvalue.TaggedOutput]:
        items = {item.source_id: item for item in element}
        mine = Claim(unit_id(items), self._run_id)
        tasks = []
        for source_id, item in sorted(items.items()):
            task = claim(self._output, item, mine)
            if task is not None:
                tasks.append(task)
            else:
                Metrics.counter("beam_audio", "repeated_inputs").inc()
                yield beam.pvalue.TaggedOutput(REPEATED, source_id)
        if tasks:
            yield Unit(mine.unit_id, tuple(tasks))
