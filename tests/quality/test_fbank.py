"""Log mel energies against those that kaldi-native-fbank gave for shared clips."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from beam_audio.quality.fbank import BANDS, STEP_SAMPLES, WINDOW_SAMPLES, fbank

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.mark.shared
def test_features_are_those_of_kaldi(shared_data: Path, shared_models: Path) -> None:
    expected = json.loads((shared_models / "expected.json").read_text(encoding="utf-8"))
    for name, known in expected.items():
        found = fbank(_clip(shared_data / name))
        assert found.shape == (known["fbank_frames"], BANDS)
        assert found.dtype == np.float32
        assert float(found.mean()) == pytest.approx(known["fbank_mean"], abs=2e-4)
    frame = fbank(_clip(shared_data / "librispeech" / "1688-142285-0003.flac"))[100]
    assert frame[:4] == pytest.approx([17.4224, 17.1523, 13.6053, 13.9426], abs=1e-3)


def test_only_whole_frames_count() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 1_300 * STEP_SAMPLES).astype(np.float32)
    assert fbank(noise[: WINDOW_SAMPLES - 1]).shape == (0, BANDS)
    assert fbank(noise[:WINDOW_SAMPLES]).shape == (1, BANDS)
    whole = fbank(noise)
    assert whole.shape == (1_298, BANDS)
    # A frame depends on its own samples alone, wherever the clip begins.
    assert np.allclose(fbank(noise[1_100 * STEP_SAMPLES :]), whole[1_100:], atol=1e-5)


def test_silence_has_the_smallest_energy() -> None:
    assert np.allclose(fbank(np.zeros(WINDOW_SAMPLES, np.float32)), np.log(1.1920929e-07))


def _clip(path: Path) -> NDArray[np.float32]:
    samples, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == 16_000
    clip: NDArray[np.float32] = samples
    return clip
