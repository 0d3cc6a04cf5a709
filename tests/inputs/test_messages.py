"""Messages: three forms, and everything else that may be published."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.errors import InputError
from beam_audio.inputs.manifest import ManifestEntry
from beam_audio.inputs.messages import Ignored, InlineAudio, Message, StoredObject, read_message

PUBLISHED = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
STATED = datetime(2026, 1, 2, tzinfo=UTC)


def message(data: bytes = b"", **attributes: str) -> Message:
    return Message(data, attributes, "17", PUBLISHED)


def wav(seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(round(8000 * seconds)), 8000, format="WAV")
    return file.getvalue()


def inline(data: bytes, **attributes: str) -> InlineAudio:
    found = read_message(message(data, **attributes))
    assert isinstance(found, InlineAudio)
    return found


def test_a_notification_names_its_object_as_it_is() -> None:
    given_name = "a folder/50%#1?.wav"
    notice = message(eventType="OBJECT_FINALIZE", bucketId="b", objectId=given_name)
    assert read_message(notice) == StoredObject(f"gs://b/{given_name}", None)


@pytest.mark.parametrize("event", ["OBJECT_DELETE", "OBJECT_METADATA_UPDATE", "OBJECT_ARCHIVE"])
def test_other_events_are_ignored(event: str) -> None:
    assert read_message(message(eventType=event, bucketId="b", objectId="o")) == Ignored()


def test_json_holds_the_fields_of_a_manifest_line() -> None:
    fields = {"audio_filepath": "gs://b/a.wav", "text": "yes", "lang": "en-GB", "room": 3}
    entry = read_message(message(json.dumps(fields).encode()))
    assert isinstance(entry, ManifestEntry)
    assert (entry.path, entry.reference_text, entry.language) == ("gs://b/a.wav", "yes", "en")
    assert entry.metadata == (("room", "3"),)


def test_audio_in_the_message_is_named_after_its_content() -> None:
    found = inline(wav(), content_type="audio/wav", lang="de", room="3")
    assert found.encoded == wav()
    assert found.uri.startswith("sha256:")
    assert found.uri != inline(wav(0.6), content_type="audio/wav").uri
    assert (found.language, found.metadata) == ("de", (("room", "3"),))
    assert found.event_time == PUBLISHED
    assert inline(wav(), content_type="audio/wav", uri="call://7").uri == "call://7"


@pytest.mark.parametrize(
    ("attributes", "subtype"),
    [
        ({"content_type": "audio/L16;rate=16000;channels=2"}, "PCM_16"),
        ({"content_type": "audio/l16", "rate": "16000", "channels": "2"}, "PCM_16"),
        ({"content_type": "audio/PCMU", "rate": "16000", "channels": "2"}, "ULAW"),
        ({"content_type": "audio/PCMA;rate=16000", "channels": "2"}, "ALAW"),
    ],
)
def test_bare_samples_get_the_header_they_lack(attributes: dict[str, str], subtype: str) -> None:
    samples = np.linspace(-0.5, 0.5, 800, dtype=np.float32).reshape(400, 2)
    file = io.BytesIO()
    soundfile.write(file, samples, 16000, format="RAW", subtype=subtype, endian="BIG")
    found = inline(file.getvalue(), **attributes)
    heard, rate_hz = soundfile.read(io.BytesIO(found.encoded), dtype="float32")
    assert rate_hz == 16000
    np.testing.assert_allclose(heard, samples, atol=0.02)


def test_basic_audio_has_8000_hz() -> None:
    found = inline(b"\xff" * 80, content_type="audio/basic")
    assert soundfile.info(io.BytesIO(found.encoded)).samplerate == 8000


@pytest.mark.parametrize("stated", ["2026-01-02", "2026-01-02T01:00:00+01:00", "1767312000"])
@pytest.mark.parametrize(
    ("data", "attributes"),
    [
        (b"", {"eventType": "OBJECT_FINALIZE", "bucketId": "b", "objectId": "o"}),
        (b'{"audio_filepath": "/a.wav"}', {}),
        (wav(), {"content_type": "audio/wav"}),
    ],
)
def test_an_attribute_may_state_the_event_time(
    stated: str, data: bytes, attributes: dict[str, str]
) -> None:
    found = read_message(message(data, **attributes, spoken=stated), "spoken")
    assert not isinstance(found, Ignored)
    assert found.event_time == STATED
    if isinstance(found, InlineAudio):
        assert found.metadata == ()


def test_a_manifest_field_takes_precedence_over_an_attribute() -> None:
    data = b'{"audio_filepath": "/a.wav", "event_time": "2026-01-02"}'
    entry = read_message(message(data, spoken="2020-01-01"), "spoken")
    assert isinstance(entry, ManifestEntry)
    assert entry.event_time == STATED


@pytest.mark.parametrize(
    ("data", "attributes", "says"),
    [
        (b"not json", {}, "not JSON"),
        (b"", {}, "not JSON"),
        (b'{"audio_filepath": "a.wav"}', {}, "relative"),
        (b"", {"eventType": "OBJECT_FINALIZE", "bucketId": "b"}, "objectId"),
        (b"", {"content_type": "audio/wav"}, "no data"),
        (b"x", {"content_type": "text/plain"}, "text/plain"),
        (b"x", {"content_type": ""}, "content_type"),
        (b"x", {"content_type": "audio/l16"}, "rate"),
        (b"x", {"content_type": "audio/l16", "rate": "9" * 5000}, "rate"),
        (b"x", {"content_type": "audio/l16", "rate": "8000", "channels": "0"}, "channels"),
        (b"x", {"content_type": "audio/wav", "spoken": "tomorrow"}, "tomorrow"),
    ],
)
def test_an_unreadable_message_gives_the_reason(
    data: bytes, attributes: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        read_message(message(data, **attributes), "spoken")


NAMES = st.sampled_from(
    ["eventType", "bucketId", "objectId", "content_type", "rate", "channels", "uri", "lang", "t"]
)
VALUES = st.one_of(
    st.text(max_size=30), st.sampled_from(["OBJECT_FINALIZE", "audio/l16;rate", "audio/wav", "1e9"])
)


@given(
    data=st.one_of(st.binary(max_size=200), st.text(max_size=50).map(str.encode)),
    attributes=st.dictionaries(NAMES, VALUES, max_size=6),
)
def test_any_message_is_read_or_refused(data: bytes, attributes: dict[str, Any]) -> None:
    try:
        found = read_message(message(data, **attributes), "t")
    except InputError:
        return
    assert isinstance(found, StoredObject | ManifestEntry | InlineAudio | Ignored)
