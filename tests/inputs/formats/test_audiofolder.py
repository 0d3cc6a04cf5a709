"""Hugging Face's audiofolder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.data_sets import inputs_in, write_lines, write_text
from support.run_outputs import write_byte

from beam_audio.inputs.formats.audiofolder import read_audiofolder
from beam_audio.inputs.left_out import LeftOut
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path


def test_audio_has_the_lines_about_it_or_no_text(tmp_path: Path) -> None:
    for name in ("train/a.wav", "train/b.wav", "test/deep/c.flac", "alone.wav"):
        write_byte(tmp_path / "in", name)
    write_text(tmp_path / "in/train/metadata.csv", ["file_name,transcription", "a.wav,one"])
    lines = [{"file_name": "deep/c.flac", "text": "three"}, {"file_name": "gone.wav"}]
    write_lines(tmp_path / "in/test/metadata.jsonl", lines)
    items = inputs_in(read_audiofolder(str(tmp_path / "in")))
    texts = {
        each.uri.removeprefix(f"{tmp_path}/in/"): each.reference_text
        for each in items
        if isinstance(each, AudioRef)
    }
    assert texts == {
        "train/a.wav": "one",
        "train/b.wav": None,
        "test/deep/c.flac": "three",
        "alone.wav": None,
    }
    (failure,) = (each for each in items if isinstance(each, Failure))
    assert "gone.wav" in failure.uri


def test_the_output_is_no_input(tmp_path: Path) -> None:
    write_byte(tmp_path, "a.wav")
    write_byte(tmp_path, "out/b.wav")
    write_text(tmp_path / "out/metadata.csv", ["file_name,text", "b.wav,two"])
    found = [each.uri for each in inputs_in(read_audiofolder(str(tmp_path), f"{tmp_path}/out"))]
    assert found == [f"{tmp_path}/a.wav"]


def test_tables_that_are_read_are_not_left_out(tmp_path: Path) -> None:
    for name in ("a.wav", "._a.wav", ".git/x", "notes.csv"):
        write_byte(tmp_path, name)
    write_text(tmp_path / "metadata.csv", ["file_name,text", "a.wav,one"])
    left_out = [each for each in read_audiofolder(str(tmp_path)) if isinstance(each, LeftOut)]
    assert left_out == [LeftOut(hidden=2, suffixes={".csv": 1})]
