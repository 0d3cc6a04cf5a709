"""What is exported can be run again: the same samples and texts come back, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
import soundfile
from support import run_outputs

from beam_audio.audio.pcm import PcmHash
from beam_audio.export.options import ExportOptions, FormatName
from beam_audio.inputs.formats.names import INPUT_FORMATS
from beam_audio.run.exporting import export

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import Row

READ_AS: dict[FormatName, tuple[str, str]] = {
    "nemo": ("manifest", "data/manifest.jsonl"),
    "nemo_tarred": ("input", "data"),
    "webdataset": ("input", "data/*.tar"),
    "shar": ("input", "data"),
    "huggingface": ("input", "data"),
    "kaldi": ("input", "data"),
}
"""The flag that takes an export, and what of it."""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output of three recordings in five segments each."""
    folder = tmp_path_factory.mktemp("round")
    for index in range(3):
        run_outputs.write_speech(folder / "in" / f"{index}.wav", 0.5 * index, seconds=5.0)
    windows = {"segmenter": "fixed", "window_seconds": 1.0}
    run_outputs.run(input=folder / "in", output=folder / "out", **windows)
    return folder / "out"


def sound_of(segment: Row) -> str:
    """Hash of the samples of a segment."""
    recording, rate_hz = soundfile.read(segment["uri"], dtype="float32")
    start, end = (round(segment[f"{each}_seconds"] * rate_hz) for each in ("start", "end"))
    digest = PcmHash()
    digest.push(recording[start:end])
    return digest.hexdigest()


@pytest.mark.parametrize("name", READ_AS)
def test_an_export_is_an_input(out: Path, tmp_path: Path, name: FormatName) -> None:
    segments = run_outputs.read_rows(out, "segments")
    export(str(out), str(tmp_path / "x"), ExportOptions(name, where="true"))
    flag, place = READ_AS[name]
    source = {flag: tmp_path / "x" / place, "input_format": name.removesuffix("_tarred")}
    result = run_outputs.run(**source, output=tmp_path / "again", segmenter="fixed")
    assert result.exit_status == 0
    again = run_outputs.read_rows(tmp_path / "again", "recordings")
    assert sorted((row["audio_sha256"], row["reference_text"]) for row in again) == sorted(
        (sound_of(row), row["text"]) for row in segments
    )
    assert not run_outputs.read_rows(tmp_path / "again", "failures")


def test_every_format_of_both_sides_is_tried() -> None:
    both = {each for each in get_args(FormatName) if each.removesuffix("_tarred") in INPUT_FORMATS}
    assert both == READ_AS.keys()
