"""Manifest lines: each is accepted or refused, and nothing else can happen."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.errors import InputError
from beam_audio.inputs.manifest import MAX_LINE_BYTES, parse_line

if TYPE_CHECKING:
    from collections.abc import Mapping


def line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def test_all_fields() -> None:
    entry = parse_line(
        line(
            {
                "audio_filepath": "a.wav",
                "text": "hello",
                "duration": 2.5,
                "offset": 1,
                "lang": "en-US",
                "event_time": "2026-03-01T10:00:00+02:00",
                "speaker": "s1",
                "scores": [1, 2],
            }
        )
    )
    assert entry.path == "a.wav"
    assert entry.reference_text == "hello"
    assert entry.language == "en"
    assert (entry.offset_seconds, entry.duration_seconds, entry.manifest_seconds) == (1.0, 2.5, 2.5)
    assert entry.event_time == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert entry.metadata == (("scores", "[1, 2]"), ("speaker", "s1"))


def test_a_duration_without_an_offset_cuts_nothing() -> None:
    entry = parse_line(line({"audio_filepath": "a.wav", "duration": 2.5}))
    assert entry.duration_seconds is None
    assert entry.manifest_seconds == 2.5


def test_event_time_without_zone_and_as_epoch_seconds_is_utc() -> None:
    stated = parse_line(line({"audio_filepath": "a", "event_time": "2026-03-01"}))
    assert stated.event_time == datetime(2026, 3, 1, tzinfo=UTC)
    epoch = parse_line(line({"audio_filepath": "a", "event_time": 0}))
    assert epoch.event_time == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "object is needed"),
        (b"\xff\xfe", "Unicode"),
        (b'{"audio_filepath": "\\ud800"}', "Unicode"),
        (b"{}", "audio_filepath"),
        (line({"audio_filepath": 3}), "audio_filepath"),
        (line({"audio_filepath": "a", "duration": -1}), "duration"),
        (line({"audio_filepath": "a", "duration": True}), "duration"),
        (line({"audio_filepath": "a", "duration": 10**400}), "duration"),
        (b'{"audio_filepath": "a", "offset": NaN}', "offset"),
        (b'{"audio_filepath": "a", "duration": 1e999}', "duration"),
        (line({"audio_filepath": "a", "offset": 0, "duration": 0}), "duration"),
        (line({"audio_filepath": "a", "text": ["x"]}), "text"),
        (line({"audio_filepath": "a", "lang": "klingonese"}), "language 'klingonese' is unknown"),
        (line({"audio_filepath": "a", "channel": "phone"}), "channel"),
        (line({"audio_filepath": "a", "channel": 0.5}), "channel"),
        (line({"audio_filepath": "a", "channel": -1}), "channel"),
        (b"[" * 100_000, "not JSON"),
        (line({"audio_filepath": "a" * MAX_LINE_BYTES}), "longer"),
    ],
)
def test_a_broken_line_says_what_is_wrong(bad: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_line(bad)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["audio_filepath", "text", "duration", "offset", "channel", "lang", "event_time", "x"]
)


@given(st.binary(max_size=200) | st.dictionaries(KEYS, JSON).map(line))
def test_any_line_is_an_entry_or_an_input_error(hostile: bytes) -> None:
    try:
        entry = parse_line(hostile)
    except InputError as error:
        str(error).encode()
        return
    entry.path.encode()
    assert all(isinstance(value, str) for pair in entry.metadata for value in pair)
