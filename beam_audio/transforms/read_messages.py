"""ReadMessages: from Pub/Sub messages to references; what cannot be read is kept and is a row."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_audio import store
from beam_audio.interval import Arrival
from beam_audio.manifest import ManifestEntry
from beam_audio.messages import InlineAudio, Message, StoredObject, read_message
from beam_audio.transforms.read import (
    FAILURES,
    REFS,
    is_hidden,
    is_within,
    read_failure,
    ref_of_entry,
)
from beam_audio.types import AudioRef, Failure, stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable

ARRIVALS: Final = "arrivals"
MAX_INLINE_BYTES: Final = 256 << 10
"""Of a payload that travels inside its reference; a larger one is put below the output first."""

PAYLOADS: Final = "_payloads"
_SHOWN_ATTRIBUTES: Final = 500


class ReadMessages(beam.PTransform):
    """Turns messages into :class:`AudioRef`; what cannot be read comes out as :class:`Failure`.

    Takes a PCollection of :class:`Message`; returns a tuple of PCollections: ``refs``,
    ``failures``, and ``arrivals``, an :class:`Arrival` for each message, also for those that ask
    for nothing: notices of other events than a new object's, or of the output itself.

    Args:
        output: The output folder, where payloads are put that are too large to travel, and those
            that cannot be read.
        event_time_attribute: Attribute that states the event time.
    """

    def __init__(self, output: str, event_time_attribute: str | None = None) -> None:
        super().__init__()
        self._output = output
        self._event_time_attribute = event_time_attribute

    def expand(self, messages: beam.PCollection[Message]) -> beam.pvalue.DoOutputsTuple:
        """Wire the reading."""
        read = _Read(self._output, self._event_time_attribute)
        return messages | "Read" >> beam.ParDo(read).with_outputs(FAILURES, ARRIVALS, main=REFS)


class _Read(beam.DoFn):
    def __init__(self, output: str, event_time_attribute: str | None) -> None:
        super().__init__()
        self._output = output
        self._event_time_attribute = event_time_attribute

    def process(self, element: Message) -> Iterable[AudioRef | beam.pvalue.TaggedOutput]:
        found = input_of_message(element, self._output, self._event_time_attribute)
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


def input_of_message(
    message: Message, output: str, event_time_attribute: str | None = None
) -> AudioRef | Failure | None:
    """Reference of what a message asks for, why there is none, or None when it asks for nothing.

    The identity of what is found does not depend on the message: an object, a file or the very
    same bytes are one input, however often they are told of.

    Raises:
        StoreError: A payload cannot be put below the output.
    """
    try:
        found = _found(message, output, event_time_attribute)
    except Exception as error:  # noqa: BLE001 - it would come again and end every run that reads it
        return _unread(message, output, error)
    return _ref_of_inline(found, output) if isinstance(found, InlineAudio) else found


def _found(
    message: Message, output: str, event_time_attribute: str | None
) -> AudioRef | Failure | InlineAudio | None:
    """What a message tells of; nothing is written."""
    match read_message(message, event_time_attribute):
        case InlineAudio() as audio:
            return audio
        case ManifestEntry() as entry:
            return ref_of_entry(entry, entry.path)
        case StoredObject(uri, event_time):
            if not (is_within(uri, output) or is_hidden(uri) or uri.endswith("/")):
                # What the notice says of size and time may be of a version that is no more.
                return ref_of_entry(ManifestEntry(uri, event_time=event_time), uri)
    return None


def _ref_of_inline(audio: InlineAudio, output: str) -> AudioRef:
    content_sha256 = hashlib.sha256(audio.encoded).hexdigest()
    travels = len(audio.encoded) <= MAX_INLINE_BYTES
    name = f"{PAYLOADS}/{content_sha256}"
    if not travels:
        store.write_whole(output, name, audio.encoded)
    return AudioRef(
        uri=audio.uri,
        size_bytes=len(audio.encoded),
        version=content_sha256,
        event_time=audio.event_time,
        reference_text=audio.reference_text,
        language=audio.language,
        metadata=audio.metadata,
        inline=audio.encoded if travels else None,
        spooled_uri=None if travels else store.join(output, name),
    )


def _unread(message: Message, output: str, error: Exception) -> Failure:
    """Keep all of the message, so that it can be mended and published again."""
    attributes = dict(message.attributes)
    identity = stable_id("message", hashlib.sha256(message.data).hexdigest(), attributes)
    name = f"{PAYLOADS}/{identity}.json"
    kept = {
        "message_id": message.message_id,
        "published": message.published.isoformat(),
        "attributes": attributes,
        "data_base64": base64.b64encode(message.data).decode("ascii"),
    }
    store.write_whole(output, name, json.dumps(kept, indent=1).encode())
    shown = json.dumps(attributes, ensure_ascii=False)[:_SHOWN_ATTRIBUTES]
    text = f"message {message.message_id} with attributes {shown}: {error}"
    failure = read_failure(identity, f"pubsub:{message.message_id}", text, message.published)
    return replace(failure, payload_uri=store.join(output, name))
