"""The verb ``classify`` and what it prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.small_classifiers import write_clap, write_yamnet

if TYPE_CHECKING:
    from pathlib import Path

    from support.run_outputs import Command


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.wav"
    soundfile.write(path, np.full(15_600, 0.5, np.float32), 16_000)
    return path


def test_labels_and_events_are_printed(command: Command, clip: Path, tmp_path: Path) -> None:
    status, out, _ = command("classify", clip, f"--model={write_yamnet(tmp_path / 'model')}")
    assert status == 0
    assert out.splitlines() == [
        f"{clip}  1.0 s",
        "  speech (speech 1.00, music 0.68; 0.5 is the border)",
        "    0.5000  Speech",
        "    0.5000  Music",
        "      0.00 to 0.97 s  Music 0.50",
        "      0.00 to 0.97 s  Speech 0.50",
    ]


def test_zero_shot_labels_are_one_json_object_a_recording(
    command: Command, clip: Path, tmp_path: Path
) -> None:
    status, out, _ = command(
        "classify",
        *(clip, clip),
        f"--model={write_clap(tmp_path / 'model')}",
        "--candidate_labels=low, high",
        "--json",
    )
    assert status == 0
    first, second = map(json.loads, out.splitlines())
    assert first == second
    assert first["uri"] == str(clip)
    assert {each["label"] for each in first["labels"]} == {"low", "high"}
    assert sum(each["score"] for each in first["labels"]) == pytest.approx(1.0)


def test_a_folder_without_a_model_is_an_error(command: Command, clip: Path, tmp_path: Path) -> None:
    status, _, err = command("classify", clip, f"--model={tmp_path}")
    assert status == 1
    assert "holds no classifier" in err


def test_a_recording_that_cannot_be_read_costs_itself_only(
    command: Command, clip: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    model = write_yamnet(tmp_path / "model")
    status, out, err = command("classify", broken, clip, tmp_path / "gone.wav", f"--model={model}")
    assert status == 1
    assert out.startswith(str(clip))
    assert [str(broken) in err, str(tmp_path / "gone.wav") in err] == [True, True]
