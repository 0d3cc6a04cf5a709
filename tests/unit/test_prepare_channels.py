"""Channels of a source on their way to segments: mixed, measured and noticed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.prepared import SETTINGS, ends, events, segments
from support.unit_runs import RATE_HZ, VAD, ref, speech, write

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.unit.events import PreparedSegment, RecordingEnd


def said(seconds: float = 6.0) -> NDArray[np.float32]:
    """The demo's sentence again and again."""
    return np.resize(
        np.concatenate([speech(), np.zeros(RATE_HZ, np.float32)]), round(seconds * RATE_HZ)
    )


def rows_of(
    path: Path, channels: NDArray[np.float32]
) -> tuple[list[PreparedSegment], RecordingEnd]:
    found = events(ref(write(path, channels)), replace(SETTINGS, segments=VAD))
    return segments(found), ends(found)[0]


def test_speech_in_opposite_channels_is_heard(tmp_path: Path) -> None:
    alone, end = rows_of(tmp_path / "a.wav", said())
    both, cancelled = rows_of(tmp_path / "b.wav", np.stack([said(), -said()], axis=1))
    assert end.reasons == ()
    assert cancelled.reasons == ("channels_cancel",)
    assert len(both) == len(alone) > 1
    for one, other in zip(alone, both, strict=True):
        assert (one.segment.start_sample, one.segment.end_sample) == (
            other.segment.start_sample,
            other.segment.end_sample,
        )
        np.testing.assert_allclose(one.clip, other.clip, atol=1e-4)


@pytest.mark.parametrize("beside", [0.0, 0.01])
def test_a_clipped_channel_is_measured_before_it_is_mixed(tmp_path: Path, beside: float) -> None:
    clipped = np.clip(said() * 30, -1, 1)
    alone, _ = rows_of(tmp_path / "a.wav", clipped)
    quiet = beside * np.roll(said(), 1_000)
    mixed, end = rows_of(tmp_path / "b.wav", np.stack([clipped, quiet], axis=1))
    assert end.reasons == (() if beside else ("channel_silent",))

    def mean(items: list[PreparedSegment], name: str) -> float:
        return float(np.mean([getattr(item.quality, name) for item in items]))

    assert mean(alone, "clipped_fraction") > 0.05
    for name, tolerance in (("clipped_fraction", 0.03), ("peak_dbfs", 0.01), ("rms_dbfs", 0.5)):
        assert mean(mixed, name) == pytest.approx(mean(alone, name), abs=tolerance)


def test_a_channel_of_8_bits_is_clipped_at_its_own_full_scale(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    samples = said() * 0.1
    samples[RATE_HZ : RATE_HZ + 4] = 1.0
    soundfile.write(path, samples, RATE_HZ, subtype="ULAW")
    found = segments(events(ref(path)))
    assert found[1].quality.clipped_fraction == 4 / RATE_HZ
    assert found[3].quality.clipped_fraction == 0.0


def test_two_talkers_at_once_are_a_reason_and_other_sounds_are_not(tmp_path: Path) -> None:
    both = np.stack([said(), said()[::-1]], axis=1)
    assert rows_of(tmp_path / "a.wav", both)[1].reasons == ("channels_differ",)
    times = np.arange(6 * RATE_HZ)[:, np.newaxis] / RATE_HZ
    beeps = 0.02 * np.sin(2 * np.pi * times * [440, 700]) * (times * [3, 5] % 1 < 0.5)
    found, end = rows_of(tmp_path / "b.wav", beeps.astype(np.float32))
    assert (found, end.reasons) == ([], ())


def test_integers_stored_as_float_are_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, said() * 32_768, RATE_HZ, subtype="FLOAT")
    found = events(ref(path), replace(SETTINGS, segments=VAD))
    assert ends(found)[0].reasons == ("integer_scale",)
    alone, _ = rows_of(tmp_path / "b.wav", said())
    for one, other in zip(alone, segments(found), strict=True):
        assert one.quality.peak_dbfs == pytest.approx(other.quality.peak_dbfs, abs=0.01)


def test_the_noise_of_the_recording_is_that_of_each_segment(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(6 * RATE_HZ).astype(np.float32)
    found, _ = rows_of(tmp_path / "a.wav", said() + 0.001 * noise)
    for item in found:
        assert item.segment.noise_power == pytest.approx(1e-6, rel=0.3)
