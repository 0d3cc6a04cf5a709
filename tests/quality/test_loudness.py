"""Loudness equals that of pyloudnorm, whose filters it has, and is what the standard says."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.quality.loudness import loudness_lufs

RATES_HZ = (4000, 8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000)


def of_pyloudnorm(samples: np.ndarray, rate_hz: int) -> float | None:
    """Of the whole blocks: it would count an incomplete one as if it were whole."""
    steps = math.floor((len(samples) / rate_hz - 0.4) / 0.1 + 1e-9)
    whole = math.ceil((0.4 + steps * 0.1) * rate_hz)
    meter = pyloudnorm.Meter(rate_hz, filter_class="DeMan")
    loudness = float(meter.integrated_loudness(samples[:whole]))
    return loudness if math.isfinite(loudness) else None


@given(
    rate_hz=st.sampled_from(RATES_HZ),
    seconds=st.floats(0.4, 6.0),
    level_db=st.floats(-100.0, 0.0),
    range_db=st.floats(0.0, 80.0),
    offset=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_pyloudnorm(  # noqa: PLR0913 - what a signal is drawn from
    *, rate_hz: int, seconds: float, level_db: float, range_db: float, offset: float, seed: int
) -> None:
    """Noise whose level changes every 50 ms, so that both gates have blocks to leave out."""
    random = np.random.default_rng(seed)
    count = max(math.ceil(0.4 * rate_hz), round(seconds * rate_hz))
    levels = level_db - random.uniform(0, range_db, count // (rate_hz // 20) + 1)
    noise = random.standard_normal(count) * np.repeat(10 ** (levels / 20), rate_hz // 20)[:count]
    expected = of_pyloudnorm(noise + offset, rate_hz)
    assert loudness_lufs(noise + offset, rate_hz) == pytest.approx(expected, abs=1e-9)


def test_sine_that_the_standard_states() -> None:
    """BS.1770-4: 997 Hz at 0 dBFS in one channel is -3.01 LKFS."""
    sine = np.sin(2 * np.pi * 997 * np.arange(48_000 * 3) / 48_000)
    assert loudness_lufs(sine, 48_000) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize(
    ("count", "rate_hz"), [(0, 16_000), (6_399, 16_000), (16_000, 3_999), (160_000, 16_000)]
)
def test_nothing_to_hear_has_no_loudness(count: int, rate_hz: int) -> None:
    assert loudness_lufs(np.zeros(count), rate_hz) is None


def test_quieter_than_the_gate_has_no_loudness() -> None:
    noise = np.random.default_rng(0).standard_normal(48_000)
    assert loudness_lufs(1e-5 * noise, 48_000) is None
    assert loudness_lufs(1e-3 * noise, 48_000) is not None
