"""What two models hear in a batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.unit_runs import SCRIPTED_FACTS, Scripted, fail_when_loud, hear_loudness, tones

from beam_audio.asr import Request
from beam_audio.quality.second_opinion import Opinion
from beam_audio.types import AudioFormat, AudioRef, Quality, Segment, Transcript
from beam_audio.unit.channels import Channel
from beam_audio.unit.events import PreparedSegment
from beam_audio.unit.second import first_texts, second_opinions

QUALITY = Quality(-20.0, -3.0, 0.0, 0.9, 25.0, 7000.0, -22.0)
FORMAT = AudioFormat("pcm_s16", "wav", 16_000, 1, None)
SOURCE = Channel(AudioRef("a.wav", 1), "recording", None, "", FORMAT)


def item(
    level: float,
    *,
    index: int = 0,
    transcript: Transcript | None = None,
    second: Opinion | None = None,
) -> PreparedSegment:
    segment = Segment(
        recording_id="recording",
        segment_id=f"{index}",
        segment_index=index,
        channel=None,
        sample_rate_hz=16_000,
        start_sample=16_000 * index,
        end_sample=16_000 * (index + 1),
        core_start_sample=16_000 * index,
        core_end_sample=16_000 * (index + 1),
        speech=(),
        samples=np.zeros(0, np.float32),
    )
    return PreparedSegment(
        SOURCE, segment, QUALITY, tones([level]), transcript=transcript, second=second
    )


def texts(opinions: list[list[Opinion | None]]) -> list[list[str | None]]:
    return [
        [each.transcript.text if each and each.transcript else None for each in passage]
        for passage in opinions
    ]


def test_each_segment_gets_the_opinion_on_itself() -> None:
    """The second model joins no segments, and its batches are smaller and sorted by length."""
    batch = [(item(0.1), item(0.2, index=1)), (item(0.4, index=2),)]
    second = Scripted()
    found = second_opinions(second, batch, [None, None], budget_seconds=1.0)
    heard = [[hear_loudness_of(each) for each in passage] for passage in batch]
    assert texts(found) == heard
    assert [len(each) for each in second.batches] == [1, 1, 1]
    assert {each.model_id for passage in found for each in passage if each} == {"scripted/none"}


def hear_loudness_of(prepared: PreparedSegment) -> str:
    return hear_loudness(Request(prepared.clip)).text


def test_a_segment_that_breaks_the_second_model_has_no_opinion() -> None:
    batch = [(item(0.1),), (item(0.95, index=1),)]
    first, broken = second_opinions(Scripted(fail_when_loud), batch, [None, None], None)
    assert first[0] is not None
    assert first[0].transcript is not None
    assert broken[0] is not None
    assert (broken[0].model_id, broken[0].transcript) == ("scripted/none", None)
    failure = broken[0].failure
    assert failure is not None
    assert (failure.unit, failure.stage, failure.error_type) == ("opinion", "second", "ValueError")
    assert (failure.segment_id, failure.message) == ("1", "this clip hurts")


def test_a_language_the_second_model_does_not_know_is_not_asked_about() -> None:
    second = Scripted(facts=replace(SCRIPTED_FACTS, languages=frozenset({"en"})))
    found = second_opinions(second, [(item(0.1),), (item(0.2, index=1),)], ["de", "en"], None)
    assert texts(found)[0] == [None]
    assert texts(found)[1] != [None]
    assert [passage[0] and passage[0].failure for passage in found] == [None, None]


def test_what_is_known_is_not_heard_again() -> None:
    opinion = Opinion("another", "1" * 64, Transcript("said before", "en"))
    first = Transcript("first")
    batch = [(item(0.1, transcript=first, second=opinion),), (item(0.2, index=1),)]
    recognizer, second = Scripted(), Scripted()
    results = first_texts(recognizer, batch, [None, None])
    assert results[0] == [first]
    assert second_opinions(second, batch, [None, None], None)[0] == [opinion]
    assert len(recognizer.batches) == len(second.batches) == 1
    assert first_texts(recognizer, batch[:1], [None]) == [[first]]
    assert len(recognizer.batches) == 1


def test_without_a_second_model_opinions_are_those_there_are() -> None:
    assert second_opinions(None, [(item(0.1),)], [None], None) == [[None]]
