from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from beam_audio.asr.whisper.log_mel import FRAMES, WINDOW_SAMPLES, log_mel
from beam_audio.models.whisper.mel_filters import mel_filters


def reference(samples: np.ndarray, bands: int) -> np.ndarray:
    """Every frame of the padded window, by a Fourier transform written as a matrix."""
    window = np.zeros(WINDOW_SAMPLES)
    window[: len(samples)] = samples
    padded = np.pad(window, 200, mode="reflect")
    times = np.arange(400)
    hann = np.sin(np.pi * times / 400) ** 2
    turns = np.exp(-2j * np.pi * np.outer(times, np.arange(201)) / 400)
    frames = np.stack([padded[start : start + 400] for start in range(0, WINDOW_SAMPLES, 160)])
    power = np.abs((frames * hann) @ turns) ** 2
    logs = np.log10(np.maximum(power @ mel_filters(bands).T.astype(np.float64), 1e-10)).T
    return np.asarray((np.maximum(logs, logs.max() - 8) + 4) / 4)


@pytest.mark.parametrize("bands", [80, 128])
@pytest.mark.parametrize("length", [0, 1, 200, 16_001, WINDOW_SAMPLES - 1, WINDOW_SAMPLES])
def test_features_are_those_of_the_padded_window(bands: int, length: int) -> None:
    samples = np.random.default_rng(length).normal(scale=0.1, size=length).astype(np.float32)
    features = log_mel(samples, bands)
    assert features.shape == (bands, FRAMES)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, reference(samples, bands), atol=1e-5)


@pytest.mark.parametrize("length", [16_001, WINDOW_SAMPLES])
def test_silence_that_is_heard_is_the_silence_that_is_added(length: int) -> None:
    heard, added = (log_mel(np.zeros(count, np.float32), 80) for count in (length, 0))
    assert np.array_equal(heard, added)


@given(samples=hnp.arrays(np.float32, st.integers(0, 5000), elements=st.floats(-1, 1, width=32)))
def test_features_are_finite_and_span_eight_decades_at_most(samples: np.ndarray) -> None:
    features = log_mel(samples, 80)
    assert np.isfinite(features).all()
    assert features.max() - features.min() <= 2.0 + 1e-6


def test_a_tone_lights_the_band_it_is_in() -> None:
    time = np.arange(16_000) / 16_000
    features = log_mel((0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32), 80)
    loudest = int(features[:, 50].argmax())
    centre_hz = np.average(np.linspace(0, 8000, 201), weights=mel_filters(80)[loudest])
    assert centre_hz == pytest.approx(1000, abs=50)


def test_the_samples_are_not_changed() -> None:
    samples = np.ones(1000, np.float32)
    log_mel(samples, 80)
    assert (samples == 1).all()
