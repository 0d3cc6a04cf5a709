"""Chunks of any rate and number of channels become those of the first."""

from __future__ import annotations

import numpy as np
import pytest
from support.encoded_audio import noise

from beam_audio.audio.decoders.conform import Conform


def joined(conform: Conform, *chunks: tuple[int, int]) -> np.ndarray:
    parts = []
    for channels, rate_hz in chunks:
        parts += list(conform.push(noise(1.0, channels)[:rate_hz], rate_hz))
    parts += list(conform.flush())
    assert all(len(part) for part in parts)
    return np.concatenate(parts)


def test_the_rate_of_the_first_stays() -> None:
    samples = joined(Conform(16_000, 1), (1, 16_000), (1, 8_000), (1, 16_000))
    assert samples.shape == (48_000, 1)
    np.testing.assert_array_equal(samples[:16_000], noise(1.0))
    np.testing.assert_array_equal(samples[32_000:], noise(1.0))


@pytest.mark.parametrize(("held", "wanted"), [(1, 2), (2, 1), (2, 6), (6, 2), (6, 1)])
def test_a_signal_in_all_channels_is_heard_in_all(held: int, wanted: int) -> None:
    samples = np.repeat(noise(0.1), held, axis=1)
    (mixed,) = Conform(16_000, wanted).push(samples, 16_000)
    assert mixed.shape == (1_600, wanted)
    powers = np.sqrt((mixed.astype(float) ** 2).mean(axis=0))
    assert powers[: min(held, wanted) if held > 1 else wanted].min() > 0.09
