"""ReadMessages: messages give references, failures and arrivals."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import apache_beam as beam
import numpy as np
import soundfile
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from beam_audio.inputs.allowed import AllowedPlaces
from beam_audio.inputs.messages import Message
from beam_audio.transforms.read_messages import ReadMessages

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


def message(data: bytes = b"", **attributes: str) -> Message:
    return Message(data, attributes, "17", PUBLISHED)


def wav() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(8_000), 16_000, format="WAV")
    return file.getvalue()


def test_messages_become_references_or_failures(tmp_path: Path) -> None:
    messages = [
        message(wav(), content_type="audio/wav", uri="call://1"),
        message(b"?"),
        message(eventType="OBJECT_DELETE"),
    ]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        read = pipeline | beam.Create(messages) | ReadMessages(str(tmp_path))
        refs, failures, arrivals = read
        assert_that(refs | beam.Map(lambda ref: ref.uri), equal_to(["call://1"]), "refs")
        assert_that(failures | beam.Map(lambda each: each.stage), equal_to(["read"]), "failures")
        noted = arrivals | beam.Map(lambda each: (each.source_id is None, each.published_seconds))
        published_seconds = PUBLISHED.timestamp()
        is_none = [(each, published_seconds) for each in (False, False, True)]
        assert_that(noted, equal_to(is_none), "arrivals")
    counted = pipeline.result.metrics().query()["counters"]
    assert {each.key.metric.name: each.committed for each in counted}["ignored_messages"] == 1


def test_messages_name_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav())
    messages = [message(f'{{"audio": "{tmp_path}/a.wav"}}'.encode()), message(b'{"audio": "/b"}')]
    allowed = AllowedPlaces.stated(str(tmp_path))
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        read = ReadMessages(str(tmp_path / "out"), allowed=allowed)
        refs, failures, _ = pipeline | beam.Create(messages) | read
        uris = refs | beam.Map(lambda ref: ref.uri)
        assert_that(uris, equal_to([f"{tmp_path}/a.wav"]), "refs")
        assert_that(failures | beam.Map(lambda each: each.uri), equal_to(["/b"]), "failures")
