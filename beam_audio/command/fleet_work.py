"""What there is to do for a fleet on paper: units of recordings, and shares of the long ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.errors import ConfigError
from beam_audio.unit.packing import MAX_UNIT_INPUTS
from beam_audio.unit.share import FEWEST_PARTS, starts_of_shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HOUR_SECONDS: Final = 3600.0
NO_LENGTHS: Final = "--simulate needs at least one recording of known length in the input"


@dataclass(frozen=True, slots=True)
class Recordings:
    """Lengths and encoded sizes of recordings, each of shape (recordings,), in any fixed order."""

    seconds: NDArray[np.float64]
    size_bytes: NDArray[np.int64]

    def scaled_to(self, hours: float, *, seed: int = 0) -> Recordings:
        """So many hours of recordings, drawn from these with replacement.

        Raises:
            ConfigError: No recording has a length.
        """
        total_hours = self.seconds.sum() / _HOUR_SECONDS
        if not total_hours:
            raise ConfigError(NO_LENGTHS)
        count = max(1, round(hours / total_hours * len(self.seconds)))
        drawn = np.random.default_rng(seed).integers(0, len(self.seconds), count)
        return Recordings(self.seconds[drawn], self.size_bytes[drawn])


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one hand of a worker works.

    Attributes:
        times_real_time: Its speed.
        unit_seconds: What a unit, a share or a saved part takes beside its audio: opening, writing.
        decode_seconds: What it takes to decode a second of audio and to search it for speech. It is
            part of the speed, and comes again before the range of each share.
    """

    times_real_time: float
    unit_seconds: float = 0.0
    decode_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """How work is cut: most encoded bytes of a unit, and the length of a saved part."""

    unit_bytes: int
    part_seconds: float = math.inf


def seconds_of_work(
    recordings: Recordings, cut: Cut, pace: Pace, workers: int = 1
) -> NDArray[np.float64]:
    """Seconds that each piece of work takes in one hand of a worker, shape (pieces,).

    Recordings share units as :func:`beam_audio.unit.packing.into_units` has them. Long recordings
    are shared as :func:`beam_audio.unit.share.shares_of` does it; their shares come first, and
    their units have nothing of them left to do.

    Args:
        recordings: What is transcribed.
        cut: Sizes of units and parts.
        pace: Speed of one hand.
        workers: How many may share a recording.
    """
    seconds = recordings.seconds / pace.times_real_time
    is_long = recordings.seconds > cut.part_seconds
    saved = np.floor(recordings.seconds[is_long] / cut.part_seconds)
    seconds[is_long] += saved * pace.unit_seconds
    shares: list[float] = []
    if workers > 1:
        for index in np.flatnonzero(recordings.seconds >= 2 * FEWEST_PARTS * cut.part_seconds):
            found = _shares(float(recordings.seconds[index]), cut.part_seconds, pace, workers)
            if len(found) > 1:
                shares += found
                seconds[index] = 0.0
    units = np.add.reduceat(seconds, _starts(recordings.size_bytes, cut.unit_bytes))
    return np.concatenate([np.array(shares), units + pace.unit_seconds])


def _shares(seconds: float, part_seconds: float, pace: Pace, workers: int) -> list[float]:
    """Seconds of each share of a recording: all before it is decoded again."""
    starts = starts_of_shares(math.ceil(seconds / part_seconds), workers)
    stops = [*starts[1:], seconds / part_seconds]
    return [
        (stop - start) * (part_seconds / pace.times_real_time + pace.unit_seconds)
        + start * part_seconds * pace.decode_seconds
        + pace.unit_seconds
        for start, stop in zip(starts, stops, strict=True)
    ]


def _starts(size_bytes: NDArray[np.int64], unit_bytes: int) -> NDArray[np.int64]:
    """Index of the first recording of each unit."""
    starts, held_bytes, held = [0], 0, 0
    for index, size in enumerate(size_bytes.tolist()):
        if held and (held_bytes + size > unit_bytes or held == MAX_UNIT_INPUTS):
            starts.append(index)
            held_bytes = held = 0
        held_bytes += size
        held += 1
    return np.array(starts)
