"""What ``beam-audio models`` does, what it prints, and the exit status."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import Command, listing, run_words

from beam_audio.asr import build_model

if TYPE_CHECKING:
    from pathlib import Path


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
