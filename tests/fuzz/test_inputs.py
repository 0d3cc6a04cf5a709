"""Manifests and messages that may hold anything: inputs, or failures that say why there is none."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from support.bucket_servers import google_bucket
from support.fuzzing import Damaged, attempt, bounded, damaged, fuzzed
from support.unit_runs import DEMO

from beam_audio.errors import InputError
from beam_audio.inputs.found import input_of
from beam_audio.inputs.from_message import input_of_message
from beam_audio.inputs.listing import read_lines
from beam_audio.inputs.manifest import parse_line
from beam_audio.inputs.messages import Message
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RIVER = str(DEMO / "river.wav")
LINES = [
    {"audio_filepath": RIVER, "text": "a b", "duration": 3.5, "lang": "en"},
    {"file_name": "x.flac", "transcription": "ä\u0301 \u2028", "offset": 1, "channel": "1"},
    {"audio": "gs://bucket/a//b.wav", "event_time": "2026-01-05T24:00:00", "speaker": {"id": [1]}},
    {"audio_filepath": "file:///a%20b.wav", "event_time": 1767603600000, "duration": "0.5"},
    {"audio_filepath": "../../up.wav", "lang": "zh-Hans-CN", "text": None, "channel": 0},
]
TABLE = f'audio_filepath\ttext\tduration\n{RIVER}\t"a, b"\t1.5\nx.flac\t"c\t2\n'
SEEDS: Mapping[str, bytes] = {
    "jsonl": b"\n".join(json.dumps(line).encode() for line in LINES),
    "jsonl, not escaped": "\n".join(json.dumps(e, ensure_ascii=False) for e in LINES).encode(),
    "tsv": TABLE.encode(),
    "csv": TABLE.replace(", ", " ").replace("\t", ",").encode(),
    "csv with lines in cells": b'audio,text\na.wav,"one\ntwo ""three""\n"\nb.wav,"\n',
    "utf-16": TABLE.encode("utf-16"),
    "utf-32": TABLE.encode("utf-32"),
    "gzip": gzip.compress(TABLE.encode(), mtime=0),
    "gzip twice": gzip.compress(gzip.compress(TABLE.encode(), mtime=0), mtime=0),
}

KEYS = (
    *("audio_filepath", "file_name", "audio", "text", "transcription", "transcript"),
    *("duration", "offset", "channel", "lang", "event_time", "speaker", ""),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([RIVER, "nan", "1e999", "-0", "24:00", "en", "/dev/zero", "a\0b", "\ud800"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)

ATTRIBUTES = (
    *("content_type", "content_encoding", "rate", "channels", "uri", "text", "lang"),
    *("eventType", "bucketId", "objectId", "when", "speaker"),
)
TEXTS = st.text(max_size=40) | st.sampled_from(
    [
        *("audio/wav", "audio/l16;rate=16000", "audio/basic", "audio/pcm; endian=little"),
        *("audio/L16; rate=16000; channels=2", "gzip", "16000", "99999999999", "0", "-1"),
        *("OBJECT_FINALIZE", "OBJECT_DELETE", "bucket", "../../etc/passwd", "a/../b.wav", "en"),
        *("2026-01-05", "1e400", "file:///etc/passwd", "http://127.0.0.1/x.wav", "/proc/self/mem"),
    ]
)


@given(fields=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), VALUES, max_size=6))
@fuzzed(400)
def test_manifest_lines(fields: dict[str, Any]) -> None:
    line = json.dumps(fields).encode()
    entry = attempt(line, lambda: parse_line(line), InputError)
    if entry is not None:
        assert entry.path
        assert entry == parse_line(line)
        json.dumps([entry.path, entry.reference_text, entry.metadata]).encode()


@given(line=damaged({name: data for name, data in SEEDS.items() if "json" in name}))
@fuzzed(300)
def test_damaged_manifest_lines(line: Damaged) -> None:
    entry = attempt(line, lambda: parse_line(line), InputError)
    assert entry is None or entry.path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder; names of objects in buckets are looked for in an empty one beside it."""
    with google_bucket():
        yield tmp_path_factory.mktemp("fuzz")


@pytest.mark.slow
@given(data=damaged(SEEDS))
@fuzzed(400)
def test_damaged_manifests(place: Path, data: Damaged) -> None:
    """There are never more inputs than lines, and each has the same name each time."""
    path = place / "manifest"
    path.write_bytes(data)
    with bounded(data):
        found = [input_of(each) for each in read_lines(str(path))]
        assert [each.source_id for each in found] == [
            input_of(each).source_id for each in read_lines(str(path))
        ]
    for each in found:
        assert isinstance(each, AudioRef) or each.message


@given(
    data=st.binary(max_size=200) | damaged(SEEDS),
    attributes=st.dictionaries(
        st.sampled_from(ATTRIBUTES) | st.text(max_size=8), TEXTS, max_size=6
    ),
)
@fuzzed(500)
def test_messages(place: Path, data: bytes, attributes: dict[str, str]) -> None:
    """What cannot be read is kept whole below the output, and is there to be published again."""
    output = place / "output"
    message = Message(data, attributes, "1", datetime(2026, 1, 5, tzinfo=UTC))
    with bounded((data, attributes)):
        found = input_of_message(message, str(output), "when")
        again = input_of_message(message, str(output), "when")
    if found is None or again is None:
        assert found == again
        return
    assert found.source_id == again.source_id
    if isinstance(found, Failure) and found.payload_uri:
        kept = json.loads(Path(found.payload_uri).read_bytes())
        assert base64.b64decode(kept["data_base64"]) == data
        assert kept["attributes"] == attributes
