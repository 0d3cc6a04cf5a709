"""What a user types, what is answered, and the exit status."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from run_outputs import all_rows, listing, only, read_rows, run_files, write_speech

from beam_audio.asr import build_model
from beam_audio.asr.session import available_providers
from beam_audio.cli import main

ROOT = Path(__file__).resolve().parents[1]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process: exit status, what it printed, what it complained of."""

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """A folder of two recordings."""
    folder = tmp_path / "audio"
    write_speech(folder / "one.wav")
    write_speech(folder / "two.wav", start_seconds=2.0)
    return folder


def flags(audio: Path, output: Path, *more: str) -> list[str]:
    return ["run", f"--input={audio}", f"--output={output}", "--model=placeholder", *more]


def test_help_shows_examples_and_exit_statuses(command: Run) -> None:
    status, out, _ = command("run", "--help")
    assert status == 0
    assert "beam-audio run --input=" in out
    assert "exit status:" in out


def test_a_run_prints_its_account_and_its_paths(command: Run, audio: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    status, out, err = command(*flags(audio, output, "--direct_num_workers=1"))
    assert (status, err) == (0, "")
    assert "ledger        balances" in out
    assert str(only(run_files(output))) in out
    assert f"{output}/{{segments,recordings,failures}}/" in out
    assert len(read_rows(output, "recordings")) == 2
    assert len(read_rows(output, "segments")) >= 2


def test_a_rerun_reads_no_audio_and_adds_nothing(command: Run, audio: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert command(*flags(audio, output))[0] == 0
    before, rows = listing(output), all_rows(output)
    for path in audio.iterdir():
        was = path.stat()
        path.write_bytes(b"\0" * was.st_size)  # no longer audio, for whoever reads it
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    status, out, err = command(*flags(audio, output))
    assert (status, err) == (0, "")
    assert "2 done before" in out
    assert "nothing new to do" in out
    assert listing(output) == before
    assert all_rows(output) == rows
    assert len(run_files(output)) == 2


def test_silence_is_no_failure(command: Run, tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    soundfile.write(tmp_path / "audio" / "silence.wav", np.zeros(16_000), 16_000)
    status, out, _ = command(*flags(tmp_path / "audio", tmp_path / "out"))
    assert status == 0
    assert "1.0 s without speech" in out
    row = only(read_rows(tmp_path / "out", "recordings"))
    assert "no_speech" in row["reasons"]
    assert read_rows(tmp_path / "out", "segments") == []


def test_input_of_which_nothing_can_be_decoded_ends_3(command: Run, tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "a.wav").write_bytes(b"this is no audio at all")
    (tmp_path / "audio" / "empty.wav").touch()
    status, out, _ = command(*flags(tmp_path / "audio", tmp_path / "out"))
    assert status == 3
    assert "nothing could be decoded" in out
    assert len(read_rows(tmp_path / "out", "failures")) == 2
    assert command(*flags(tmp_path / "audio", tmp_path / "out"))[0] == 0  # nothing new


def test_an_unreadable_manifest_line_costs_itself_only(
    command: Run, audio: Path, tmp_path: Path
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
    ("wrong", "message"),
    [
        ("--modell=x", "unknown flag --modell; did you mean '--model'?"),
        ("--batch-seconds=30", "unknown flag --batch-seconds; did you mean '--batch_seconds'?"),
        ("--direct-num-workers=1", "did you mean '--direct_num_workers'?"),
        ("--mod=placeholder", "unknown flag --mod"),
        ("stray", "stray argument 'stray'"),
        ("--batch_seconds=many", "--batch_seconds=many must be a number"),
        ("--limit=0", "--limit=0 must be above 0"),
        ("--channels=left", "--channels=left"),
        ("--segmenter=vda", "did you mean 'vad'?"),
        ("--language=qq", "--language=qq: placeholder knows"),
        ("--normalizer=whisper", "did you mean 'whisper-en-1'?"),
        ("--partition_by=text", "--partition_by=text"),
        ("--config=/nowhere/x.yaml", "--config=/nowhere/x.yaml cannot be read"),
        ("--rules=/nowhere/rules.yaml", "/nowhere/rules.yaml"),
        ("--segmenter=fixed --window_seconds=31", "--window_seconds"),
        ("--direct_num_workers=many", "invalid int value: 'many'"),
    ],
)
def test_bad_arguments_end_2(
    command: Run, audio: Path, tmp_path: Path, wrong: str, message: str
) -> None:
    status, out, err = command(*flags(audio, tmp_path / "out", *wrong.split()))
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["runn"], "'runn'"),
        (["run"], "--output is missing"),
        (["run", "--output=OUT"], "--input, --manifest"),
        (["run", "--input=AUDIO", "--manifest=M", "--output=OUT"], "--input, --manifest"),
        (["run", "--input=AUDIO/*.mp3", "--output=OUT"], "AUDIO/*.mp3 matches no file"),
        (["run", "--input=AUDIO/none.wav", "--output=OUT"], "none.wav matches no file"),
        (["run", "--manifest=none.jsonl", "--output=OUT"], "none.jsonl matches no file"),
        (["run", "--manifest=AUDIO", "--output=OUT"], "AUDIO matches no file"),
        (["run", "--input=nosuch://b/a", "--output=OUT"], "nosuch://b/a"),
        (["doctor", "--verbose"], "unknown flag --verbose"),
        (["models"], "VERB"),
        (["models", "list", "tiny"], "stray argument 'tiny'"),
        (["demo", "--outptu=x"], "did you mean '--output'?"),
    ],
)
def test_commands_that_cannot_be_run_end_2(
    command: Run, audio: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    def fill(text: str) -> str:
        return text.replace("AUDIO", str(audio)).replace("OUT", str(tmp_path / "out"))

    status, out, err = command(*map(fill, arguments))
    assert (status, out) == (2, "")
    assert fill(message) in err
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_ends_2(command: Run, audio: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "out"
    blocked.write_text("mine")
    status, _, err = command(*flags(audio, blocked))
    assert status == 2
    assert str(blocked) in err
    assert "choose another --output" in err
    assert blocked.read_text() == "mine"


def test_an_output_below_a_file_ends_2(command: Run, audio: Path) -> None:
    status, _, err = command(*flags(audio, audio / "one.wav" / "out"))
    assert status == 2
    assert "choose another --output" in err


@pytest.mark.parametrize(
    ("flag", "named"),
    [("--partition_by=language", "--partition_by"), ("--store_audio=flac", "--store_audio")],
)
def test_an_output_laid_out_otherwise_is_left_alone(
    command: Run, audio: Path, tmp_path: Path, flag: str, named: str
) -> None:
    output = tmp_path / "out"
    assert command(*flags(audio, output))[0] == 0
    before = listing(output)
    status, _, err = command(*flags(audio, output, flag))
    assert status == 2
    assert f"made with another {named}" in err
    assert listing(output) == before
    assert len(run_files(output)) == 1


def test_other_rules_are_applied_to_what_is_there(
    command: Run, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    command(*flags(audio, output))
    status, out, _ = command(*flags(audio, output, "--rules=strict"))
    assert status == 0
    assert "2 done again" in out
    command(*flags(audio, tmp_path / "fresh", "--rules=strict"))
    assert all_rows(output) == all_rows(tmp_path / "fresh")


def test_a_plan_takes_the_flags_of_a_run_and_writes_nothing(
    command: Run, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run_flags = flags(audio, output, "--direct_num_workers=1")[1:]
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


def test_compact_tells_how_many_files_are_left(command: Run, audio: Path, tmp_path: Path) -> None:
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


def test_a_model_with_a_flipped_byte_is_refused(
    command: Run, audio: Path, tmp_path: Path, weights: str
) -> None:
    built = build_model(weights)
    assert built is not None
    shutil.rmtree(weights)
    damaged = built / "encoder.onnx"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    output = tmp_path / "out"
    status, out, err = command(*flags(audio, output, f"--model={built}"))
    assert (status, out) == (1, "")
    assert str(damaged) in err
    assert "sha256" in err
    assert listing(output) == {}
    assert command("models", "check", built)[0] == 1


@pytest.mark.skipif("CUDAExecutionProvider" in available_providers(), reason="CUDA is here")
def test_a_required_provider_that_is_not_there_ends_1(
    command: Run, audio: Path, tmp_path: Path, weights: str
) -> None:
    wanted = ["--provider=cuda", "--require_provider", f"--model={weights}"]
    status, out, err = command(*flags(audio, tmp_path / "out", *wanted))
    assert (status, out) == (1, "")
    assert "CUDAExecutionProvider was required" in err
    assert listing(tmp_path / "out") == {}


def test_a_model_that_does_not_exist_is_named(command: Run, audio: Path, tmp_path: Path) -> None:
    status, out, err = command(*flags(audio, tmp_path / "out", "--model=whisper-tiny.fr"))
    assert (status, out) == (2, "")
    assert "whisper-tiny.fr" in err
    assert "whisper-tiny.en" in err


def test_flags_come_from_a_file(command: Run, audio: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f"input: {audio}\noutput: {tmp_path}/wrong\nmodel: placeholder\n")
    status, _, _ = command("run", f"--config={file}", f"--output={tmp_path}/out")
    assert status == 0
    assert (tmp_path / "out").is_dir()
    assert not (tmp_path / "wrong").exists()


def test_the_run_file_tells_what_was_run(command: Run, audio: Path, tmp_path: Path) -> None:
    assert command(*flags(audio, tmp_path / "out", "--limit=1"))[0] == 0
    content = json.loads(only(run_files(tmp_path / "out")).read_text())
    assert content["configuration"]["limit"] == 1
    assert content["model_id"] == "placeholder/none"
    assert content["providers"] == ["CPUExecutionProvider"]
    assert content["ledger"]["balances"] is True
    assert (content["ledger"]["inputs"], content["ledger"]["recordings"]) == (1, 1)
    assert {"beam_audio", "apache-beam", "python"} <= content["versions"].keys()
    assert content["throughput"]["decoded_seconds"] == pytest.approx(2.0)


def test_models_lists_names_and_what_is_here(command: Run) -> None:
    status, out, err = command("models", "list")
    assert (status, err) == (0, "")
    starts = [line.split()[0] for line in out.splitlines() if line[:1].strip()]
    assert {"placeholder", "whisper-tiny.en", "whisper-base"} <= set(starts)


def test_models_builds_and_checks_a_folder(command: Run, weights: str) -> None:
    status, built, _ = command("models", "build", weights)
    assert status == 0
    status, out, _ = command("models", "check", built.strip())
    assert status == 0
    assert "weights/float32 is whole and loads on CPUExecutionProvider" in out
    status, _, err = command("models", "build", weights, "--precision=int3")
    assert status == 1
    assert "int3" in err


def test_the_version_is_printed(command: Run) -> None:
    status, out, _ = command("--version")
    assert status == 0
    assert out.startswith("beam-audio ")


@pytest.mark.slow
def test_the_module_runs_as_a_command_with_its_exit_status(audio: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "beam_audio", *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    done = run(*flags(audio, tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "")
    refused = run("run", "--inptu=x")
    assert refused.returncode == 2
    assert refused.stderr == "beam-audio: unknown flag --inptu; did you mean '--input'?\n"
