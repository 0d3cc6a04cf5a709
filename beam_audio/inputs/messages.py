"""Reading one Pub/Sub message, which may hold anything.

There are three forms, recognised by their attributes: notifications of Cloud Storage
(https://cloud.google.com/storage/docs/pubsub-notifications), audio in the message itself, and JSON
with the fields of a manifest line.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from email.headerregistry import HeaderRegistry
from typing import TYPE_CHECKING, Final

from beam_audio.errors import InputError
from beam_audio.inputs.manifest import ManifestEntry, event_time_of, parse_line, primary_language

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FINALIZED: Final = "OBJECT_FINALIZE"
_AU_HEADER_BYTES: Final = 24
_AU_UNKNOWN_SIZE: Final = 0xFFFFFFFF
_AU_ENCODINGS: Final = {"audio/l16": 3, "audio/pcmu": 1, "audio/pcma": 27, "audio/basic": 1}
"""Types of samples without a header (RFC 2586, 3551, 2046), and their numbers in the AU format."""
_MAX_RATE_HZ: Final = 1 << 20
_MAX_CHANNELS: Final = 64
_INLINE_FIELDS: Final = frozenset({"content_type", "rate", "channels", "uri", "text", "lang"})


@dataclass(frozen=True, slots=True)
class Message:
    """A message as Pub/Sub delivers it."""

    data: bytes
    attributes: Mapping[str, str]
    message_id: str
    published: datetime


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A notification that an object was written.

    Attributes:
        uri: ``gs://bucket/name``.
        event_time: The time that an attribute of the message states, UTC.
    """

    uri: str
    event_time: datetime | None


@dataclass(frozen=True, slots=True)
class InlineAudio:
    """Audio in the message itself.

    Attributes:
        uri: As stated, else ``sha256:<hash of the bytes>``.
        encoded: Bytes that a decoder reads; samples without a header get one.
        event_time: As stated, else when the message was published, UTC.
        reference_text: Reference transcript, if one is stated.
        language: Stated language, ISO 639 code.
        metadata: Other attributes, sorted by key.
    """

    uri: str
    encoded: bytes
    event_time: datetime
    reference_text: str | None
    language: str | None
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ignored:
    """A notification of another event than a new object."""


def read_message(
    message: Message, event_time_attribute: str | None = None
) -> StoredObject | ManifestEntry | InlineAudio | Ignored:
    """Read what a message asks for.

    Args:
        message: The message.
        event_time_attribute: Attribute that states the event time (ISO 8601, UTC if it names no
            zone, or seconds since the epoch). Without it, the message's form decides.

    Raises:
        InputError: The message has none of the known forms, or a field has the wrong type.
    """
    attributes = message.attributes
    stated = _stated_time(attributes, event_time_attribute)
    if "eventType" in attributes:
        return _notice(attributes, stated)
    if "content_type" in attributes:
        return _inline(message, event_time_attribute, stated)
    entry = parse_line(message.data)
    if "://" not in entry.path and not entry.path.startswith("/"):
        raise InputError(f"audio_filepath {entry.path!r:.200} is relative; give a full path")
    return entry if entry.event_time or not stated else entry.at(stated)


def _stated_time(attributes: Mapping[str, str], name: str | None) -> datetime | None:
    value = attributes.get(name) if name else None
    if value is None:
        return None
    try:
        return event_time_of(float(value))
    except ValueError:
        return event_time_of(value)


def _notice(attributes: Mapping[str, str], stated: datetime | None) -> StoredObject | Ignored:
    if attributes["eventType"] != FINALIZED:
        return Ignored()
    bucket, name = attributes.get("bucketId"), attributes.get("objectId")
    if not bucket or not name:
        raise InputError("the notification lacks the attributes bucketId and objectId")
    return StoredObject(f"gs://{bucket}/{name}", stated)


def _inline(message: Message, time_attribute: str | None, stated: datetime | None) -> InlineAudio:
    attributes = message.attributes
    if not message.data:
        raise InputError("content_type says audio, but the message has no data")
    encoded = _header(attributes) + message.data
    language = attributes.get("lang")
    further = attributes.keys() - _INLINE_FIELDS - {time_attribute}
    return InlineAudio(
        uri=attributes.get("uri") or f"sha256:{hashlib.sha256(encoded).hexdigest()}",
        encoded=encoded,
        event_time=stated or message.published,
        reference_text=attributes.get("text"),
        language=primary_language(language) if language else None,
        metadata=tuple(sorted((key, attributes[key]) for key in further)),
    )


def _header(attributes: Mapping[str, str]) -> bytes:
    """A header for samples that have none; empty for other types of audio."""
    header = HeaderRegistry()("content-type", attributes["content_type"])
    kind: str = header.content_type  # type: ignore[attr-defined] # typeshed has the base class
    given: Mapping[str, str] = header.params  # type: ignore[attr-defined]
    if not kind.startswith("audio/"):
        raise InputError(f"content_type {attributes['content_type']!r:.80} is not audio/…")
    encoding = _AU_ENCODINGS.get(kind)
    if encoding is None:
        return b""
    fallback = "8000" if kind == "audio/basic" else ""
    rate = attributes.get("rate") or given.get("rate") or fallback
    channels = attributes.get("channels") or given.get("channels") or "1"
    rate_hz = _whole("rate", rate, _MAX_RATE_HZ)
    count = _whole("channels", channels, _MAX_CHANNELS)
    return struct.pack(
        ">4s5I", b".snd", _AU_HEADER_BYTES, _AU_UNKNOWN_SIZE, encoding, rate_hz, count
    )


def _whole(name: str, text: str, limit: int) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= len(str(limit)):
        number = int(text)
        if 1 <= number <= limit:
            return number
    raise InputError(f"{name} is {text!r:.40}, not a whole number from 1 to {limit}")
