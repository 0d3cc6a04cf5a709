"""Reading one Pub/Sub message, which may hold anything.

There are three forms, recognised by their attributes: notifications of Cloud Storage
(https://cloud.google.com/storage/docs/pubsub-notifications), audio in the message itself, and JSON
with the fields of a manifest line.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.addresses import one_spelling, plain_address
from beam_audio.inputs.manifest import (
    ManifestEntry,
    event_time_or_reason,
    load_object,
    parse_line,
    stated_language,
)
from beam_audio.inputs.redaction import redacted
from beam_audio.inputs.sample_types import is_bare, with_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FINALIZED: Final = "OBJECT_FINALIZE"
_BUCKET: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,221}")
_LINE_END: Final = re.compile(r"[\r\n\0]")
_DESCRIPTION: Final = "JSON_API_V1"
"""The ``payloadFormat`` of notifications whose data are a description of the object."""
_SHOWN: Final = 300
_MAX_UNPACKED_BYTES: Final = 64 << 20
_INLINE_FIELDS: Final = frozenset(
    {"content_type", "content_encoding", "rate", "channels", "uri", "text", "lang"}
)


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
        reasons: What could not be read and costs no more than itself, by name.
    """

    uri: str
    event_time: datetime | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InlineAudio:
    """Audio in the message itself.

    Attributes:
        uri: As stated, else ``sha256:<hash of the bytes>``.
        encoded: Bytes that a decoder reads; samples without a header get one.
        event_time: As stated, else when the message was published, UTC.
        reference_text: Reference transcript, if one is stated.
        language: Stated language, ISO 639 code.
        metadata: Other attributes, sorted by key, without the secrets of addresses.
        reasons: What could not be read and costs no more than itself, by name.
    """

    uri: str
    encoded: bytes
    event_time: datetime
    reference_text: str | None
    language: str | None
    metadata: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ignored:
    """A notification of another event than a new object."""


def read_message(
    message: Message, event_time_attribute: str | None = None
) -> StoredObject | ManifestEntry | InlineAudio | Ignored:
    """Read what a message asks for.

    Args:
        message: The message.
        event_time_attribute: Attribute that states the event time, as
            :func:`beam_audio.inputs.event_times.event_time_of` reads it. Without it, the message's
            form decides.

    Raises:
        InputError: The message has none of the known forms, or a field has the wrong type.
    """
    attributes = message.attributes
    stated = attributes.get(event_time_attribute) if event_time_attribute else None
    event_time, reasons = event_time_or_reason(stated)
    if "eventType" in attributes:
        return _notice(message, event_time, reasons)
    if "content_type" in attributes:
        return _inline(message, event_time_attribute, event_time, reasons)
    entry = parse_line(_content(message))
    path = plain_address(entry.path)
    if "://" not in path:
        if not path.startswith("/"):
            raise InputError(f"audio_filepath {path!r:.200} is relative; give a full path")
        path = one_spelling(path)
    entry = replace(entry, path=path)
    if entry.event_time or event_time_attribute is None:
        return entry
    return replace(entry, event_time=event_time, reasons=entry.reasons or reasons)


def _notice(
    message: Message, event_time: datetime | None, reasons: tuple[str, ...]
) -> StoredObject | Ignored:
    attributes = message.attributes
    if attributes["eventType"] != FINALIZED:
        return Ignored()
    bucket, name = attributes.get("bucketId"), attributes.get("objectId")
    if not bucket or not name:
        raise InputError("the notification lacks the attributes bucketId and objectId")
    if not _BUCKET.fullmatch(bucket) or _LINE_END.search(name):
        raise InputError(f"no object can be called gs://{bucket}/{name}"[:_SHOWN])
    _require_agreement(message, {"bucket": bucket, "name": name})
    return StoredObject(f"gs://{bucket}/{name}", event_time, reasons)


def _require_agreement(notice: Message, stated: Mapping[str, str]) -> None:
    """Refuse a notification whose data describe another object than its attributes name.

    Anyone may publish what looks like a notification. The object itself is asked for everything
    else.

    Raises:
        InputError: They differ, or the data should be a description and are none.
    """
    try:
        described = load_object(_content(notice))
    except InputError as error:
        if notice.attributes.get("payloadFormat") == _DESCRIPTION:
            raise InputError(f"the notification does not describe its object: {error}") from error
        return  # they say nothing about an object
    for key, value in stated.items():
        if key in described and described[key] != value:
            raise InputError(
                f"the notification's attributes say that the {key} is {value!r:.200}, and its data "
                f"say {described[key]!r:.200}"
            )


def _inline(
    message: Message,
    time_attribute: str | None,
    event_time: datetime | None,
    reasons: tuple[str, ...],
) -> InlineAudio:
    attributes = message.attributes
    content_type = attributes["content_type"]
    bare = is_bare(content_type)
    if not message.data:
        raise InputError("content_type says audio, but the message has no data")
    encoded = with_header(_content(message, may_begin_as_gzip=bare), content_type, attributes)
    further = attributes.keys() - _INLINE_FIELDS - {time_attribute}
    return InlineAudio(
        uri=redacted(attributes.get("uri", "")) or f"sha256:{hashlib.sha256(encoded).hexdigest()}",
        encoded=encoded,
        event_time=event_time or message.published,
        reference_text=attributes.get("text"),
        language=stated_language(attributes.get("lang")),
        metadata=tuple(sorted((key, redacted(attributes[key])) for key in further)),
        reasons=reasons,
    )


def _content(message: Message, *, may_begin_as_gzip: bool = False) -> bytes:
    """The data of a message, decompressed if it is gzip.

    Args:
        message: The message.
        may_begin_as_gzip: Whether uncompressed data may begin with the same bytes as gzip. Then
            only the attribute ``content_encoding`` tells.

    Raises:
        InputError: It is compressed otherwise, is damaged, or would be too large.
    """
    encoding = message.attributes.get("content_encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise InputError(f"content_encoding is {encoding!r:.40}; send gzip or no encoding")
    is_plain = may_begin_as_gzip and not encoding.endswith("gzip")
    if is_plain or not message.data.startswith(store.GZIP_MAGIC):
        return message.data
    try:
        content = store.unpacked(io.BytesIO(message.data)).read(_MAX_UNPACKED_BYTES + 1)
    except store.GZIP_DAMAGE as error:
        raise InputError(f"the data is damaged gzip: {error}") from error
    if len(content) > _MAX_UNPACKED_BYTES:
        raise InputError(
            f"the data is gzip of more than {_MAX_UNPACKED_BYTES} bytes; store it and send its name"
        )
    return content
