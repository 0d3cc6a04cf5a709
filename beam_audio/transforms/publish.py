"""NoteUnits and PublishRows: what is committed is told on a topic, at least once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_audio.outbox import note, publish_unit
from beam_audio.topic import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.unit import Unit, UnitReport


class NoteUnits(beam.PTransform):
    """Notes each :class:`Unit` before its work, for :func:`beam_audio.outbox.publish_left_over`.

    The units come out again, fixed: a runner that repeats work gives the very same ones to what
    follows, also when their inputs have rows by then.

    Args:
        output: The output folder.
    """

    def __init__(self, output: str) -> None:
        super().__init__()
        self._output = output

    def expand(self, units: beam.PCollection[Unit]) -> beam.PCollection[Unit]:
        """Wire the noting."""
        return units | "Note" >> beam.Map(self._note) | "Fix" >> beam.Reshuffle()

    def _note(self, unit: Unit) -> Unit:
        note(self._output, unit.unit_id, unit.version + 1)
        return unit


class PublishRows(beam.PTransform):
    """Publishes the rows of each unit reported; a report comes out once Pub/Sub has all of them.

    A unit that a runner hands over again is published again.

    Args:
        topic: ``projects/P/topics/T``.
        output: The output folder.
    """

    def __init__(self, topic: str, output: str) -> None:
        super().__init__()
        self._publish = _Publish(topic, output)

    def expand(self, reports: beam.PCollection[UnitReport]) -> beam.PCollection[UnitReport]:
        """Wire the publishing."""
        return reports | "Publish" >> beam.ParDo(self._publish)


class _Publish(beam.DoFn):
    def __init__(self, topic: str, output: str) -> None:
        super().__init__()
        self._path = topic
        self._output = output
        self._topic: Topic | None = None

    def setup(self) -> None:
        self._topic = Topic(self._path)

    def teardown(self) -> None:
        if self._topic is not None:
            self._topic.close()

    def process(self, element: UnitReport) -> Iterable[UnitReport]:
        if self._topic is None:
            raise RuntimeError("setup was not called")
        published = publish_unit(self._topic, self._output, element.commit)
        Metrics.counter("beam_audio", "published_messages").inc(published)
        yield element
