"""Whisper on a GPU: what the CPU writes, whatever shares a batch, in steady memory."""

from __future__ import annotations

import contextlib
import ctypes
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from support.run_outputs import run_command, write_manifest

from beam_audio.asr import ModelOptions, Request, load_model
from beam_audio.asr.device_memory import cuda_memory
from beam_audio.asr.gpu import has_gpu
from beam_audio.audio.decode import decode, resample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio import Transcript
    from beam_audio.asr import Recognizer

pytestmark = [pytest.mark.gpu, pytest.mark.shared, pytest.mark.slow]

MODEL, CUDA, RATE_HZ = "whisper-tiny.en", "CUDAExecutionProvider", 16_000
CLIPS, STEADY_MEBIBYTES = 24, 64
Clips = list["NDArray[np.float32]"]


@pytest.fixture(scope="module")
def english(placed_lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of English speech of at most 30 s, of all lengths."""
    wanted = [
        line
        for line in placed_lines
        if line["kind"] == "speech"
        and line.get("lang") == "en"
        and line["decode_ok"]
        and 1 < (line.get("duration") or 0) <= 30
    ]
    ordered = sorted(wanted, key=lambda line: float(line["duration"]))
    return ordered[:: max(1, len(ordered) // CLIPS)][:CLIPS]


@pytest.fixture(scope="module")
def clips(english: list[dict[str, Any]]) -> Clips:
    decoded = [decode(line["audio_filepath"]) for line in english]
    return [resample(audio.samples, audio.sample_rate_hz, RATE_HZ) for audio in decoded]


@pytest.fixture(scope="module")
def on_the_cpu(clips: Clips) -> list[Transcript]:
    return hear(loaded("float32", "cpu"), clips)


def loaded(precision: str, provider: str = "cuda") -> Recognizer:
    options = ModelOptions(
        precision=precision, provider=provider, require_provider=True, safeguards=False
    )
    return load_model(MODEL, options)


def hear(recognizer: Recognizer, clips: Clips, batch: int = 8) -> list[Transcript]:
    return [
        transcript
        for first in range(0, len(clips), batch)
        for transcript in recognizer.transcribe(
            [Request(clip, "en") for clip in clips[first : first + batch]]
        )
    ]


def tokens(transcripts: Sequence[Transcript]) -> list[tuple[int, ...]]:
    return [tuple(each.token_ids) for each in transcripts]


def used_mebibytes() -> int:
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(ran.stdout.splitlines()[0])


def test_float32_writes_what_the_cpu_writes(clips: Clips, on_the_cpu: list[Transcript]) -> None:
    recognizer = loaded("float32")
    assert recognizer.provider == CUDA
    found = hear(recognizer, clips)
    same = sum(one == other for one, other in zip(tokens(found), tokens(on_the_cpu), strict=True))
    assert (
        same >= len(clips) - 1
    )  # other sums have other last bits, and two tokens may be as likely
    for one, other in zip(found, on_the_cpu, strict=True):
        if tuple(one.token_ids) == tuple(other.token_ids):
            assert one.avg_logprob == pytest.approx(other.avg_logprob, abs=1e-3)


def test_float16_writes_nearly_the_same(clips: Clips, on_the_cpu: list[Transcript]) -> None:
    found = hear(loaded("float16"), clips)
    same = [one == other for one, other in zip(tokens(found), tokens(on_the_cpu), strict=True)]
    assert sum(same) >= 0.8 * len(clips)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_neighbours_in_a_batch_change_nothing(clips: Clips, precision: str) -> None:
    recognizer = loaded(precision)
    together = tokens(hear(recognizer, clips, batch=len(clips)))
    alone = tokens(hear(recognizer, clips, batch=1))
    same = sum(one == other for one, other in zip(together, alone, strict=True))
    assert same >= len(clips) - 1  # kernels are chosen by the shape of a batch: as above


def test_memory_stays_what_the_first_batches_took(clips: Clips) -> None:
    recognizer = loaded("float16")
    sizes = (1, 5, 8, 24)
    for size in sizes:
        hear(recognizer, clips, batch=size)
    rounds = []
    for _ in range(6):
        for size in sizes:
            hear(recognizer, clips, batch=size)
        rounds.append(used_mebibytes())
    assert max(rounds[3:]) <= rounds[2] + STEADY_MEBIBYTES, rounds


@contextlib.contextmanager
def card_with(left_bytes: int) -> Iterator[None]:
    """Take all memory of the card but some."""
    runtime, place, memory = ctypes.CDLL("libcudart.so.13"), ctypes.c_void_p(), cuda_memory()
    assert memory is not None
    taken = ctypes.c_size_t(memory.free_bytes - left_bytes)
    assert runtime.cudaMalloc(ctypes.byref(place), taken) == 0
    try:
        yield
    finally:
        runtime.cudaFree(place)


def test_a_batch_that_does_not_fit_is_halved(
    clips: Clips, caplog: pytest.LogCaptureFixture
) -> None:
    recognizer = loaded("float32")
    longest = clips[-1:] * 32
    expected = tokens(hear(recognizer, longest[:1]))
    with card_with(left_bytes=64 << 20):  # what the first batches took stays the session's
        found = tokens(hear(recognizer, longest, batch=len(longest)))
    assert "does not fit the memory" in caplog.text
    same = sum(each == expected[0] for each in found)
    assert same >= len(longest) - 2  # other sizes of a batch have other kernels: as above


def test_a_run_takes_the_card_in_float16(english: list[dict[str, Any]], tmp_path: Path) -> None:
    assert has_gpu()
    manifest = write_manifest(tmp_path / "m.jsonl", [*english[:6]])
    output = tmp_path / "out"
    assert (
        run_command("run", f"--manifest={manifest}", f"--output={output}", f"--model={MODEL}") == 0
    )
    (run_file,) = output.glob("run-*.json")
    told = json.loads(run_file.read_text("utf-8"))
    assert told["model_id"] == f"{MODEL}/float16"
    assert told["providers"] == [CUDA]
    assert told["ledger"]["balances"]
