"""The quietest point: in the middle of a pause, in any blocks, as far back as samples are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from beam_audio.segments.quietest import Energies

if TYPE_CHECKING:
    from numpy.typing import NDArray

VAD_RATE_HZ = 16_000
SECONDS = 6
PAUSES = {1.5: 0.3, 4.2: 0.05}
"""Middles of pauses in noise, and the remaining loudness."""


def noise() -> NDArray[np.float32]:
    samples = np.random.default_rng(3).normal(scale=0.2, size=SECONDS * VAD_RATE_HZ)
    for middle, loudness in PAUSES.items():
        start = round((middle - 0.2) * VAD_RATE_HZ)
        samples[start : start + round(0.4 * VAD_RATE_HZ)] *= loudness
    return samples.astype(np.float32)


def energies(rate_hz: int, block_samples: int = SECONDS * VAD_RATE_HZ) -> Energies:
    found = Energies(rate_hz)
    samples = noise()
    for start in range(0, len(samples), block_samples):
        found.push(samples[start : start + block_samples])
    return found


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize(
    ("first_seconds", "last_seconds", "middle"), [(0.5, 3.0, 1.5), (0.5, 5.5, 4.2), (2.5, 5.5, 4.2)]
)
def test_it_lies_in_the_middle_of_the_quietest_pause(
    rate_hz: int, first_seconds: float, last_seconds: float, middle: float
) -> None:
    first, last = round(first_seconds * rate_hz), round(last_seconds * rate_hz)
    assert energies(rate_hz).quietest(first, last) / rate_hz == pytest.approx(middle, abs=0.13)


@pytest.mark.parametrize("block_samples", [37, 128, 5_000])
def test_blocks_change_nothing(block_samples: int) -> None:
    whole, pieces = energies(44_100), energies(44_100, block_samples)
    for first in range(44_100, 3 * 44_100, 10_007):
        assert whole.quietest(first, first + 88_200) == pieces.quietest(first, first + 88_200)


def test_the_latest_of_equally_quiet_points_is_taken() -> None:
    found = Energies(VAD_RATE_HZ)
    found.push(np.zeros(5 * VAD_RATE_HZ, np.float32))
    assert 3.9 < found.quietest(VAD_RATE_HZ, 4 * VAD_RATE_HZ) / VAD_RATE_HZ <= 4.0


def test_dropped_samples_are_not_needed() -> None:
    whole, cut = energies(8_000), energies(8_000)
    cut.drop_before(2 * 8_000)
    assert cut.quietest(24_000, 44_000) == whole.quietest(24_000, 44_000)
