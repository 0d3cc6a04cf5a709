"""What Whisper's features are made of: the spectrum of 25 ms every 10 ms, and its mel filters."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE_HZ: Final = 16000
FFT_SAMPLES: Final = 400
HOP_SAMPLES: Final = 160
LEAST_POWER: Final = 1e-10
DYNAMIC_RANGE: Final = 8.0
"""Decades below a clip's loudest value that are kept."""


@cache
def mel_filters(bands: int) -> NDArray[np.float32]:
    """Triangular filters on Slaney's mel scale with area normalisation, shape (bands, 201).

    The scale is linear up to 1 kHz (15 mels) and logarithmic above, with 27 mels per factor 6.4
    (Slaney, "Auditory Toolbox", 1998).
    """
    linear_hz, mel_at_knee, knee_hz = 200.0 / 3.0, 15.0, 1000.0
    log_step = np.log(6.4) / 27.0
    top_mel = mel_at_knee + np.log(SAMPLE_RATE_HZ / 2 / knee_hz) / log_step
    mels = np.linspace(0.0, top_mel, bands + 2)
    above = knee_hz * np.exp(log_step * (mels - mel_at_knee))
    corners_hz = np.where(mels < mel_at_knee, linear_hz * mels, above)
    bins_hz = np.linspace(0.0, SAMPLE_RATE_HZ / 2, FFT_SAMPLES // 2 + 1)
    left, centre, right = (corners_hz[i : bands + i, None] for i in range(3))
    rising = (bins_hz - left) / (centre - left)
    falling = (right - bins_hz) / (right - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: NDArray[np.float32] = (triangles * 2.0 / (right - left)).astype(np.float32)
    return filters


@cache
def fft_window() -> NDArray[np.float64]:
    """Periodic Hann window, shape (400,)."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FFT_SAMPLES) / FFT_SAMPLES)
