"""Speech up to the very edges of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_audio.segments.speech import SpeechFinder
from beam_audio.segments.vad import VadInput
from beam_audio.segments.vad_presets import VAD_PRESETS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = pytest.mark.shared


def speech_of(
    samples: NDArray[np.float32], rate_hz: int, cuts: Sequence[int] = ()
) -> list[tuple[int, int]]:
    """Speech of a recording in blocks; parts that touch are joined."""
    source, finder = VadInput(rate_hz), SpeechFinder(rate_hz, VAD_PRESETS["default"])
    found = []
    for block in np.split(samples, sorted(cuts)):
        found += finder.push(source.push(block))
        assert 0 <= finder.decided <= len(samples)
    found += finder.finish(source.finish(), len(samples))
    joined: list[tuple[int, int]] = []
    for start, end in found:
        assert 0 <= start < end <= len(samples)
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


@pytest.fixture(scope="module")
def digits(shared_data: Path) -> list[NDArray[np.float32]]:
    """Sixty spoken digits at 8 kHz, cut tightly."""
    paths = sorted((shared_data / "fsdd_8k").glob("*.wav"))
    return [soundfile.read(path, dtype="float32")[0] for path in paths]


def test_one_word_clips_hold_speech(digits: list[NDArray[np.float32]]) -> None:
    assert len(digits) == 60
    assert sum(not speech_of(digit, 8_000) for digit in digits) <= 3


def test_words_at_the_edges_of_a_recording_are_found(digits: list[NDArray[np.float32]]) -> None:
    pause = np.zeros(8_000, np.float32)
    for first, last in zip(digits[:10], digits[20:30], strict=True):
        found = speech_of(np.concatenate([first, pause, last]), 8_000)
        assert found[0][0] < len(first)
        assert found[-1][1] > len(first) + len(pause)


def test_noise_at_the_start_is_no_word(shared_data: Path) -> None:
    for name in ("silence/pv_empty.wav", "noise/sb_noise1.wav", "noise/sb_noise2.wav"):
        samples, rate_hz = soundfile.read(shared_data / name, dtype="float32", always_2d=True)
        mono = np.ascontiguousarray(samples.mean(axis=1))
        for start in range(0, len(mono) - rate_hz, rate_hz // 2):
            found = speech_of(mono[start : start + rate_hz], rate_hz)
            assert all(begin > 0.3 * rate_hz for begin, _ in found)


def test_a_recording_of_a_few_samples_is_no_speech() -> None:
    for count in (0, 1, 600):
        assert speech_of(np.zeros(count, np.float32), 16_000) == []


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 30_000), max_size=8))
def test_speech_does_not_depend_on_blocks(
    digits: list[NDArray[np.float32]], cuts: list[int]
) -> None:
    joined = np.concatenate(digits[:12])
    assert speech_of(joined, 8_000, cuts) == speech_of(joined, 8_000)
