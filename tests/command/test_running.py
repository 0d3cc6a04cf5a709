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
