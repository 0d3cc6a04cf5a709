"""Samples to log-mel spectra, as the networks were trained on: Kaldi's, and CLAP's.

All arrays of a clip are (frames, bands). Nothing here needs more than numpy.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Reals = NDArray[np.float64]

KALDI_RATE_HZ: Final = 16_000
FRAME_SAMPLES: Final = 400
HOP_SAMPLES: Final = 160
FULL_SCALE: Final = np.float32(32_768.0)

_FFT_SAMPLES: Final = 512
_PREEMPHASIS: Final = 0.97
_LOWEST_HZ: Final = 20.0
_LEAST_POWER: Final = 1.1920929e-07
_LEAST_CLAP_POWER: Final = 1e-10

KaldiWindow = Literal["povey", "hanning"]
Scale = Literal["kaldi", "htk", "slaney"]


def kaldi_fbank(samples: NDArray[np.float32], bands: int, window: KaldiWindow) -> Reals:
    """Kaldi's log-mel energies (frames, bands) without dither; whole frames only.

    A clip of fewer than 400 samples has none. ``kaldi-native-fbank`` gives the same numbers.

    Args:
        samples: Shape (n,) at 16 kHz; most networks were trained on samples of 16 bits, which
            ``FULL_SCALE`` leads to.
        bands: Triangles from 20 to 8000 Hz.
        window: What each frame of 25 ms is multiplied with.
    """
    if len(samples) < FRAME_SAMPLES:
        return np.zeros((0, bands))
    frames = _frames(samples, FRAME_SAMPLES, HOP_SAMPLES)
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    shape: Reals = np.hanning(FRAME_SAMPLES)
    if window == "povey":
        shape = shape**0.85
    spectrum = _power((frames - _PREEMPHASIS * before) * shape, _FFT_SAMPLES)
    filters = mel_filters("kaldi", bands, _FFT_SAMPLES, KALDI_RATE_HZ, _LOWEST_HZ, 8000.0)
    return np.log(np.maximum(spectrum @ filters, _LEAST_POWER))


def centred_decibels(
    samples: NDArray[np.float32], filters: Reals, fft_samples: int, hop_samples: int
) -> Reals:
    """Mel energies in decibels (frames, bands); frames are centred, the edges mirrored.

    Args:
        samples: Shape (n,); at least half a frame.
        filters: Shape (fft_samples // 2 + 1, bands).
        fft_samples: Length of a frame.
        hop_samples: From a frame to the next.
    """
    padded = np.pad(samples.astype(np.float64), fft_samples // 2, mode="reflect")
    window = np.hanning(fft_samples + 1)[:-1]
    spectrum = _power(_frames(padded, fft_samples, hop_samples) * window, fft_samples)
    return 10.0 * np.log10(np.maximum(spectrum @ filters, _LEAST_CLAP_POWER))


@cache
def mel_filters(  # noqa: PLR0913, PLR0917 - hashable places of a cache
    scale: Scale, bands: int, fft_samples: int, rate_hz: int, lowest_hz: float, highest_hz: float
) -> Reals:
    """Triangles (fft_samples // 2 + 1, bands) that are equally wide on a scale.

    Kaldi's have straight sides in mel, the others in Hz; Slaney's have equal areas.
    """
    to_mel, to_hz = _SCALES[scale]
    lowest, highest = to_mel(np.array([lowest_hz, highest_hz]))
    corners: Reals = np.linspace(lowest, highest, bands + 2)
    bins = np.linspace(0.0, rate_hz / 2, fft_samples // 2 + 1)
    if scale == "kaldi":
        return _triangles(to_mel(bins), corners)
    corners_hz = to_hz(corners)
    triangles = _triangles(bins, corners_hz)
    if scale == "slaney":
        triangles *= 2.0 / (corners_hz[2:] - corners_hz[:-2])
    return triangles


def _triangles(bins: Reals, corners: Reals) -> Reals:
    steps = np.diff(corners)
    slopes = corners[np.newaxis, :] - bins[:, np.newaxis]
    rising = -slopes[:, :-2] / steps[:-1]
    falling = slopes[:, 2:] / steps[1:]
    return np.maximum(0.0, np.minimum(rising, falling))


def _frames(samples: NDArray[np.floating], size: int, hop: int) -> Reals:
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::hop].astype(np.float64)


def _power(frames: Reals, fft_samples: int) -> Reals:
    spectrum = np.fft.rfft(frames, fft_samples)
    return spectrum.real**2 + spectrum.imag**2


def _kaldi_mel(hertz: Reals) -> Reals:
    return 1127.0 * np.log1p(hertz / 700.0)


def _kaldi_hertz(mel: Reals) -> Reals:
    return 700.0 * np.expm1(mel / 1127.0)


def _htk_mel(hertz: Reals) -> Reals:
    return 2595.0 * np.log10(1.0 + hertz / 700.0)


def _htk_hertz(mel: Reals) -> Reals:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


_KNEE_HZ: Final = 1000.0
_KNEE_MEL: Final = 15.0
_HZ_PER_MEL: Final = 200.0 / 3.0
_LOG_STEP: Final = np.log(6.4) / 27.0


def _slaney_mel(hertz: Reals) -> Reals:
    above = _KNEE_MEL + np.log(np.maximum(hertz, _KNEE_HZ) / _KNEE_HZ) / _LOG_STEP
    return np.where(hertz < _KNEE_HZ, hertz / _HZ_PER_MEL, above)


def _slaney_hertz(mel: Reals) -> Reals:
    above = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _KNEE_MEL) - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _HZ_PER_MEL, above)


_SCALES: Final[dict[Scale, tuple[Callable[[Reals], Reals], Callable[[Reals], Reals]]]] = {
    "kaldi": (_kaldi_mel, _kaldi_hertz),
    "htk": (_htk_mel, _htk_hertz),
    "slaney": (_slaney_mel, _slaney_hertz),
}
