"""The noise floor of a recording: of known noise, and of real speech with known noise in it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_audio.quality.signal import measure
from beam_audio.segments.noise import NoiseFloor
from beam_audio.segments.splitter import split
from beam_audio.types import Audio, Segment

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 16_000


def white(seconds: float, power: float, seed: int = 0) -> NDArray[np.float32]:
    count = round(seconds * RATE_HZ)
    samples = np.random.default_rng(seed).standard_normal(count) * math.sqrt(power)
    return samples.astype(np.float32)


def floor_of(
    samples: NDArray[np.float32], *speech: tuple[float, float], start: float, end: float
) -> float | None:
    """Floor around a segment from second ``start`` to ``end``."""
    noise = NoiseFloor(RATE_HZ)
    noise.push(samples)
    for begin, stop in speech:
        noise.mark(round(begin * RATE_HZ), round(stop * RATE_HZ))
    return noise.power(round(start * RATE_HZ), round(end * RATE_HZ))


def test_the_floor_is_the_power_outside_speech() -> None:
    loud = np.concatenate([white(2, 1e-4), white(2, 0.1), white(2, 1e-4)])
    assert floor_of(loud, (2, 4), start=2, end=4) == pytest.approx(1e-4, rel=0.05)


def test_an_offset_is_no_noise() -> None:
    samples = white(6, 1e-6) + np.float32(0.2)
    assert floor_of(samples, (2, 4), start=2, end=4) == pytest.approx(1e-6, rel=0.05)


def test_the_edges_of_words_are_no_noise() -> None:
    samples = white(4, 1e-6)
    samples[round(1.92 * RATE_HZ) : round(2.58 * RATE_HZ)] += white(0.66, 0.1)
    assert floor_of(samples, (2, 2.5), start=2, end=2.5) == pytest.approx(1e-6, rel=0.05)


def test_without_a_pause_the_quiet_moments_of_speech_count() -> None:
    said = white(10, 0.1) * np.repeat(np.arange(100) % 4 > 0, RATE_HZ // 10)
    floor = floor_of((said + white(10, 1e-4, seed=1)).astype(np.float32), (0, 10), start=0, end=10)
    assert floor == pytest.approx(1e-4, rel=0.15)


def test_digital_silence_in_the_pauses_is_not_the_floor_of_the_speech() -> None:
    samples = np.concatenate([np.zeros(RATE_HZ * 2, np.float32), white(4, 1e-3)])
    floor = floor_of(samples, (2, 6), start=2, end=6)
    assert floor == pytest.approx(1e-3, rel=0.5)
    assert floor_of(np.zeros(RATE_HZ, np.float32), start=0, end=1) == 0.0
    assert floor_of(np.zeros(10, np.float32), start=0, end=0) is None


def test_noise_far_away_does_not_count() -> None:
    samples = np.concatenate([white(40, 0.1), white(30, 1e-4), white(40, 0.1)])
    assert floor_of(samples, (61, 63), start=61, end=63) == pytest.approx(1e-4, rel=0.5)


@settings(max_examples=20)
@given(cuts=st.lists(st.integers(0, 6 * RATE_HZ), max_size=10))
def test_the_floor_does_not_depend_on_blocks(cuts: list[int]) -> None:
    samples = white(6, 1e-4)
    whole, parts = NoiseFloor(RATE_HZ), NoiseFloor(RATE_HZ)
    whole.push(samples)
    for part in np.split(samples, sorted(cuts)):
        parts.push(part)
    assert parts.power(0, 16_000) == whole.power(0, 16_000)


def test_what_is_forgotten_changes_nothing() -> None:
    samples = white(70, 1e-4) * np.repeat(np.arange(1, 8), 10 * RATE_HZ).astype(np.float32)
    kept, dropped = NoiseFloor(RATE_HZ), NoiseFloor(RATE_HZ)
    for noise in (kept, dropped):
        noise.push(samples)
        noise.mark(5 * RATE_HZ, 6 * RATE_HZ)
        noise.mark(52 * RATE_HZ, 53 * RATE_HZ)
    dropped.drop_before(50 * RATE_HZ)
    place = (51 * RATE_HZ, 54 * RATE_HZ)
    assert dropped.power(*place) == kept.power(*place)


def test_hostile_samples_leave_a_number() -> None:
    samples = white(4, 1e-4)
    samples[:8_000] = np.nan
    samples[8_000:8_100] = np.inf
    floor = floor_of(samples, (2, 3), start=2, end=3)
    assert floor is not None
    assert math.isfinite(floor)


# --- Speech with noise of a known level -----------------------------------------------------------

# Read speech with a floor of -50 dB and less, whose own noise changes no truth.
QUIET = ("2033-164914-0000", "2414-128291-0002", "2414-128291-0004", "2033-164914-0006")


def pink(count: int, seed: int) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    shaped = np.where(hertz < 20, 0, spectrum / np.sqrt(np.maximum(hertz, 20)))
    return np.asarray(np.fft.irfft(shaped, count))


@pytest.fixture(scope="module")
def recordings(shared_data: Path) -> list[NDArray[np.float32]]:
    """Four recordings of 9 s and more, which end with half a second without speech."""
    pause = np.zeros(RATE_HZ // 2, np.float32)
    paths = [shared_data / "librispeech" / f"{name}.flac" for name in QUIET]
    return [np.concatenate([soundfile.read(path, dtype="float32")[0], pause]) for path in paths]


def snr_db(samples: NDArray[np.floating]) -> list[float]:
    found = [measure(each).snr_db for each in split(Audio(samples.astype(np.float32), RATE_HZ))]
    return [value for value in found if value is not None]


def speech_power(clean: NDArray[np.float32], segments: list[Segment]) -> float:
    """Mean square of a clean recording where segments hold speech."""
    parts = [clean[start:end] for each in segments for start, end in each.speech]
    return float(np.mean(np.concatenate(parts).astype(np.float64) ** 2))


@pytest.mark.shared
@pytest.mark.parametrize("level_db", [20, 10, 0])
@pytest.mark.parametrize("kind", ["white", "pink"])
def test_noise_of_a_known_level_is_read_back(
    recordings: list[NDArray[np.float32]], kind: str, level_db: int
) -> None:
    errors = []
    for seed, clean in enumerate(recordings):
        noise = pink(len(clean), seed) if kind == "pink" else white(len(clean) / RATE_HZ, 1.0, seed)
        power = speech_power(clean, split(Audio(clean, RATE_HZ))) / 10 ** (level_db / 10)
        mixture = clean + math.sqrt(power / np.mean(noise**2)) * noise
        for segment in split(Audio(mixture.astype(np.float32), RATE_HZ)):
            truth_db = 10 * math.log10(speech_power(clean, [segment]) / power)
            found_db = measure(segment).snr_db
            assert found_db is not None
            errors.append(found_db - truth_db)
    assert len(errors) >= 4
    assert abs(np.median(errors)) <= 3.0
    assert np.mean(np.abs(errors) <= 5.0) >= 0.9


@pytest.mark.shared
def test_clean_read_speech_reads_as_clean(shared_data: Path) -> None:
    paths = [*shared_data.glob("librispeech/*0001.flac"), *shared_data.glob("ljspeech/*.wav")]
    values = [
        value
        for path in paths
        for value in snr_db(soundfile.read(path, dtype="float32")[0][:160_000])
    ]
    assert min(values) >= 10.0
    assert np.median(values) >= 20.0


@pytest.mark.shared
def test_offset_and_gain_change_nothing(recordings: list[NDArray[np.float32]]) -> None:
    noisy = recordings[0] + white(len(recordings[0]) / RATE_HZ, 1e-6)[: len(recordings[0])]
    expected = np.median(snr_db(noisy))
    for offset in (0.05, -0.2):
        assert np.median(snr_db(noisy + offset)) == pytest.approx(expected, abs=0.5)
    for gain_db in (-10, -20, -30):
        found = np.median(snr_db(noisy * 10 ** (gain_db / 20)))
        assert found == pytest.approx(expected, abs=0.5)
