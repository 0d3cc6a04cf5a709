from __future__ import annotations

import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from beam_audio.audio.decode import decode
from beam_audio.segments.vad_graph import INPUT_SAMPLES, side_by_side, side_by_side_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NO_STATE = np.zeros((1, 1, 128), np.float32)


def original() -> bytes:
    data = resources.files("beam_audio") / "data"
    return (data / "silero_vad_16k_sequence.onnx").read_bytes()


@pytest.fixture(scope="module")
def sessions() -> tuple[Any, Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    published, rebuilt = (
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        for model in (original(), side_by_side_model(original()))
    )
    return published, rebuilt


def require_equal(
    sessions: tuple[Any, Any], frames: NDArray[np.float32], h: NDArray[np.float32] = NO_STATE
) -> None:
    published, rebuilt = sessions
    expected = published.run(None, {"input": frames, "h": h, "c": h})
    count = np.array([len(frames)])
    found = rebuilt.run(None, {"frames": side_by_side(frames), "count": count, "h": h, "c": h})
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 64, 127, 128])
def test_any_number_of_frames_gives_the_bits_of_the_published_graph(
    sessions: tuple[Any, Any], count: int
) -> None:
    random = np.random.default_rng(count)
    frames = random.standard_normal((count, INPUT_SAMPLES)).astype(np.float32)
    require_equal(sessions, frames, random.uniform(-1, 1, (1, 1, 128)).astype(np.float32))


@pytest.mark.parametrize("level", [0.0, 1e-6, 4.0])
def test_silence_and_the_loudest_input_give_the_same_bits(
    sessions: tuple[Any, Any], level: float
) -> None:
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (128, INPUT_SAMPLES))
    require_equal(sessions, (level * signs).astype(np.float32))


@pytest.mark.shared
def test_speech_gives_the_same_bits(sessions: tuple[Any, Any], shared_data: Path) -> None:
    for clip in sorted((shared_data / "librispeech").glob("*.flac"))[:3]:
        samples = decode(clip).samples
        frames = samples[: len(samples) // INPUT_SAMPLES * INPUT_SAMPLES].reshape(-1, INPUT_SAMPLES)
        require_equal(sessions, frames)


def test_missing_onnx_names_the_cure() -> None:
    code = (
        "import sys; sys.modules['onnx'] = None\n"
        "from beam_audio.segments.vad import SpeechDetector; SpeechDetector()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "ModelError" in run.stderr
    assert "pip install onnx" in run.stderr
