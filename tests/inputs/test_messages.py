"""Messages: three forms, and everything else that may be published."""

from __future__ import annotations

import gzip
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


def notice(data: bytes = b"", **changed: str) -> Message:
    stated = {"eventType": "OBJECT_FINALIZE", "bucketId": "b", "objectId": "o/a.wav"}
    return message(data, **stated | changed)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"not json", b'{"kind": "x"}', b'{"bucket": "b", "name": "o/a.wav"}']
)
def test_a_notification_may_describe_its_object(data: bytes) -> None:
    assert read_message(notice(data)) == StoredObject("gs://b/o/a.wav", None)


@pytest.mark.parametrize(
    ("data", "attributes", "says"),
    [
        (b'{"bucket": "c", "name": "o/a.wav"}', {}, "the bucket is 'b', and its data say 'c'"),
        (b'{"bucket": "b", "name": "x"}', {}, "the name is 'o/a.wav', and its data say 'x'"),
        (b'{"name": ["o/a.wav"]}', {}, "the name is"),
        (b"{", {"payloadFormat": "JSON_API_V1"}, "does not describe its object: not JSON"),
        (b"", {"payloadFormat": "JSON_API_V1"}, "does not describe its object"),
        (b"", {"bucketId": "b/o"}, "no object can be called gs://b/o/o/a.wav"),
        (b"", {"bucketId": "../etc"}, "no object"),
        (b"", {"bucketId": "me:pw@b"}, "no object"),
        (b"", {"objectId": "a\nb"}, "no object"),
    ],
)
def test_a_notification_that_contradicts_itself_is_refused(
    data: bytes, attributes: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        read_message(notice(data, **attributes))


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


def test_bare_samples_get_the_header_they_lack() -> None:
    found = inline(b"\xff" * 80, content_type="audio/x-mulaw", rate="16000")
    assert soundfile.info(io.BytesIO(found.encoded)).samplerate == 16000


def test_data_may_be_gzip() -> None:
    plain = inline(wav(), content_type="audio/wav")
    packed = inline(gzip.compress(wav()), content_type="audio/wav", content_encoding="gzip")
    assert packed == plain == inline(gzip.compress(wav()), content_type="audio/wav")
    entry = read_message(message(gzip.compress(b'{"audio_filepath": "/a.wav"}')))
    assert isinstance(entry, ManifestEntry)
    assert entry.path == "/a.wav"


def test_bare_samples_are_gzip_only_if_an_attribute_says_so() -> None:
    samples = gzip.compress(b"\xff" * 80)
    assert inline(samples, content_type="audio/pcmu").encoded.endswith(samples)
    packed = inline(samples, content_type="audio/pcmu", content_encoding="gzip")
    assert packed == inline(b"\xff" * 80, content_type="audio/pcmu")


@pytest.mark.parametrize("path", ["file:///a%20b.wav", "/x/../a b.wav", "/./a b.wav"])
def test_a_file_in_json_has_one_spelling(path: str) -> None:
    entry = read_message(message(json.dumps({"audio_filepath": path}).encode()))
    assert isinstance(entry, ManifestEntry)
    assert entry.path == "/a b.wav"


@pytest.mark.parametrize(
    ("data", "attributes"),
    [
        (b"", {"eventType": "OBJECT_FINALIZE", "bucketId": "b", "objectId": "o"}),
        (b'{"audio_filepath": "/a.wav"}', {}),
        (wav(), {"content_type": "audio/wav"}),
    ],
)
def test_a_time_that_cannot_be_read_is_a_reason(data: bytes, attributes: dict[str, str]) -> None:
    found = read_message(message(data, **attributes, spoken="tomorrow"), "spoken")
    assert not isinstance(found, Ignored)
    assert found.reasons == ("event_time_unreadable",)
    assert found.event_time in {None, PUBLISHED}


@pytest.mark.parametrize(
    ("text", "expected"), [("20260102", STATED), ("2026-01-02", STATED), ("1767312000", STATED)]
)
def test_a_time_is_read_alike_in_an_attribute_and_in_json(text: str, expected: datetime) -> None:
    by_attribute = read_message(message(b'{"audio_filepath": "/a.wav"}', spoken=text), "spoken")
    line = json.dumps({"audio_filepath": "/a.wav", "event_time": text}).encode()
    in_json = read_message(message(line))
    assert isinstance(by_attribute, ManifestEntry)
    assert by_attribute == in_json
    assert by_attribute.event_time == expected


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
        (b"x", {"content_type": "audio/wav", "lang": "klingonese"}, "klingonese"),
        (b"x", {"content_type": "audio/wav", "content_encoding": "br"}, "content_encoding is 'br'"),
        (b"\x1f\x8b\x08", {"content_type": "audio/wav"}, "damaged gzip"),
        (gzip.compress(b"x")[:-4], {}, "damaged gzip"),
        (gzip.compress(bytes(65 << 20)), {"content_type": "audio/wav"}, "more than"),
        (b'{"audio_filepath": "file://server/a.wav"}', {}, "machine 'server'"),
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
