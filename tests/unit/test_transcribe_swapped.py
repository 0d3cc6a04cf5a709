"""References that belong to other recordings are found out, on real speech."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.installed_models import TINY_EN, needs_tiny_en
from support.unit_runs import VAD, read, ref, settings, transcribe, update

from beam_audio.asr import load_model

if TYPE_CHECKING:
    from beam_audio.types import AudioRef, Row

CLIPS = 20
LONGEST_SECONDS = 9
FEWEST_WORDS = 4
SHIFTS = (1, 2, 10)
NOTES = {"empty_reference", "no_reference", "scripts_differ"}
"""Reasons that decide nothing."""


@pytest.fixture(scope="module")
def inputs(placed_lines: list[dict[str, Any]]) -> list[AudioRef]:
    """Short English recordings with their own references, those of similar length together."""
    found = [
        line
        for line in placed_lines
        if line["kind"] == "speech"
        and line["lang"] == "en"
        and line["decode_ok"]
        and len((line.get("text") or "").split()) >= FEWEST_WORDS
        and line["duration"] < LONGEST_SECONDS
    ]
    spread = sorted(found[::3][:CLIPS], key=lambda line: len(line["text"]))
    return [
        ref(Path(line["audio_filepath"]), reference_text=line["text"], language="en")
        for line in spread
    ]


def kept(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["decision"] == "keep"]


@pytest.mark.shared
@pytest.mark.slow
@needs_tiny_en
def test_a_reference_of_another_recording_is_never_kept(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    """They are judged from rows: the audio is transcribed once."""
    out, using = tmp_path / "out", settings(segments=VAD)
    transcribe(out, *inputs, recognizer=load_model(TINY_EN), using=using)
    own = {row["uri"] for row in kept(read(out, "segments"))}
    assert len(inputs) == CLIPS
    assert len(own) >= 0.8 * CLIPS
    for shift in SHIFTS:
        texts = [each.reference_text for each in inputs]
        swapped = [
            replace(each, reference_text=text)
            for each, text in zip(inputs, texts[shift:] + texts[:shift], strict=True)
        ]
        update(out, *swapped, using=using)
        rows = read(out, "segments")
        assert {row["uri"] for row in rows} == {each.uri for each in inputs}
        assert not kept(rows)
        assert all(set(row["reasons"]) - NOTES for row in rows)
