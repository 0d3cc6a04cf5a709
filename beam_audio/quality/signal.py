"""Signal measures of one segment: numpy in, a :class:`Quality` out; no model, no state.

Full scale is 1.0. A sample that is not a number counts as silence and an infinite one as full
scale, so every measure is a finite number or None, whatever a file holds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.quality.loudness import loudness_lufs
from beam_audio.types import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.types import Segment

CLIPPING_LEVEL: Final = 0.999
"""A sample may be clipped from this share of full scale on."""
CLIPPING_RUN_SAMPLES: Final = 3
"""Shorter runs at that level are not clipping: a lone peak may be real."""
SNR_FRAME_SECONDS: Final = 0.025
SNR_RANGE_DB: Final = (-10.0, 60.0)
SPECTRUM_SAMPLES: Final = 512
SPECTRUM_HOP_SECONDS: Final = 0.010
BANDWIDTH_DEPTH_DB: Final = 50.0

_SPECTRA_AT_ONCE: Final = 256
_HANN: Final = np.hanning(SPECTRUM_SAMPLES + 1)[:-1]


def measure(segment: Segment) -> Quality:
    """Measure the samples of a segment at the source's own rate.

    * ``rms_dbfs``, ``peak_dbfs``: 20·log10 of root mean square and of the largest magnitude, so a
      full-scale sine has an RMS of -3.01; None for digital silence.
    * ``clipped_fraction``: share of samples in runs of 3 or more at 0.999 of full scale or above.
    * ``speech_fraction``: share of samples inside ``segment.speech``.
    * ``snr_db``: 10·log10((Ps - Pn) / Pn), where Ps and Pn are the mean powers of speech and noise
      frames of 25 ms. A speech frame lies in speech as a whole, a noise frame outside it. Frames
      across a border and a last partial frame are left out: a few loud milliseconds would make up
      most of the noise's power. Kept within -10 (speech is no louder than noise) and 60 (the noise
      is digital silence); None without a speech frame or a noise frame, or when both are digital
      silence.
    * ``bandwidth_hz``: highest bin within 50 dB of the peak of the mean power spectrum (512-sample
      Hann windows every 10 ms, no padding), so a multiple of rate / 512; None for digital silence
      or under 512 samples.
    * ``loudness_lufs``: gated loudness of one channel by ITU-R BS.1770-4 over whole 400 ms blocks;
      None under 0.4 s, when every block is under the gate of -70 LUFS, or at a rate under 4 kHz.

    Args:
        segment: ``samples`` is float32 of shape (n,), ``speech`` is in samples of the recording.

    Returns:
        The measures, unrounded.
    """
    samples = np.nan_to_num(segment.samples.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
    rate_hz = segment.sample_rate_hz
    is_speech = _speech_mask(segment)
    count = max(1, len(samples))
    return Quality(
        rms_dbfs=_decibels(float(np.einsum("i,i", samples, samples)) / count),
        peak_dbfs=_decibels(float(np.max(np.abs(samples), initial=0.0)) ** 2),
        clipped_fraction=_clipped_samples(samples) / count,
        speech_fraction=int(np.count_nonzero(is_speech)) / count,
        snr_db=_snr_db(samples, is_speech, rate_hz),
        bandwidth_hz=_bandwidth_hz(samples, rate_hz),
        loudness_lufs=loudness_lufs(samples, rate_hz),
    )


def _decibels(power: float) -> float | None:
    return 10.0 * math.log10(power) if power > 0.0 else None


def _speech_mask(segment: Segment) -> NDArray[np.bool_]:
    mask = np.zeros(len(segment.samples), dtype=np.bool_)
    for start, end in segment.speech:
        first = max(0, start - segment.start_sample)
        mask[first : max(first, end - segment.start_sample)] = True
    return mask


def _clipped_samples(samples: NDArray[np.float64]) -> int:
    at_limit = np.abs(samples) >= CLIPPING_LEVEL
    if not at_limit.any():
        return 0
    edges = np.flatnonzero(np.diff(at_limit, prepend=False, append=False))
    runs = edges[1::2] - edges[::2]
    return int(runs[runs >= CLIPPING_RUN_SAMPLES].sum())


def _snr_db(
    samples: NDArray[np.float64], is_speech: NDArray[np.bool_], rate_hz: int
) -> float | None:
    frame = max(1, round(SNR_FRAME_SECONDS * rate_hz))
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    marked = is_speech[: frames.size].reshape(-1, frame).sum(axis=1)
    power = np.einsum("ij,ij->i", frames, frames) / frame
    speech_powers, noise_powers = power[marked == frame], power[marked == 0]
    if not len(speech_powers) or not len(noise_powers):
        return None
    speech, noise = float(speech_powers.mean()), float(noise_powers.mean())
    lowest_db, highest_db = SNR_RANGE_DB
    if speech <= noise:
        return lowest_db if noise > 0.0 else None
    if noise <= 0.0:
        return highest_db
    excess = (speech - noise) / noise
    return min(highest_db, max(lowest_db, 10.0 * math.log10(excess)))


def _bandwidth_hz(samples: NDArray[np.float64], rate_hz: int) -> float | None:
    if len(samples) < SPECTRUM_SAMPLES:
        return None
    hop = max(1, round(SPECTRUM_HOP_SECONDS * rate_hz))
    frames = np.lib.stride_tricks.sliding_window_view(samples, SPECTRUM_SAMPLES)[::hop]
    total = np.zeros(SPECTRUM_SAMPLES // 2 + 1)
    # A few frames at a time: all spectra of a long segment would take many times its size.
    for first in range(0, len(frames), _SPECTRA_AT_ONCE):
        spectra = np.fft.rfft(frames[first : first + _SPECTRA_AT_ONCE] * _HANN)
        total += np.square(spectra.real).sum(axis=0) + np.square(spectra.imag).sum(axis=0)
    peak = float(total.max())
    if peak <= 0.0:
        return None
    within = np.flatnonzero(total >= peak * 10.0 ** (-BANDWIDTH_DEPTH_DB / 10.0))
    return float(within[-1]) * rate_hz / SPECTRUM_SAMPLES
