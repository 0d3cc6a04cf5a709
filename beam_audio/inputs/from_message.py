"""Turning a Pub/Sub message into a reference; a message that cannot be read becomes a failure."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import raise_machine_error
from beam_audio.inputs.listing import is_hidden, is_marker, is_within, read_failure, ref_of_entry
from beam_audio.inputs.manifest import ManifestEntry
from beam_audio.inputs.messages import InlineAudio, Message, StoredObject, read_message
from beam_audio.inputs.redaction import redacted
from beam_audio.store.output_names import PAYLOADS
from beam_audio.types import AudioRef, Failure, stable_id

if TYPE_CHECKING:
    from beam_audio.inputs.allowed import AllowedPlaces

MAX_INLINE_BYTES: Final = 256 << 10
"""A larger payload is written below the output; a smaller one travels inside its reference."""

_SHOWN_ATTRIBUTES: Final = 500


def input_of_message(
    message: Message,
    output: str,
    event_time_attribute: str | None = None,
    allowed: AllowedPlaces | None = None,
) -> AudioRef | Failure | None:
    """Reference to the audio a message asks for, a failure, or None if it asks for nothing.

    The identity of an input does not depend on the message: an object, a file or equal bytes are
    one input, however many messages name them.

    Args:
        message: The message.
        output: The output folder.
        event_time_attribute: Attribute that states the event time.
        allowed: Where what the message names may be; None allows everywhere.

    Raises:
        StoreError: A payload cannot be written below the output.
        MachineError: The machine is at fault, or the store does not answer.
    """
    try:
        found = _found(message, output, event_time_attribute, allowed)
    except Exception as error:  # noqa: BLE001 - redelivered, it would end every run that reads it
        raise_machine_error(error, f"message {message.message_id}")
        return _unread(message, output, error)
    return _ref_of_inline(found, message, output) if isinstance(found, InlineAudio) else found


def _found(
    message: Message,
    output: str,
    event_time_attribute: str | None,
    allowed: AllowedPlaces | None,
) -> AudioRef | Failure | InlineAudio | None:
    """What a message asks for; nothing is written."""
    match read_message(message, event_time_attribute):
        case InlineAudio() as audio:
            return audio
        case ManifestEntry() as entry:
            return _named(entry, entry.path, message, allowed)
        case StoredObject(uri, event_time, reasons):
            if not (is_within(uri, output) or is_hidden(uri) or is_marker(uri)):
                # The notification's size and time may describe a version that is gone.
                entry = ManifestEntry(uri, event_time=event_time, reasons=reasons)
                return _named(entry, uri, message, allowed)
    return None


def _named(
    entry: ManifestEntry, uri: str, message: Message, allowed: AllowedPlaces | None
) -> AudioRef | Failure:
    """Reference to the file that a message names; one that is gone is a failure and no more."""
    found = ref_of_entry(entry, uri, _name(message), allowed)
    return replace(found, place="", stated=None) if isinstance(found, Failure) else found


def _name(message: Message) -> str:
    return f"message {message.message_id}"


def _ref_of_inline(audio: InlineAudio, message: Message, output: str) -> AudioRef:
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
        reasons=audio.reasons,
        inline=audio.encoded if travels else None,
        spooled_uri=None if travels else store.join(output, name),
        stated_in=_name(message),
        published=message.published,
    )


def _unread(message: Message, output: str, error: Exception) -> Failure:
    """Keep the message, so that it can be repaired and published again.

    All of it is kept but the secrets of addresses, which open something for whoever reads the
    output.
    """
    identity = stable_id(
        "message", hashlib.sha256(message.data).hexdigest(), dict(message.attributes)
    )
    attributes = {key: redacted(value) for key, value in message.attributes.items()}
    name = f"{PAYLOADS}/{identity}.json"
    kept = {
        "message_id": message.message_id,
        "published": message.published.isoformat(),
        "attributes": attributes,
        "data_base64": base64.b64encode(_without_secrets(message.data)).decode("ascii"),
    }
    store.write_whole(output, name, json.dumps(kept, indent=1).encode())
    shown = json.dumps(attributes, ensure_ascii=False)[:_SHOWN_ATTRIBUTES]
    text = f"message {message.message_id} with attributes {shown}: {error}"
    failure = read_failure(identity, f"pubsub:{message.message_id}", text, message.published)
    return replace(failure, payload_uri=store.join(output, name))


def _without_secrets(data: bytes) -> bytes:
    """Data of a message without the secrets of addresses; every other byte stays."""
    text = data.decode("utf-8", errors="surrogateescape")
    return redacted(text).encode("utf-8", errors="surrogateescape")
