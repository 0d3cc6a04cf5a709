"""Whatever the network hears, it gives the bits of the published one."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest

from beam_audio.audio.decode import decode
from beam_audio.segments.vad_graph import CONTEXT_SAMPLES, FRAME_SAMPLES, side_by_side_model
from beam_audio.segments.vad_network import equal_network, vad_network

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NO_STATE = np.zeros((1, 1, 128), np.float32)


def original() -> bytes:
    data = resources.files("beam_audio") / "data"
    return (data / "silero_vad_16k_sequence.onnx").read_bytes()


@pytest.fixture(scope="module")
def published() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(original(), options, providers=["CPUExecutionProvider"])


def require_equal(
    published: onnxruntime.InferenceSession,
    samples: NDArray[np.float32],
    h: NDArray[np.float32] = NO_STATE,
) -> None:
    size = CONTEXT_SAMPLES + FRAME_SAMPLES
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::FRAME_SAMPLES]
    expected = published.run(None, {"input": frames, "h": h, "c": h})
    probabilities, state = vad_network().hear(samples, (h, h))
    for one, other in zip(expected, (probabilities, *state), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 16, 65, 127, 128])
def test_any_number_of_frames_gives_the_bits_of_the_published_network(
    published: onnxruntime.InferenceSession, count: int
) -> None:
    random = np.random.default_rng(count)
    samples = random.standard_normal(CONTEXT_SAMPLES + count * FRAME_SAMPLES).astype(np.float32)
    state = random.uniform(-1, 1, NO_STATE.shape).astype(np.float32)
    require_equal(published, samples, state)


@pytest.mark.parametrize("level", [0.0, 1e-6, 4.0])
def test_silence_and_the_loudest_input_give_the_same_bits(
    published: onnxruntime.InferenceSession, level: float
) -> None:
    count = CONTEXT_SAMPLES + 128 * FRAME_SAMPLES
    signs = np.random.default_rng(0).choice([-1.0, 1.0], count)
    require_equal(published, (level * signs).astype(np.float32))


@pytest.mark.shared
def test_speech_gives_the_same_bits(
    published: onnxruntime.InferenceSession, shared_data: Path
) -> None:
    for clip in sorted((shared_data / "librispeech").glob("*.flac"))[:3]:
        samples = decode(clip).samples
        whole = (len(samples) - CONTEXT_SAMPLES) // FRAME_SAMPLES * FRAME_SAMPLES
        require_equal(published, samples[: CONTEXT_SAMPLES + whole])


def test_a_network_that_gives_other_bits_is_not_used() -> None:
    model = onnx.load_model_from_string(original())
    weight = next(each for each in model.graph.initializer if each.name == "encoder.3.weight")
    values = onnx.numpy_helper.to_array(weight).copy()
    values[0, 0, 1] = np.nextafter(values[0, 0, 1], np.float32(np.inf))
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    other = side_by_side_model(model.SerializeToString())
    samples = np.random.default_rng(1).standard_normal(CONTEXT_SAMPLES + 30 * FRAME_SAMPLES)
    heard = samples.astype(np.float32)
    state = (NO_STATE, NO_STATE)

    chosen = equal_network(original(), other)

    assert np.array_equal(chosen.hear(heard, state)[0], vad_network().hear(heard, state)[0])


def test_missing_onnx_names_the_cure() -> None:
    code = (
        "import sys; sys.modules['onnx'] = None\n"
        "from beam_audio.segments.vad import SpeechDetector; SpeechDetector()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "ModelError" in run.stderr
    assert "pip install onnx" in run.stderr
