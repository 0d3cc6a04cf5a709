"""Level, peak and clipping of the channels of a source, before they are mixed.

A mix hides what a channel has: its level sinks, and the flat tops of a clipped channel are added to
the wave of another.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLIPPING_RUN_SAMPLES: Final = 3
"""Shorter runs are not clipping: a lone peak may be real."""
FLAT_TOP_SAMPLES: Final = 9
"""A recording that was clipped and made quieter later has a flat top below full scale. Fewer
samples than these at its peak are none: in a coding of 8 bits, neighbours are often equal."""
FLAT_TOP_LEVEL: Final = 0.01
"""A peak below this is no flat top: the last bits of a quiet recording are equal by nature."""

_FULL_SCALE: Final = 0.999
_FULL_SCALES: Final = {"pcm_mulaw": 0.98, "pcm_alaw": 0.98, "pcm_u8": 0.992, "pcm_s8": 0.992}
_FRAMES_A_BLOCK: Final = 20


@dataclass(frozen=True, slots=True)
class Level:
    """Levels of one channel; see :func:`beam_audio.quality.signal.measure`."""

    rms_dbfs: float | None
    peak_dbfs: float | None
    clipped_fraction: float


def full_scale_of(codec: str) -> float:
    """From which magnitude on a sample may be clipped: a little below the coding's largest."""
    return _FULL_SCALES.get(codec, _FULL_SCALE)


def level_of(samples: NDArray[np.floating], full_scale: float = _FULL_SCALE) -> Level:
    """Levels of one channel.

    A sample is clipped in a run of 3 or more that reach full scale. It is clipped, too, in a run of
    3 or more equal samples at the channel's own highest or lowest value, if the value is no smaller
    than 0.01 and 9 samples or more do so.

    Args:
        samples: Shape (n,), finite; full scale is 1.0.
        full_scale: See :func:`full_scale_of`.
    """
    if not len(samples):
        return Level(None, None, 0.0)
    return _levels(_frames(samples[:, np.newaxis], np.zeros(1, np.intp), full_scale))[0]


class SourceLevels:
    """Levels of all channels of a stream, in memory that does not grow with its length.

    Args:
        block_frames: Length of every block but the last. A stretch is measured in twentieths of it.
        full_scale: See :func:`full_scale_of`.
    """

    def __init__(self, block_frames: int, full_scale: float = _FULL_SCALE) -> None:
        self._block_frames = block_frames
        self._full_scale = full_scale
        self._edges = np.arange(_FRAMES_A_BLOCK) * block_frames // _FRAMES_A_BLOCK
        self._blocks: deque[NDArray[np.float64]] = deque()
        self._dropped = 0

    def push(self, block: NDArray[np.float32]) -> None:
        """Add the next block, finite, of shape (frames, channels)."""
        edges = self._edges[self._edges < len(block)]
        self._blocks.append(_frames(block, edges, self._full_scale))

    def loudest(self, start: int, end: int) -> Level:
        """The highest level, peak and clipped share that a channel has in [start, end).

        The stretch has been pushed, and is not forgotten.
        """
        first, stop = self._frame(start), max(self._frame(start) + 1, self._frame(end))
        levels = _levels(np.concatenate(self._blocks)[first:stop])
        return Level(
            rms_dbfs=max((each.rms_dbfs for each in levels), key=_or_silent),
            peak_dbfs=max((each.peak_dbfs for each in levels), key=_or_silent),
            clipped_fraction=max(each.clipped_fraction for each in levels),
        )

    def drop_before(self, position: int) -> None:
        """Forget what lies before a position."""
        while self._blocks and (self._dropped + 1) * self._block_frames <= position:
            self._blocks.popleft()
            self._dropped += 1

    def _frame(self, position: int) -> int:
        """The held frame whose start is nearest to a position."""
        held = position - self._dropped * self._block_frames
        return round(held * _FRAMES_A_BLOCK / self._block_frames)


def _or_silent(decibels: float | None) -> float:
    return -math.inf if decibels is None else decibels


