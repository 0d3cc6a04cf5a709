"""Levels of channels before they are mixed, against numbers computed sample by sample."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.quality.levels import SourceLevels, full_scale_of, level_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 400


def noise(count: int, seed: int = 0) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal(count) * 0.1).astype(np.float32)


def by_runs(samples: NDArray[np.floating], full_scale: float) -> float:
    """Share of samples in runs of three and more beyond full scale, or equal at a peak."""
    clipped = 0
    for at_limit, run in groupby(samples.tolist(), lambda value: abs(value) >= full_scale):
        length = len(list(run))
        clipped += length if at_limit and length >= 3 else 0
    for peak in {max(samples.tolist()), min(samples.tolist())}:
        lengths = [len(list(run)) for value, run in groupby(samples.tolist()) if value == peak]
        flat = sum(length for length in lengths if length >= 3)
        clipped += flat if abs(peak) < full_scale and flat >= 9 else 0
    return clipped / len(samples)


@pytest.mark.parametrize("limit", [1.0, 0.3, 0.02])
def test_clipped_samples_are_those_at_the_flat_top(limit: float) -> None:
    samples = np.clip(noise(8_000) * 30 * limit, -limit, limit)
    expected = by_runs(samples, 0.999)
    assert expected > 0.2
    assert level_of(samples).clipped_fraction == pytest.approx(expected, abs=1e-12)


def test_a_flat_top_may_be_on_one_side_only() -> None:
    samples = np.minimum(noise(8_000), np.float32(0.12))
    samples[100:120] = 0.12
    share = by_runs(samples, 0.999)
    assert share > 0.0
    assert level_of(samples).clipped_fraction == pytest.approx(share)


@pytest.mark.parametrize(
    "samples",
    [
        noise(8_000),
        np.full(8_000, 0.2),  # an offset alone
        np.round(noise(8_000) * 0.03 * 128) / 128,  # the last bits of 8
        np.where(np.arange(8_000) % 4_000 < 3, 0.5, noise(8_000)),  # six samples are no flat top
    ],
    ids=["noise", "offset", "last bits", "two peaks"],
)
def test_what_is_not_clipped(samples: NDArray[np.floating]) -> None:
    assert level_of(samples).clipped_fraction == 0.0


@pytest.mark.parametrize(
    ("codec", "largest"),
    [
        ("pcm_mulaw", 32_124 / 32_768),
        ("pcm_alaw", 32_256 / 32_768),
        ("pcm_u8", 127 / 128),
        ("pcm_s16", 32_767 / 32_768),
        ("flac", 32_767 / 32_768),
    ],
)
def test_each_coding_ends_at_its_own_full_scale(codec: str, largest: float) -> None:
    samples = noise(1_000)
    samples[500:503] = largest
    assert level_of(samples, full_scale_of(codec)).clipped_fraction == 3 / 1_000
    samples[500:503] = 0.9
    assert level_of(samples, full_scale_of(codec)).clipped_fraction == 0.0


def test_an_offset_changes_the_peak_and_not_the_level() -> None:
    before, after = level_of(noise(8_000)), level_of(noise(8_000).astype(np.float64) + 0.2)
    assert after.rms_dbfs == pytest.approx(before.rms_dbfs, abs=1e-6)
    assert before.peak_dbfs is not None
    assert after.peak_dbfs is not None
    assert after.peak_dbfs > before.peak_dbfs
    assert level_of(np.full(800, 0.2)).rms_dbfs is None


@given(cuts=st.tuples(st.integers(0, 70), st.integers(1, 30)))
def test_a_stretch_has_the_levels_of_its_loudest_channel(cuts: tuple[int, int]) -> None:
    start, end = cuts[0] * 20, (cuts[0] + cuts[1]) * 20
    source = np.stack([noise(2_000), noise(2_000, seed=1) * 2, np.zeros(2_000)], axis=1)
    source = np.clip(source, -0.3, 0.3).astype(np.float32)
    levels = SourceLevels(BLOCK)
    for first in range(0, len(source), BLOCK):
        levels.push(source[first : first + BLOCK])
    levels.drop_before(start)
    found, alone = levels.loudest(start, end), level_of(source[start:end, 1])
    assert found.rms_dbfs == pytest.approx(alone.rms_dbfs, abs=1e-9)
    assert found.peak_dbfs == alone.peak_dbfs


def test_a_clipped_channel_is_seen_beside_a_quiet_one() -> None:
    clipped = np.clip(noise(20 * BLOCK) * 20, -1, 1)
    levels = SourceLevels(BLOCK)
    for first in range(0, len(clipped), BLOCK):
        block = clipped[first : first + BLOCK]
        levels.push(np.stack([block, block * 0.01], axis=1))
    found = levels.loudest(0, len(clipped))
    assert found.clipped_fraction == pytest.approx(by_runs(clipped, 0.999), abs=0.01)
    assert found.peak_dbfs == 0.0


def test_silent_channels_have_no_level() -> None:
    levels = SourceLevels(BLOCK)
    levels.push(np.zeros((BLOCK // 2, 2), np.float32))
    found = levels.loudest(0, BLOCK // 2)
    assert (found.rms_dbfs, found.peak_dbfs, found.clipped_fraction) == (None, None, 0.0)
    assert level_of(np.zeros(0)).rms_dbfs is None


def test_a_sine_has_its_textbook_level() -> None:
    sine = np.sin(2 * np.pi * np.arange(16_000) / 16)
    assert level_of(sine).rms_dbfs == pytest.approx(20 * math.log10(math.sqrt(0.5)))
