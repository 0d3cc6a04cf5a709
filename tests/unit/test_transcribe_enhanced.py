"""Noise is taken out of what the recogniser hears, and out of nothing else: a layer of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.small_classifiers import write_yamnet
from support.small_enhancers import write_enhancer
from support.unit_runs import (
    LAYERS,
    RATE_HZ,
    Scripted,
    destinations,
    only_recording,
    read,
    read_all,
    ref,
    segments_in_order,
    settings,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.classifiers.load import classifier_id
from beam_audio.enhancers.network import load_enhancer
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.types import AudioRef, Row
    from beam_audio.unit.unit_settings import UnitSettings

LEVELS = [0.2, 0.6, 0.4]


def hear_peak(request: Request) -> Transcript:
    """The peak of a clip in hundredths, as a word."""
    middle = request.samples[2000:-2000]
    return Transcript(f"level {round(100 * float(np.abs(middle).max()))}", "en")


def must_not_hear(_: Request) -> Transcript:
    raise AssertionError("nothing is recognised")


HEARS, SILENT = Scripted(hear_peak), Scripted(must_not_hear)


@pytest.fixture
def source(tmp_path: Path) -> AudioRef:
    return ref(write(tmp_path / "a.wav", tones(LEVELS)))


def enhanced(folder: Path, **prepare: Any) -> UnitSettings:  # noqa: ANN401 - those of settings
    """Settings of a run with an enhancer."""
    model = load_enhancer(str(folder)).model
    layers = LAYERS | {"enhance": model.sha256}
    found = settings(layers=layers, enhancer=model, store_audio="flac", **prepare)
    return replace(found, rows=replace(found.rows, enhance_model_id=model.model_id))


PLAIN = settings(store_audio="flac")
FOLLOWS = {"text", "enhance_model_id", "config_id", "compression_ratio", "chars_per_second"}
"""What changes with an enhancer, where the recogniser gives no scores."""


def kept(rows: list[Row]) -> list[Row]:
    return [{name: row[name] for name in row if name not in FOLLOWS} for row in rows]


@pytest.mark.parametrize("isolated", [True, False])
def test_only_the_recogniser_hears_it(tmp_path: Path, source: AudioRef, *, isolated: bool) -> None:
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    using = enhanced(write_enhancer(tmp_path / "half"), isolate_decoding=isolated)
    transcribe(out, source, using=PLAIN, recognizer=HEARS)
    before = segments_in_order(out)
    assert [row["text"] for row in before] == ["level 20", "level 60", "level 40"]
    assert {row["enhance_model_id"] for row in before} == {None}
    transcribe(fresh, source, using=using, recognizer=HEARS)
    after = segments_in_order(fresh)
    assert [row["text"] for row in after] == ["level 10", "level 30", "level 20"]
    assert {row["enhance_model_id"] for row in after} == {using.rows.enhance_model_id}
    assert kept(after) == kept(before)
    # Added to an output, the audio is cut as it was, and recognised again.
    assert update(out, source, using=using, recognizer=HEARS)
    assert read_all(out) == read_all(fresh)
    assert not update(out, source, using=using, recognizer=SILENT)


def test_whoever_does_not_ask_hears_the_audio_as_it_came(tmp_path: Path, source: AudioRef) -> None:
    out, plain = tmp_path / "out", tmp_path / "plain"
    using = enhanced(write_enhancer(tmp_path / "half"))
    transcribe(out, source, using=using, recognizer=HEARS)
    # New measures and new rules leave the texts.
    measures = using.rows.config_layers | {"measures": "new"}
    again = replace(using, rows=replace(using.rows, config_layers=measures))
    assert update(out, source, using=again, recognizer=SILENT)
    assert segments_in_order(out)[0]["text"] == "level 10"
    # Another network, and none.
    other = enhanced(write_enhancer(tmp_path / "quarter", gain=0.25))
    assert update(out, source, using=other, recognizer=HEARS)
    assert segments_in_order(out)[0]["text"] == "level 5"
    transcribe(plain, source, using=PLAIN, recognizer=HEARS)
    assert update(out, source, using=PLAIN, recognizer=HEARS)
    assert read_all(out) == read_all(plain)


def test_sounds_are_added_from_the_audio_as_it_came(tmp_path: Path, source: AudioRef) -> None:
    using = enhanced(write_enhancer(tmp_path / "half"))
    transcribe(tmp_path / "out", source, using=using, recognizer=HEARS)
    sounds = classifier_id(str(write_yamnet(tmp_path / "sounds")))
    layers = using.rows.config_layers | {"events": sounds.sha256}
    asked = replace(
        using,
        prepare=replace(using.prepare, classifier=sounds),
        rows=replace(using.rows, config_layers=layers),
    )
    assert update(tmp_path / "out", source, using=asked, recognizer=SILENT)
    first, *_ = segments_in_order(tmp_path / "out")
    assert first["text"] == "level 10"
    # Of a tone, the mean magnitude is 2/π of the peak.
    assert first["speech_score"] == pytest.approx(0.2 * 2 / np.pi * 5, abs=0.002)


@pytest.mark.parametrize("passage_seconds", [0.0, 30.0])
def test_a_clip_that_cannot_be_enhanced_costs_itself(
    tmp_path: Path, source: AudioRef, passage_seconds: float
) -> None:
    """A spectrum has numbers above 70 where a tone is louder than 0.5."""
    using = enhanced(write_enhancer(tmp_path / "breaks", breaks_above=70.0))
    hears = Scripted(hear_peak if not passage_seconds else hear_pieces)
    hears.passage_seconds = passage_seconds
    transcribe(tmp_path / "out", source, using=using, recognizer=hears)
    assert [row["text"] for row in segments_in_order(tmp_path / "out")] == ["level 10", "level 20"]
    (failure,) = read(tmp_path / "out", "failures")
    assert (failure["unit"], failure["stage"]) == ("segment", "enhance")
    assert failure["error_type"] == "EnhanceError"
    assert failure["message"] == "small.onnx gives numbers that are not finite for this clip"
    assert (failure["start_seconds"], failure["end_seconds"]) == (1.0, 2.0)
    found = destinations(only_recording(tmp_path / "out"))
    assert found["failed"] == RATE_HZ
    assert sum(found.values()) == 3 * RATE_HZ


def hear_pieces(request: Request) -> Transcript:
    """A joined clip is heard piece by piece."""
    heard = hear_peak(request)
    return replace(heard, pieces=tuple(map(hear_peak, request.pieces)))


def test_audio_of_another_rate_is_as_long_as_it_was(tmp_path: Path, source: AudioRef) -> None:
    folder = write_enhancer(tmp_path / "half", sample_rate_hz=22_050)
    lengths: list[int] = []

    def hear(request: Request) -> Transcript:
        lengths.append(len(request.samples))
        return hear_peak(request)

    transcribe(tmp_path / "out", source, using=enhanced(folder), recognizer=Scripted(hear))
    assert lengths == [RATE_HZ] * 3
    texts = [row["text"] for row in segments_in_order(tmp_path / "out")]
    assert texts == ["level 10", "level 30", "level 20"]
