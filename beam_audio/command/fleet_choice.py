"""How many workers, and how large units: the cheapest of some that end in time, on paper."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.command.fleet import Fleet, Outcome, simulate
from beam_audio.errors import ConfigError
from beam_audio.unit.packing import MAX_UNIT_INPUTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HOUR_SECONDS: Final = 3600.0
_MEBIBYTE: Final = 1 << 20
UNIT_MEBIBYTES: Final = (4, 8, 16, 32, 64, 128)
_NO_LENGTHS: Final = "--simulate needs at least one recording of known length in the input"
_GROWTH: Final = 1.15
"""A fleet that ends too late grows by this factor until it does not."""
_NEXT_TO_NOTHING: Final = 0.03
_MOST_WORKERS: Final = 4000
"""Most workers of one Dataflow job, by Google's documentation of its quotas."""


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
            raise ConfigError(_NO_LENGTHS)
        count = max(1, round(hours / total_hours * len(self.seconds)))
        drawn = np.random.default_rng(seed).integers(0, len(self.seconds), count)
        return Recordings(self.seconds[drawn], self.size_bytes[drawn])


@dataclass(frozen=True, slots=True)
class Choice:
    """A size of units, a fleet, and how the job went."""

    unit_mebibytes: int
    units: int
    fleet: Fleet
    outcome: Outcome

    def cost(self, price: float) -> float:
        """What the job costs at a price per worker and hour."""
        return self.outcome.worker_seconds / _HOUR_SECONDS * price


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker to choose a number of.

    Attributes:
        times_real_time: Its speed, with all hands full.
        units_at_a_time: Its hands.
        price: What it costs per hour.
        start_seconds: From asking for it to its first unit; None for the usual.
        preemptions_per_hour: How often it is taken away; None for the usual.
    """

    times_real_time: float
    units_at_a_time: int
    price: float
    start_seconds: float | None = None
    preemptions_per_hour: float | None = None

    def fleet(self) -> Fleet:
        """A fleet of one such worker."""
        usual, start, rate = _table(), self.start_seconds, self.preemptions_per_hour
        return Fleet(
            max_workers=1,
            units_at_a_time=self.units_at_a_time,
            start_seconds=usual["start_seconds"] if start is None else start,
            scale_seconds=usual["scale_seconds"],
            preemptions_per_hour=usual["preemptions_per_hour"] if rate is None else rate,
            slow_share=usual["slow_share"],
            slow_factor=usual["slow_factor"],
        )


def simulated(recordings: Recordings, worker: Worker, deadline_hours: float) -> str:
    """What the job takes by size of units, the flags of the best, and what is assumed.

    Raises:
        ConfigError: No recording has a length, no fleet ends in time, or none ever.
    """
    if not recordings.seconds.any():
        raise ConfigError(_NO_LENGTHS)
    fleet, unit_seconds = worker.fleet(), _table()["unit_seconds"]
    found = choices(
        recordings,
        fleet,
        times_real_time=worker.times_real_time,
        unit_seconds=unit_seconds,
        deadline_hours=deadline_hours,
    )
    hours = recordings.seconds.sum() / _HOUR_SECONDS
    return (
        f"simulated: {len(recordings.seconds):,} recordings of {hours:,.2f} h, until all is "
        f"committed\n{fleet_table(found, price=worker.price)}\n"
        f"assumed: {fleet.units_at_a_time} units at a time, {fleet.start_seconds:g} s to start, "
        f"{unit_seconds:g} s a unit beside its audio, {fleet.preemptions_per_hour:g} preemptions "
        f"an hour of a worker, {fleet.slow_share:.0%} of workers {fleet.slow_factor:g} times as "
        f"slow ({_table()['from']})"
    )


def seconds_of_units(
    recordings: Recordings, unit_bytes: int, *, times_real_time: float, unit_seconds: float
) -> NDArray[np.float64]:
    """Seconds that each unit takes in one hand of a worker, shape (units,).

    Recordings share units as :func:`beam_audio.unit.packing.into_units` has them.

    Args:
        recordings: What is transcribed.
        unit_bytes: Most encoded bytes of a unit that has more than one recording.
        times_real_time: Speed of one hand.
        unit_seconds: What a unit takes beside its audio: opening, writing, committing.
    """
    starts = _starts(recordings.size_bytes, unit_bytes)
    audio_seconds = np.add.reduceat(recordings.seconds, starts)
    seconds: NDArray[np.float64] = audio_seconds / times_real_time + unit_seconds
    return seconds


def choices(
    recordings: Recordings,
    fleet: Fleet,
    *,
    times_real_time: float,
    unit_seconds: float,
    deadline_hours: float,
) -> list[Choice]:
    """For each size of units the smallest fleet that ends in time, if any does.

    Args:
        recordings: What is transcribed.
        fleet: What workers are like; their number is chosen.
        times_real_time: Speed of one worker, with all its hands full.
        unit_seconds: What a unit takes beside its audio.
        deadline_hours: Hours until the last commit, starting workers included.

    Raises:
        ConfigError: No fleet ends in time, or none ever.
    """
    found = []
    speed = times_real_time / fleet.units_at_a_time
    for mebibytes in UNIT_MEBIBYTES:
        units = seconds_of_units(
            recordings, mebibytes * _MEBIBYTE, times_real_time=speed, unit_seconds=unit_seconds
        )
        choice = _smallest(units, fleet, mebibytes, deadline_hours * _HOUR_SECONDS)
        if choice is not None:
            found.append(choice)
    if not found:
        longest = recordings.seconds.max() / speed / _HOUR_SECONDS
        raise ConfigError(
            f"--deadline_hours={deadline_hours:g} cannot be kept by {_MOST_WORKERS:,} workers or "
            f"less: starting takes {fleet.start_seconds / 60:.0f} min and the longest recording "
            f"{longest:.2f} h; give more time"
        )
    return found


def _smallest(
    units: NDArray[np.float64], fleet: Fleet, mebibytes: int, deadline_seconds: float
) -> Choice | None:
    hands_seconds = float(units.sum()) / fleet.units_at_a_time
    workers = max(1, math.ceil(hands_seconds / deadline_seconds))
    while workers <= _MOST_WORKERS:
        tried = replace(fleet, max_workers=workers)
        try:
            outcome = simulate(units, tried)
        except ValueError as error:
            raise ConfigError(f"no fleet ends: {error}") from error
        if outcome.seconds <= deadline_seconds:
            return Choice(mebibytes, len(units), tried, outcome)
        if workers >= len(units):
            return None  # more would find nothing to do
        workers = math.ceil(workers * _GROWTH)
    return None


def recommended(found: list[Choice]) -> Choice:
    """The smallest units that cost next to nothing more than the cheapest.

    Small units commit sooner, and repeat less after a fault.
    """
    least = min(each.outcome.worker_seconds for each in found)
    cheap = [
        each for each in found if each.outcome.worker_seconds <= least * (1 + _NEXT_TO_NOTHING)
    ]
    return min(cheap, key=lambda each: each.unit_mebibytes)


def fleet_table(found: list[Choice], *, price: float) -> str:
    """The choices as aligned text, and the flags of the best of them."""
    best = recommended(found)
    head = ("unit_bytes", "units", "workers", "done in", "cost", "idle", "taken away")
    rows = [
        (
            f"{each.unit_mebibytes} MiB",
            f"{each.units:,}",
            f"{each.fleet.max_workers:,}",
            f"{each.outcome.seconds / _HOUR_SECONDS:,.2f} h",
            f"{each.cost(price):,.2f}",
            f"{each.outcome.idle_share:.0%}",
            f"{each.outcome.preemptions:,}",
        )
        for each in found
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (head, *rows)
    ]
    flags = (
        f"--unit_bytes={best.unit_mebibytes * _MEBIBYTE} --max_num_workers={best.fleet.max_workers}"
    )
    lines.append(f"recommended: {flags}")
    return "\n".join(lines)


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


def _table() -> dict[str, Any]:
    file = resources.files("beam_audio").joinpath("data/fleet.json")
    table: dict[str, Any] = json.loads(file.read_bytes())
    return table
