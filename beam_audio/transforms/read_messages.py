"""ReadMessages: turns Pub/Sub messages into references; unreadable ones become failures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_audio.inputs.forgotten import Forgotten
from beam_audio.inputs.from_message import input_of_message
from beam_audio.inputs.tombstones import read_forgotten
from beam_audio.stream.interval import Arrival
from beam_audio.transforms.read import FAILURES, REFS
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.inputs.allowed import AllowedPlaces
    from beam_audio.inputs.messages import Message

ARRIVALS: Final = "arrivals"


class ReadMessages(beam.PTransform):
    """Turns messages into :class:`AudioRef`, and unreadable ones into :class:`Failure`.

    Takes a PCollection of :class:`Message`; returns a tuple of PCollections: ``refs``,
    ``failures``, and ``arrivals``. An :class:`Arrival` is emitted for every message, even if it
    asks for nothing, as a notification of another event or of the output's own files does.

    Args:
        output: The output folder. Payloads that are too large to travel, and unreadable messages,
            are written below it.
        event_time_attribute: Attribute that states the event time.
        allowed: Where what messages name may be; None allows everywhere.
    """

    def __init__(
        self,
        output: str,
        event_time_attribute: str | None = None,
        allowed: AllowedPlaces | None = None,
    ) -> None:
        super().__init__()
        self._read = _Read(output, event_time_attribute, allowed)

    def expand(self, messages: beam.PCollection[Message]) -> beam.pvalue.DoOutputsTuple:
        """Wire the reading."""
        return messages | "Read" >> beam.ParDo(self._read).with_outputs(
            FAILURES, ARRIVALS, main=REFS
        )


class _Read(beam.DoFn):
    def __init__(
        self, output: str, event_time_attribute: str | None, allowed: AllowedPlaces | None
    ) -> None:
        super().__init__()
        self._output = output
        self._event_time_attribute = event_time_attribute
        self._allowed = allowed
        self._known = Forgotten()

    def start_bundle(self) -> None:
        self._known = read_forgotten(self._output)

    def process(self, element: Message) -> Iterable[AudioRef | beam.pvalue.TaggedOutput]:
        found = input_of_message(
            element, self._output, self._event_time_attribute, self._allowed, self._known
        )
        if isinstance(found, Failure):
            yield beam.pvalue.TaggedOutput(FAILURES, found)
        elif found is not None:
            yield found
        else:
            Metrics.counter("beam_audio", "ignored_messages").inc()
        arrival = Arrival(
            message_id=element.message_id,
            source_id=found.source_id if found else None,
            place_id=found.place_id if found else "",
            published_seconds=element.published.timestamp(),
            arrived_seconds=time.time(),
        )
        yield beam.pvalue.TaggedOutput(ARRIVALS, arrival)
