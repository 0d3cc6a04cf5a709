"""Log mel energies as Kaldi computes them: what speaker and sound event networks take.

The settings are Kaldi's own, with 80 bands and without dither. ``kaldi-native-fbank`` gives the
same numbers with its defaults.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ: Final = 16_000
BANDS: Final = 80
STEP_SAMPLES: Final = 160
WINDOW_SAMPLES: Final = 400

_FFT_SAMPLES: Final = 512
_LOWEST_HZ: Final = 20.0
_HIGHEST_HZ: Final = 8_000.0
_PRE_EMPHASIS: Final = 0.97
_FULL_SCALE: Final = 32_768.0
_SMALLEST_ENERGY: Final = 1.1920929e-07
_FRAMES_AT_ONCE: Final = 1_000
"""Bounds the memory that a long clip takes beside its features."""


def fbank(clip: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log mel energies of a clip.

    Args:
        clip: float32 of shape (n,) at 16 kHz, full scale 1.

    Returns:
        float32 of shape (frames, 80): one frame each 10 ms, over 25 ms. Only whole frames count, so
        a clip of fewer than 400 samples has none.
    """
    if len(clip) < WINDOW_SAMPLES:
        return np.zeros((0, BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(clip, WINDOW_SAMPLES)[::STEP_SAMPLES]
    starts = range(0, len(frames), _FRAMES_AT_ONCE)
    return np.concatenate([_log_mel(frames[at : at + _FRAMES_AT_ONCE]) for at in starts])


def _log_mel(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features of frames of shape (n, 400)."""
    scaled = frames * np.float32(_FULL_SCALE)
    scaled -= scaled.mean(axis=1, keepdims=True)
    # The first sample of a frame counts as its own predecessor.
    before = np.concatenate([scaled[:, :1], scaled[:, :-1]], axis=1)
    windowed = (scaled - np.float32(_PRE_EMPHASIS) * before) * _window()
    power = np.square(np.abs(np.fft.rfft(windowed, _FFT_SAMPLES)))
    energies = power.astype(np.float32) @ _mel_weights()
    found: NDArray[np.float32] = np.log(np.maximum(energies, np.float32(_SMALLEST_ENERGY)))
    return found


@cache
def _window() -> NDArray[np.float32]:
    """Kaldi's window, a Hann window to the power of 0.85."""
    turns = 2 * np.pi * np.arange(WINDOW_SAMPLES) / (WINDOW_SAMPLES - 1)
    return ((0.5 - 0.5 * np.cos(turns)) ** 0.85).astype(np.float32)


@cache
def _mel_weights() -> NDArray[np.float32]:
    """Triangles of equal width in mel, their sides straight in mel; shape (257, 80)."""
    lowest, highest = _mel(np.array([_LOWEST_HZ, _HIGHEST_HZ]))
    edges = np.linspace(lowest, highest, BANDS + 2)
    bins = _mel(np.arange(_FFT_SAMPLES // 2 + 1) * RATE_HZ / _FFT_SAMPLES)[:, np.newaxis]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights: NDArray[np.float32] = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return weights


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127 * np.log1p(hz / 700)
