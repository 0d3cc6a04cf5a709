"""What the verbs do, what they print, and the exit status."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.run_outputs import Command, all_rows, listing, only, read_rows, run_files, run_words

from beam_audio.asr import build_model

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


@pytest.mark.parametrize(
    ("flag", "named"),
    [("--partition_by=language", "--partition_by"), ("--store_audio=flac", "--store_audio")],
)
def test_an_output_laid_out_otherwise_is_left_alone(
    command: Command, audio: Path, tmp_path: Path, flag: str, named: str
) -> None:
    output = tmp_path / "out"
    assert command(*run_words(audio, output))[0] == 0
    before = listing(output)
    status, _, err = command(*run_words(audio, output, flag))
    assert status == 2
    assert f"made with another {named}" in err
    assert listing(output) == before
    assert len(run_files(output)) == 1


def test_other_rules_are_applied_to_what_is_there(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    command(*run_words(audio, output))
    status, out, _ = command(*run_words(audio, output, "--rules=strict"))
    assert status == 0
    assert "2 done again" in out
    command(*run_words(audio, tmp_path / "fresh", "--rules=strict"))
    assert all_rows(output) == all_rows(tmp_path / "fresh")


def test_a_plan_takes_the_flags_of_a_run_and_writes_nothing(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run_flags = run_words(audio, output, "--direct_num_workers=1")[1:]
    status, out, err = command(
        "plan", *run_flags, "--times_real_time=8", "--worker_price=2", "--deadline_hours=0.0001"
    )
    assert (status, err) == (0, "")
    assert "2 headers read" in out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("workers")] == ["2"]
    assert not output.exists()

    status, _, err = command("plan", f"--input={audio}", "--model=placeholder")
    assert status == 2
    assert "--times_real_time" in err
    assert command("plan", f"--input={audio}", "--worker_price=-1")[0] == 2


def test_compact_tells_how_many_files_are_left(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    flags = [f"--input={audio}", f"--output={out}", "--model=placeholder", "--unit_bytes=1"]
    assert command("run", *flags)[0] == 0
    files = len(list(out.rglob("*.parquet")))
    status, text, _ = command("compact", str(out))
    assert status == 0
    assert text.startswith(f"{files} part files, now {len(list(out.rglob('*.parquet')))};")
    assert command("run", *flags)[0] == 0
    status, _, err = command("compact", str(tmp_path))
    assert (status, "--output" in err) == (2, True)


def test_the_run_file_tells_what_was_run(command: Command, audio: Path, tmp_path: Path) -> None:
    assert command(*run_words(audio, tmp_path / "out", "--limit=1"))[0] == 0
    content = json.loads(only(run_files(tmp_path / "out")).read_text())
    assert content["configuration"]["limit"] == 1
    assert content["model_id"] == "placeholder/none"
    assert content["providers"] == ["CPUExecutionProvider"]
    assert content["ledger"]["balances"] is True
    assert (content["ledger"]["inputs"], content["ledger"]["recordings"]) == (1, 1)
    assert {"beam_audio", "apache-beam", "python"} <= content["versions"].keys()
    assert content["throughput"]["decoded_seconds"] == pytest.approx(2.0)


def test_models_lists_names_and_what_is_here(command: Command) -> None:
    status, out, err = command("models", "list")
    assert (status, err) == (0, "")
    starts = [line.split()[0] for line in out.splitlines() if line[:1].strip()]
    assert {"placeholder", "whisper-tiny.en", "whisper-base"} <= set(starts)


def test_models_builds_and_checks_a_folder(command: Command, weights: str) -> None:
    status, built, _ = command("models", "build", weights)
    assert status == 0
    status, out, _ = command("models", "check", built.strip())
    assert status == 0
    assert "weights/float32 is whole and loads on CPUExecutionProvider" in out
    status, _, err = command("models", "build", weights, "--precision=int3")
    assert status == 1
    assert "int3" in err


def test_a_model_with_a_flipped_byte_is_refused(
    command: Command, audio: Path, tmp_path: Path, weights: str
) -> None:
    built = build_model(weights)
    assert built is not None
    shutil.rmtree(weights)
    damaged = built / "encoder.onnx"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    output = tmp_path / "out"
    status, out, err = command(*run_words(audio, output, f"--model={built}"))
    assert (status, out) == (1, "")
    assert str(damaged) in err
    assert "sha256" in err
    assert listing(output) == {}
    assert command("models", "check", built)[0] == 1
