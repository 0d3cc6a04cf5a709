"""Signal measures of known signals, real audio, and arbitrary float32 samples."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import hypothesis.extra.numpy as st_numpy
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.quality.levels import Level
from beam_audio.quality.signal import measure
from beam_audio.types import Quality, Segment

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATES = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 192_000)


def segment_of(
    samples: NDArray[np.floating],
    rate_hz: int = 16_000,
    speech: tuple[tuple[int, int], ...] = (),
    start: int = 0,
) -> Segment:
    end = start + len(samples)
    return Segment(
        recording_id="recording",
        segment_id="segment",
        segment_index=0,
        channel=None,
        sample_rate_hz=rate_hz,
        start_sample=start,
        end_sample=end,
        core_start_sample=start,
        core_end_sample=end,
        speech=speech,
        samples=samples.astype(np.float32),
    )


def sine(
    frequency_hz: float, amplitude: float, rate_hz: int, seconds: float
) -> NDArray[np.float64]:
    time = np.arange(round(rate_hz * seconds)) / rate_hz
    return np.asarray(amplitude * np.sin(2 * np.pi * frequency_hz * time))


def read_first_channel(path: Path) -> tuple[NDArray[np.float32], int]:
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(samples[:, 0]), int(rate_hz)


def assert_defined(quality: Quality) -> None:
    for name, value in asdict(quality).items():
        assert value is None or (type(value) is float and math.isfinite(value)), name


@pytest.mark.parametrize("rate_hz", RATES)
def test_full_scale_sine_has_its_textbook_levels(rate_hz: int) -> None:
    quality = measure(segment_of(sine(1000, 1.0, rate_hz, 1.0), rate_hz))
    assert quality.rms_dbfs == pytest.approx(-3.01, abs=0.005)
    assert quality.peak_dbfs == pytest.approx(0.0, abs=0.005)


@pytest.mark.parametrize("rate_hz", RATES)
def test_reference_tone_reads_minus_23_lufs(rate_hz: int) -> None:
    # BS.1770: a 997 Hz sine at full scale in one channel reads -3.01, so 19.99 dB less reads -23.
    tone = sine(997, 10 ** (-19.99 / 20), rate_hz, 3.0)
    assert measure(segment_of(tone, rate_hz)).loudness_lufs == pytest.approx(-23.0, abs=0.1)


def test_loudness_gate_leaves_silence_out_and_a_partial_block_changes_nothing() -> None:
    tone = sine(997, 0.1, 16_000, 3.0)
    loudness = measure(segment_of(tone)).loudness_lufs
    with_silence = np.concatenate([tone, np.zeros(160_000)])
    # The two blocks that straddle the end of the tone pass the relative gate.
    assert measure(segment_of(with_silence)).loudness_lufs == pytest.approx(loudness, abs=0.5)
    for extra_seconds in (0.03, 0.06, 0.09):
        longer = sine(997, 0.1, 16_000, 3.0 + extra_seconds)
        assert measure(segment_of(longer)).loudness_lufs == pytest.approx(loudness, abs=0.02)


@pytest.mark.parametrize(
    "samples",
    [sine(997, 0.5, 16_000, 0.39), np.zeros(32_000), sine(997, 1e-5, 16_000, 2.0)],
    ids=["too short", "digital silence", "under the gate"],
)
def test_loudness_is_missing_where_it_is_undefined(samples: NDArray[np.float64]) -> None:
    assert measure(segment_of(samples)).loudness_lufs is None


def test_digital_silence_has_no_levels() -> None:
    quality = measure(segment_of(np.zeros(16_000), speech=((0, 8_000),)))
    assert quality == Quality(None, None, 0.0, 0.5, None, None, None)


@pytest.mark.parametrize("snr_db", [-5, 0, 10, 20, 40])
@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_snr_of_a_known_mixture_is_found_within_a_decibel(snr_db: int, rate_hz: int) -> None:
    noise = np.random.default_rng(5).normal(0, 0.003, rate_hz * 6)
    start, end = rate_hz * 2 + 77, rate_hz * 4 + 77  # no multiples of a frame
    mixture = noise.copy()
    mixture[start:end] += sine(300, math.sqrt(2) * 0.003 * 10 ** (snr_db / 20), rate_hz, 2.0)
    offset = 123_457
    found = measure(segment_of(mixture, rate_hz, ((offset + start, offset + end),), offset)).snr_db
    assert found == pytest.approx(snr_db, abs=1.0)


def test_snr_has_stated_ends() -> None:
    loud, quiet, none = sine(300, 0.5, 16_000, 0.5), sine(300, 0.1, 16_000, 0.5), np.zeros(8_000)
    first_half = ((0, 8_000),)

    def snr_db(*halves: NDArray[np.float64], speech: tuple[tuple[int, int], ...]) -> float | None:
        return measure(segment_of(np.concatenate(halves), speech=speech)).snr_db

    assert snr_db(quiet, loud, speech=first_half) == -10.0
    assert snr_db(loud, none, speech=first_half) == 60.0
    assert snr_db(none, none, speech=first_half) is None
    assert snr_db(loud, quiet, speech=()) is None
    assert snr_db(loud, quiet, speech=((0, 16_000),)) is None


def test_snr_takes_the_noise_of_the_recording_where_it_is_known() -> None:
    tone = segment_of(sine(300, 0.1 * math.sqrt(2), 16_000, 1.0), speech=((0, 16_000),))
    assert measure(replace(tone, noise_power=1e-4)).snr_db == pytest.approx(19.96, abs=0.01)
    assert measure(replace(tone, noise_power=0.0)).snr_db == 60.0
    assert measure(replace(tone, noise_power=0.02)).snr_db == -10.0
    assert measure(replace(tone, noise_power=1e-4, speech=())).snr_db is None


def test_an_offset_moves_neither_level_nor_snr() -> None:
    mixture = np.random.default_rng(5).normal(0, 0.003, 32_000)
    mixture[8_000:24_000] += sine(300, 0.1, 16_000, 1.0)
    before, after = (
        measure(segment_of(mixture + offset, speech=((8_000, 24_000),))) for offset in (0.0, 0.2)
    )
    assert after.snr_db == pytest.approx(before.snr_db, abs=0.01)
    assert after.rms_dbfs == pytest.approx(before.rms_dbfs, abs=0.01)


def test_the_level_of_the_sources_replaces_that_of_a_mix() -> None:
    found = measure(segment_of(sine(997, 0.1, 16_000, 1.0)), Level(-3.0, 0.0, 0.25))
    assert (found.rms_dbfs, found.peak_dbfs, found.clipped_fraction) == (-3.0, 0.0, 0.25)
    assert found.loudness_lufs == measure(segment_of(sine(997, 0.1, 16_000, 1.0))).loudness_lufs


def test_speech_outside_or_twice_counts_once() -> None:
    speech = ((-500, 4_000), (2_000, 4_000), (15_000, 90_000), (20_000, 30_000))
    assert measure(segment_of(np.ones(16_000), speech=speech)).speech_fraction == 5_000 / 16_000


def test_clipping_counts_runs_of_three_and_more() -> None:
    samples = np.zeros(1_000)
    samples[[10, 11]] = 1.0  # a run of two is no clipping
    samples[20:23] = 0.9985  # nor is a level under the limit
    samples[30:33] = 0.9995
    samples[40:45] = -1.0
    samples[997:] = 1.5  # up to the very end, beyond full scale
    assert measure(segment_of(samples)).clipped_fraction == (3 + 5 + 3) / 1_000


@pytest.mark.shared
def test_overdriven_speech_is_found_clipped(shared_data: Path) -> None:
    samples, rate_hz = read_first_channel(shared_data / "ljspeech" / "LJ001-0001.wav")
    assert measure(segment_of(samples, rate_hz)).clipped_fraction == 0.0
    driven = np.clip(samples * 10, -1, 1)
    clipped = measure(segment_of(driven, rate_hz)).clipped_fraction
    assert 0.02 < clipped <= np.mean(np.abs(driven) >= 0.999)


@pytest.mark.parametrize("rate_hz", RATES)
def test_bandwidth_of_a_tone_is_its_frequency(rate_hz: int) -> None:
    tone = sine(rate_hz / 8, 0.5, rate_hz, 0.5)
    bandwidth_hz = measure(segment_of(tone, rate_hz)).bandwidth_hz
    assert bandwidth_hz is not None
    assert rate_hz / 8 <= bandwidth_hz <= rate_hz / 8 + 4 * rate_hz / 512


def test_bandwidth_needs_one_whole_window() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 512)
    assert measure(segment_of(noise[:511])).bandwidth_hz is None
    assert measure(segment_of(noise)).bandwidth_hz == 8_000


@pytest.mark.shared
def test_bandwidth_shows_what_the_rate_hides(shared_data: Path) -> None:
    for path in sorted((shared_data / "fsdd_8k").glob("*.wav"))[:5]:
        samples, rate_hz = read_first_channel(path)
        assert rate_hz == 8_000
        upsampled = soxr.resample(samples, 8_000, 44_100)
        bandwidth_hz = measure(segment_of(upsampled, 44_100)).bandwidth_hz
        assert bandwidth_hz is not None
        assert 2_500 < bandwidth_hz <= 4_000 + 44_100 / 512


@pytest.mark.shared
def test_bandwidth_shows_the_low_pass_of_an_mp3(shared_data: Path) -> None:
    samples, rate_hz = read_first_channel(shared_data / "music" / "librosa_sir_duke_fast.ogg")
    packed = io.BytesIO()
    soundfile.write(packed, samples, rate_hz, format="MP3", compression_level=0.95)
    packed.seek(0)
    lossy, lossy_rate_hz = soundfile.read(packed, dtype="float32")
    before = measure(segment_of(samples, rate_hz)).bandwidth_hz
    after = measure(segment_of(lossy, lossy_rate_hz)).bandwidth_hz
    assert before is not None
    assert after is not None
    assert after < before - 2_000


def any_samples() -> st.SearchStrategy[NDArray[np.float32]]:
    extremes = st.sampled_from([0.0, -0.0, 1e-45, 1.0, -1.0, 0.9995, 1e30, -1e30, 3.4e38])
    values = st.floats(width=32) | extremes.map(lambda value: float(np.float32(value)))
    short = st_numpy.arrays(np.float32, st.integers(0, 60), elements=values)
    return st.builds(np.tile, short, st.sampled_from([1, 9, 200]))


@given(
    samples=any_samples(),
    rate_hz=st.sampled_from([1, 50, 4_000, 8_000, 11_025, 44_100, 192_000, 384_000]),
    speech=st.lists(st.tuples(st.integers(-50, 9_000), st.integers(-50, 9_000)), max_size=3),
)
def test_any_samples_give_finite_numbers_or_nothing(
    samples: NDArray[np.float32], rate_hz: int, speech: list[tuple[int, int]]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quality = measure(segment_of(samples, rate_hz, tuple(speech)))
    assert_defined(quality)
    assert 0.0 <= quality.clipped_fraction <= 1.0
    assert 0.0 <= quality.speech_fraction <= 1.0
    assert quality.snr_db is None or -10.0 <= quality.snr_db <= 60.0
    assert quality.bandwidth_hz is None or 0.0 <= quality.bandwidth_hz <= rate_hz / 2


def test_samples_that_are_not_numbers_do_not_spread() -> None:
    tone = sine(500, 0.5, 16_000, 1.0)
    holed = tone.copy()
    holed[[5, 6_000]] = np.nan
    expected, found = measure(segment_of(tone)), measure(segment_of(holed))
    assert found.rms_dbfs == pytest.approx(expected.rms_dbfs, abs=0.01)
    assert found.loudness_lufs == pytest.approx(expected.loudness_lufs, abs=0.05)


@pytest.mark.shared
@given(gain=st.floats(0.01, 3.0))
def test_snr_and_bandwidth_do_not_depend_on_gain(shared_data: Path, gain: float) -> None:
    samples, rate_hz = read_first_channel(shared_data / "librispeech" / "1089-134691-0000.flac")
    speech = ((rate_hz // 2, len(samples) - rate_hz // 2),)
    reference = segment_of(samples, rate_hz, speech)
    scaled = replace(reference, samples=samples * np.float32(gain))
    before, after = measure(reference), measure(scaled)
    assert before.snr_db is not None
    assert after.snr_db == pytest.approx(before.snr_db, abs=1e-3)
    assert after.bandwidth_hz == before.bandwidth_hz
    assert before.loudness_lufs is not None
    assert after.loudness_lufs == pytest.approx(
        before.loudness_lufs + 20 * math.log10(gain), abs=1e-3
    )
