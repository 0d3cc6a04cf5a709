"""The blocks of ``gpu.py`` that run the whole command on many files."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile
from gpu_setting import BIG, TINY, Setting, big_weights
from machine import gpu_load
from reference import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_HOUR_SECONDS: Final = 3600.0
_RECORDING_SECONDS: Final = 300.0
_DIFFERENT: Final = 8
_PAUSE_SECONDS: Final = 0.5


def tiny_run(setting: Setting) -> Iterator[dict[str, Any]]:
    """The trained weights, on recordings that are cut at speech."""
    yield _run(setting, "tiny_run", TINY, hours=5, flags=[f"--model={TINY}"])


def big_run(setting: Setting) -> Iterator[dict[str, Any]]:
    """The large network, on windows of 30 s: the times of its words are as random as its weights.

    Segments would be put together to passages, and taken apart again by the times of words.
    """
    flags = [f"--model={big_weights(setting)}", "--segmenter=fixed"]
    yield _run(setting, "big_run", BIG, hours=40, flags=flags)


def _run(
    setting: Setting, name: str, model: str, *, hours: float, flags: list[str]
) -> dict[str, Any]:
    """Run the command on so many hours of audio, and read what it says of itself."""
    audio, output = setting.folder / "audio", setting.folder / name
    shutil.rmtree(output, ignore_errors=True)
    wanted_seconds = _RECORDING_SECONDS / 4 if setting.rehearse else hours * _HOUR_SECONDS
    seconds = write_recordings(setting, audio, wanted_seconds)
    command = [sys.executable, "-m", "beam_audio", "run", f"--input={audio}", f"--output={output}"]
    command += [f"--provider={setting.provider}", "--require_provider", "--language=en"]
    command += [f"--precision={setting.half}", *flags]
    with gpu_load(wanted=setting.provider == "cuda") as load:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    result: dict[str, Any] = {
        "tool": "beam-audio run",
        "model": model,
        "provider": setting.provider,
        "precision": setting.half,
        "exit_status": done.returncode,
        "audio_hours": seconds / 3600,
        "gpu_percent": load.percent,
        "peak_mebibytes": load.peak_mebibytes,
    }
    shutil.rmtree(audio)
    if done.returncode:
        return result | {"error": done.stderr[-2000:]}
    (run_file,) = output.glob("run-*.json")
    told = json.loads(run_file.read_text("utf-8"))
    took = told["stages"]["seconds"]
    batches_seconds = took.get("device_busy", 0.0) + took.get("device_idle", 0.0)
    return result | {
        "batches_gpu_percent": load.last_percent(batches_seconds),
        "balances": told["ledger"]["balances"],
        **told["throughput"],
        "stages": told["stages"],
    }


def write_recordings(setting: Setting, folder: Path, seconds: float) -> float:
    """Write recordings of some minutes, joined from clips; the same ones under many names.

    Returns:
        Seconds that were written.
    """
    folder.mkdir()
    pause = np.zeros(round(_PAUSE_SECONDS * RATE_HZ), np.float32)
    clips = itertools.cycle([piece for clip in setting.clips for piece in (clip.samples, pause)])
    length = round(min(_RECORDING_SECONDS, seconds) * RATE_HZ)
    different = [_joined(clips, length) for _ in range(1 if setting.rehearse else _DIFFERENT)]
    names: list[Path] = []
    written = 0
    while written < seconds * RATE_HZ:
        samples = different[len(names) % len(different)]
        names.append(folder / f"{len(names):04d}.flac")
        if len(names) <= len(different):
            soundfile.write(names[-1], samples, RATE_HZ, subtype="PCM_16")
        else:
            names[-1].hardlink_to(names[-1 - len(different)])
        written += len(samples)
    return written / RATE_HZ


def _joined(clips: Iterator[Any], length: int) -> Any:  # noqa: ANN401 - samples
    """Clips one after the other, cut at a number of samples."""
    pieces: list[Sequence[float]] = []
    while sum(map(len, pieces)) < length:
        pieces.append(next(clips))
    return np.concatenate(pieces)[:length]
