"""Whisper's features: the log-mel spectrogram of a 30 s window, as in the reference.

Audio is padded with silence to the window before the transform; padding the features instead
changes texts. 25 ms periodic Hann window, 10 ms hop, reflected edges, power spectrum, Slaney mel
filters, log10 clamped at 8 below the clip's maximum, then (x + 4) / 4.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16000
WINDOW_SECONDS = 30.0
WINDOW_SAMPLES = 480_000
FRAMES = 3000
_N_FFT = 400
_HOP = 160
_FLOOR = 1e-10
_DYNAMIC_RANGE = 8.0


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
    bins_hz = np.linspace(0.0, SAMPLE_RATE_HZ / 2, _N_FFT // 2 + 1)
    left, centre, right = (corners_hz[i : bands + i, None] for i in range(3))
    rising = (bins_hz - left) / (centre - left)
    falling = (right - bins_hz) / (right - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: NDArray[np.float32] = (triangles * 2.0 / (right - left)).astype(np.float32)
    return filters


@cache
def _window() -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(_N_FFT) / _N_FFT)


def log_mel(
    samples: NDArray[np.float32], bands: int, frames_wanted: int = FRAMES
) -> NDArray[np.float32]:
    """Features of one clip.

    Args:
        samples: float32 of shape (n,) at 16 kHz, n ≤ 480,000; silence is added up to 30 s.
        bands: 80, or 128 for large-v3 and later.
        frames_wanted: Number of frames, at most 3000; at least all frames that touch the clip.

    Returns:
        float32 of shape (bands, frames_wanted); it depends only on this clip.
    """
    half = _N_FFT // 2
    # Frames that are only added silence are known: those that touch the clip are computed.
    frames = min(FRAMES, (len(samples) + half - 1) // _HOP + 1)
    reach = min(WINDOW_SAMPLES, max(frames * _HOP + half, _N_FFT))
    padded = np.zeros(reach + 2 * half, np.float32)
    padded[half : half + len(samples)] = samples
    padded[:half] = padded[2 * half : half : -1]
    padded[-half:] = padded[-half - 2 : -2 * half - 2 : -1]
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP][:frames]
    spectrum = np.fft.rfft(pieces * _window(), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    # In float32 as below: AVX-512 gives that logarithm another last bit than the one in float64.
    silence = np.log10(np.float32(_FLOOR))
    features: NDArray[np.float32] = np.full((bands, frames_wanted), silence, np.float32)
    features[:, :frames] = np.log10(np.maximum(mel_filters(bands) @ power.T, _FLOOR))
    np.maximum(features, features.max() - np.float32(_DYNAMIC_RANGE), out=features)
    features += np.float32(4.0)
    features /= np.float32(4.0)
    return features
