"""Frames give the clip again that they were cut of."""

from __future__ import annotations

import numpy as np
import pytest

from beam_audio.enhancers.frames import Framing

FRAMINGS = [(512, 256), (512, 128), (512, 200), (320, 160), (480, 480)]


@pytest.mark.parametrize(("frame_samples", "hop_samples"), FRAMINGS)
@pytest.mark.parametrize("samples", [0, 1, 255, 512, 16_001])
def test_frames_that_stay_give_the_clip_again(
    frame_samples: int, hop_samples: int, samples: int
) -> None:
    clip = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    framing = Framing(frame_samples, hop_samples)
    frames = framing.cut(clip)
    assert frames.shape[1] == frame_samples
    again = framing.join(frames, samples)
    assert again.dtype == np.float32
    np.testing.assert_allclose(again, clip, atol=2e-6)


def test_overlapping_frames_fade_in_and_out() -> None:
    """The window is the one that spectral networks are trained with."""
    frames = Framing(512, 256).cut(np.ones(2048, np.float32))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    np.testing.assert_allclose(frames[3] ** 2, hann, atol=1e-6)


def test_frames_that_follow_each_other_are_the_samples() -> None:
    clip = np.arange(480, dtype=np.float32)
    assert (Framing(160, 160).cut(clip) == clip.reshape(3, 160)).all()
