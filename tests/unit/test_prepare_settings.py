"""Networks are found where they are, whatever folder a process works in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.prepared import SETTINGS, events, segments
from support.small_classifiers import write_yamnet
from support.small_enhancers import write_enhancer
from support.unit_runs import ref, tones, write

from beam_audio.classifiers.load import classifier_id
from beam_audio.enhancers.network import load_enhancer
from beam_audio.speakers.networks import SpeakerModel


def test_networks_of_a_folder_are_found_by_the_process_that_decodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a working folder of its own."""
    write_yamnet(tmp_path / "sounds")
    write_enhancer(tmp_path / "half")
    path = write(tmp_path / "a.wav", tones([0.2]))
    monkeypatch.chdir(tmp_path)
    using = replace(
        SETTINGS,
        isolate_decoding=True,
        classifier=classifier_id("sounds"),
        enhancer=replace(load_enhancer("half").model, folder="half"),
    )
    (found,) = segments(events(ref(path), using))
    assert found.quality.audio_events is not None
    assert np.abs(found.clip[2000:-2000]).max() == pytest.approx(0.1, abs=1e-3)


def test_named_networks_keep_their_names_where_a_folder_becomes_absolute() -> None:
    named = SpeakerModel("campplus", "campplus.onnx", "segmentation.onnx", "0")
    assert replace(SETTINGS, speakers=named).on_this_machine.speakers == named
    folder = replace(SETTINGS, speakers=replace(named, name="speakers")).on_this_machine.speakers
    assert folder == replace(named, name=str(Path("speakers").absolute()))
