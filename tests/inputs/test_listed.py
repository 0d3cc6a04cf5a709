"""Lists on disk, in waves."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from support.run_outputs import write_byte, write_manifest

from beam_audio.inputs.found import input_of as input_of_line
from beam_audio.inputs.left_out import LeftOut
from beam_audio.inputs.listed import list_files, list_found, list_lines
from beam_audio.inputs.listing import input_of_file, list_input, read_lines
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_about_one_file_are_in_one_wave_however_they_are_spelt(tmp_path: Path) -> None:
    for name in "abcd":
        write_byte(tmp_path, f"{name}.wav")
    lines: list[dict[str, Any] | str] = [
        *(
            {"audio_filepath": f"{name}.wav", "text": str(turn)}
            for turn in (1, 2)
            for name in "abcd"
        ),
        {"audio_filepath": f"file://{tmp_path}/a.wav", "offset": 1.0},
        {"audio_filepath": "./sub/../a.wav"},
    ]
    manifest = write_manifest(tmp_path / "m.jsonl", lines)
    listed = list_lines(str(manifest))
    waves = [{item.uri for item in wave} for wave in listed.waves(most=3)]
    assert listed.count == len(lines)
    assert len(waves) == 3
    assert sum(map(len, waves)) == len(set().union(*waves)) == 4


def test_every_line_is_an_input_or_a_failure_as_without_waves(tmp_path: Path) -> None:
    write_byte(tmp_path, "a.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    lines: list[dict[str, Any] | str] = [
        *("{broken", "[]", json.dumps({"text": "no file"})),
        *({"audio_filepath": name} for name in ("a.wav", "none.wav", "pipe.wav", "http://h/x.wav")),
        {"audio_filepath": "a.wav", "offset": -1},
        {"audio_filepath": 5},
    ]
    manifest = str(write_manifest(tmp_path / "m.jsonl", lines))
    found = [item for wave in list_lines(manifest).waves(2) for item in wave]
    assert sorted(found, key=repr) == sorted(map(input_of_line, read_lines(manifest)), key=repr)
    assert sum(isinstance(item, Failure) for item in found) == len(lines) - 1


def test_a_limit_takes_the_first_lines_and_the_first_names(tmp_path: Path) -> None:
    for name in "cab":
        write_byte(tmp_path / "in", f"{name}.wav")
    manifest = write_manifest(
        tmp_path / "m.jsonl", [{"audio_filepath": f"in/{name}.wav"} for name in "cab"]
    )
    lines = list_lines(str(manifest), limit=2)
    files = list_files(list_input(str(tmp_path / "in")), limit=2)
    names = [
        sorted(item.uri[-5] for wave in listed.waves(9) for item in wave)
        for listed in (lines, files)
    ]
    assert names == [["a", "c"], ["a", "b"]]
    assert (lines.count, files.count) == (2, 2)


def test_files_are_the_inputs_that_the_listing_found(tmp_path: Path) -> None:
    for number in range(10):
        write_byte(tmp_path / "in", f"{number}.wav")
    listing = list_input(str(tmp_path / "in"))
    waves = list(list_files(listing).waves(4))
    assert list(map(len, waves)) == [4, 4, 2]
    found = [item for wave in waves for item in wave]
    assert found == list(map(input_of_file, listing.files))
    assert all(isinstance(item, AudioRef) for item in found)


def test_what_is_no_input_is_counted_and_takes_no_place_of_a_limit(tmp_path: Path) -> None:
    write_byte(tmp_path, "a.wav")
    write_byte(tmp_path, ".b.wav")
    listing = list_input(str(tmp_path))
    assert list_files(listing).left_out == LeftOut(hidden=1)
    found = [LeftOut(2), LeftOut(suffixes={".csv": 1}), *listing.files, LeftOut(1)]
    listed = list_found(found, limit=2)
    assert (listed.count, listed.left_out.summary) == (1, "3 hidden, 1 table (.csv)")
