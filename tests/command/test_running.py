"""What a run prints and leaves behind, and its exit status."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.run_outputs import Command, all_rows, listing, only, read_rows, run_files, run_words

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_prints_its_account_and_its_paths(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    status, out, err = command(*run_words(audio, output, "--direct_num_workers=1"))
    assert (status, err) == (0, "")
    assert "ledger        balances" in out
    assert str(only(run_files(output))) in out
    assert f"{output}/{{segments,recordings,failures}}/" in out
    assert len(read_rows(output, "recordings")) == 2
    assert len(read_rows(output, "segments")) >= 2


def test_a_rerun_reads_no_audio_and_adds_nothing(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert command(*run_words(audio, output))[0] == 0
    before, rows = listing(output), all_rows(output)
    for path in audio.iterdir():
        was = path.stat()
        path.write_bytes(b"\0" * was.st_size)  # no longer audio, for whoever reads it
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    status, out, err = command(*run_words(audio, output))
    assert (status, err) == (0, "")
    assert "2 done before" in out
    assert "nothing new to do" in out
    assert listing(output) == before
    assert all_rows(output) == rows
    assert len(run_files(output)) == 2


def test_silence_is_no_failure(command: Command, tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    soundfile.write(tmp_path / "audio" / "silence.wav", np.zeros(16_000), 16_000)
    status, out, _ = command(*run_words(tmp_path / "audio", tmp_path / "out"))
    assert status == 0
    assert "1.0 s without speech" in out
    row = only(read_rows(tmp_path / "out", "recordings"))
    assert "no_speech" in row["reasons"]
    assert read_rows(tmp_path / "out", "segments") == []


def test_input_of_which_nothing_can_be_decoded_ends_3(command: Command, tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "a.wav").write_bytes(b"this is no audio at all")
    (tmp_path / "audio" / "empty.wav").touch()
    status, out, _ = command(*run_words(tmp_path / "audio", tmp_path / "out"))
    assert status == 3
    assert "nothing could be decoded" in out
    assert len(read_rows(tmp_path / "out", "failures")) == 2
    assert command(*run_words(tmp_path / "audio", tmp_path / "out"))[0] == 0  # nothing new


def test_an_unreadable_manifest_line_costs_itself_only(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "m.jsonl"
    good = [json.dumps({"audio_filepath": str(path)}) for path in sorted(audio.iterdir())]
    manifest.write_text("\n".join([good[0], "{broken", good[1]]))
    output = tmp_path / "out"
    status, out, _ = command(
        "run", f"--manifest={manifest}", f"--output={output}", "--model=placeholder"
    )
    assert status == 0
    assert "InputError while in read" in out
    row = only(read_rows(output, "failures"))
    assert (row["unit"], row["stage"], row["uri"]) == ("input", "read", str(manifest))
    assert row["message"].startswith("line 2: not JSON")
    assert len(read_rows(output, "recordings")) == 2


def test_the_run_file_says_what_was_run(command: Command, audio: Path, tmp_path: Path) -> None:
    assert command(*run_words(audio, tmp_path / "out", "--limit=1"))[0] == 0
    content = json.loads(only(run_files(tmp_path / "out")).read_text())
    assert content["configuration"]["limit"] == 1
    assert content["model_id"] == "placeholder/none"
    assert content["providers"] == ["CPUExecutionProvider"]
    assert content["ledger"]["balances"] is True
    assert (content["ledger"]["inputs"], content["ledger"]["recordings"]) == (1, 1)
    assert {"beam_audio", "apache-beam", "python"} <= content["versions"].keys()
    assert content["throughput"]["decoded_seconds"] == pytest.approx(2.0)


@pytest.fixture
def call(shared_data: Path, tmp_path: Path) -> Path:
    """A folder with a call: one person for 4 s on a channel, then another on the other."""
    silence = np.zeros(64_000, np.float32)
    one, other = (
        soundfile.read(shared_data / "librispeech" / name, frames=64_000, dtype="float32")[0]
        for name in ("1688-142285-0003.flac", "1998-15444-0001.flac")
    )
    sides = [np.concatenate([one, silence]), np.concatenate([silence, other])]
    (tmp_path / "calls").mkdir()
    soundfile.write(tmp_path / "calls" / "call.wav", np.stack(sides, axis=1), 16_000)
    return tmp_path / "calls"


@pytest.mark.shared
def test_sides_of_a_call_are_speakers_and_exports_name_them(
    command: Command, call: Path, shared_models: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    flags = ("--channels=split", f"--speaker_model={shared_models}")
    assert command(*run_words(call, output, *flags))[0] == 0
    rows = read_rows(output, "segments")
    for channel, start in enumerate((0.0, 4.0)):
        turns = [t for row in rows if row["channel"] == channel for t in row["speaker_turns"]]
        assert {turn["speaker"] for turn in turns} == {f"C{channel}S1"}
        assert all(start <= turn["start_seconds"] < turn["end_seconds"] for turn in turns)
        assert sum(t["end_seconds"] - t["start_seconds"] for t in turns) > 2.0
    for name, file in (("rttm", "*.rttm"), ("nemo", "manifest.jsonl")):
        target = tmp_path / name
        words = (f"--format={name}", f"--output={target}", "--where=true")
        assert command("export", output, *words)[0] == 0
        told = "".join(path.read_text("utf-8") for path in target.rglob(file))
        for row in rows:
            assert row["speaker_label"] in told
            if name == "nemo":
                assert f'"{row["recording_id"][:12]}_{row["speaker_label"]}"' in told


@pytest.mark.shared
def test_a_run_finds_as_many_speakers_as_it_is_told(
    command: Command, shared_data: Path, shared_models: Path, tmp_path: Path
) -> None:
    three_people, output = shared_data / "diarization" / "pv_falcon.wav", tmp_path / "out"
    flags = (f"--speaker_model={shared_models}", "--speaker_count=2")
    assert command(*run_words(three_people, output, *flags))[0] == 0
    turns = [turn for row in read_rows(output, "segments") for turn in row["speaker_turns"]]
    assert {turn["speaker"] for turn in turns} == {"S1", "S2"}
