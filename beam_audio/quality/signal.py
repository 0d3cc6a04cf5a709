"""Signal measures of one segment: numpy in, a :class:`Quality` out; no model, no state.

Full scale is 1.0. A sample that is not a number counts as silence and an infinite one as full
scale, so every measure is a finite number or None, whatever a file holds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.quality.levels import level_of
from beam_audio.quality.loudness import loudness_lufs
from beam_audio.types import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.quality.levels import Level
    from beam_audio.types import Segment

SNR_FRAME_SECONDS: Final = 0.025
SNR_GUARD_SECONDS: Final = 0.1
"""Frames this close to speech hold the edges of words, and are no noise."""
SNR_RANGE_DB: Final = (-10.0, 60.0)
SPECTRUM_SAMPLES: Final = 512
SPECTRUM_HOP_SECONDS: Final = 0.010
BANDWIDTH_DEPTH_DB: Final = 50.0

_SILENT_POWER: Final = 1e-13
"""Less is digital silence: one sample of a frame that differs by the last of 16 bits gives more."""
_SPECTRA_AT_ONCE: Final = 256
_HANN: Final = np.hanning(SPECTRUM_SAMPLES + 1)[:-1]


def measure(segment: Segment, level: Level | None = None) -> Quality:
    """Measure the samples of a segment at the source's own rate.

    * ``rms_dbfs``, ``peak_dbfs``: 20·log10 of root mean square and of the largest magnitude, so a
      full-scale sine has an RMS of -3.01. The RMS is that of the samples less their mean, so an
      offset does not raise it. None for digital silence; the RMS also for a constant.
    * ``clipped_fraction``: share of clipped samples; see :mod:`beam_audio.quality.levels`.
    * ``speech_fraction``: share of samples inside ``segment.speech``.
    * ``snr_db``: 10·log10((Ps - Pn) / Pn). Ps is the mean power, without the offset, of the frames
      of 25 ms that lie in speech as a whole. Pn is ``segment.noise_power``; where that is not
      known, the median power of the segment's own frames that are 0.1 s or more from speech. Kept
      within -10 (speech is no louder than noise) and 60 (the noise is digital silence); None
      without a speech frame or a noise power, or when both are digital silence.
    * ``bandwidth_hz``: highest bin within 50 dB of the peak of the mean power spectrum (512-sample
      Hann windows every 10 ms, no padding), so a multiple of rate / 512; None for digital silence
      or under 512 samples.
    * ``loudness_lufs``: gated loudness of one channel by ITU-R BS.1770-4 over whole 400 ms blocks;
      None under 0.4 s, when every block is under the gate of -70 LUFS, or at a rate under 4 kHz.

    Args:
        segment: ``samples`` is float32 of shape (n,), ``speech`` is in samples of the recording.
        level: Level, peak and clipping of the source's channels where the segment is a mix of
            them; by default those of the segment's own samples.

    Returns:
        The measures, unrounded.
    """
    samples = segment.samples.astype(np.float64)
    if not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    rate_hz = segment.sample_rate_hz
    level = level or level_of(samples)
    return Quality(
        rms_dbfs=level.rms_dbfs,
        peak_dbfs=level.peak_dbfs,
        clipped_fraction=level.clipped_fraction,
        speech_fraction=int(np.count_nonzero(_near_speech(segment, 0))) / max(1, len(samples)),
        snr_db=_snr_db(samples, segment),
        bandwidth_hz=_bandwidth_hz(samples, rate_hz),
        loudness_lufs=loudness_lufs(samples, rate_hz),
    )


def _near_speech(segment: Segment, guard: int) -> NDArray[np.bool_]:
    """Which samples are speech, or less than ``guard`` samples from it; shape (n,)."""
    near = np.zeros(len(segment.samples), dtype=np.bool_)
    for start, end in segment.speech:
        first = max(0, start - guard - segment.start_sample)
        near[first : max(first, end + guard - segment.start_sample)] = True
    return near


def _snr_db(samples: NDArray[np.float64], segment: Segment) -> float | None:
    frame = max(1, round(SNR_FRAME_SECONDS * segment.sample_rate_hz))
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    guard = round(SNR_GUARD_SECONDS * segment.sample_rate_hz)

    def near(guard: int) -> NDArray[np.intp]:
        near = _near_speech(segment, guard)[: frames.size]
        return np.asarray(np.count_nonzero(near.reshape(-1, frame), axis=1))

    powers = _powers(frames)
    spoken, noise = powers[near(0) == frame], segment.noise_power
    if noise is None and len(quiet := powers[near(guard) == 0]):
        noise = float(np.median(quiet))
    if noise is None or not len(spoken):
        return None
    return _ratio_db(float(spoken.mean()), noise)


def _powers(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean squares of the rows of (n, samples) without the offset; 0 for digital silence."""
    means = frames.mean(axis=1)
    sounding = np.square(frames - means[:, np.newaxis]).mean(axis=1) > _SILENT_POWER
    offset = means[sounding].mean() if sounding.any() else 0.0
    return np.where(sounding, np.square(frames - offset).mean(axis=1), 0.0)


def _ratio_db(speech: float, noise: float) -> float | None:
    lowest_db, highest_db = SNR_RANGE_DB
    if speech <= noise:
        return lowest_db if noise > 0.0 else None
    if noise <= 0.0:
        return highest_db
    return min(highest_db, max(lowest_db, 10.0 * math.log10((speech - noise) / noise)))


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
