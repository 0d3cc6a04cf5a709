"""Measures go through JSON and come back, and what earlier versions saved is read."""

from __future__ import annotations

import json

from beam_audio.types import AudioEvent, Quality, Voice
from beam_audio.unit.quality_content import events_of, quality_content, quality_of_content

PLAIN = Quality(-20.0, -3.0, 0.0, 0.5, None, 3500.0, -22.0)
FULL = Quality(
    *(-20.0, -3.0, 0.0, 0.5, 25.0, 3500.0, -22.0),
    fingerprint=b"\x00\xff",
    dnsmos_sig=3.5,
    audio_events=(AudioEvent("Music", 0.9, 1.0, 2.5),),
    speech_score=0.25,
    music_score=1.0,
    voices=(
        Voice(((0.5, 1.25), (2.0, 3.0)), 1.5, window=1, embedding=bytes(range(192))),
        Voice(((0.0, 9.0),), 0.0, speaker="S1"),
    ),
    speaker_model_id="voices-1",
)
ADDED = ("audio_events", "speech_score", "music_score", "voices", "speaker_model_id")


def test_measures_come_back() -> None:
    for quality in (PLAIN, FULL):
        assert quality_of_content(json.loads(json.dumps(quality_content(quality)))) == quality


def test_what_an_earlier_version_did_not_save_is_missing() -> None:
    content = quality_content(PLAIN)
    for name in ADDED:
        del content[name]
    assert quality_of_content(content) == PLAIN


def test_no_events_and_no_classifier_differ() -> None:
    assert events_of([]) == ()
    assert events_of(None) is None
