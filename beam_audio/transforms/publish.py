"""NoteUnits, PublishRows and PublishAlerts: publish rows and alerts to a topic, at least once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_audio.stream.outbox import note, publish_unit
from beam_audio.stream.row_messages import alert_message
from beam_audio.stream.topic import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.stream.interval import Interval
    from beam_audio.unit.transcribe import Unit, UnitReport


class NoteUnits(beam.PTransform):
    """Notes each :class:`Unit` before its work, so that its rows are published after a crash, too.

    :func:`beam_audio.stream.outbox.publish_left_over` reads the notes.

    Args:
        output: The output folder.
    """

    def __init__(self, output: str) -> None:
        super().__init__()
        self._output = output

    def expand(self, units: beam.PCollection[Unit]) -> beam.PCollection[Unit]:
        """Wire the noting."""
        return units | "Note" >> beam.Map(self._note)

    def _note(self, unit: Unit) -> Unit:
        note(self._output, unit.unit_id, unit.version + 1)
        return unit


class PublishAlerts(beam.PTransform):
    """Publishes the alerts of each interval.

    Args:
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, topic: str) -> None:
        super().__init__()
        self._publish = _PublishAlerts(topic)

    def expand(self, intervals: beam.PCollection[Interval]) -> beam.PCollection[Interval]:
        """Wire the publishing; the intervals come out again."""
        return intervals | "Publish" >> beam.ParDo(self._publish)


class PublishRows(beam.PTransform):
    """Publishes the rows of each unit; the unit's report is emitted once Pub/Sub has all rows.

    A unit that the runner repeats is published again.

    Args:
        topic: ``projects/P/topics/T``.
        output: The output folder.
    """

    def __init__(self, topic: str, output: str) -> None:
        super().__init__()
        self._publish = _PublishRows(topic, output)

    def expand(self, reports: beam.PCollection[UnitReport]) -> beam.PCollection[UnitReport]:
        """Wire the publishing."""
        return reports | "Publish" >> beam.ParDo(self._publish)


class _Publisher(beam.DoFn):
    """Keeps the connection to a topic for the lifetime of the DoFn."""

    def __init__(self, topic: str) -> None:
        super().__init__()
        self._path = topic
        self._topic: Topic | None = None

    def setup(self) -> None:
        self._topic = Topic(self._path)

    def teardown(self) -> None:
        if self._topic is not None:
            self._topic.close()

    def _opened(self) -> Topic:  # not a property: Beam reads a DoFn's properties before its setup
        if self._topic is None:
            raise RuntimeError("setup was not called")
        return self._topic


class _PublishRows(_Publisher):
    def __init__(self, topic: str, output: str) -> None:
        super().__init__(topic)
        self._output = output

    def process(self, element: UnitReport) -> Iterable[UnitReport]:
        published = publish_unit(self._opened(), self._output, element.commit)
        Metrics.counter("beam_audio", "published_messages").inc(published)
        yield element


class _PublishAlerts(_Publisher):
    def process(self, element: Interval) -> Iterable[Interval]:
        interval = {"interval": element.name, "began": element.began}
        messages = (alert_message(interval | {"alert": alert}) for alert in element.alerts)
        self._opened().publish(messages)
        yield element
