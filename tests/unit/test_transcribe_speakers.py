"""Speakers as a layer: added to an output, kept by runs that do not ask, found again in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.unit_runs import (
    LAYERS,
    RATE_HZ,
    VAD,
    Scripted,
    read_all,
    ref,
    settings,
    transcribe,
    update,
)

from beam_audio.speakers.networks import find_model
from beam_audio.types import Transcript, Word

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request

WITH_SPEAKERS = LAYERS | {"speakers": "a"}
PEOPLE = {"S1", "S2", "S3"}


def hear_words(request: Request) -> Transcript:
    """A word each half second."""
    count = int(len(request.samples) / RATE_HZ * 2)
    words = tuple(Word(f" w{n}", n / 2, n / 2 + 0.4, 0.9) for n in range(count))
    return Transcript("".join(each.word for each in words).strip(), "en", words=words)


def must_not_hear(_: Request) -> Transcript:
    raise AssertionError("nothing is recognised")


@pytest.mark.shared
def test_speakers_are_a_layer(shared_data: Path, shared_models: Path, tmp_path: Path) -> None:
    """Three people speak one after the other, as a person marked."""
    source, out = ref(shared_data / "diarization" / "pv_falcon.wav"), tmp_path / "out"
    hears = Scripted(hear_words)
    transcribe(out, source, using=settings(segments=VAD), recognizer=hears)
    before = read_all(out)["segments"]
    assert {row["speaker_turns"] for row in before} == {None}
    asking = settings(segments=VAD, layers=WITH_SPEAKERS, speakers=find_model(str(shared_models)))
    silent = Scripted(must_not_hear)
    assert update(out, source, using=asking, recognizer=silent)
    found = read_all(out)["segments"]
    for row in found:
        for turn in row["speaker_turns"]:
            middle = (turn["start_seconds"] + turn["end_seconds"]) / 2
            assert turn["speaker"] == ("S1" if middle < 5 else "S2" if middle < 12 else "S3")
        assert len(row["word_speakers"]) == len(row["words"])
        assert len(row["speaker_embedding"]) == 192
    assert {each for row in found for each in row["word_speakers"]} == PEOPLE
    # Whoever does not ask leaves them, whether rules change or the words.
    others = settings(segments=VAD, rules="strict")
    assert update(out, source, using=others, recognizer=silent)
    kept = read_all(out)["segments"]
    assert [_speakers(row) for row in kept] == [_speakers(row) for row in found]
    model = settings(segments=VAD, layers=LAYERS | {"model": "other"})
    assert update(out, source, using=model, recognizer=hears)
    heard = read_all(out)["segments"]
    assert [_speakers(row) for row in heard] == [_speakers(row) for row in found]
    # A new run gives what was added.
    transcribe(tmp_path / "fresh", source, using=asking, recognizer=hears)
    fresh = read_all(tmp_path / "fresh")["segments"]
    assert [_speakers(row) for row in fresh] == [_speakers(row) for row in found]


def _speakers(row: dict[str, object]) -> dict[str, object]:
    return {name: row[name] for name in row if "speaker" in name}
