from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import export_random

from beam_audio.asr.whisper.log_mel import FRAMES, WINDOW_SAMPLES, log_mel, padded_samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Float32 against float64: over all shared clips no feature differed by more than 1.3e-4.
NEAR = 2e-4


@pytest.fixture(scope="module", params=[80, 128])
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> onnxruntime.InferenceSession:
    shape = Shape(bands=request.param, width=16, vocabulary=51865 + (request.param == 128))
    folder = tmp_path_factory.mktemp("random")
    export_random(shape, random_weights(shape), folder)
    return onnxruntime.InferenceSession(folder / "log_mel.onnx", providers=["CPUExecutionProvider"])


def clip(length: int) -> NDArray[np.float32]:
    """A chirp in noise, loud and faint by turns."""
    time = np.arange(length) / 16_000
    chirp = np.sin(2 * np.pi * (200 + 300 * time) * time) * np.exp(-(time % 1))
    noise = np.random.default_rng(length).normal(scale=1e-3, size=length)
    return (0.4 * chirp + noise).astype(np.float32)


@pytest.mark.parametrize("length", [0, 1, 200, 16_001, WINDOW_SAMPLES - 1, WINDOW_SAMPLES])
def test_features_are_those_of_the_cpu(session: onnxruntime.InferenceSession, length: int) -> None:
    bands = session.get_outputs()[0].shape[1]
    (found,) = session.run(None, {"samples": padded_samples([clip(length)], FRAMES)})
    np.testing.assert_allclose(found[0], log_mel(clip(length), bands), atol=NEAR)


def test_a_clip_has_the_features_it_has_alone(session: onnxruntime.InferenceSession) -> None:
    """Whatever the batch: a loud neighbour and more silence change nothing."""
    bands, samples = session.get_outputs()[0].shape[1], clip(20_000)
    rows = padded_samples([samples, 2 * clip(63_000)], 400)
    (found,) = session.run(None, {"samples": rows})
    np.testing.assert_allclose(found[0], log_mel(samples, bands, 400), atol=NEAR)
