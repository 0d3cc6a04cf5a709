"""Measures survive JSON, and what was saved before voices were known is read."""

from __future__ import annotations

import json

from beam_audio.types import Quality, Voice
from beam_audio.unit.quality_content import quality_content, quality_of_content

PLAIN = Quality(-20.0, None, 0.1, 0.9, 33.3, 3900.0, -23.0)
FULL = Quality(
    *(-20.0, -3.0, 0.1, 0.9, 33.3, 3900.0, -23.0, b"\x00\xff", 3.1, 3.2, 3.3),
    voices=(
        Voice(((0.5, 1.25), (2.0, 3.0)), 1.5, window=1, embedding=bytes(range(192))),
        Voice(((0.0, 9.0),), 0.0, speaker="S1"),
    ),
    speaker_model_id="voices-1",
)


def test_measures_survive() -> None:
    for quality in (PLAIN, FULL):
        content = json.loads(json.dumps(quality_content(quality)))
        assert quality_of_content(content) == quality


def test_what_knows_nothing_of_voices_is_read() -> None:
    content = quality_content(PLAIN)
    for name in ("voices", "speaker_model_id"):
        del content[name]
    assert quality_of_content(content) == PLAIN
