"""Outcomes and ends of recordings go through JSON and come back as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from beam_audio.quality.second_opinion import Opinion
from beam_audio.types import AudioFormat, AudioRef, Quality, Segment, Transcript, Word
from beam_audio.unit.channels import Channel
from beam_audio.unit.clock import failure_of
from beam_audio.unit.events import RecordingEnd
from beam_audio.unit.results import Outcome, Recognised, opinion_failure, segment_failure
from beam_audio.unit.saved_outcomes import (
    ends_content,
    ends_of_content,
    outcome_content,
    outcome_of_content,
)
from beam_audio.unit.scratch import StoredBytes

REF = AudioRef("/calls/é.wav", 7, event_time=datetime(2026, 1, 5, tzinfo=UTC), attempt=2)
SEGMENT = Segment(
    "r", "s", 3, 1, 8000, 10, 8010, 20, 8000, ((15, 4000), (4500, 8005)), np.zeros(0, "f4"), 1e-7
)
QUALITY = Quality(-20.123456789, None, 0.1, 0.9, 33.3, 3900.0, -23.0, b"\x00\xff", 3.1, 3.2, 3.3)
WORDS = (Word("one", 0.1, 0.3, 0.987654321), Word(" two", 0.3, 0.5, None))
HEARD = Transcript("one two", "en", 0.99, -0.3, 0.01, words=WORDS)
ERROR = ValueError("no\nsuch thing")
FAILED = segment_failure(REF, SEGMENT, "recognise", ERROR)
FORMAT = AudioFormat("flac", "flac", 8000, 2, None)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(SEGMENT, FAILED),
        Outcome(SEGMENT, Recognised(HEARD, QUALITY)),
        Outcome(SEGMENT, Recognised(replace(HEARD, words=None), QUALITY)),
        Outcome(SEGMENT, Recognised(HEARD, QUALITY, None, Opinion("m", "h", HEARD))),
        Outcome(
            SEGMENT,
            Recognised(
                HEARD, QUALITY, None, Opinion("m", "h", None, opinion_failure(REF, SEGMENT, ERROR))
            ),
        ),
    ],
)
def test_an_outcome_comes_back(outcome: Outcome) -> None:
    content = json.loads(json.dumps(outcome_content(outcome)))
    assert repr(outcome_of_content(content, REF, None)) == repr(outcome)


def test_stored_audio_is_where_it_was_put() -> None:
    content = outcome_content(Outcome(SEGMENT, Recognised(HEARD, QUALITY, StoredBytes(5, 6))))
    found = outcome_of_content(content, REF, StoredBytes(1, 6)).result
    assert isinstance(found, Recognised)
    assert found.audio == StoredBytes(1, 6)


@pytest.mark.parametrize("channel", [None, 1])
def test_ends_come_back_with_the_number_of_segments(channel: int | None) -> None:
    source = Channel(REF, "r", channel, "0" * 64, FORMAT)
    truncation = replace(failure_of(REF, "decode", ERROR), recording_id="r")
    end = RecordingEnd(source, 80_000, 4000, truncation, 0.25, ("time_gaps",), "a" * 64)
    content = json.loads(json.dumps(ends_content([end], [9])))
    assert ends_of_content(content, REF, "mix") == [(end, 9)]


def test_a_text_for_all_channels_is_that_of_none() -> None:
    ref = replace(REF, reference_text="hello")
    end = RecordingEnd(Channel(ref, "r", 0, "0" * 64, FORMAT), 8000, 0, None)
    ((found, _),) = ends_of_content(ends_content([end], [0]), ref, "split")
    assert found.source.ref.reference_text is None
    assert found.source.ref.reasons == ("reference_without_channel",)