# What is kept of a frame: number of samples, their sum and that of their squares, the highest and
# the lowest, and how many are clipped at full scale, in a flat run at the highest, at the lowest.
_COUNT, _SUM, _SQUARES, _HIGHEST, _LOWEST, _FULL, _FLAT_HIGH, _FLAT_LOW = range(8)


def _frames(
    block: NDArray[np.floating], edges: NDArray[np.intp], full_scale: float
) -> NDArray[np.float64]:
    """What is kept of the frames that start at ``edges``: shape (frames, channels, 8)."""
    wide = block.astype(np.float64)
    highest = np.maximum.reduceat(wide, edges)
    lowest = np.minimum.reduceat(wide, edges)
    counts = np.diff(edges, append=len(block))
    full = np.abs(wide) >= full_scale
    equal = wide[1:] == wide[:-1]

    def count(which: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.add.reduceat(which.astype(np.float64), edges)

    def flat(extremes: NDArray[np.float64]) -> NDArray[np.float64]:
        reached = wide == (extremes if len(edges) == 1 else np.repeat(extremes, counts, axis=0))
        if not (equal & reached[1:]).any() and not (equal & reached[:-1]).any():
            return np.zeros(extremes.shape)
        runs = _in_runs(equal, CLIPPING_RUN_SAMPLES - 1, reach=1)
        return count(runs & reached & ~full)

    return np.stack(
        (
            np.broadcast_to(counts[:, np.newaxis], highest.shape),
            np.add.reduceat(wide, edges),
            np.add.reduceat(wide * wide, edges),
            highest,
            lowest,
            count(_in_runs(full, CLIPPING_RUN_SAMPLES)) if full.any() else np.zeros(highest.shape),
            flat(highest),
            flat(lowest),
        ),
        axis=2,
    )


def _levels(frames: NDArray[np.float64]) -> list[Level]:
    """Levels of each channel over frames as :func:`_frames` makes them."""
    return [_level(frames[:, channel]) for channel in range(frames.shape[1])]


def _level(frames: NDArray[np.float64]) -> Level:
    count = frames[:, _COUNT].sum()
    highest, lowest = frames[:, _HIGHEST].max(), frames[:, _LOWEST].min()
    mean = frames[:, _SUM].sum() / count
    clipped = frames[:, _FULL].sum()
    for column, extreme, flat in (
        (_HIGHEST, highest, _FLAT_HIGH),
        (_LOWEST, lowest, _FLAT_LOW),
    ):
        tops = frames[frames[:, column] == extreme, flat].sum()
        reached = min(abs(extreme), abs(extreme - mean))  # an offset alone reaches nothing
        if tops >= FLAT_TOP_SAMPLES and reached >= FLAT_TOP_LEVEL:
            clipped += tops
    mean_square = frames[:, _SQUARES].sum() / count
    power = mean_square - mean * mean
    return Level(
        # What is left of an offset alone is the rounding of the sums.
        rms_dbfs=decibels(power) if power > 1e-14 * mean_square else None,
        peak_dbfs=decibels(max(highest, -lowest) ** 2),
        clipped_fraction=float(clipped / count),
    )


def decibels(power: float) -> float | None:
    """A power in decibels; None for no power."""
    return 10.0 * math.log10(power) if power > 0.0 else None


def _in_runs(which: NDArray[np.bool_], shortest: int, reach: int = 0) -> NDArray[np.bool_]:
    """Mark runs of at least ``shortest`` down each column, and ``reach`` rows after their ends."""
    marked = np.zeros((len(which) + reach, which.shape[1]), np.bool_)
    for channel in range(which.shape[1]):
        edges = np.flatnonzero(np.diff(which[:, channel], prepend=False, append=False))
        starts, stops = edges[::2], edges[1::2]
        long = stops - starts >= shortest
        if not long.any():
            continue
        turns = np.zeros(len(marked) + 1, np.int64)
        np.add.at(turns, starts[long], 1)
        np.add.at(turns, stops[long] + reach, -1)
        marked[:, channel] = np.cumsum(turns)[:-1] > 0
    return marked
