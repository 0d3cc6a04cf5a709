"""Spectra against figures of Kaldi's own program, and against tones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from beam_audio.quality.spectrogram import (
    FRAME_SAMPLES,
    FULL_SCALE,
    HOP_SAMPLES,
    centred_decibels,
    kaldi_fbank,
    mel_filters,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.quality.spectrogram import Scale


def tone(hertz: float, rate_hz: int, seconds: float = 0.5) -> NDArray[np.float32]:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.sin(2 * np.pi * hertz * times).astype(np.float32)


@pytest.mark.shared
def test_energies_are_those_of_kaldi(shared_data: Path, shared_models: Path) -> None:
    """The figures are by kaldi-native-fbank with 80 bands and no dither."""
    expected = json.loads((shared_models / "expected.json").read_text(encoding="utf-8"))
    for name, known in expected.items():
        clip = soundfile.read(shared_data / name, dtype="float32")[0]
        found = kaldi_fbank(clip * FULL_SCALE, 80, "povey")
        assert found.shape == (known["fbank_frames"], 80)
        assert found.mean() == pytest.approx(known["fbank_mean"], abs=2e-4)
    clip = soundfile.read(shared_data / "librispeech/1688-142285-0003.flac", dtype="float32")[0]
    found = kaldi_fbank(clip * FULL_SCALE, 80, "povey")
    assert found[100, :4] == pytest.approx([17.4224, 17.1523, 13.6053, 13.9426], abs=0.01)


def test_only_whole_frames_count() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 1_300 * HOP_SAMPLES).astype(np.float32)
    assert kaldi_fbank(noise[: FRAME_SAMPLES - 1], 80, "povey").shape == (0, 80)
    assert kaldi_fbank(noise[:FRAME_SAMPLES], 80, "povey").shape == (1, 80)
    whole = kaldi_fbank(noise, 80, "povey")
    assert whole.shape == (1_298, 80)
    # A frame depends on its own samples alone, wherever the clip begins.
    assert np.allclose(kaldi_fbank(noise[1_100 * HOP_SAMPLES :], 80, "povey"), whole[1_100:])


def test_silence_has_the_least_energy() -> None:
    found = kaldi_fbank(np.zeros(720, np.float32), 40, "hanning")
    assert found.shape == (3, 40)
    assert found == pytest.approx(np.log(1.1920929e-07))


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_a_tone_is_loudest_in_its_band(scale: Scale) -> None:
    filters = mel_filters(scale, 64, 1024, 48_000, 0.0, 14_000.0)
    found = centred_decibels(tone(1000.0, 48_000), filters, 1024, 480)
    assert found.shape == (51, 64)
    band = found.mean(axis=0).argmax()
    heard_hz = filters[:, band].argmax() * 48_000 / 1024
    assert heard_hz == pytest.approx(1000.0, abs=60.0)


def test_a_tone_ten_times_as_loud_has_20_decibels_more() -> None:
    filters = mel_filters("htk", 64, 1024, 48_000, 0.0, 14_000.0)
    quiet, loud = (
        centred_decibels(gain * tone(1000.0, 48_000), filters, 1024, 480).max() for gain in (0.1, 1)
    )
    assert loud - quiet == pytest.approx(20.0, abs=1e-3)


def test_triangles_of_slaney_have_equal_areas() -> None:
    filters = mel_filters("slaney", 20, 4096, 16_000, 100.0, 8_000.0)
    areas = filters.sum(axis=0) * 8_000 / 2048
    assert areas == pytest.approx(np.ones(20), abs=0.02)


def test_triangles_overlap_to_one_between_their_peaks() -> None:
    filters = mel_filters("kaldi", 40, 512, 16_000, 20.0, 8_000.0)
    peaks = filters.argmax(axis=0)
    assert filters[peaks[0] + 1 : peaks[-1]].sum(axis=1) == pytest.approx(1.0)
