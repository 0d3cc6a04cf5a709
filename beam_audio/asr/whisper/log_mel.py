"""Whisper's features: the log-mel spectrogram of a 30 s window, as in the reference.

Audio is padded with silence to the window before the transform; padding the features instead
changes texts. 25 ms periodic Hann window, 10 ms hop, reflected edges, power spectrum, Slaney mel
filters, log10 clamped at 8 below the clip's maximum, then (x + 4) / 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beam_audio.models.whisper.log_mel_graph import BLOCKS_PER_FRAME
from beam_audio.models.whisper.mel_filters import (
    DYNAMIC_RANGE,
    FFT_SAMPLES,
    HOP_SAMPLES,
    LEAST_POWER,
    fft_window,
    mel_filters,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WINDOW_SECONDS = 30.0
WINDOW_SAMPLES = 480_000
FRAMES = 3000
_HALF = FFT_SAMPLES // 2


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
    # Frames that are only added silence are known: those that touch the clip are computed.
    frames = min(FRAMES, (len(samples) + _HALF - 1) // HOP_SAMPLES + 1)
    reach = min(WINDOW_SAMPLES, max(frames * HOP_SAMPLES + _HALF, FFT_SAMPLES))
    padded = np.zeros(reach + 2 * _HALF, np.float32)
    padded[_HALF : _HALF + len(samples)] = samples
    padded[:_HALF] = padded[2 * _HALF : _HALF : -1]
    padded[-_HALF:] = padded[-_HALF - 2 : -2 * _HALF - 2 : -1]
    pieces = np.lib.stride_tricks.sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES][:frames]
    spectrum = np.fft.rfft(pieces * fft_window(), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    # In float32 as below: AVX-512 gives that logarithm another last bit than the one in float64.
    silence = np.log10(np.float32(LEAST_POWER))
    features: NDArray[np.float32] = np.full((bands, frames_wanted), silence, np.float32)
    features[:, :frames] = np.log10(np.maximum(mel_filters(bands) @ power.T, LEAST_POWER))
    np.maximum(features, features.max() - np.float32(DYNAMIC_RANGE), out=features)
    features += np.float32(4.0)
    features /= np.float32(4.0)
    return features


def padded_samples(clips: Sequence[NDArray[np.float32]], frames_wanted: int) -> NDArray[np.float32]:
    """The input of the features' graph for a batch, see ``write_log_mel``.

    Args:
        clips: The samples of each clip, as in ``log_mel``.
        frames_wanted: Number of frames, as in ``log_mel``; those of the longest clip at least.

    Returns:
        float32 of shape (b, 160 (frames_wanted + 2)).
    """
    wanted = HOP_SAMPLES * (frames_wanted + BLOCKS_PER_FRAME - 1)
    rows, end = np.zeros((len(clips), wanted), np.float32), _HALF + WINDOW_SAMPLES
    for row, samples in zip(rows, clips, strict=True):
        row[_HALF : _HALF + len(samples)] = samples
        row[:_HALF] = row[2 * _HALF : _HALF : -1]
        if wanted > end:
            row[end:] = row[end - 2 : 2 * end - wanted - 2 : -1]
    return rows
