"""Spectral fingerprints: what a sound is like, in 63 bytes a second, whatever it is encoded in.

A fingerprint is a row of 16-bit words, one every 32 ms. Each bit says whether the energy of a band
rises faster than that of the band above it, as in Haitsma and Kalker, "A Highly Robust Audio
Fingerprinting System" (2002). Rises of log energy do not change with the level, and little with
codecs and filters. Only 300 to 3200 Hz are looked at, which every telephone carries.

A word of 0 stands for silence: it says nothing about the sound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINGERPRINT_RATE_HZ: Final = 16_000
WORD_SECONDS: Final = 0.032
"""Time from one word to the next."""
WORD_BITS: Final = 16

_WINDOW_SAMPLES: Final = 512
_BAND_HZ: Final = np.geomspace(300.0, 3200.0, WORD_BITS + 1)
_SMOOTHED: Final = 6
_RISE: Final = 3
"""In words; a rise is taken over twice this. Long spans outlive noise, codecs and other borders."""
_SILENCE: Final = 1e-4
"""A word is silent if its power is less than this share of the segment's loudest."""
_FLOOR: Final = 1e-6
"""Bands with less than this share of that power are not told apart."""
_LEAST_RISE: Final = 1e-3
"""Rises of log energy that differ by less are equal: else the bits of a steady tone would be those
of rounding, which differs between processors and numbers of threads."""
_WINDOWS_AT_ONCE: Final = 56
"""Larger products are shared out to threads, which costs more than it saves."""
_BIT_VALUES: Final = 1 << np.arange(WORD_BITS, dtype=np.uint32)


def _tones() -> NDArray[np.float64]:
    """Cosine and sine of each band under a Hann window; shape (window, 2 * bands)."""
    seconds = np.arange(_WINDOW_SAMPLES) / FINGERPRINT_RATE_HZ
    phases = 2.0 * np.pi * np.outer(seconds, _BAND_HZ)
    window = np.hanning(_WINDOW_SAMPLES + 1)[:-1, np.newaxis]
    tones: NDArray[np.float64] = window * np.hstack([np.cos(phases), np.sin(phases)])
    return tones


_TONES: Final = _tones()


def fingerprint(samples: NDArray[np.float32]) -> bytes | None:
    """The fingerprint of a sound.

    Args:
        samples: float32 of shape (n,) at 16 kHz.

    Returns:
        Words of 16 bits, little-endian; word i is about the 0.4 s around 0.2 + 0.032 * i seconds.
        None for silence, and for less than 0.4 s.
    """
    energies = _band_energies(samples)
    if not np.isfinite(energies).all():
        energies = _band_energies(np.nan_to_num(samples, posinf=1.0, neginf=-1.0))
    if len(energies) < _SMOOTHED + 2 * _RISE:
        return None
    sums = np.vstack([np.zeros(energies.shape[1]), np.cumsum(energies, axis=0)])
    smooth = np.maximum(sums[_SMOOTHED:] - sums[:-_SMOOTHED], 0.0)
    power = smooth.sum(axis=1)
    loudest = float(power.max())
    if loudest <= 0.0:
        return None
    logs = np.log(smooth + loudest * _FLOOR)
    rises = logs[2 * _RISE :] - logs[: -2 * _RISE]
    words = (rises[:, :-1] - rises[:, 1:] > _LEAST_RISE) @ _BIT_VALUES
    heard = power[_RISE : _RISE + len(words)] > loudest * _SILENCE
    return np.where(heard, words, 0).astype("<u2").tobytes()


def words_of(stored: bytes) -> NDArray[np.uint16]:
    """The words of a fingerprint; shape (n,)."""
    return np.frombuffer(stored, dtype="<u2")


def first_word(start_seconds: float) -> int:
    """Where the first word of a segment stands among the words of its recording.

    Words of all segments of a recording lie on one grid, so that they can be put together.

    Args:
        start_seconds: Start of the segment in the recording.
    """
    return math.ceil(start_seconds / WORD_SECONDS - 1e-6)


def on_grid(samples: NDArray[np.float32], start_seconds: float) -> NDArray[np.float32]:
    """The samples of a segment, at 16 kHz, from its first word on; see :func:`first_word`."""
    ahead = first_word(start_seconds) * WORD_SECONDS - start_seconds
    return samples[round(ahead * FINGERPRINT_RATE_HZ) :]


def _band_energies(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Energy of each band in each 32 ms, seen through two windows; shape (n, bands)."""
    early = samples[: len(samples) // _WINDOW_SAMPLES * _WINDOW_SAMPLES]
    late = samples[_WINDOW_SAMPLES // 2 :]
    late = late[: len(late) // _WINDOW_SAMPLES * _WINDOW_SAMPLES]
    count = len(late) // _WINDOW_SAMPLES
    return _energies_of(early)[:count] + _energies_of(late)


def _energies_of(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Energy of each band in windows of 32 ms side by side; shape (windows, bands)."""
    bands = len(_BAND_HZ)
    windows = samples.reshape(-1, _WINDOW_SAMPLES)
    energies = np.empty((len(windows), bands))
    for first in range(0, len(windows), _WINDOWS_AT_ONCE):
        found = windows[first : first + _WINDOWS_AT_ONCE].astype(np.float64) @ _TONES
        np.square(found, out=found)
        energies[first : first + len(found)] = found[:, :bands] + found[:, bands:]
    return energies
