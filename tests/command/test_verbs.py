"""What the verbs do, what they print, and the exit status."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import Command, all_rows, listing, run_files, run_words

from beam_audio.asr import build_model

if TYPE_CHECKING:
    from pathlib import Path


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

    status, out, err = command(
        "plan", *run_flags, "--times_real_time=8", "--simulate=1000", "--preemptions_per_hour=0"
    )
    assert (status, err) == (0, "")
    assert "recordings of 1,000" in out
    assert "recommended: --unit_bytes=" in out

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


def test_models_lists_names_and_what_is_here(command: Command) -> None:
    status, out, err = command("models", "list")
    assert (status, err) == (0, "")
    starts = [line.split()[0] for line in out.splitlines() if line[:1].strip()]
    assert {"placeholder", "whisper-tiny.en", "whisper-base", "campplus", "dnsmos"} <= set(starts)


@pytest.mark.usefixtures("cache")
def test_models_gets_a_network_or_says_who_makes_it(command: Command, tmp_path: Path) -> None:
    status, _, err = command("models", "get", "yamnet")
    assert status == 1
    assert f"into {tmp_path / 'cache' / 'classifiers' / 'yamnet'} (converted from" in err
    assert "did you mean 'campplus'" in command("models", "get", "camplus")[2]


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
